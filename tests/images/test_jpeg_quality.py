"""The quality of a JPEG, from its tables."""

import io

import PIL.Image
import pytest

from srnet.images.read import read_picture
from tests.conftest import draw_picture


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_it_is_what_pillow_was_asked_for(mode):
    for quality in range(1, 101, 3):
        file = io.BytesIO()
        PIL.Image.fromarray(draw_picture(0, 16, 16)).convert(mode).save(file, "JPEG", quality=quality)
        assert read_picture(file.getvalue()).jpeg_quality == quality


def test_other_formats_say_nothing(tmp_path):
    PIL.Image.fromarray(draw_picture(0, 16, 16)).save(tmp_path / "a.webp", quality=50)
    assert read_picture(tmp_path / "a.webp").jpeg_quality is None
