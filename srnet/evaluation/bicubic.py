"""Bicubic interpolation, the baseline of every table."""

import functools
from collections.abc import Callable

import numpy as np

from srnet.images.resize import imresize


def bicubic(lr: np.ndarray, scale: int) -> np.ndarray:
    """Enlarges by MATLAB's bicubic `imresize`.

    Args:
      lr: (H, W) or (H, W, 3) array in [0, 255].
      scale: integer scale factor.

    Returns:
      float32 array (scale*H, scale*W[, 3]), not rounded and not clipped.
    """
    return imresize(lr, scale).astype(np.float32)


def make_bicubic(scale: int) -> Callable[[np.ndarray], np.ndarray]:
    """Returns bicubic interpolation as a method.

    Args:
      scale: integer scale factor.
    """
    return functools.partial(bicubic, scale=scale)
