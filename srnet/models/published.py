"""Weights that others have published, put into the networks here."""

import keras
import numpy as np

from srnet.errors import DataError, UsageError


def load_published(model, arrays):
    """Puts published convolution weights, trained on luma in [0, 1], into a network.

    SRCNN's and VDSR's authors published theirs. The networks here work in the same units between their first and last
    layer, so the arrays go in as they are.

    Args:
      model: Keras model whose only weights are those of convolutions: SRCNN or VDSR.
      arrays: list of (kernel, bias), one for each convolution from first to last: kernels (height, width, channels in,
        channels out), biases (channels out,).

    Raises:
      UsageError: for a network of other layers.
      DataError: if their number or a shape is not the network's, or a value not finite; nothing is loaded then.
    """
    layers = [layer for layer in model.layers if layer.weights]
    if not all(type(layer) is keras.layers.Conv2D for layer in layers):
        raise UsageError(f"network {model.name} is no chain of convolutions: published weights go into srcnn and vdsr")
    arrays = list(arrays)
    if len(arrays) != len(layers):
        raise DataError(f"network {model.name} has {len(layers)} convolutions, not {len(arrays)}")
    pairs = []
    for number, (layer, given) in enumerate(zip(layers, arrays), 1):
        place = f"convolution {number} of {len(layers)}"
        try:
            pairs.append([np.asarray(array, np.float32) for array in given])
        except (TypeError, ValueError) as error:
            raise DataError(f"{place}: expected a pair of arrays, kernel and bias ({error})") from error
        if len(pairs[-1]) != 2:
            raise DataError(f"{place}: expected a pair of arrays, kernel and bias, not {len(pairs[-1])}")
        for part, array, variable in zip(("kernel", "bias"), pairs[-1], layer.weights):
            if array.shape != tuple(variable.shape):
                raise DataError(f"{place}, {part}: shape {array.shape}, the network's is {tuple(variable.shape)}")
            if not np.isfinite(array).all():
                raise DataError(f"{place}, {part}: not all values are finite")
    for layer, pair in zip(layers, pairs):
        layer.set_weights(pair)
