"""Enlarges one picture to any larger size: in passes of a network, then downscaled to the exact size."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Collection

import numpy as np
import PIL.Image

from srnet.errors import DataError, UsageError
from srnet.images.color import PEAKS, quantize
from srnet.images.picture import Picture
from srnet.inference.choice import Upscalers
from srnet.inference.memory import free_memory
from srnet.inference.transparency import weighted
from srnet.progress import Progress

LARGEST_SCALE = 64
_COPIES = 3  # of the result: the array, Pillow's copy and the file
_BAND = 256  # rows

Sides = tuple[int | None, int | None]  # height and width; None follows from the other one


def needed_passes(factor: float, scales: Collection[int]) -> list[int]:
    """Returns the integer scales to apply in turn, whose product is at least a factor.

    Args:
      factor: enlargement, at least 1; for 1, the smallest scale.
      scales: the integer scales with a network, each at least 2.

    Returns:
      The scales with the smallest product; among those, the fewest; in ascending order, which is the least work.
    """
    most = math.ceil(math.log(factor, min(scales))) + 1  # one more, against rounding errors
    combinations = (itertools.combinations_with_replacement(sorted(scales), count) for count in range(1, most + 1))
    suffice = [each for same in combinations for each in same if math.prod(each) >= factor]
    best = min(suffice, key=lambda each: (math.prod(each), len(each)))
    return list(best)


def target_size(size: tuple[int, int], scale: float, exact: Sides | None = None, fit: bool = False) -> tuple[int, int]:
    """Returns (height, width) of a result.

    Args:
      size: (height, width) of the picture.
      scale: enlargement, from 1, which only cleans a picture, to `LARGEST_SCALE`; rounded to whole pixels.
      exact: (height, width) to use instead, or None. A side that is None keeps the proportions.
      fit: whether to keep the proportions and fit within `exact`.

    Raises:
      UsageError: if the scale is out of range, or the size is not an enlargement of the picture's.
    """
    if exact is None and not 1 <= scale <= LARGEST_SCALE:
        raise UsageError(f"scale {scale:g} cannot be used: it must be from 1 to {LARGEST_SCALE}")
    height, width = exact or (None, None)
    if exact and (fit or None in exact):
        scale = min(side / own for side, own in zip(exact, size) if side)
        height = width = None
    height, width = height or max(1, round(size[0] * scale)), width or max(1, round(size[1] * scale))
    if height < size[0] or width < size[1]:
        raise UsageError(f"{width}x{height} is smaller than the picture, {size[1]}x{size[0]}")
    return height, width


def enlarge_picture(
    picture: Picture,
    size: tuple[int, int],
    upscalers: Upscalers,
    progress: Progress | None = None,
) -> Picture:
    """Enlarges a picture with networks to at least a size, then downscales it to that size (bicubic, antialiased).

    Args:
      picture: the picture.
      size: (height, width) of the result, from `target_size`.
      upscalers: as for `srnet.inference.choice.Choice`.
      progress: callable that receives the share done, up to 1, or None.

    Returns:
      A picture of that size.

    Raises:
      DataError: if there is not enough memory.
    """
    pixels = picture.pixels
    height, width = picture.size
    chosen = needed_passes(max(size[0] / height, size[1] / width), upscalers)
    _check_memory(pixels, math.prod(chosen))
    try:
        for number, scale in enumerate(chosen):
            report = progress and functools.partial(_report, progress, chosen, number)
            pixels = upscalers[scale]().enlarge(pixels, picture.mode, report)
        if pixels.shape[:2] != size:
            pixels = _downscale(pixels, size, picture.mode)
    except MemoryError as error:
        raise DataError(f"{width}x{height} to {size[1]}x{size[0]}: {str(error) or 'not enough memory'}") from error
    return dataclasses.replace(picture, pixels=pixels)


def _report(progress: Progress, passes: list[int], number: int, share: float) -> None:
    """Reports the share of all passes, whose work grows with the pixels that they start from, from that of one."""
    work = [math.prod(passes[:before]) ** 2 for before in range(len(passes))]
    progress((sum(work[:number]) + work[number] * share) / sum(work))


def _check_memory(pixels: np.ndarray, factor: int) -> None:
    needed, available = _COPIES * pixels.nbytes * factor**2, free_memory()
    if needed > available:
        raise DataError(
            f"enlarging needs {needed / 2**30:.1f} GiB of memory, but only {available / 2**30:.1f} GiB are free"
        )


def _downscale(pixels: np.ndarray, size: tuple[int, int], mode: str) -> np.ndarray:
    """Antialiased bicubic downscaling in floating point, a band of rows at a time."""
    height, width = pixels.shape[:2]
    ratio = height / size[0]
    margin = math.ceil(2 * ratio) + 1  # the cubic kernel reaches two pixels of the result
    planes = pixels.reshape(height, width, -1)
    transparent = planes.shape[2] in (2, 4) and mode != "CMYK"
    downscaled = np.empty((*size, planes.shape[2]), pixels.dtype)
    for top in range(0, size[0], _BAND):
        bottom = min(top + _BAND, size[0])
        first = max(0, math.floor(top * ratio) - margin)
        band = planes[first : math.ceil(bottom * ratio) + margin].astype(np.float32)
        box = (0, top * ratio - first, width, min(bottom * ratio - first, len(band)))
        resize = functools.partial(_resize, size=(size[1], bottom - top), box=box)
        values = resize(band)
        if transparent:
            opacity = band[..., -1:] / np.float32(PEAKS[pixels.dtype.name])
            values[..., :-1] = weighted(resize, band[..., :-1], opacity, values[..., :-1])
        downscaled[top:bottom] = quantize(values, pixels.dtype)
    return downscaled.reshape(*size, *pixels.shape[2:])


def _resize(values: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float]) -> np.ndarray:
    """Resizes a box of a float32 (h, w, C) array to (width, height), channel by channel."""
    planes = (PIL.Image.fromarray(values[..., i]) for i in range(values.shape[2]))
    resized = [np.asarray(plane.resize(size, PIL.Image.Resampling.BICUBIC, box)) for plane in planes]
    return np.stack(resized, axis=-1)
