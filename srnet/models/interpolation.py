"""Interpolation between the weights of two networks."""

import re
from typing import Any

import keras

from srnet.errors import UsageError

_ONLY_TRAINS = re.compile("_(initializer|regularizer|constraint)$")


def interpolate(first: keras.Model, second: keras.Model, share: float) -> keras.Model:
    """Returns a network whose weights are interpolated between those of two networks with the same layers.

    Between a network trained for PSNR and the same one trained further against a discriminator, this trades sharpness
    against artifacts without retraining.

    Reference: X. Wang et al. ESRGAN: enhanced super-resolution generative adversarial networks. 2018 (section 3.4).

    Args:
      first: Keras model.
      second: Keras model with the same layers.
      share: weight of the second one, 0 to 1.

    Returns:
      A new model; the two are unchanged.

    Raises:
      UsageError: for a share outside its range, or networks with different layers.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"share {share!r} cannot be used: it must be between 0 and 1")
    if _layers(first) != _layers(second):
        raise UsageError(f"networks {first.name} and {second.name} have different layers: give two of the same network")
    made = keras.models.clone_model(first)
    pairs = zip(first.get_weights(), second.get_weights())
    made.set_weights([(1 - share) * one + share * other for one, other in pairs])
    return made


def _layers(model: keras.Model) -> list[tuple[str, dict[str, Any], list[tuple[int, ...]]]]:
    """The layers of a network without their names, which Keras may have numbered, and how training treats them."""
    return [
        (
            type(layer).__name__,
            {
                name: value
                for name, value in layer.get_config().items()
                if name != "name" and not _ONLY_TRAINS.search(name)
            },
            [tuple(weight.shape) for weight in layer.weights],
        )
        for layer in model.layers
    ]
