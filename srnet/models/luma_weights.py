"""Weights of a network of luma, as those of a network of RGB."""

import keras
import numpy as np

from srnet.images.color import YCBCR_MATRIX, YCBCR_OFFSET


def fitting_weights(source: keras.Layer, target: keras.Layer) -> list[np.ndarray] | None:
    """Returns the weights of a layer as those of another one, or None if they do not fit.

    The first and the last layer of a network of luma fit a network of RGB: it then does to the luma what that one does,
    if both add the bicubic enlargement.

    Args:
      source: the layer with weights.
      target: the layer to give them to.
    """
    weights = source.get_weights()
    have, shapes = ([tuple(each.shape) for each in layer.weights] for layer in (source, target))
    if have == shapes:
        return weights
    if len(shapes) != 2 or have[0] != (*shapes[0][:2], 1, shapes[0][3]) or shapes[0][2] != 3:
        return None
    kernel, bias = weights
    if have[1] == shapes[1] == shapes[0][3:]:  # takes pixels, in units of 1
        offset = YCBCR_OFFSET[0] / 255 * kernel.sum((0, 1, 2))
        return [kernel * YCBCR_MATRIX[0][:, None], bias + offset]
    if have[1] == (1,) and shapes[1] == (3,):  # gives pixels
        to_rgb = np.linalg.inv(YCBCR_MATRIX)[:, 0]
        return [kernel * to_rgb[:, None], bias * to_rgb]
    return None
