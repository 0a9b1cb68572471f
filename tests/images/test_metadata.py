"""What a file says about its picture: kept in every format that can hold it, converted or named elsewhere."""

import dataclasses
import io
import struct
import time
import zlib

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile

from srnet.errors import DataError
from srnet.images import jpeg2000, png, tiff
from srnet.images.file_formats import fit_to_format, natural_format
from srnet.images.metadata import Metadata
from srnet.images.parts import PartsOfFile
from srnet.images.picture import Picture
from srnet.images.pillow import info_of
from srnet.images.read import read_picture
from srnet.images.resolution import Resolution, valid_resolution
from srnet.images.write import encode, write_picture
from tests.pictures import SRGB, png_chunk

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (12, 16, 3), np.uint8)
SWAPPED = SRGB.replace(b"rXYZ", b"____").replace(b"gXYZ", b"rXYZ").replace(b"____", b"gXYZ")  # red is green
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:Description tiff:Orientation=\"1\" dc:title='T'/></x:xmpmeta>"
IPTC = b"\x1c\x02\x78\0\4text"
ALL = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "JPEG2000")


def _chromaticities(*primaries):
    """A cHRM chunk with the white of D65."""
    return struct.pack(">8I", 31270, 32900, *primaries)


def _gray_profile(gamma):
    """An ICC profile of grayscale, by the standard: header, three tags."""
    tags = {
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061),
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">IH", 1, int(gamma * 256)) + b"\0\0",
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"gray\0" + bytes(4 + 4 + 2 + 1 + 67 + 2),
    }
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    size = 128 + len(table) + len(data)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ") + bytes(12) + b"acsp"
    return head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061) + bytes(48) + table + data


def _exif(**tags):
    exif = PIL.Image.Exif()
    exif[271], exif[40091], exif[18246] = "a camera", "Titel".encode("utf-16-le"), 4  # Make, XPTitle, Rating
    exif.get_ifd(0x8769)[0x829A] = 0.004
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8769)[0xA005] = {1: "R98"}
    for name, value in tags.items():
        exif[int(name[1:])] = value
    return exif.tobytes()


def _png(*chunks, pixels=PIXELS):
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    data = file.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]


def _file(kind, pixels=PIXELS, **options):
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


FULL = read_picture(
    _png(
        png_chunk(b"iCCP", b"p\0\0" + zlib.compress(SRGB)),
        png_chunk(b"eXIf", _exif().removeprefix(b"Exif\0\0")),
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)),
        png_chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
        png_chunk(b"tEXt", b"Title\0A view"),
        png_chunk(b"tEXt", b"Comment\0nice"),
    )
)
FULL = dataclasses.replace(FULL, metadata=dataclasses.replace(FULL.metadata, iptc=IPTC))


def _dpi(metadata):
    return metadata.resolution.per(2) if metadata.resolution else None


def test_png_says_it_all():
    metadata = FULL.metadata
    assert (metadata.icc, metadata.xmp, metadata.iptc) == (SRGB, XMP, IPTC)
    assert metadata.text == ((b"tEXt", b"Title\0A view"), (b"tEXt", b"Comment\0nice"))
    np.testing.assert_allclose(_dpi(metadata), 300, atol=0.01)
    exif = PIL.Image.Exif()
    exif.load(metadata.exif)
    assert exif[271] == "a camera" and exif[18246] == 4 and exif[40091] == "Titel".encode("utf-16-le")
    assert exif.get_ifd(0x8769)[0x829A] == 0.004 and exif.get_ifd(0x8825)[1] == "N" and exif.get_ifd(0xA005)[1] == "R98"


