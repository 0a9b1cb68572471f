"""`srnet.enlarge`: what goes in comes out, of the size that was asked for."""

import fractions
import io
import os

import keras
import numpy as np
import PIL.Image
import pytest

import srnet
from srnet.errors import DataError, UsageError
from srnet.images import read, recognize
from srnet.images.resize import imresize
from tests.networks import bicubic_network

_LR = keras.Input((None, None, 1))
_NOT_LARGER = keras.Model(_LR, keras.layers.Conv2D(1, 3, padding="same")(_LR))
PIXELS = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)


@pytest.fixture(scope="module")
def bicubic():
    return bicubic_network(2)


def _expected(pixels, scale):
    return np.clip(imresize(pixels, scale), 0, 255)


def test_arrays(bicubic):
    large = srnet.enlarge(PIXELS, model=bicubic, precision="float32")
    assert large.dtype == np.uint8
    assert np.abs(large - _expected(PIXELS, 2)).max() <= 1.01
    halves = srnet.enlarge(PIXELS[..., 0] / np.float32(255), 2, model=bicubic, precision="float32")
    assert halves.dtype == np.float32
    np.testing.assert_allclose(255 * halves, _expected(PIXELS[..., 0], 2), atol=0.01)
    for shape in ((9, 12, 1), (9, 12, 2), (9, 12, 4)):
        assert srnet.enlarge(np.zeros(shape, np.uint16), 2.5, model=bicubic).shape == (22, 30, shape[2])


def test_a_fraction_is_a_scale(bicubic, tmp_path):
    PIL.Image.fromarray(PIXELS).save(tmp_path / "photo.png")
    assert srnet.enlarge(tmp_path / "photo.png", fractions.Fraction(5, 2), model=bicubic).name == "photo_x2.5.png"


def test_a_scale_and_a_size_cannot_both_be_given(bicubic):
    with pytest.raises(UsageError, match="scale and size cannot both be given"):
        srnet.enlarge(PIXELS, 2, size=(50, 40), model=bicubic)


def test_quality_is_that_of_the_file(bicubic, tmp_path):
    PIL.Image.fromarray(PIXELS).save(tmp_path / "photo.jpg")
    path = srnet.enlarge(tmp_path / "photo.jpg", model=bicubic, quality=40)
    data = srnet.enlarge((tmp_path / "photo.jpg").read_bytes(), model=bicubic, quality=60)
    assert (read.read_picture(path).jpeg_quality, read.read_picture(data).jpeg_quality) == (40, 60)


def test_pillow_images(bicubic):
    image = PIL.Image.fromarray(PIXELS).convert("CMYK")
    image.info["icc_profile"] = b"profile"
    large = srnet.enlarge(image, model=bicubic, size=(50, 40))
    assert (large.mode, large.size, large.info["icc_profile"]) == ("CMYK", (50, 40), b"profile")


@pytest.mark.parametrize(("given", "written"), [("JPEG", "JPEG"), ("GIF", "PNG"), ("WEBP", "WEBP")])
def test_bytes_of_a_file(bicubic, given, written):
    file = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(file, given)
    with PIL.Image.open(io.BytesIO(srnet.enlarge(file.getvalue(), 3, model=bicubic))) as large:
        assert (large.format, large.size) == (written, (36, 27))


def test_paths(bicubic, tmp_path):
    PIL.Image.fromarray(PIXELS).save(tmp_path / "photo.png")
    assert srnet.enlarge(tmp_path / "photo.png", 2, model=bicubic) == tmp_path / "photo_x2.png"
    assert srnet.enlarge(str(tmp_path / "photo.png"), 2, model=bicubic, output=tmp_path / "large.png") == str(
        tmp_path / "large.png"
    )
    with PIL.Image.open(tmp_path / "photo_x2.png") as one, PIL.Image.open(tmp_path / "large.png") as other:
        np.testing.assert_array_equal(one, srnet.enlarge(PIXELS, 2, model=bicubic))
        np.testing.assert_array_equal(one, other)
    with pytest.raises(DataError, match=r"photo_x2\.png exists"):
        srnet.enlarge(tmp_path / "photo.png", 2, model=bicubic)
    srnet.enlarge(tmp_path / "photo.png", 2, model=bicubic, overwrite=True)


