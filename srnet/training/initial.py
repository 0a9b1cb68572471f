"""Initializing a run with the weights of a trained network."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from srnet.digests import array_digest
from srnet.errors import UsageError
from srnet.images.color import YCBCR_MATRIX, YCBCR_OFFSET
from srnet.models.keras_file import load_file
from srnet.pretrained import cards
from srnet.pretrained.load import load as load_pretrained
from srnet.training.checkpoints import load_run
from srnet.training.run_folder import Run, history, pick_history


def copy_weights(model: keras.Model, source: str) -> tuple[int, int, dict[str, Any]]:
    """Copies trained weights into each layer of the same name and shape.

    An RGB network also takes the weights of a luma network; if it adds the bicubic enlargement, as `plus` does, it
    then does to gray pictures what the luma network does. Its first layer keeps its own response to colors.

    Args:
      model: Keras model.
      source: a run folder, a .keras file, or a pretrained network, such as "plus_x2".

    Returns:
      (layers, copied, initial): the number of layers with weights, how many of them were initialized, and a dict with
      the SHA-256 of the source's weights and, if known, its `history`.

    Raises:
      DataError: if the source holds no trained network.
      UsageError: if no layer matches.
    """
    trained, known = _trained(source)
    trained_layers = {layer.name: layer for layer in trained.layers}
    layers = [layer for layer in model.layers if layer.weights]
    copied = 0
    mean = next((-np.asarray(layer.offset) for layer in model.layers if layer.name == "subtract_mean"), None)
    for layer in layers:
        known_weights = trained_layers[layer.name].get_weights() if layer.name in trained_layers else None
        weights = _fitting(known_weights, layer.get_weights(), mean) if known_weights else None
        if weights:
            layer.set_weights(weights)
            copied += 1
    if not copied:
        raise UsageError(f"{source}: no layer of {trained.name} has the name and shape of a layer of {model.name}")
    return len(layers), copied, {"sha256": array_digest(trained.get_weights()), **known}


def _trained(source: str) -> tuple[keras.Model, dict[str, Any]]:
    """The network of `copy_weights`, and its history."""
    pretrained = {f"{name}_x{scale}": (scale, name) for name in cards.names() for scale in cards.scales(name)}
    if source in pretrained and not Path(source).exists():
        return load_pretrained(*pretrained[source]), pick_history(cards.card(*pretrained[source])["run"])
    if Path(source).suffix == ".keras":
        return load_file(source), {}
    model, _ = load_run(source)
    return model, history(Run(Path(source)))


def _fitting(weights: list[np.ndarray], own: list[np.ndarray], mean: np.ndarray | None) -> list[np.ndarray] | None:
    """The weights if they fit in place of a layer's own, else None.

    A luma network's first and last layers are converted to RGB, whose mean color the network may subtract.
    """
    have, shapes = ([weight.shape for weight in each] for each in (weights, own))
    if have == shapes:
        return weights
    if len(have) != 2 or len(shapes) != 2 or len(shapes[0]) != 4:
        return None
    kernel, bias = weights
    height, width, *ends = shapes[0]
    to_rgb = np.linalg.inv(YCBCR_MATRIX)[:, 0]
    if ends[1] == 3 and have == [(height, width, ends[0], 1), (1,)]:  # last layer
        return [kernel * to_rgb, bias * to_rgb]
    if ends[0] != 3 or have[0] != (height, width, 1, ends[1]):
        return None
    if have[1] == shapes[1] == shapes[0][3:]:  # first layer: its input is in [0, 1], or less the mean color
        # If neither the first nor the last layer responded to colors, neither would have a gradient of them.
        color = own[0] - own[0].mean(2, keepdims=True)
        gray = YCBCR_OFFSET[0] / 255 * kernel.sum((0, 1, 2)) if mean is None else mean @ color.sum((0, 1))
        return [kernel * YCBCR_MATRIX[0][:, None] + color, bias + gray]
    if have[1] == (1,) and shapes[1] == (3,):  # last layer, transposed
        return [kernel * to_rgb[:, None], bias * to_rgb]
    return None
