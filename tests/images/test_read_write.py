"""Picture files: what belongs to a picture survives; what cannot be read is named."""

import concurrent.futures
import io
import os
import tracemalloc

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile

from srnet.errors import DataError, UsageError
from srnet.images.color import to_8_bits
from srnet.images.file_formats import HOLDS, natural_format
from srnet.images.metadata import Metadata
from srnet.images.picture import Picture
from srnet.images.read import read_picture, read_quietly
from srnet.images.write import write_picture
from tests.conftest import draw_picture
from tests.pictures import SRGB, png16

FORMATS_WITH_TRANSPARENCY = {
    "PNG": "png",
    "TIFF": "tif",
    "WEBP": "webp",
    "AVIF": "avif",
    "JPEG2000": "jp2",
    "TGA": "tga",
}
RANDOM = np.random.default_rng(0)


def _file(image, kind, **options):
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def _pixels(channels, dtype="uint8"):
    shape = (7, 9) if channels == 1 else (7, 9, channels)
    if dtype == "float32":
        return RANDOM.uniform(0, 1, shape).astype(dtype)
    return RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_pixels_survive(tmp_path, mode, channels, suffix, dtype):
    pixels = _pixels(channels, dtype)
    write_picture(tmp_path / f"x{suffix}", Picture(pixels, mode, metadata=Metadata(icc=SRGB if channels > 2 else None)))
    picture = read_picture(tmp_path / f"x{suffix}", "x")
    assert (picture.mode, picture.pixels.dtype) == (mode, np.dtype(dtype))
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert picture.metadata.icc == (SRGB if channels > 2 else None)
    if suffix == ".tif":
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "x.tif"), pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_16_bits(channels):
    pixels = RANDOM.integers(0, 65536, (7, 9) if channels == 1 else (7, 9, channels), np.uint16)
    np.testing.assert_array_equal(read_picture(png16(pixels), "x").pixels, pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_tiff_of_floating_point(tmp_path, channels):
    pixels = _pixels(channels, "float32")
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb" if channels == 3 else "minisblack")
    picture = read_picture(tmp_path / "in.tif", "x")
    np.testing.assert_array_equal(picture.pixels, pixels)
    write_picture(tmp_path / "out.tif", picture)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), pixels)


def test_other_modes_become_what_they_show():
    rgb = _pixels(3)
    image = PIL.Image.fromarray(rgb)
    palette = image.quantize(16)
    read = {
        "palette": (palette, "PNG", {}, "RGB", palette.convert("RGB")),
        "keyed": (palette, "PNG", {"transparency": 3}, "RGBA", None),
        "one bit": (image.convert("1"), "PNG", {}, "L", image.convert("1").convert("L")),
        "cmyk": (image.convert("CMYK"), "TIFF", {}, "CMYK", image.convert("CMYK")),
        "grey": (image.convert("L"), "JPEG", {}, "L", None),
    }
    for name, (given, kind, options, mode, expected) in read.items():
        picture = read_picture(_file(given, kind, **options), name)
        assert (picture.mode, picture.format) == (mode, kind), name
        if expected:
            np.testing.assert_array_equal(picture.pixels, np.asarray(expected), err_msg=name)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_orientation_is_applied_once(tmp_path, orientation, dtype):
    pixels = _pixels(3, dtype)
    tag = [(0x0112, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb", extratags=tag)
    # The standard: where row 0 and column 0 of the file are seen.
    upright = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.swapaxes(0, 1),
        6: np.rot90(pixels, -1),
        7: np.rot90(pixels, 2).swapaxes(0, 1),
        8: np.rot90(pixels, 1),
    }[orientation]
    picture = read_picture(tmp_path / "in.tif", "x")
    np.testing.assert_array_equal(picture.pixels, upright)
    write_picture(tmp_path / "out.tif", picture)
    np.testing.assert_array_equal(read_picture(tmp_path / "out.tif", "x").pixels, upright)


@pytest.mark.parametrize("orientation", [0, 9, 200, "6"])
def test_orientations_that_say_nothing_turn_nothing(tmp_path, orientation):
    kind = "s" if isinstance(orientation, str) else "H"
    tag = [(0x0112, kind, 0 if kind == "s" else 1, orientation, True)]
    pixels = _pixels(3)
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb", extratags=tag)
    np.testing.assert_array_equal(read_picture(tmp_path / "in.tif", "x").pixels, pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_is_kept_with_the_new_size(tmp_path, suffix):
    exif = PIL.Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0xA002] = 9
    exif.get_ifd(0x8769)[0xA003] = 7
    picture = read_picture(_file(PIL.Image.fromarray(_pixels(3)), "JPEG", exif=exif), "x")
    assert picture.pixels.shape == (9, 7, 3)
    write_picture(tmp_path / f"x{suffix}", Picture(_pixels(3).repeat(2, 0), "RGB", "JPEG", picture.metadata))
    with PIL.Image.open(tmp_path / f"x{suffix}") as image:
        kept = image.getexif()
        assert kept[0x010F] == "a camera" and 0x0112 not in kept
        assert (kept.get_ifd(0x8769)[0xA002], kept.get_ifd(0x8769)[0xA003]) == (9, 14)


def test_threads_leave_standard_error_as_it_was(capfd):
    data = _file(PIL.Image.fromarray(_pixels(3)), "PNG")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(read_quietly, [data] * 200))
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a picture"),
        (b"a text\n", "not a picture"),
        (_file(PIL.Image.fromarray(_pixels(3)), "PNG")[:-40], "x: "),
        (_file(PIL.Image.fromarray(RANDOM.integers(0, 256, (64, 64, 3), np.uint8)), "JPEG")[:-700], "x: "),
        (png16(RANDOM.integers(0, 65536, (64, 64, 3), np.uint16))[:-9000], "x: "),
        (
            _file(PIL.Image.new("L", (4, 4)), "GIF", save_all=True, append_images=[PIL.Image.new("L", (4, 4), 9)]),
            "2 fr",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line(data, message):
    with pytest.raises(DataError, match=message) as error:
        read_picture(data, "x")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["AVIF", "QOI", "WEBP", "TIFF", "JPEG2000", "PPM", "BMP", "TGA"])
