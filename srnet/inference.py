"""From a trained network to pictures: the method behind every evaluation, and whole pictures enlarged."""

import numpy as np
import tensorflow as tf

from srnet.data.images import YCBCR_MATRIX, YCBCR_OFFSET
from srnet.models.layers import BicubicUpsampling


def scale_of(model):
    """Returns the integer enlargement of a network, read from the size of its output for one pixel."""
    return model.compute_output_shape((1, 1, 1, model.input_shape[-1]))[1]


def network_method(model):
    """Returns a network as a method: a callable from one LR image to one SR image.

    Args:
      model: Keras model from LR to HR pixels in [0, 255].

    Returns:
      A callable from a float32 array (H, W), or (H, W, 3) for an RGB network, to (scale*H, scale*W[, 3]).
    """
    channels = model.input_shape[-1]
    predict = tf.function(
        lambda lr: model(lr, training=False),
        input_signature=[tf.TensorSpec((None, None, None, channels), tf.float32)],
    )

    def method(lr):
        batch = np.asarray(lr, np.float32).reshape(1, *lr.shape[:2], channels)
        sr = predict(batch).numpy()[0]
        return sr[..., 0] if lr.ndim == 2 else sr

    return method


def self_ensemble(method):
    """Returns the method whose result is the mean of another's for the eight flips and rotations of an image.

    Reference: R. Timofte, R. Rothe, L. Van Gool. Seven ways to improve example-based single image super resolution.
    CVPR 2016 ("enhanced prediction").

    Args:
      method: callable from an array (H, W[, C]) to (scale*H, scale*W[, C]).
    """

    def mean(lr):
        total = 0.0
        for turns in range(4):
            turned = np.rot90(lr, turns)
            total = total + np.rot90(method(turned), -turns) + np.rot90(method(turned[:, ::-1])[:, ::-1], -turns)
        return total / 8

    return mean


def upscale_rgb(model, rgb):
    """Enlarges RGB pictures: luma by the network, chroma by bicubic interpolation; an RGB network does both.

    Args:
      model: Keras model from LR to HR pixels in [0, 255], of 1 or 3 channels.
      rgb: uint8 tensor (N, H, W, 3).

    Returns:
      uint8 tensor (N, scale*H, scale*W, 3).
    """
    enlarged = enlarge_colours(model, tf.cast(rgb, tf.float32))
    return tf.cast(tf.clip_by_value(tf.floor(enlarged + 0.5), 0.0, 255.0), tf.uint8)


def enlarge_colours(model, rgb):
    """Does what `upscale_rgb` does, without rounding and clipping.

    Args:
      model: as for `upscale_rgb`.
      rgb: float32 tensor (N, H, W, 3) in [0, 255].

    Returns:
      float32 tensor (N, scale*H, scale*W, 3).
    """
    if model.input_shape[-1] == 3:
        return model(rgb, training=False)
    ycbcr = tf.tensordot(rgb, tf.constant(YCBCR_MATRIX.T, tf.float32), 1) + tf.constant(YCBCR_OFFSET, tf.float32)
    luma = model(ycbcr[..., :1], training=False)
    chroma = BicubicUpsampling(scale_of(model), dtype="float32")(ycbcr[..., 1:])
    enlarged = tf.concat([luma, chroma], -1) - tf.constant(YCBCR_OFFSET, tf.float32)
    return tf.tensordot(enlarged, tf.constant(np.linalg.inv(YCBCR_MATRIX).T, tf.float32), 1)
