"""Interpolates colors under transparency, weighted by their opacity.

Pictures hold straight colors. Interpolating them without weights would let hidden and nearly hidden colors bleed into
visible ones. A network cannot weight colors, so it gets a picture whose hidden colors are replaced, and the difference
that weights make to an interpolation is added to its result.
"""

from collections.abc import Callable

import numpy as np

from srnet.images.color import PEAKS

_BAND = 256  # rows worked on at a time
_HARDLY_SEEN = 1 / 32  # opacity below which a pixel's color is replaced for a network
_INVISIBLE = 0.4 / 255  # opacity below which a weighted color is mostly rounding error


def replace_hidden_colors(image: np.ndarray, reach: int) -> np.ndarray:
    """Gives nearly transparent pixels the color of the nearest visible one.

    It works on bands of rows, since the distances take many times the memory of the picture.

    Args:
      image: (H, W, 2 or 4) array whose last channel is the opacity.
      reach: pixels; hidden pixels are replaced at least within this distance of a visible one.

    Returns:
      Array of the same shape and dtype, with the same opacity.
    """
    replaced = image.copy()
    least = _HARDLY_SEEN * PEAKS[image.dtype.name]
    for top in range(0, len(image), _BAND):
        first = max(0, top - reach)
        band = image[first : top + _BAND + reach]
        hidden = band[..., -1] < least
        if hidden.all():  # all are nearly transparent, so only fully transparent ones count as hidden
            hidden = band[..., -1] == 0
        if hidden.any() and not hidden.all():
            import scipy.ndimage  # takes as long to import as the rest of a command

            nearest = scipy.ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
            colors = band[tuple(nearest)][top - first :][:_BAND, :, :-1]
            replaced[top : top + _BAND, :, :-1] = colors
    return replaced


def is_flat(opacity: np.ndarray) -> np.ndarray:
    """Tells which pixels have the same opacity as all eight neighbors; a network would add ripples there.

    Args:
      opacity: (h, w, 1) array.

    Returns:
      Boolean array of the same shape.
    """
    import scipy.ndimage

    around = (3, 3, 1)
    return scipy.ndimage.maximum_filter(opacity, around) == scipy.ndimage.minimum_filter(opacity, around)


def weighted(
    interpolate: Callable[[np.ndarray], np.ndarray], colors: np.ndarray, opacity: np.ndarray, otherwise: np.ndarray
) -> np.ndarray:
    """Interpolates colors, each weighted by its opacity.

    Args:
      interpolate: callable from (h, w, C) to (H, W, C) arrays, linear.
      colors: (h, w, C) floating-point array.
      opacity: (h, w, 1) floating-point array in [0, 1].
      otherwise: (H, W, C) array, the result where nothing is visible.

    Returns:
      (H, W, C) array, not clipped.
    """
    seen = interpolate(opacity)
    return np.where(seen > _INVISIBLE, interpolate(colors * opacity) / np.maximum(seen, _INVISIBLE), otherwise)
