"""Networks as methods for evaluation: callables from one LR image to one SR image."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

Method = Callable[[np.ndarray], np.ndarray]  # float32 (H, W[, 3]) in [0, 255] to (scale*H, scale*W[, 3])


def network_method(model: keras.Model) -> Method:
    """Returns a network as a method.

    Args:
      model: Keras model from LR to HR pixels in [0, 255].

    Returns:
      A callable from a float32 array (H, W), or (H, W, 3) for an RGB network, to (scale*H, scale*W[, 3]). It raises a
      MemoryError if there is not enough memory to enlarge the image in one piece.
    """
    channels = model.input_shape[-1]
    predict = tf.function(
        lambda lr: model(lr, training=False),
        input_signature=[tf.TensorSpec((None, None, None, channels), tf.float32)],
        autograph=False,  # there is no Python control flow in it
    )

    def method(lr: np.ndarray) -> np.ndarray:
        batch = np.asarray(lr, np.float32).reshape(1, *lr.shape[:2], channels)
        try:
            sr = predict(batch).numpy()[0]
        except tf.errors.ResourceExhaustedError as error:
            raise MemoryError("not enough memory") from error
        return sr[..., 0] if lr.ndim == 2 else sr

    return method


def self_ensemble(method: Method) -> Method:
    """Returns a method that averages another's results over the eight flips and rotations of an image.

    Reference: R. Timofte, R. Rothe, L. Van Gool. Seven ways to improve example-based single image super resolution.
    CVPR 2016 ("enhanced prediction").

    Args:
      method: callable from an array (H, W[, C]) to (scale*H, scale*W[, C]).
    """

    def mean(lr: np.ndarray) -> np.ndarray:
        total: np.ndarray | float = 0.0  # a Python number, so that float32 stays float32
        for turns in range(4):
            turned = np.rot90(lr, turns)
            total = total + np.rot90(method(turned), -turns) + np.rot90(method(turned[:, ::-1])[:, ::-1], -turns)
        return np.asarray(total) / 8

    return mean
