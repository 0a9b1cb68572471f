"""Colors hidden by transparency, which must not bleed into visible ones."""

import numpy as np
import scipy.ndimage

_BAND = 256  # rows worked on at a time


def replace_hidden_colors(image: np.ndarray, reach: int) -> np.ndarray:
    """Gives fully transparent pixels the color of the nearest visible pixel.

    It works on bands of rows, since the distances take many times the memory of the picture.

    Args:
      image: (H, W, 2 or 4) array whose last channel is the opacity.
      reach: pixels; hidden pixels within this distance of a visible one are replaced at least.

    Returns:
      Array of the same shape and dtype, with the same opacity.
    """
    replaced = image.copy()
    for top in range(0, len(image), _BAND):
        first = max(0, top - reach)
        band = image[first : top + _BAND + reach]
        hidden = band[..., -1] == 0
        if hidden.any() and not hidden.all():
            nearest = scipy.ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
            colors = band[tuple(nearest)][top - first :][:_BAND, :, :-1]
            replaced[top : top + _BAND, :, :-1] = colors
    return replaced
