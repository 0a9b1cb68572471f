"""Kinds of files: cameras' raw files are refused, deep Netpbm, HEIC and JPEGs without their end are read."""

import io
import struct

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile

from srnet.errors import DataError
from srnet.images import decode, read
from srnet.images.picture import Picture
from srnet.images.read import is_image_name, is_unsupported_picture_name, read_image, read_picture, read_size
from srnet.images.write import encode, write_picture
from tests.pictures import png_chunk, png_file

RANDOM = np.random.default_rng(0)
SMOOTH = np.clip(np.add.outer(np.arange(90), np.arange(120))[..., None] + (0, 20, 40), 0, 255).astype(np.uint8)


def _raw(path, photometric="cfa", thumbnail=1, **options):
    """A camera's raw file: a thumbnail, and the sensor's values in a directory of its own."""
    sensor = RANDOM.integers(0, 65536, (64, 96), np.uint16)
    with tifffile.TiffWriter(path) as file:
        file.write(SMOOTH[:24, :32], photometric="rgb", subfiletype=thumbnail, subifds=1, **options)
        file.write(sensor, photometric=photometric, subfiletype=0)


@pytest.mark.parametrize("suffix", ["dng", "nef", "arw", "tif"])
def test_the_thumbnail_of_a_raw_file_is_not_the_photograph(tmp_path, suffix):
    _raw(tmp_path / f"x.{suffix}")
    for reader in (read_picture, read_image, read_size):
        with pytest.raises(DataError, match="a camera raw file, of which only the thumbnail can be read; develop it"):
            reader(tmp_path / f"x.{suffix}")


def test_marks_of_raw_files(tmp_path):
    _raw(tmp_path / "x.dng", thumbnail=0, extratags=[(50706, "B", 4, (1, 4, 0, 0), True)])
    with pytest.raises(DataError, match="a camera raw file"):
        read_picture(tmp_path / "x.dng")
    tifffile.imwrite(tmp_path / "y.tif", SMOOTH[..., 0].astype(np.uint16), photometric="cfa")
    with pytest.raises(DataError, match="a camera raw file"):
        read_picture(tmp_path / "y.tif")
    canon = b"II*\0" + struct.pack("<I", 16) + b"CR\2\0" + bytes(4) + struct.pack("<H", 0) + bytes(4)
    with pytest.raises(DataError, match="a camera raw file"):
        read_picture(canon)


