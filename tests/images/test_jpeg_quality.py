"""The quality of a JPEG, from its tables."""

import io

import numpy as np
import PIL.Image
import pytest

from srnet.images.picture import Picture
from srnet.images.read import read_picture
from srnet.images.write import encode
from tests.conftest import draw_picture


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_it_is_what_pillow_was_asked_for(mode):
    for quality in range(1, 101, 3):
        file = io.BytesIO()
        PIL.Image.fromarray(draw_picture(0, 16, 16)).convert(mode).save(file, "JPEG", quality=quality)
        assert read_picture(file.getvalue()).jpeg_quality == quality


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
def test_the_default_is_95(mode, channels):
    pixels = draw_picture(0, 16, 16, channels)
    assert read_picture(encode(Picture(pixels, mode), "JPEG")).jpeg_quality == 95


def test_the_defaults_of_webp_and_avif_are_95_and_90():
    pixels = draw_picture(0, 64, 64)
    for kind, options in (("WEBP", {"quality": 95}), ("AVIF", {"quality": 90, "subsampling": "4:4:4"})):
        file = io.BytesIO()
        PIL.Image.fromarray(pixels).save(file, kind, **options)
        files = io.BytesIO(encode(Picture(pixels, "RGB"), kind)), file
        written, expected = (np.asarray(PIL.Image.open(each)) for each in files)
        np.testing.assert_array_equal(written, expected, err_msg=kind)


def test_other_formats_say_nothing(tmp_path):
    PIL.Image.fromarray(draw_picture(0, 16, 16)).save(tmp_path / "a.webp", quality=50)
    assert read_picture(tmp_path / "a.webp").jpeg_quality is None
