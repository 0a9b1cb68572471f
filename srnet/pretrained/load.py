"""Pretrained networks as Keras models."""

import functools
from collections.abc import Callable

import keras

from srnet.digests import file_digest
from srnet.errors import DataError
from srnet.models import build
from srnet.pretrained import cards


def load(scale: int = 4, network: str = cards.DEFAULT) -> keras.Model:
    """Returns a pretrained network.

    Args:
      scale: integer scale factor.
      network: name of a pretrained network.

    Returns:
      A float32 `keras.Model`, as `srnet.build` makes it.

    Raises:
      UsageError: if there are no weights for it.
      DataError: if its files are damaged.
    """
    card, path = cards.card(scale, network), cards.weights_file(scale, network)
    if file_digest(path) != card["sha256"]:
        raise DataError(f"{path}: not the bundled weights (SHA-256 differs); install srnet again")
    model = build(card["variant"], card["scale"], card["channels"], **card["model_options"])
    model.load_weights(path)
    return model


def loaders(network: str = cards.DEFAULT) -> dict[int, Callable[[], keras.Model]]:
    """Returns a dict from each scale of a pretrained network to a callable that loads it at its first call.

    Args:
      network: name of a pretrained network.

    Raises:
      UsageError: if there are no weights for it.
    """
    return {scale: functools.cache(functools.partial(load, scale, network)) for scale in cards.scales(network)}
