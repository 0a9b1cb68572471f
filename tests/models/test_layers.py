"""Shared layers against NumPy and MATLAB's imresize."""

import numpy as np
import pytest

from srnet.data.resize import imresize
from srnet.models.layers import BicubicUpsampling, MirrorPad


@pytest.mark.parametrize(("height", "width", "multiple"), [(1, 3, 4), (5, 8, 4), (2, 1, 8), (6, 6, 1)])
def test_mirror_pad_is_numpys_symmetric(height, width, multiple):
    image = np.random.default_rng(0).uniform(size=(2, height, width, 3)).astype(np.float32)
    ends = [(0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)]
    np.testing.assert_array_equal(MirrorPad(multiple)(image), np.pad(image, ends, mode="symmetric"))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(1, 1), (2, 7), (12, 9)])
def test_bicubic_upsampling_is_imresize(scale, size):
    image = np.random.default_rng(0).uniform(0, 255, (*size, 2)).astype(np.float32)
    np.testing.assert_allclose(BicubicUpsampling(scale)(image[None])[0], imresize(image, scale), atol=1e-3)
