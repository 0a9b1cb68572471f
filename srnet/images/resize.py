"""MATLAB's antialiased bicubic `imresize`, in the two variants that the field's LR images are made with.

Keys' cubic with a = -0.5, widened by the factor when downscaling, weights normalized, height before width.
"""

import functools
import math
from collections.abc import Callable

import numpy as np
import scipy.sparse

from srnet.errors import UsageError
from srnet.images.color import round_to_uint8


def cubic(x: np.ndarray) -> np.ndarray:
    """Keys' cubic convolution kernel with a = -0.5.

    Reference: R. Keys. Cubic convolution interpolation for digital image processing. IEEE TASSP 29(6), 1981.

    Args:
      x: array of distances in pixels; the kernel is 0 from 2 on.

    Returns:
      Array of weights of the same shape.
    """
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def crop_to_multiple(image: np.ndarray, multiple: int) -> np.ndarray:
    """Crops a picture at the bottom and right so that `multiple` divides its height and width.

    Args:
      image: (H, W) or (H, W, C) array.
      multiple: integer, at least 1.
    """
    height, width = (size - size % multiple for size in image.shape[:2])
    return image[:height, :width]


def imresize(image: np.ndarray, scale: float) -> np.ndarray:
    """Resizes in double precision like MATLAB's `imresize(image, scale)`, mirroring the image at its borders.

    Args:
      image: (H, W) or (H, W, C) array.
      scale: factor above 0; below 1 it downscales, with antialiasing.

    Returns:
      float64 array (ceil(scale*H), ceil(scale*W)[, C]), not rounded and not clipped.

    Raises:
      UsageError: if the scale is not above 0.
    """
    return _resize(image, scale, "mirror", lambda values: values)


def downscale(image: np.ndarray, scale: int) -> np.ndarray:
    """Downscales an 8-bit image the way the field's published LR files were made.

    The image is cropped to a multiple of the scale, edge pixels are repeated beyond the border, and values are rounded
    half up to 8 bits after each of the two passes. This reproduces the files of the SelfExSR package.

    Args:
      image: uint8 (H, W) or (H, W, C) array.
      scale: integer downscaling factor, at least 1.

    Returns:
      uint8 array (H // scale, W // scale[, C]).

    Raises:
      UsageError: if the image is not uint8.
    """
    if image.dtype != np.uint8:
        raise UsageError(f"downscale takes uint8 images, not {image.dtype}")
    return _resize(crop_to_multiple(image, scale), 1 / scale, "clamp", round_to_uint8)


def _resize(image: np.ndarray, scale: float, border: str, after_pass: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    if not scale > 0:
        raise UsageError(f"scale {scale!r} cannot be used: it must be above 0")
    values = np.asarray(image)
    for axis in (0, 1):
        weights = _weights(values.shape[axis], scale, border)
        columns = np.moveaxis(values, axis, 0)
        resized = weights @ columns.reshape(columns.shape[0], -1).astype(np.float64)
        values = after_pass(np.moveaxis(resized.reshape(-1, *columns.shape[1:]), 0, axis))
    return values


def resized_length(length: int, scale: float) -> int:
    """Returns the length that `imresize` gives an axis, in pixels.

    Args:
      length: number of pixels.
      scale: factor above 0.
    """
    return math.ceil(scale * length - 1e-9)


@functools.lru_cache(maxsize=64)
def _weights(length: int, scale: float, border: str) -> scipy.sparse.csr_array:
    """The sparse matrix (ceil(scale*length), length) that resizes one axis."""
    out_length = resized_length(length, scale)
    kernel_scale = min(scale, 1.0)
    width = 4.0 / kernel_scale
    center = (np.arange(1, out_length + 1) / scale + 0.5 * (1 - 1 / scale))[:, None]
    index = np.floor(center - width / 2) + np.arange(math.ceil(width) + 2)[None, :]
    weights = kernel_scale * cubic(kernel_scale * (center - index))
    weights /= weights.sum(axis=1, keepdims=True)
    index = index.astype(np.int64) - 1
    if border == "clamp":
        index = np.clip(index, 0, length - 1)
    else:
        index %= 2 * length
        index = np.minimum(index, 2 * length - 1 - index)
    rows = np.broadcast_to(np.arange(out_length)[:, None], index.shape)
    return scipy.sparse.csr_array((weights.ravel(), (rows.ravel(), index.ravel())), shape=(out_length, length))