@pytest.mark.parametrize("kind", ALL)
def test_each_format_keeps_what_it_can_hold(kind):
    _, notes = fit_to_format(FULL, kind)
    picture = read_picture(encode(FULL, kind))
    kept, given = picture.metadata, FULL.metadata
    assert (kept.icc, kept.xmp) == (SRGB, XMP)
    blocks = [tiff.swapped(tiff.read_block(io.BytesIO(exif)), "<").tags for exif in (kept.exif, given.exif)]
    assert blocks[0] == blocks[1] | {tag: blocks[0][tag] for tag in blocks[0] if tag in (282, 283, 296)}
    np.testing.assert_allclose(_dpi(kept), 300, atol=0.01)
    lost = {"PNG": [], "JPEG": ["text"], "TIFF": ["the comment", "text"], "JPEG2000": ["the comment", "text"]}
    names = lost.get(kind, ["IPTC", "the comment", "text"])
    assert notes == ([f"{kind} cannot hold {', '.join(names)}; left out"] if names else [])
    assert kept.iptc == (None if "IPTC" in names else IPTC)
    assert kept.text == {"PNG": given.text, "JPEG": given.text[1:]}.get(kind, ())
    assert not picture.notes


def test_all_comments_are_kept():
    text = ((b"tEXt", b"Comment\0first"), (b"tEXt", b"Comment\0second"))
    jpeg = encode(Picture(PIXELS, "RGB", metadata=Metadata(text=text)), "JPEG")
    with PIL.Image.open(io.BytesIO(jpeg)) as image:
        assert [data for name, data in image.applist if name == "COM"] == [b"first", b"second"]
    assert read_picture(jpeg).metadata.text == text
    too_long = (*text, (b"tEXt", b"Comment\0" + bytes(70_000)))
    _, notes = fit_to_format(Picture(PIXELS, "RGB", metadata=Metadata(text=too_long)), "JPEG")
    assert notes == ["JPEG cannot hold the comment; left out"]


@pytest.mark.parametrize("comment", ["plain", "Café ü", "日本"])
def test_comments_keep_their_letters(comment):
    file = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(file, "JPEG", comment=comment.encode())
    png_file = encode(read_picture(file.getvalue()), "PNG")
    with PIL.Image.open(io.BytesIO(png_file)) as image:
        assert image.text["Comment"] == comment
    with PIL.Image.open(io.BytesIO(encode(read_picture(png_file), "JPEG"))) as image:
        assert image.info["comment"].decode() == comment


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_maker_note_stays_where_its_own_offsets_expect_it(kind):
    """As a camera writes EXIF: with layout tags and a thumbnail, which are left out."""
    exif = PIL.Image.Exif()
    exif.update({256: 16, 257: 12, 271: "a camera", 274: 1, 282: 72.0, 283: 72.0, 531: 1})
    exif.get_ifd(0x8769).update({0x829A: 0.004, 0x927C: b"note" * 25, 0xA002: 16})
    block = tiff.read_block(io.BytesIO(exif.tobytes()[6:]))
    place = block.tags[0x8769].inside[0x927C].place
    assert exif.tobytes()[6:][place : place + 100] == b"note" * 25
    file = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(file, "JPEG", exif=exif)
    made = encode(read_picture(file.getvalue()), kind)
    with PIL.Image.open(io.BytesIO(made)) as image:
        written = image.info["exif"].removeprefix(b"Exif\0\0")
    assert written[place : place + 100] == b"note" * 25
    kept = PIL.Image.Exif()
    kept.load(written)
    assert kept[271] == "a camera" and kept.get_ifd(0x8769)[0x927C] == b"note" * 25


def test_jpeg_2000_with_photoshops_box_of_exif():
    exif = PIL.Image.Exif()
    exif[271] = "a camera"
    made = encode(Picture(PIXELS, "RGB", metadata=Metadata(exif=exif.tobytes()[6:])), "JPEG2000")
    assert made.count(b"JpgTiffExif->JP2") == 1
    picture = read_picture(made.replace(b"JpgTiffExif->JP2", bytes.fromhex("0537cdab9d0c4431a72afa561f2a113e")))
    assert b"a camera" in picture.metadata.exif


def test_the_files_own_resolution_comes_first():
    file = io.BytesIO()
    exif = PIL.Image.Exif()
    exif.update({282: 72.0, 283: 72.0, 296: 2})
    PIL.Image.fromarray(PIXELS).save(file, "JPEG", dpi=(300, 300), exif=exif)
    for kind in ("WEBP", "AVIF", "TIFF", "PNG"):
        made = read_picture(encode(read_picture(file.getvalue()), kind))
        np.testing.assert_allclose(_dpi(made.metadata), 300, atol=0.1)


