"""Pixel shuffle, and transposed convolutions computed with it.

Reference: W. Shi et al. Is the deconvolution layer the same as a convolutional layer? 2016.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

_FEW = 4  # channels, up to which TensorFlow's depth_to_space is slow: it copies value by value in one thread


def transposed_convolution(inputs: Any, kernel: Any, bias: Any, stride: int, activation: Callable[[Any], Any]) -> Any:
    """Computes a transposed convolution with padding "same" as a convolution and a pixel shuffle.

    TensorFlow fuses bias and activation with a convolution, but not with a transposed one.

    Args:
      inputs: feature maps (N, H, W, c).
      kernel: of `keras.layers.Conv2DTranspose`, (K, K, C, c).
      bias: (C,).
      stride: integer, at least 1.
      activation: of the result.

    Returns:
      Feature maps (N, stride*H, stride*W, C).
    """
    size, _, filters, channels = kernel.shape
    # Output pixel stride * i + p reads input pixel i - d through the kernel's element p + stride * d + before.
    before = max(size - stride, 0) // 2
    first, last = -((before + stride - 1) // stride), (size - 1 - before) // stride  # d
    steps = last - first + 1
    start = -first * stride - before
    ends = (start, steps * stride - size - start)
    kernel = keras.ops.pad(kernel, [ends, ends, (0, 0), (0, 0)])
    kernel = keras.ops.reshape(kernel, (steps, stride, steps, stride, filters, channels))
    kernel = keras.ops.transpose(kernel[::-1, :, ::-1], (0, 2, 5, 1, 3, 4))
    kernel = keras.ops.reshape(kernel, (steps, steps, channels, stride**2 * filters))
    sides = (last, -first)
    # oneDNN has gradients only for the paddings "same" and "valid".
    padding = "SAME" if last == -first else [(0, 0), sides, sides, (0, 0)]
    phases = tf.nn.bias_add(tf.nn.conv2d(inputs, kernel, 1, padding), keras.ops.tile(bias, stride**2))
    if activation is keras.activations.relu:  # which TensorFlow fuses; others may work across channels
        return pixel_shuffle(activation(phases), stride)
    return activation(pixel_shuffle(phases, stride))


def pixel_shuffle(inputs: Any, scale: int) -> Any:
    """Moves channels into space, like `tf.nn.depth_to_space`, but faster if few channels are left.

    Args:
      inputs: (N, H, W, scale*scale*c).
      scale: integer, at least 1.
    """
    if scale == 1:
        return inputs
    channels = inputs.shape[-1] // scale**2
    if channels > _FEW:
        return tf.nn.depth_to_space(inputs, scale)
    batch, height, width, _ = tf.unstack(tf.shape(inputs))
    rows = tf.transpose(tf.reshape(inputs, (batch * height, width, scale, scale * channels)), (0, 2, 1, 3))
    return tf.reshape(rows, (batch, height * scale, width * scale, channels))
