"""Large pictures, enlarged piece by piece with the same result as in one piece."""

import numpy as np
import tensorflow as tf


def enlarge_in_tiles(enlarge, image, scale, tile, margin, multiple=1, progress=None):
    """Enlarges a picture tile by tile; only one tile at a time is given to the method.

    A tile for which the memory does not suffice is quartered, and so are all that follow it.

    Args:
      enlarge: callable from an array (h, w[, C]) to (scale*h, scale*w[, C]).
      image: array (H, W) or (H, W, C).
      scale: integer enlargement.
      tile: side of a tile in LR pixels, at least 1, without its margin; rounded to a multiple of `multiple`.
      margin: LR pixels around a tile that its result depends on (`srnet.models.receptive_field.reach`).
      multiple: tiles begin at multiples of it (`srnet.models.receptive_field.alignment`).
      progress: callable that is told the LR pixels of each finished tile, or None.

    Returns:
      Array (scale*H, scale*W[, C]) of the dtype that `enlarge` returns.

    Raises:
      tf.errors.ResourceExhaustedError: if the memory does not suffice for the smallest tile.
    """
    height, width = image.shape[:2]
    margin = _round_up(margin, multiple)
    side = max(multiple, tile // multiple * multiple)
    waiting = _boxes(0, 0, height, width, side)
    output = None
    while waiting:
        top, left, bottom, right = box = waiting.pop()
        if max(bottom - top, right - left) > side:
            waiting += _boxes(*box, side)
            continue
        first = max(0, top - margin), max(0, left - margin)
        try:
            enlarged = enlarge(image[first[0] : bottom + margin, first[1] : right + margin])
        except tf.errors.ResourceExhaustedError:
            if side == multiple:
                raise
            side = max(multiple, side // 2 // multiple * multiple)
            waiting.append(box)
            continue
        if output is None:
            output = np.empty((height * scale, width * scale, *image.shape[2:]), enlarged.dtype)
        down, across = (top - first[0]) * scale, (left - first[1]) * scale
        rows, columns = (bottom - top) * scale, (right - left) * scale
        output[top * scale : bottom * scale, left * scale : right * scale] = enlarged[
            down : down + rows, across : across + columns
        ]
        if progress:
            progress((bottom - top) * (right - left))
    return output


def _boxes(top, left, bottom, right, side):
    """Squares of a side that cover a box, the upper left one last; those at the far ends are cut."""
    corners = [(y, x) for y in range(top, bottom, side) for x in range(left, right, side)]
    return [(y, x, min(y + side, bottom), min(x + side, right)) for y, x in reversed(corners)]


def _round_up(value, multiple):
    return -(-value // multiple) * multiple