def test_iptc_among_photoshops_resources_of_a_tiff(tmp_path):
    resources = b"8BIM\4\4\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0" * (len(IPTC) % 2)
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, extratags=[(34377, 7, len(resources), resources, True)])
    assert read_picture(tmp_path / "a.tif").metadata.iptc == IPTC


def test_extended_xmp_is_left_out_however_it_is_written():
    guid = "0123456789ABCDEF0123456789ABCDEF"
    packet = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><xmpNote:HasExtendedXMP>{guid}</xmpNote:HasExtendedXMP></x:xmpmeta>"
    picture = read_picture(encode(Picture(PIXELS, "RGB", metadata=Metadata(xmp=packet.encode())), "JPEG"))
    assert picture.notes == ("its extended XMP is left out",) and b"HasExtendedXMP" not in picture.metadata.xmp


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_deep_tiffs_keep_it_too(dtype):
    pixels = PIXELS.astype(dtype) * (257 if dtype == "uint16" else 1 / 255)
    picture = read_picture(encode(dataclasses.replace(FULL, pixels=pixels.astype(dtype)), "TIFF"))
    assert (picture.metadata.icc, picture.metadata.xmp, picture.metadata.iptc) == (SRGB, XMP, IPTC)
    np.testing.assert_allclose(_dpi(picture.metadata), 300, atol=0.01)
    np.testing.assert_array_equal(picture.pixels, pixels.astype(dtype))


@pytest.mark.parametrize(("kind", "lost"), [("TGA", True), ("PPM", True), ("BMP", False)])
def test_formats_that_hold_little_name_what_is_left_out(kind, lost):
    swapped = dataclasses.replace(FULL, metadata=dataclasses.replace(FULL.metadata, icc=SWAPPED))
    picture, notes = fit_to_format(swapped, kind)
    names = "EXIF, XMP, IPTC, the resolution, the comment, text" if lost else "EXIF, XMP, IPTC, the comment, text"
    assert notes == [
        f"{kind} cannot hold the color profile; converted to sRGB",
        f"{kind} cannot hold {names}; left out",
    ]
    colors = picture.pixels.astype(int)
    assert np.abs(colors[..., [1, 0, 2]] - PIXELS).max() <= 3  # the profile says that red is green
    dpi = _dpi(read_picture(encode(swapped, kind)).metadata)
    assert dpi is None if lost else dpi == pytest.approx([300, 300], abs=0.02)


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_the_resolution_of_a_16_bit_png_is_said_once(kind):
    data = _file(kind, dpi=(300, 300))
    picture = read_picture(data)
    if kind == "PNG":
        picture = dataclasses.replace(picture, pixels=PIXELS.astype(np.uint16) * 257)
    written = encode(picture, kind)
    with PIL.Image.open(io.BytesIO(written)) as image:
        np.testing.assert_allclose(image.info["dpi"], 300, atol=0.02)
    assert kind == "BMP" or written.count(b"pHYs") == 1


def test_a_resolution_that_is_not_known_is_not_said():
    plain = Picture(PIXELS, "RGB")
    assert b"pHYs" not in encode(plain, "PNG")
    with PIL.Image.open(io.BytesIO(encode(plain, "JPEG"))) as image:
        assert (image.info["jfif_unit"], image.info["jfif_density"]) == (0, (1, 1))
    assert all(read_picture(encode(plain, kind)).metadata == Metadata() for kind in ALL)


def test_a_shape_of_pixels_is_kept():
    wide = Picture(PIXELS, "RGB", metadata=Metadata(resolution=Resolution(2, 1, 1)))
    for kind in ("PNG", "JPEG", "TIFF"):
        assert read_picture(encode(wide, kind)).metadata.resolution == Resolution(2, 1, 1)


