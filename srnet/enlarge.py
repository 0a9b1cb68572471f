"""One picture to any larger size: passes of a network, and a reduction to the exact size."""

import dataclasses
import math

import numpy as np
import PIL.Image
import psutil
import tensorflow as tf

from srnet.errors import DataError, UsageError
from srnet.upscaler import PEAKS, enlarge_pixels

_COPIES = 3  # of the result: the array, Pillow's own, and the file
_BAND = 256  # rows


def passes(factor, scales):
    """Returns the integer enlargements, one after another, whose product is at least a factor.

    Args:
      factor: enlargement, above 1.
      scales: the integer enlargements that there are networks for.

    Returns:
      A list: the largest scale as often as needed, then the smallest that suffices.
    """
    chosen = []
    while factor > max(scales):
        chosen.append(max(scales))
        factor /= max(scales)
    return [*chosen, min(scale for scale in scales if scale >= factor)] if factor > 1 else chosen


def enlarge_picture(picture, size, upscalers, progress=None):
    """Enlarges a picture to a size: by the next larger passes of networks, then antialiased bicubic reduction.

    Args:
      picture: `srnet.data.pictures.Picture`.
      size: (height, width) of the result; neither below the picture's, and one above.
      upscalers: dict from integer enlargements to a callable that returns the `srnet.upscaler.Upscaler` for it.
      progress: callable (done, of) that is told enlarged LR pixels of the present pass, or None.

    Returns:
      `srnet.data.pictures.Picture` of that size.

    Raises:
      UsageError: if the size is not larger than the picture's.
      DataError: if the memory does not suffice.
    """
    pixels = picture.pixels
    height, width = pixels.shape[:2]
    if size[0] < height or size[1] < width or size == (height, width):
        raise UsageError(f"{size[1]}x{size[0]} is no enlargement of {width}x{height}")
    chosen = passes(max(size[0] / height, size[1] / width), upscalers)
    _check_memory(pixels, math.prod(chosen))
    try:
        for scale in chosen:
            pixels = enlarge_pixels(upscalers[scale](), pixels, picture.mode, progress)
        if pixels.shape[:2] != size:
            pixels = _reduce(pixels, size)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise DataError(f"{width}x{height} to {size[1]}x{size[0]}: the memory does not suffice") from error
    return dataclasses.replace(picture, pixels=pixels)


def _check_memory(pixels, factor):
    needed, available = _COPIES * pixels.nbytes * factor**2, psutil.virtual_memory().available
    if needed > available:
        raise DataError(f"the result takes {needed / 2**30:.1f} GiB of memory, {available / 2**30:.1f} are free")


def _reduce(pixels, size):
    """Antialiased bicubic reduction in floating point, a channel and a band of rows at a time."""
    height, width = pixels.shape[:2]
    ratio = height / size[0]
    margin = math.ceil(2 * ratio) + 1  # the cubic reaches two pixels of the result
    planes = pixels.reshape(height, width, -1)
    reduced = np.empty((*size, planes.shape[2]), pixels.dtype)
    for top in range(0, size[0], _BAND):
        bottom = min(top + _BAND, size[0])
        first = max(0, math.floor(top * ratio) - margin)
        band = planes[first : math.ceil(bottom * ratio) + margin]
        box = (0, top * ratio - first, width, min(bottom * ratio - first, len(band)))
        for i in range(planes.shape[2]):
            plane = PIL.Image.fromarray(band[..., i].astype(np.float32))
            plane = plane.resize((size[1], bottom - top), PIL.Image.Resampling.BICUBIC, box)
            values = np.clip(np.asarray(plane), 0, PEAKS[pixels.dtype.name])
            reduced[top:bottom, :, i] = values + (0.5 if pixels.dtype.kind == "u" else 0)
    return reduced.reshape(*size, *pixels.shape[2:])