def test_a_pyramid_is_a_picture(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(SMOOTH, photometric="rgb", subifds=1)
        file.write(SMOOTH[::2, ::2], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read_picture(tmp_path / "x.tif").pixels, SMOOTH)


def test_a_single_picture_marked_as_reduced_is_a_picture(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", SMOOTH, photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read_picture(tmp_path / "x.tif").pixels, SMOOTH)


def test_names_of_pictures_that_are_not_read():
    assert all(is_unsupported_picture_name(f"x{suffix}") for suffix in (".jxl", ".DNG", ".cr3", ".svg"))
    assert not any(is_unsupported_picture_name(name) for name in ("x.png", "x.txt", ".x.dng", "x", "x.mp4"))


@pytest.mark.parametrize("largest", [1023, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_deep_netpbm(largest, channels):
    values = np.linspace(0, largest, 7 * 5 * channels).astype(">u2").reshape((7, 5) if channels == 1 else (7, 5, 3))
    head = b"P%d # a comment\n5 7\n%d\n" % (5 if channels == 1 else 6, largest)
    picture = read_picture(head + values.tobytes())
    expected = np.floor(values.astype(float) * 65535 / largest + 0.5)
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.pixels.dtype == np.uint16 and picture.format == "PPM"
    np.testing.assert_array_equal(read_picture(encode(picture, "PPM")).pixels, expected)
    with PIL.Image.open(io.BytesIO(encode(picture, "PPM"))) as image:
        assert image.size == (5, 7)
        if channels == 1:
            np.testing.assert_array_equal(np.asarray(image), expected)
    with pytest.raises(DataError, match="the file is too short"):
        read_picture(head + values.tobytes()[:-1])


def test_a_deep_ascii_ppm_is_read_as_8_bits():
    picture = read_picture(b"P3\n2 1\n65535\n0 257 514 65535 32896 771\n")
    np.testing.assert_array_equal(picture.pixels, np.uint8([[[0, 1, 2], [255, 128, 3]]]))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3])
def test_portable_float_maps(order, channels):
    values = RANDOM.uniform(0, 1, (7, 5) if channels == 1 else (7, 5, 3)).astype(np.float32)
    head = b"P%c\n5 7\n%s\n" % (b"f" if channels == 1 else b"F", b"-1.0" if order == "<" else b"1.0")
    picture = read_picture(head + values[::-1].astype(f"{order}f4").tobytes())
    np.testing.assert_array_equal(picture.pixels, values)
    np.testing.assert_array_equal(read_picture(encode(picture, "PPM")).pixels, values)
    with pytest.raises(DataError, match="floating-point values from 7.0 to 7.0, not within"):
        read_picture(head + np.full(values.shape, 7, f"{order}f4").tobytes())


def test_netpbm_bombs_are_refused(monkeypatch):
    with pytest.raises(DataError, match="more than 179 megapixels"):
        read_picture(b"P6\n99999 99999\n65535\n")


def test_jpeg_2000_of_16_bits(tmp_path):
    pixels = RANDOM.integers(0, 65536, (16, 24), np.uint16)
    write_picture(tmp_path / "x.jp2", Picture(pixels, "L"))
    np.testing.assert_array_equal(read_picture(tmp_path / "x.jp2").pixels, pixels)
    with pytest.raises(DataError, match="JPEG2000 cannot hold 16 bits in color; use .tif or .png"):
        write_picture(tmp_path / "y.jp2", Picture(np.zeros((4, 4, 3), np.uint16), "RGB"))


@pytest.mark.parametrize(
    "options", [{"quality": 90}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}]
)
def test_a_jpeg_without_its_last_bytes_is_read(options):
    file = io.BytesIO()
    PIL.Image.fromarray(SMOOTH).save(file, "JPEG", **options)
    data = file.getvalue()
    whole = read_picture(data)
    assert whole.notes == ()
    for cut in (1, 2, 3, 8):
        picture = read_picture(data[:-cut])
        assert picture.notes == ("the end of the file is missing; the last rows may be damaged",)
        np.testing.assert_array_equal(picture.pixels[:64], whole.pixels[:64])


def test_half_a_jpeg_is_refused():
    file = io.BytesIO()
    PIL.Image.fromarray(SMOOTH).save(file, "JPEG")
    with pytest.raises(DataError, match="runcated"):
        read_picture(file.getvalue()[: len(file.getvalue()) // 2])


def test_floating_point_in_training(tmp_path):
    values = np.linspace(0, 1, 7 * 9 * 3).reshape(7, 9, 3).astype(np.float32)
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb")
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), np.floor(values.astype(float) * 255 + 0.5))
    assert read_size(tmp_path / "x.tif") == (7, 9)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "I;16"])