def test_png_colours_stay_in_png():
    chunks = ((b"gAMA", struct.pack(">I", 100000)), (b"cICP", bytes([12, 13, 0, 1])))
    picture = read_picture(_png(*(png_chunk(*each) for each in chunks)))
    again = read_picture(encode(picture, "PNG"))
    assert again.metadata.png_colors == chunks
    np.testing.assert_array_equal(again.pixels, PIXELS)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"gAMA", bytes(4)),
        (b"gAMA", b"\0"),
        (b"cHRM", _chromaticities(64000, 33000, 30000, 0, 15000, 6000)),
        (b"cHRM", struct.pack(">8I", 31270, 0, 64000, 33000, 30000, 60000, 15000, 6000)),
        (b"cHRM", _chromaticities(10000, 10000, 20000, 20000, 30000, 30000)),
        # on a line but for rounding
        (b"cHRM", _chromaticities(3635088176, 3217509546, 3635920216, 3218023775, 3635602405, 3217827357)),
        (b"cHRM", _chromaticities(173879092, 1112038971, 174711132, 1113385240, 174393321, 1112871011)),
        (b"mDCV", bytes(23)),
        (b"cLLI", bytes(9)),
        (b"cHRM", bytes(31)),
        (b"cICP", b"\1\1\0"),
        (b"sRGB", b""),
    ],
)
def test_damaged_colours_of_a_png_are_left_out(kind, data):
    picture = read_picture(_png(png_chunk(kind, data)))
    assert picture.metadata == Metadata() and picture.notes == ("damaged metadata is left out",)
    assert read_picture(encode(picture, "JPEG")).size == picture.size


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gamma_becomes_srgb_elsewhere(dtype):
    peak = np.iinfo(dtype).max
    metadata = Metadata(png_colors=((b"gAMA", struct.pack(">I", 100000)),))
    pixels = np.full((4, 4, 4), round(peak * 0.5), dtype)
    picture, notes = fit_to_format(Picture(pixels, "RGBA", metadata=metadata), "TIFF")
    assert notes == ["TIFF cannot hold the color space; converted to sRGB"]
    assert picture.metadata == Metadata() and picture.pixels.dtype == dtype
    # half of the light is 0.7354 in sRGB, by IEC 61966-2-1; opacity is no color
    np.testing.assert_allclose(picture.pixels[0, 0] / peak, [0.7354] * 3 + [0.5], atol=0.004)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"cICP", bytes([12, 13, 0, 1])),
        (b"cHRM", _chromaticities(68000, 32000, 26500, 69000, 15000, 6000)),
    ],
)
def test_primaries_become_srgb_elsewhere(kind, data):
    metadata = Metadata(png_colors=((kind, data),))
    pixels = np.full((2, 2, 3), (200, 100, 100), np.uint8)
    picture, _ = fit_to_format(Picture(pixels, "RGB", metadata=metadata), "JPEG")
    linear = np.where(pixels[0, 0] / 255 <= 0.04045, 0, ((pixels[0, 0] / 255 + 0.055) / 1.055) ** 2.4)
    matrix = [[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]]  # Display P3 to sRGB
    expected = 1.055 * (np.array(matrix) @ linear) ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(picture.pixels[0, 0], expected * 255, atol=1)


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"sRGB", b"\0")],
        [(b"gAMA", struct.pack(">I", 45455))],
        [
            (b"gAMA", struct.pack(">I", 45455)),
            (b"cHRM", _chromaticities(64000, 33000, 30000, 60000, 15000, 6000)),
        ],
    ],
)
def test_srgb_needs_no_conversion(chunks):
    picture, _ = fit_to_format(Picture(PIXELS, "RGB", metadata=Metadata(png_colors=tuple(chunks))), "JPEG")
    np.testing.assert_array_equal(picture.pixels, PIXELS)


def test_colours_that_can_be_neither_held_nor_converted_are_refused():
    hdr = Metadata(png_colors=((b"cICP", bytes([9, 16, 0, 1])),))
    with pytest.raises(DataError, match="JPEG cannot hold the color space, and its colors .CICP 9/16. cannot be conv"):
        fit_to_format(Picture(PIXELS, "RGB", metadata=hdr), "JPEG")
    with pytest.raises(DataError, match="cannot hold the color profile"):
        fit_to_format(Picture(PIXELS, "RGB", metadata=Metadata(icc=b"no profile")), "TGA")
    assert natural_format(Picture(PIXELS, "RGB", "AVIF", metadata=hdr)) == "PNG"
    p3 = Metadata(png_colors=((b"cICP", bytes([12, 13, 0, 1])),))
    assert natural_format(Picture(PIXELS, "RGB", "AVIF", metadata=p3)) == "AVIF"
    deep = Picture(PIXELS.astype(np.uint16), "RGB", metadata=Metadata(icc=SRGB))
    with pytest.raises(DataError, match="PPM cannot hold the color profile, and .* only those of 8-bit"):
        fit_to_format(deep, "PPM")


