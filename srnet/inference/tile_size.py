"""How large the tiles of a network are, and the margin that each needs."""

import math

import keras

from srnet.inference.tiles import round_up
from srnet.models.analysis import alignment, largest_features, reach

CHROMA_REACH = 2  # LR pixels that bicubic interpolation reads beyond its own
_ENOUGH_MEMORY = 2**28  # bytes for the feature maps of a tile; larger tiles save only a few percent of the time
_LIMITED_MARGIN = 64  # LR pixels; see `tile_margin`


def tile_margin(model: keras.Model) -> int:
    """Returns the margin of tiles in LR pixels: the network's reach, or 64 if that takes too much memory.

    It does if a single pixel with this margin does not fit into 256 MiB, as with `esrgan`, whose reach is 349. With
    random weights, pixels more than 16 away change its result by less than a thousandth of a level.

    Args:
      model: Keras functional model.

    Raises:
      TypeError: for a network with a layer whose reach is unknown or unbounded.
    """
    exact = reach(model)
    fits = bytes_per_pixel(model) * (2 * exact + 1) ** 2 <= _ENOUGH_MEMORY
    return exact if fits else min(exact, _LIMITED_MARGIN)


def aligned_margin(model: keras.Model, *margins: int) -> int:
    """Returns the largest of some margins and of that of chroma, rounded up to the network's alignment.

    Args:
      model: Keras functional model.
      *margins: in LR pixels.
    """
    return round_up(max(*margins, CHROMA_REACH), alignment(model))


def fitting_tile(model: keras.Model, margin: int, memory: float = math.inf) -> int:
    """Returns the side of a square tile in LR pixels: as large as is useful and fits into memory.

    Up to 256 MiB are useful, or a side of twice the margin, at which each pixel is computed four times.

    Args:
      model: Keras functional model.
      margin: LR pixels around the tile that are computed, too.
      memory: available bytes.

    Returns:
      The side, at least 1, even if that does not fit.
    """
    pixels = max(_ENOUGH_MEMORY / bytes_per_pixel(model), (4 * margin) ** 2)
    return max(math.isqrt(int(min(memory / bytes_per_pixel(model), pixels))) - 2 * margin, 1)


def bytes_per_pixel(model: keras.Model) -> float:
    """Returns the bytes that enlarging takes for each LR pixel: about six feature maps of the largest size.

    Args:
      model: Keras functional model.
    """
    return 4 * largest_features(model) * 6
