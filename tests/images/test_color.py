"""Color conversion by known triples; reading of every mode."""

import numpy as np
import PIL.Image
import pytest

from srnet.errors import DataError, UsageError
from srnet.images import color
from srnet.images.read import read_image, read_size
from srnet.images.write import write_image

# What MATLAB's documentation and ITU-R BT.601 give for the corners of the RGB cube.
TRIPLES = [
    ((0, 0, 0), (16, 128, 128)),
    ((255, 255, 255), (235, 128, 128)),
    ((255, 0, 0), (81, 90, 240)),
    ((0, 255, 0), (145, 54, 34)),
    ((0, 0, 255), (41, 240, 110)),
]


@pytest.mark.parametrize(("rgb", "ycbcr"), TRIPLES)
def test_rgb_to_ycbcr(rgb, ycbcr):
    converted = color.rgb_to_ycbcr(np.array([[rgb]], np.uint8))
    assert converted.dtype == np.uint8
    assert tuple(converted[0, 0]) == ycbcr
    assert color.to_luma(np.array([[rgb]], np.uint8))[0, 0] == ycbcr[0]


def test_rounding_is_half_up_and_clips():
    values = [-3, 0.49, 0.5, 1.5, 2.5, 254.5, 300]
    np.testing.assert_array_equal(color.round_to_uint8(values), [0, 0, 1, 2, 3, 255, 255])


@pytest.mark.parametrize(("dtype", "peak"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
def test_every_depth_is_rounded_alike(dtype, peak):
    values = np.array([-0.2, 0.2, 0.5, 0.6, 1.2]) * peak
    expected = np.clip(values if peak == 1 else np.floor(values + 0.5), 0, peak)
    quantized = color.quantize(values, dtype)
    assert quantized.dtype == dtype
    np.testing.assert_allclose(quantized, expected, rtol=1e-6)
    np.testing.assert_array_equal(color.to_8_bits(quantized), [0, 51, 128, 153, 255])


def test_grey_is_luma_as_it_is():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert color.to_luma(grey) is grey
    np.testing.assert_array_equal(color.to_rgb(grey), np.stack([grey] * 3, -1))


@pytest.mark.parametrize(
    ("mode", "suffix", "shape"),
    [
        ("RGB", ".png", (4, 6, 3)),
        ("RGBA", ".png", (4, 6, 3)),
        ("P", ".png", (4, 6, 3)),
        ("CMYK", ".jpg", (4, 6, 3)),
        ("L", ".png", (4, 6)),
        ("LA", ".png", (4, 6)),
        ("1", ".png", (4, 6)),
        ("RGB", ".webp", (4, 6, 3)),
        ("RGB", ".tif", (4, 6, 3)),
    ],
)
def test_modes(tmp_path, mode, suffix, shape):
    path = tmp_path / f"x{suffix}"
    PIL.Image.new("RGB", (6, 4), (255, 255, 255)).convert(mode).save(path)
    image = read_image(path)
    assert image.dtype == np.uint8 and image.shape == shape and (image >= 254).all()
    assert read_size(path) == shape[:2]


def test_sixteen_bits_and_floats_keep_their_range(tmp_path):
    PIL.Image.fromarray(np.array([[0, 32896, 65535]], np.uint16)).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png"), [[0, 128, 255]])
    PIL.Image.fromarray(np.array([[0, 0.5, 1]], np.float32)).save(tmp_path / "float.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "float.tif"), [[0, 128, 255]])
    PIL.Image.fromarray(np.array([[0, 80]], np.float32)).save(tmp_path / "wide.tif")
    with pytest.raises(DataError, match=r"wide.tif: .*not within \[0, 1\]"):
        read_image(tmp_path / "wide.tif")


def test_exif_orientation_is_applied(tmp_path):
    picture = PIL.Image.new("RGB", (6, 4))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (6, 4, 3)
    assert read_size(tmp_path / "turned.jpg") == (6, 4)


@pytest.mark.parametrize(
    ("name", "content"), [("text.png", b"not a picture"), ("empty.png", b""), ("cut.png", None), ("missing.png", False)]
)
def test_unreadable_files_are_named(tmp_path, name, content):
    path = tmp_path / name
    if content is None:
        PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
        content = path.read_bytes()[:3000]
    if content is not False:
        path.write_bytes(content)
    with pytest.raises(DataError, match=name):
        read_image(path)


def test_write_image_appears_whole_or_not(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
    write_image(tmp_path / "new" / "x.png", image)
    np.testing.assert_array_equal(read_image(tmp_path / "new" / "x.png"), image)
    with pytest.raises(UsageError, match=r"x\.nonsense: no picture format"):
        write_image(tmp_path / "x.nonsense", image)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.png"]