def test_a_gray_profile_fits_no_webp():
    gray = np.full((8, 8), 128, np.uint8)
    picture = Picture(gray, "L", metadata=Metadata(icc=_gray_profile(1.0)))
    assert read_picture(encode(picture, "PNG")).metadata.icc == picture.metadata.icc
    written = read_picture(encode(picture, "WEBP"))
    assert written.metadata.icc is None
    np.testing.assert_allclose(written.pixels.astype(int), 188, atol=2)  # 0.502 of the light in sRGB


def test_lossless_webp_stays_lossless():
    for lossless in (True, False):
        picture = read_picture(_file("WEBP", lossless=lossless, icc_profile=SRGB))
        again = read_picture(encode(picture, "WEBP"))
        assert picture.lossless == again.lossless == lossless
        assert np.array_equal(again.pixels, picture.pixels) == lossless


def test_a_tiff_with_exif_is_compressed():
    picture = read_picture(_file("TIFF", np.zeros((400, 400, 3), np.uint8), exif=_exif()))
    data = encode(picture, "TIFF")
    with PIL.Image.open(io.BytesIO(data)) as image:
        assert image.tag_v2[259] in (8, 32946) and image.getexif()[271] == "a camera"
        assert image.getexif().get_ifd(0x8769)[0x829A] == 0.004
    assert len(data) < 20000


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tags_of_any_tiff_are_kept(tmp_path, big, order):
    tags = [(271, "s", 0, "a camera", True), (18246, "H", 1, 4, True), (0x0112, "H", 1, 6, True)]
    tifffile.imwrite(
        tmp_path / "x.tif",
        PIXELS,
        bigtiff=big,
        byteorder=order,
        photometric="rgb",
        extratags=tags,
        resolution=(300, 300),
        resolutionunit=2,
    )
    picture = read_picture(tmp_path / "x.tif")
    assert picture.size == (16, 12) and picture.format == "TIFF"
    for kind in ALL:
        kept = read_picture(encode(picture, kind))
        block = tiff.read_block(io.BytesIO(kept.metadata.exif))
        assert block.tags[271].data.rstrip(b"\0") == b"a camera" and block.numbers(18246) == (4,), kind
        assert tiff.ORIENTATION not in block.tags and kept.size == (16, 12)
        np.testing.assert_allclose(_dpi(kept.metadata), 300, atol=0.01)


def test_xmp_turns_a_picture_once():
    xmp = XMP.replace(b'tiff:Orientation="1"', b'tiff:Orientation="6"')
    picture = read_picture(_png(png_chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + xmp)))
    np.testing.assert_array_equal(picture.pixels, np.rot90(PIXELS, -1))
    assert picture.metadata.xmp == XMP


def test_what_belongs_to_the_smaller_pixels_is_said(tmp_path):
    tags = [(33550, "d", 3, (1.0, 1.0, 0.0), True)]
    tifffile.imwrite(tmp_path / "x.tif", PIXELS, photometric="rgb", extratags=tags, metadata=None, software=False)
    picture = read_picture(tmp_path / "x.tif")
    assert picture.notes == ("its georeferencing is left out, since it is valid only for the original size",)
    assert picture.metadata.exif is None