def test_a_network_and_a_model_are_one_too_many(bicubic):
    with pytest.raises(UsageError, match="network and model cannot both be given"):
        srnet.enlarge(PIXELS, model=bicubic, network="plus")


def test_pretrained_networks_are_used_at_every_scale():
    for scale in (2, 4):
        whole = srnet.Upscaler(srnet.load(scale))(PIXELS)
        np.testing.assert_array_equal(srnet.enlarge(PIXELS, scale), whole)
    assert srnet.enlarge(PIXELS[..., 0], 6, network="full").shape == (54, 72)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (PIXELS, {"scale": 0.5}, "scale 0.5 cannot be used"),
        (PIXELS, {"size": (11, 40)}, "11x40 is smaller than the picture, 12x9"),
        (PIXELS, {"network": "nothing"}, "no pretrained network 'nothing': choose one of full, photo, plus"),
        (PIXELS, {"output": "x.png"}, "output requires a path as source"),
        ([1, 2], {}, "list cannot be enlarged"),
        (b"text", {}, "the picture: not a picture"),
        ("-", {}, "- is not a file"),
        ("a.png", {"output": "-"}, "output - is not a file: give bytes instead of a path to get bytes"),
        (PIXELS, {"scale": "2"}, "scale '2' cannot be used: it must be a number"),
        (PIXELS, {"size": 80}, "size 80 cannot be used"),
        (PIXELS, {"size": (80.5, 96)}, r"it must be \(width, height\) in pixels"),
        (PIXELS, {"size": (80, 96, 3)}, "size .* cannot be used"),
        (PIXELS, {"size": (0, 96)}, r"size \(0, 96\) cannot be used"),
        ("x" * 300, {}, "x: (cannot be read|not a picture|File name too long)"),
        (PIXELS, {"model": "x.keras"}, "must be a functional Keras model"),
        (PIXELS, {"model": _NOT_LARGER}, "the model enlarges x1: srnet.enlarge needs at least x2"),
        (PIXELS, {"quality": 90}, "quality requires a path or bytes as source"),
        (b"", {"quality": 0}, "quality 0 cannot be used: it must be an integer from 1 to 100"),
        (PIXELS, {"tile": 0}, "tile 0 cannot be used: it must be at least 1"),
        (PIXELS, {"precision": "bf16"}, "precision 'bf16' is unknown: choose one of float32"),
        (".", {}, "is not a file: srnet.enlarge takes one picture"),
        (PIL.Image.new("RGB", (0, 3)), {}, "a Pillow image of 0x3 pixels cannot be enlarged"),
        (PIXELS, {"network": "pl?s"}, "no pretrained network 'pl.s'"),
    ],
)
def test_what_cannot_be_used_is_said(source, options, message):
    with pytest.raises((UsageError, DataError), match=message):
        srnet.enlarge(source, **options)


def test_a_result_that_would_replace_its_source_is_refused(tmp_path):
    path = tmp_path / "a.png"
    PIL.Image.fromarray(PIXELS).save(path)
    with pytest.raises(UsageError, match="a.png: its result would replace it"):
        srnet.enlarge(path, 2, output=tmp_path)


def test_other_threads_may_write_to_standard_error_meanwhile(bicubic, tmp_path, monkeypatch, capfd):
    def talk(file):
        os.write(2, b"another thread")
        return recognize.open_picture(file)

    monkeypatch.setattr(read, "open_picture", talk)
    PIL.Image.fromarray(PIXELS).save(tmp_path / "a.png")
    srnet.enlarge(tmp_path / "a.png", model=bicubic)
    assert "another thread" in capfd.readouterr().err