def test_turned_tiffs(tmp_path, mode):
    values = np.arange(4 * 6, dtype=np.uint8).reshape(4, 6)
    image = PIL.Image.fromarray(values.astype(np.uint16)) if mode == "I;16" else PIL.Image.fromarray(values)
    image = image if mode in ("L", "I;16") else image.convert("RGB").convert(mode)
    image.save(tmp_path / "x.tif", tiffinfo={274: 6})  # to be turned by 90 degrees clockwise
    picture = read_picture(tmp_path / "x.tif")
    assert picture.size == read_size(tmp_path / "x.tif") == (6, 4)
    np.testing.assert_array_equal(picture.pixels.squeeze(), np.rot90(np.asarray(image), -1))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_transparent_value_of_gray_pngs(bits):
    largest = 2**bits - 1
    row = {1: b"\x55", 2: b"\x33", 4: b"\x0f", 8: bytes((0, 255))}[bits]  # 0 and white in turn
    width = 8 * len(row) // bits

    transparent = png_chunk(b"tRNS", largest.to_bytes(2, "big"))
    picture = read_picture(png_file((width, 1), bits, 0, b"\0" + row, transparent))
    np.testing.assert_array_equal(picture.pixels[0], [(0, 255), (255, 0)] * (width // 2))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_fourth_sample_of_a_tiff_that_means_nothing_is_left_out(tmp_path, dtype):
    pixels = RANDOM.integers(0, 256, (6, 8, 4)).astype(dtype)
    tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="rgb", extrasamples=["UNSPECIFIED"])
    picture = read_picture(tmp_path / "x.tif")
    assert picture.mode == "RGB"
    np.testing.assert_array_equal(picture.pixels, pixels[..., :3])


def test_layers_of_a_psd_are_no_pages(monkeypatch):
    class Layered(PIL.Image.Image):
        format, n_frames = "PSD", 3

    decode.check_single(Layered())


def test_heic_is_read_where_its_decoder_is(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    exif = PIL.Image.Exif()
    exif[271], exif[0x0112] = "a camera", 6
    PIL.Image.fromarray(SMOOTH).save(tmp_path / "x.heic", exif=exif, quality=95)
    assert is_image_name("x.HEIC") and not is_unsupported_picture_name("x.heic")
    picture = read_picture(tmp_path / "x.heic")
    assert picture.size == read_size(tmp_path / "x.heic") == (90, 120)  # HEIF turns by a property of its own
    assert np.abs(picture.pixels.astype(int) - SMOOTH).mean() < 3
    kept = PIL.Image.Exif()
    kept.load(picture.metadata.exif)
    assert kept[271] == "a camera" and 0x0112 not in kept


def test_heic_is_named_where_its_decoder_is_not(monkeypatch):
    monkeypatch.setattr(read, "formats", lambda: ("PNG", "JPEG"))
    assert is_unsupported_picture_name("x.heic") and not is_image_name("x.heic")


def test_the_transparent_color_of_a_png_of_16_bits():
    pixels = np.array([[(1000, 2000, 3000), (1000, 2000, 3001)]], np.uint16)
    transparent = png_chunk(b"tRNS", pixels[0, 0].astype(">u2").tobytes())
    picture = read_picture(png_file((2, 1), 16, 2, b"\0" + pixels.astype(">u2").tobytes(), transparent))
    assert picture.mode == "RGBA"
    np.testing.assert_array_equal(picture.pixels[..., :3], pixels)
    assert picture.pixels[..., 3].tolist() == [[0, 65535]]


def test_a_picture_in_lab_becomes_rgb_without_its_profile(tmp_path):
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("LAB")).tobytes()
    PIL.Image.new("LAB", (6, 4), (200, 128, 128)).save(tmp_path / "x.tif", icc_profile=profile)
    picture = read_picture(tmp_path / "x.tif")
    assert (picture.mode, picture.metadata.icc) == ("RGB", None)
    luminance = ((100 * 200 / 255 + 16) / 116) ** 3  # CIE 1976
    assert np.ptp(picture.pixels) <= 2
    assert abs(picture.pixels.mean() - 255 * (1.055 * luminance ** (1 / 2.4) - 0.055)) < 3  # sRGB


@pytest.mark.parametrize("pixels", [np.uint16(300), np.float32(0.5)])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1)])
def test_a_deep_picture_of_one_pixel_is_read(tmp_path, pixels, size):
    pixels = np.full(size, pixels)
    tifffile.imwrite(tmp_path / "x.tif", pixels)
    np.testing.assert_array_equal(read_picture(tmp_path / "x.tif").pixels, pixels)


def test_signed_samples_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.full((4, 4), -19, np.int8), photometric="minisblack")
    with pytest.raises(DataError, match=r"x\.tif: signed samples cannot be enlarged"):
        read_picture(tmp_path / "x.tif")