NOISE = RANDOM.bytes(1_200_000)
LONG_PROFILE = struct.pack(">I", len(SRGB) + len(NOISE)) + SRGB[4:] + NOISE


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("chunk", "note"),
    [
        (png_chunk(b"iCCP", b"p\0\0" + zlib.compress(LONG_PROFILE)), False),
        (png_chunk(b"zTXt", b"workflow\0\0" + zlib.compress(NOISE)), False),
        (png_chunk(b"tEXt", b"workflow\0" + NOISE.replace(b"\0", b"0")), False),
        (png_chunk(b"tEXt", b"Comment\0hello", broken=True), True),
        (png_chunk(b"iCCP", b"p\0\0not compressed"), True),
        (png_chunk(b"iCCP", b"p\0\0" + zlib.compress(SRGB)[:-20]), True),
        (png_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(2**27))), True),
        (png_chunk(b"eXIf", b"XX"), True),
        (png_chunk(b"pHYs", b"short"), True),
    ],
)
def test_no_metadata_refuses_a_sound_png(dtype, chunk, note):
    pixels = PIXELS.astype(dtype) * (1 if dtype == np.uint8 else 257)
    plain = encode(Picture(pixels, "RGB"), "PNG")
    picture = read_picture(plain[:33] + chunk + plain[33:])
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert picture.notes == (("damaged metadata is left out",) if note else ())
    again = read_picture(encode(picture, "PNG"))
    assert again.metadata == picture.metadata and (note or again.metadata != Metadata())


def test_own_png_of_a_long_profile_is_read():
    picture = read_picture(_file("JPEG", icc_profile=LONG_PROFILE))
    assert read_picture(encode(picture, "PNG")).metadata.icc == LONG_PROFILE


def _directory(*entries, tail=b""):
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHI", *each[:3]) + each[3] for each in entries)
    return b"II*\0" + struct.pack("<I", 8) + body + bytes(4) + tail


_ODD_EXIF = {
    "empty": (b"", False),
    "header only": (b"II*\0", True),
    "no header": (b"XX\0\0\0\0\0\0", True),
    "outside": (b"II*\0" + struct.pack("<I", 9999), True),
    "value outside": (_directory((282, 5, 1, struct.pack("<I", 5000))), True),
    "over zero": (_directory((282, 5, 1, struct.pack("<I", 26)), tail=struct.pack("<II", 300, 0)), False),
    "make as a number": (_directory((271, 3, 1, b"\7\0\0\0")), False),
    "unknown type": (_directory((271, 99, 1, bytes(4))), True),
    "directory outside": (_directory((0x8769, 4, 1, struct.pack("<I", 60000))), True),
    "directory in itself": (_directory((0x8769, 4, 1, struct.pack("<I", 8))), True),
    "a text for a directory": (_directory((0x8825, 2, 4, b"abc\0")), True),
    "four billion": (_directory((271, 2, 0xFFFFFFFF, struct.pack("<I", 8))), True),
    "two orientations": (_directory((0x0112, 3, 2, struct.pack("<HH", 6, 6))), False),
    "orientation 99": (_directory((0x0112, 3, 1, struct.pack("<HH", 99, 0))), False),
}


@pytest.mark.parametrize("name", _ODD_EXIF)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_odd_exif_refuses_no_picture(name, kind):
    exif, damaged = _ODD_EXIF[name]
    if kind == "PNG":
        data = _png(png_chunk(b"eXIf", exif))
    elif kind == "JPEG":
        data = _file("JPEG")
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif + data[2:]
    else:
        data = _file("WEBP", exif=exif or b"\0")
    picture = read_picture(data)
    assert picture.size == (12, 16)
    assert bool(picture.notes) == damaged
    for target in ALL:
        assert read_picture(encode(picture, target)).notes == ()


def test_segments_of_jpeg_have_a_longest():
    metadata = dataclasses.replace(FULL.metadata, xmp=XMP + bytes(70000))
    assert fit_to_format(dataclasses.replace(FULL, metadata=metadata), "JPEG")[1] == [
        "JPEG cannot hold XMP, text; left out"
    ]


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("x.jpg", (2, 65501, 3), "JPEG cannot hold 65501x2 pixels, only up to 65500 a side; use .png"),
        ("x.webp", (16384, 2, 3), "WEBP cannot hold 2x16384 pixels, only up to 16383"),
        ("x.tga", (2, 65536, 3), "TGA cannot hold 65536x2 pixels, only up to 65535"),
        ("x.avif", (2, 65537, 3), "AVIF cannot hold 65537x2 pixels, only up to 65536"),
    ],
)
def test_sides_have_a_longest(tmp_path, name, shape, message):
    with pytest.raises(DataError, match=message):
        write_picture(tmp_path / name, Picture(np.zeros(shape, np.uint8), "RGB"))


