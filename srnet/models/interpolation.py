"""Networks between two others, by their weights."""

import keras

from srnet.errors import UsageError


def interpolate(first: keras.Model, second: keras.Model, share: float) -> keras.Model:
    """Returns a network whose weights lie between those of two others of the same layers.

    Between a network trained for PSNR and the same one trained further against a discriminator, it trades sharpness
    against artifacts without new training.

    Reference: X. Wang et al. ESRGAN: enhanced super-resolution generative adversarial networks. 2018 (section 3.4).

    Args:
      first: Keras model.
      second: Keras model with weights of the same names and shapes.
      share: that the second one has, 0 to 1.

    Returns:
      A new model; the two stay as they are.

    Raises:
      UsageError: for a share outside its range, or networks of other weights.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"share {share!r} cannot be used: it must be within 0 and 1")
    named = [
        [(weight.path.split("/")[-2:], tuple(weight.shape)) for weight in model.weights] for model in (first, second)
    ]
    if named[0] != named[1]:
        raise UsageError(
            f"networks {first.name} and {second.name} have other weights: only the same network interpolates"
        )
    made = keras.models.clone_model(first)
    pairs = zip(first.get_weights(), second.get_weights())
    made.set_weights([(1 - share) * one + share * other for one, other in pairs])
    return made
