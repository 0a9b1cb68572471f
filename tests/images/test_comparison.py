"""The preview: the middle of a result beside bicubic interpolation."""

import numpy as np
import PIL.Image

from srnet.images.comparison import write_comparison
from srnet.images.picture import Picture
from tests.conftest import draw_picture


def test_both_halves_show_the_middle_of_the_picture(tmp_path):
    small, large = draw_picture(0, 300, 400), draw_picture(1, 600, 800)
    write_comparison(tmp_path / "x.png", Picture(small, "RGB"), Picture(large, "RGB"), "plus")
    with PIL.Image.open(tmp_path / "x.png") as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape == (14 + 512, 512 + 8 + 512, 3)
    np.testing.assert_array_equal(pixels[14:, 520:], large[44:556, 144:656])
    bicubic = PIL.Image.fromarray(small).resize((800, 600), PIL.Image.Resampling.BICUBIC)
    expected = np.asarray(bicubic.crop((144, 44, 656, 556))).astype(int)
    assert np.abs(pixels[14:, :512] - expected).max() <= 1
    assert (pixels[:14] != 255).any() and (pixels[14:, 512:520] == 255).all()