def test_a_result_without_a_name_is_png_where_its_own_format_is_too_small():
    picture = Picture(np.zeros((2, 9000), np.uint8), "L", "WEBP")
    assert (natural_format(picture), natural_format(picture, (4, 18000))) == ("WEBP", "PNG")


@pytest.mark.parametrize(("dtype", "mode"), [(np.uint8, "CMYK"), (np.float32, "RGBA")])
def test_a_result_that_png_cannot_hold_is_tiff(tmp_path, dtype, mode):
    pixels = RANDOM.integers(0, 2, (6, 8, 4)).astype(dtype)
    picture = Picture(pixels, mode, "PSD")
    assert natural_format(picture) == "TIFF"
    again = read_picture(encode(picture, natural_format(picture)))
    assert again.mode == mode
    np.testing.assert_array_equal(again.pixels, pixels)


def test_a_format_that_can_hold_the_picture_is_recommended(tmp_path):
    with pytest.raises(DataError, match="JPEG cannot hold 65501x2 pixels, only up to 65500 a side; use .tif"):
        write_picture(tmp_path / "x.jpg", Picture(np.zeros((2, 65501, 4), np.uint8), "CMYK"))


def test_boxes_of_jpeg_2000_that_are_too_large_are_left_out_and_said(monkeypatch):
    metadata = Metadata(xmp=XMP + b" " * 500)
    data = encode(Picture(PIXELS, "RGB", metadata=metadata), "JPEG2000")
    assert read_picture(data).metadata == metadata
    monkeypatch.setattr(jpeg2000, "_LARGEST", 400)
    picture = read_picture(data)
    assert picture.metadata == Metadata() and picture.notes == ("damaged metadata is left out",)


@pytest.mark.parametrize(("value", "known"), [(0.001, False), (0.01, True), (2.0**24, False)])
def test_resolutions_that_a_file_can_say(value, known):
    assert (valid_resolution((value, value), 2) is not None) == known


def test_exif_in_jpeg_has_a_longest(tmp_path):
    longest = tiff.to_bytes(tiff.Block("<", {271: tiff.Tag(2, bytes(65501))}))
    picture = Picture(PIXELS, "RGB", metadata=Metadata(exif=longest))
    assert len(longest) == 65527 + 1
    with pytest.raises(DataError, match="JPEG cannot hold EXIF of 65528 bytes, only up to 65527; use .png"):
        write_picture(tmp_path / "x.jpg", picture)
    shorter = dataclasses.replace(
        picture.metadata, exif=tiff.to_bytes(tiff.Block("<", {271: tiff.Tag(2, bytes(65500))}))
    )
    write_picture(tmp_path / "x.jpg", dataclasses.replace(picture, metadata=shorter))
    assert read_picture(tmp_path / "x.jpg").metadata == shorter


def test_chunks_come_before_the_pixels():
    data = encode(FULL, "PNG")
    _, chunks, damaged = png.split_metadata(io.BytesIO(data))
    assert not damaged and {kind for kind, _ in chunks} == {b"iCCP", b"eXIf", b"iTXt", b"pHYs", b"tEXt", b"zTXt"}
    assert max(data.index(kind) for kind, _ in chunks) < data.index(b"IDAT")


def test_a_resolution_without_a_unit_is_kept():
    exif = PIL.Image.Exif()
    exif[282], exif[283], exif[296] = 300.0, 300.0, 1
    picture = read_picture(_file("JPEG", exif=exif))
    for kind in ("TIFF", "JPEG"):
        with PIL.Image.open(io.BytesIO(encode(picture, kind))) as image:
            assert (image.getexif()[282], image.getexif()[283], image.getexif()[296]) == (300, 300, 1)


def test_exif_of_a_resolution_alone_is_exif():
    exif = PIL.Image.Exif()
    exif[282], exif[283], exif[296] = 300.0, 300.0, 2
    picture = read_picture(_file("JPEG", exif=exif, dpi=(300, 300)))
    with PIL.Image.open(io.BytesIO(encode(picture, "JPEG"))) as image:
        assert image.getexif()[282] == 300 and image.info["jfif_density"] == (300, 300)