def test_damaged_files_are_one_line_whatever_the_decoder_raises(kind):
    data = _file(PIL.Image.fromarray(RANDOM.integers(0, 256, (16, 16, 3), np.uint8)), kind)
    refused = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        damaged = bytearray(data[: random.integers(8, len(data) + 1)])
        for place in random.integers(0, len(damaged), 6):
            damaged[place] = random.integers(0, 256)
        try:
            read_picture(bytes(damaged), "x")
        except DataError as error:
            refused += 1
            assert str(error).startswith("x: ") and "\n" not in str(error)
    assert refused


def test_large_pictures_are_read_without_a_warning(monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 50)  # Pillow warns up to twice that
    assert read_picture(_file(PIL.Image.new("L", (9, 9)), "PNG"), "x").pixels.shape == (9, 9)


def test_bombs_and_missing_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(DataError, match="more than 0 megapixels"):
        read_picture(_file(PIL.Image.new("L", (9, 9)), "PNG"), "x")
    with pytest.raises(DataError, match=r"none\.png: cannot be read .No such file"):
        read_picture(tmp_path / "none.png", tmp_path / "none.png")


def test_floating_point_has_a_range(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.full((4, 4), 7.5, np.float32))
    with pytest.raises(DataError, match="from 7.5 to 7.5, not within"):
        read_picture(tmp_path / "x.tif", "x")


@pytest.mark.parametrize(
    ("mode", "pixels", "name", "message"),
    [
        ("RGBA", _pixels(4), "x.jpg", "JPEG cannot hold transparency; use .tif or .png"),
        ("RGB", _pixels(3, "uint16"), "x.webp", "WEBP cannot hold 16 bits"),
        ("RGB", _pixels(3, "float32"), "x.png", "PNG cannot hold floating-point samples"),
        ("CMYK", _pixels(4), "x.png", "PNG cannot hold CMYK; use .tif"),
    ],
)
def test_formats_that_cannot_hold_a_picture(tmp_path, mode, pixels, name, message):
    with pytest.raises(DataError, match=message):
        write_picture(tmp_path / name, Picture(pixels, mode, "PNG"))
    assert not list(tmp_path.iterdir())


def test_every_format_holds_what_it_is_said_to_hold(tmp_path):
    for kind, suffix in FORMATS_WITH_TRANSPARENCY.items():
        picture = Picture(_pixels(4), "RGBA", kind)
        assert picture.needs <= HOLDS[kind]
        write_picture(tmp_path / f"x.{suffix}", picture)
        assert read_picture(tmp_path / f"x.{suffix}", "x").mode == "RGBA"


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "avif", "jp2", "tga", "bmp", "ppm"])
def test_every_format_keeps_the_picture(tmp_path, suffix):
    pixels = draw_picture(0, 33, 540)
    write_picture(tmp_path / f"x.{suffix}", Picture(pixels, "RGB", "PNG"))
    written = read_picture(tmp_path / f"x.{suffix}", "x").pixels
    assert written.shape == pixels.shape
    error = np.abs(written.astype(int) - pixels).mean()
    assert error < 5 if suffix in ("jpg", "webp", "avif") else error == 0


