"""Training losses: a registry by name.

A loss is a callable (hr, sr), both float32 tensors (n, H, W, c): `hr` in [0, 255], `sr` the network's output, not
clipped. It returns a float32 tensor whose first axis is the n patches: one error per patch, or one per value of it. The
training loss is the mean of all of them, over all devices. Importing this module does not import TensorFlow.
"""

import math
from collections.abc import Callable
from typing import Any

from srnet.errors import UsageError
from srnet.registration import register_function

Loss = Callable[[Any, Any], Any]


def mse(hr: Any, sr: Any) -> Any:
    """Squared error in gray levels (section 2.2.1)."""
    difference = hr - sr
    return difference * difference


def mae(hr: Any, sr: Any) -> Any:
    """Absolute error in gray levels."""
    return abs(hr - sr)


def euclidean(hr: Any, sr: Any) -> Any:
    """Half of each patch's sum of squared errors for pixels in [0, 1], as in Caffe, for which SRCNN was tuned."""
    return mse(hr, sr) * (math.prod(hr.shape[1:]) / (2 * 255.0**2))


def psnr(hr: Any, sr: Any) -> Any:
    """Each patch's mean squared error in dB, so that clean patches count as much as noisy ones.

    Adding 1 to the error keeps flat patches, which have almost none, from dominating.
    """
    import tensorflow as tf

    errors = tf.reduce_mean(mse(hr, sr), axis=(1, 2, 3))
    return 10 / math.log(10) * tf.math.log(errors + 1)


LOSSES: dict[str, Loss] = {"mse": mse, "mae": mae, "euclidean": euclidean, "psnr": psnr}


def check_loss(name: str, size: int, channels: int) -> None:
    """Checks what a loss returns.

    Args:
      name: one of `LOSSES`.
      size: side of an HR patch in pixels.
      channels: its channels.

    Raises:
      UsageError: unless it is float32, with an error for each patch or each value of it.
    """
    import tensorflow as tf

    patches = tf.zeros((2, size, size, channels))
    errors = LOSSES[name](patches, patches)
    if not tf.is_tensor(errors) or errors.dtype != tf.float32 or errors.shape[:1] != [2]:
        found = f"{errors.dtype.name} {tuple(errors.shape)}" if tf.is_tensor(errors) else type(errors).__name__
        raise UsageError(f"loss {name!r} returned {found} for 2 patches: it must be float32, with patches on axis 0")


def register(name: str, function: Loss) -> None:
    """Registers a loss for `TrainConfig.loss` and `--loss`.

    Args:
      name: a name that is not taken.
      function: the loss, as the module's docstring describes it.

    Raises:
      UsageError: if the name is taken.
    """
    register_function(LOSSES, "loss", name, function)
