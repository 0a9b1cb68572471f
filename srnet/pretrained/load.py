"""Pretrained networks as Keras models."""

import functools
import hashlib
from collections.abc import Callable

import keras

from srnet.errors import DataError, UsageError
from srnet.files import reason
from srnet.models import build
from srnet.models.luma_weights import fitting_weights
from srnet.pretrained import cards


def load(scale: int = 4, network: str = cards.DEFAULT, denoise: float = 1.0) -> keras.Model:
    """Returns a pretrained network.

    With `denoise` below 1, the weights of `photo` are mixed with those of `plus`, from which its training began.
    Reference: X. Wang et al. Deep network interpolation for continuous imagery effect transition. CVPR 2019.

    Args:
      scale: integer enlargement.
      network: one of `srnet.pretrained.cards.names()`.
      denoise: for "photo": how much noise and JPEG compression it removes, from 0, none, to 1.

    Returns:
      A float32 `keras.Model`, as `srnet.build` makes it.

    Raises:
      UsageError: if there are no weights for it, or for a `denoise` that cannot be used.
      DataError: if its files are damaged.
    """
    _check_denoise(denoise, network)
    card, path = cards.card(scale, network), cards.weights_file(network, scale)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    if digest != card["sha256"]:
        raise DataError(f"{path}: not the bundled weights (SHA-256 differs); install srnet again")
    model = build(card["network"], card["scale"], card["channels"], **card["model_options"])
    model.load_weights(path)
    if denoise != 1:
        _mix(model, load(scale), denoise)
    return model


def _check_denoise(denoise: float, network: str) -> None:
    if not 0 <= denoise <= 1:
        raise UsageError(f"denoise {denoise:g} cannot be used: it must be from 0 to 1")
    if denoise != 1 and network != cards.PHOTO:
        raise UsageError(f"denoise is for {cards.PHOTO}, not for {network}")


def _mix(model: keras.Model, other: keras.Model, share: float) -> None:
    """Gives a network the weighted mean of its weights, of this share, and another's."""
    for layer in filter(lambda layer: layer.weights, model.layers):
        theirs = fitting_weights(other.get_layer(layer.name), layer) or []
        pairs = zip(layer.get_weights(), theirs, strict=True)
        layer.set_weights([share * own + (1 - share) * their for own, their in pairs])


def loaders(network: str = cards.DEFAULT, denoise: float = 1.0) -> dict[int, Callable[[], keras.Model]]:
    """Returns a callable for each scale of a pretrained network, which loads it at the first call.

    Args:
      network: one of `srnet.pretrained.cards.names()`.
      denoise: as for `load`.

    Raises:
      UsageError: as for `load`.
    """
    _check_denoise(denoise, network)
    scales = cards.check_network(network)
    return {scale: functools.cache(functools.partial(load, scale, network, denoise)) for scale in scales}
