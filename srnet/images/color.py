"""Luma, RGB and the shared rounding to 8 and 16 bits."""

import numpy as np
import numpy.typing as npt

# ITU-R BT.601 with headroom, the matrix of MATLAB's rgb2ycbcr, for RGB in [0, 255].
YCBCR_OFFSET = np.array([16.0, 128.0, 128.0])
YCBCR_MATRIX = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255.0

# Largest value of each dtype that a picture's pixels may have; the smallest is 0.
PEAKS = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0, "float64": 1.0}

_BAND = 256  # rows worked on at a time


def quantize(values: np.ndarray, dtype: npt.DTypeLike) -> np.ndarray:
    """Clips values to the range of a dtype and, for integers, rounds half up.

    Args:
      values: array of any shape, in units of the dtype: [0, 255], [0, 65535] or [0, 1].
      dtype: uint8, uint16, float32 or float64.

    Returns:
      Array of the same shape and of that dtype.
    """
    dtype = np.dtype(dtype)
    rounded = np.floor(values + 0.5) if dtype.kind == "u" else values
    return np.clip(rounded, 0, PEAKS[dtype.name]).astype(dtype)


def round_to_uint8(values: npt.ArrayLike) -> np.ndarray:
    """Rounds half up and clips to [0, 255].

    Args:
      values: array of any shape, gray levels in [0, 255].

    Returns:
      uint8 array of the same shape.
    """
    return quantize(np.asarray(values), np.uint8)


def to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Converts pixels to 8 bits.

    Args:
      pixels: array of uint8, uint16, or floats in [0, 1].
    """
    if pixels.dtype == np.uint8:
        return pixels
    factor = 255 / PEAKS[pixels.dtype.name]
    changed = np.empty(pixels.shape, np.uint8)
    for top in range(0, len(pixels), _BAND):
        changed[top : top + _BAND] = round_to_uint8(pixels[top : top + _BAND].astype(np.float64) * factor)
    return changed


def rgb_to_ycbcr(rgb: npt.ArrayLike) -> np.ndarray:
    """Converts RGB to Y'CbCr like MATLAB's `rgb2ycbcr`.

    Args:
      rgb: (..., 3) array in [0, 255].

    Returns:
      (..., 3) array, luma in [16, 235] and chroma in [16, 240]; uint8, rounded, for uint8 input, else float64.
    """
    ycbcr = np.asarray(rgb, np.float64) @ YCBCR_MATRIX.T + YCBCR_OFFSET
    return round_to_uint8(ycbcr) if np.asarray(rgb).dtype == np.uint8 else ycbcr


def ycbcr_to_rgb(ycbcr: npt.ArrayLike) -> np.ndarray:
    """Converts Y'CbCr back to RGB: the inverse of `rgb_to_ycbcr`.

    Args:
      ycbcr: (..., 3) array, luma in [16, 235] and chroma in [16, 240].

    Returns:
      float64 (..., 3) array, not clipped.
    """
    return (np.asarray(ycbcr, np.float64) - YCBCR_OFFSET) @ np.linalg.inv(YCBCR_MATRIX).T


def to_luma(image: np.ndarray) -> np.ndarray:
    """Returns the luma of a picture; a grayscale picture is used as luma unchanged.

    Args:
      image: (H, W) or (H, W, 3) array in [0, 255].

    Returns:
      (H, W) array; uint8 for uint8 input, else float64.
    """
    return image if image.ndim == 2 else rgb_to_ycbcr(image)[..., 0]


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Returns a picture with three channels; grayscale is repeated.

    Args:
      image: (H, W) or (H, W, 3) array.

    Returns:
      (H, W, 3) array of the same dtype.
    """
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)


def in_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Returns a picture as luma or as RGB.

    Args:
      image: (H, W) or (H, W, 1), grayscale, or (H, W, 3), RGB, in [0, 255].
      channels: 1 for luma, 3 for RGB.

    Returns:
      (H, W, channels) array.
    """
    image = image[..., 0] if image.shape[2:] == (1,) else image
    return to_luma(image)[..., None] if channels == 1 else to_rgb(image)