def test_doubles_are_called_by_their_name(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.full((4, 4), 0.5))
    with pytest.raises(DataError, match="x: samples of 64 bits cannot be enlarged"):
        read_picture(tmp_path / "x.tif", "x")


@pytest.mark.parametrize("suffix", ["gif", "ico", "icns", "eps", "pdf"])
def test_formats_that_change_pictures_are_not_written(tmp_path, suffix):
    with pytest.raises(UsageError, match="would change the picture's colors or size; use .png"):
        write_picture(tmp_path / f"x.{suffix}", Picture(_pixels(3), "RGB", "PNG"))
    assert natural_format(Picture(_pixels(3), "RGB", suffix.upper())) == "PNG"


def test_no_suffix_no_format(tmp_path):
    with pytest.raises(UsageError, match="no picture format"):
        write_picture(tmp_path / "x", Picture(_pixels(3), "RGB", "PNG"))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(("mode", "channels"), [("LA", 2), ("RGBA", 4)])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_associated_transparency_is_read_as_straight(tmp_path, mode, channels, dtype, byteorder):
    peak = np.iinfo(dtype).max
    straight = (RANDOM.uniform(0.3, 1, (7, 9, channels)) * peak).astype(dtype)
    premultiplied = np.round(straight.astype(np.float64) * straight[..., -1:] / peak).astype(dtype)
    premultiplied[..., -1] = straight[..., -1]
    kind = {"photometric": "rgb" if channels == 4 else "minisblack", "planarconfig": "contig"}
    tifffile.imwrite(tmp_path / "x.tif", premultiplied, extrasamples=["ASSOCALPHA"], byteorder=byteorder, **kind)
    picture = read_picture(tmp_path / "x.tif")
    assert picture.mode == mode
    np.testing.assert_allclose(
        picture.pixels.astype(int), straight.astype(int), atol=3
    )  # half a level, divided by 0.3, and one of the division


@pytest.mark.parametrize(("mode", "channels", "plain"), [("RGBA", 4, "RGB"), ("LA", 2, "L")])
def test_opaque_transparency_is_dropped_where_a_format_cannot_hold_it(tmp_path, mode, channels, plain):
    pixels = _pixels(channels)
    pixels[..., -1] = 255
    for suffix in ("ppm", "bmp", "jpg"):
        write_picture(tmp_path / f"x.{suffix}", Picture(pixels, mode))
        assert read_picture(tmp_path / f"x.{suffix}").mode == plain
    np.testing.assert_array_equal(read_picture(tmp_path / "x.ppm").pixels, pixels[..., :-1].reshape(7, 9, -1).squeeze())
    write_picture(tmp_path / "x.png", Picture(pixels, mode))
    assert read_picture(tmp_path / "x.png").mode == mode


@pytest.mark.parametrize("suffix", ["j2k", "j2c", "jpc"])
def test_codestreams_of_jpeg_2000_are_not_written(tmp_path, suffix):
    with pytest.raises(UsageError, match="use .jp2"):
        write_picture(tmp_path / f"x.{suffix}", Picture(_pixels(3), "RGB"))


@pytest.mark.parametrize(("name", "dtype", "right"), [("x.pfm", "uint8", "ppm"), ("x.ppm", "float32", "pfm")])
def test_portable_float_maps_hold_floating_point_alone(tmp_path, name, dtype, right):
    with pytest.raises(DataError, match=f"{name}: .pfm is for floating-point samples, .*; use .{right}"):
        write_picture(tmp_path / name, Picture(_pixels(3, dtype), "RGB"))


def test_changing_the_depth_takes_little_memory():
    pixels = RANDOM.integers(0, 65536, (3000, 300, 3)).astype(np.uint16)
    tracemalloc.start()
    changed = to_8_bits(pixels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * pixels.nbytes
    np.testing.assert_array_equal(changed, np.floor(pixels / 257 + 0.5))


def test_avif_keeps_the_colors_of_each_pixel(tmp_path):
    write_picture(tmp_path / "x.avif", Picture(np.tile(np.uint8([(255, 0, 0), (0, 0, 255)]), (16, 8, 1)), "RGB"))
    assert np.abs(read_picture(tmp_path / "x.avif").pixels[:, ::2].astype(int) - (255, 0, 0)).max() < 40
