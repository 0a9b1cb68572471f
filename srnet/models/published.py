"""Weights that other authors have published, loaded into the networks here."""

from collections.abc import Iterable

import keras
import numpy as np

from srnet.errors import DataError, UsageError


def load_published(model: keras.Model, arrays: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    """Loads published convolution weights, trained on luma in [0, 1], into a network.

    The authors of SRCNN and VDSR published theirs. The networks here scale pixels to [0, 1] as well, so the arrays are
    loaded unchanged.

    Args:
      model: Keras model whose only weights are those of convolutions: SRCNN or VDSR.
      arrays: a pair (kernel, bias) for each convolution from first to last: kernels (height, width, channels in,
        channels out), biases (channels out,).

    Raises:
      UsageError: for a network with weights in other layers.
      DataError: if the number or a shape of the arrays does not fit, or a value is not finite; nothing is loaded then.
    """
    layers = [layer for layer in model.layers if layer.weights]
    if not all(type(layer) is keras.layers.Conv2D for layer in layers):
        raise UsageError(f"network {model.name} is not a chain of convolutions: published weights fit srcnn and vdsr")
    published = list(arrays)
    if len(published) != len(layers):
        raise DataError(f"network {model.name} has {len(layers)} convolutions, not {len(published)}")
    pairs: list[list[np.ndarray]] = []
    for number, (layer, given) in enumerate(zip(layers, published), 1):
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
