"""imresize against MATLAB's own pixels and against sums written out."""

import numpy as np
import pytest

from srnet.errors import UsageError
from srnet.images.read import read_image
from srnet.images.resize import downscale, imresize


def _keys(x):
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def _resize_line(line, scale):
    """One line resized by the definition: every input pixel, mirrored without end, weighs in."""
    size = len(line)
    widening = min(scale, 1)
    result = []
    for j in range(int(np.ceil(size * scale))):
        centre = (j + 0.5) / scale - 0.5
        reach = int(2 / widening) + 2
        indices = range(int(centre) - reach, int(centre) + reach + 1)
        weights = np.array([_keys(widening * (centre - i)) for i in indices])
        mirrored = [i % (2 * size) for i in indices]
        values = [line[min(i, 2 * size - 1 - i)] for i in mirrored]
        result.append(np.dot(weights, values) / weights.sum())
    return np.array(result)


@pytest.mark.parametrize("scale", [2, 3, 4, 1 / 2, 1 / 3, 1 / 4, 1.5])
def test_imresize_is_the_written_out_sum(scale):
    image = np.random.default_rng(0).uniform(0, 255, (12, 24))
    rows = np.stack([_resize_line(column, scale) for column in image.T], axis=1)
    expected = np.stack([_resize_line(row, scale) for row in rows])
    np.testing.assert_allclose(imresize(image, scale), expected, atol=1e-10)


def test_channels_are_resized_alone():
    image = np.random.default_rng(0).uniform(0, 255, (8, 10, 3))
    for channel in range(3):
        np.testing.assert_array_equal(imresize(image, 0.5)[..., channel], imresize(image[..., channel], 0.5))


@pytest.mark.parametrize("name", ["Set5", "Set14"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_downscale_reproduces_matlabs_files(data_root, name, scale):
    originals = sorted((data_root / name).iterdir())
    reduced = sorted((data_root / "matlab_lr" / name / f"x{scale}").iterdir())
    assert len(originals) == len(reduced) > 0
    for original, expected in zip(originals, reduced):
        np.testing.assert_array_equal(downscale(read_image(original), scale), read_image(expected), original.name)


def test_bad_arguments():
    with pytest.raises(UsageError, match="uint8"):
        downscale(np.zeros((4, 4)), 2)
    with pytest.raises(UsageError, match="above 0"):
        imresize(np.zeros((4, 4)), 0)