def test_extended_xmp_is_left_out_and_said():
    packet = b'<x:xmpmeta><rdf:Description xmpNote:HasExtendedXMP="0123456789ABCDEF" dc:title="a"/></x:xmpmeta>'
    picture = read_picture(encode(Picture(PIXELS, "RGB", metadata=Metadata(xmp=packet)), "JPEG"))
    assert picture.metadata.xmp == packet.replace(b' xmpNote:HasExtendedXMP="0123456789ABCDEF"', b"")
    assert picture.notes == ("its extended XMP is left out",)


def test_colours_that_avif_names_by_numbers():
    data = _file("AVIF")
    place = data.index(b"colrnclx") + 8
    assert read_picture(data).metadata.png_colors == ()
    wide = data[:place] + struct.pack(">HH", 12, 13) + data[place + 4 :]  # Display P3
    picture = read_picture(wide)
    assert picture.metadata.png_colors == ((b"cICP", bytes([12, 13, 0, 1])),)
    assert read_picture(encode(picture, "PNG")).metadata == picture.metadata
    converted, notes = fit_to_format(picture, "AVIF")
    assert notes == ["AVIF cannot hold the color space; converted to sRGB"]
    assert converted.metadata == Metadata() and not np.array_equal(converted.pixels, picture.pixels)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "BigTIFF"])
def test_pillow_images_say_it_too(kind):
    exif = PIL.Image.Exif()
    exif[271], exif[0x0112] = "a camera", 6
    exif.get_ifd(0x8769)[0x829A] = 0.004
    if kind == "TIFF":
        said = Metadata(icc=SRGB, exif=exif.tobytes().removeprefix(b"Exif\0\0"))
        data = encode(Picture(PIXELS, "RGB", metadata=said), "TIFF")
    else:
        options = {"big_tiff": True} if kind == "BigTIFF" else {}
        data = _file(kind.removeprefix("Big"), exif=exif, icc_profile=SRGB, **options)
    with PIL.Image.open(io.BytesIO(data)) as image:
        info = info_of(image)
    kept = PIL.Image.Exif()
    kept.load(info["exif"])
    assert kept[271] == "a camera" and kept[0x0112] == 6 and info["icc_profile"] == SRGB
    assert not {256, 259, 273} & set(kept)
    if kind != "BigTIFF":  # where Pillow does not write it
        assert kept.get_ifd(0x8769)[0x829A] == 0.004


def test_many_chunks_take_no_time():
    chunks = png_chunk(b"tEXt", b"a\0b") + png_chunk(b"prIv", b"")
    data = _png(chunks * 20000)
    start = time.process_time()
    picture = read_picture(data)
    assert time.process_time() - start < 20  # minutes where each read looked at each part
    assert len(picture.metadata.text) == 20000
    np.testing.assert_array_equal(picture.pixels, PIXELS)


def test_parts_of_a_file():
    parts = PartsOfFile(io.BytesIO(b"0123456789"), [(1, 3), (6, 0), (6, 2)])
    assert parts.read() == b"12367" and parts.read() == b"" and parts.seek(-3, io.SEEK_END) == 2
    assert parts.read(2) == b"36" and parts.tell() == 4 and parts.seek(1) == 1 and parts.read(1) == b"2"


@pytest.mark.parametrize(
    "chunks",
    [((b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 45455))), ((b"cICP", bytes((1, 13, 0, 1))),)],
)
def test_colors_that_are_srgb_are_converted_without_a_word(chunks):
    picture = Picture(np.zeros((2, 2, 3), np.uint8), "RGB", metadata=Metadata(png_colors=chunks))
    fitted, notes = fit_to_format(picture, "JPEG")
    assert (notes, fitted.metadata.png_colors) == ([], ())


@pytest.mark.parametrize("unit", [3, 9, 255])
def test_an_unknown_unit_of_resolution_is_ignored(unit):
    data = bytearray(_file("JPEG"))
    place = data.index(b"JFIF\0") + 7
    data[place : place + 5] = struct.pack(">BHH", unit, 300, 300)
    assert read_picture(bytes(data)).metadata.resolution is None
