"""The loss of section 2.2.1: mean squared error plus a penalty on the weights."""

import tensorflow as tf


def squared_error(hr, sr, global_batch_size):
    """Mean squared error in 8-bit units, as the share of one device.

    Args:
      hr: float32 (n, H, W, c) in [0, 255], the patches of this device.
      sr: the network's result, of the same shape.
      global_batch_size: patches over all devices, so that the devices' shares add up to the mean.
    """
    values = tf.cast(global_batch_size * tf.size(hr[0]), tf.float32)
    return tf.reduce_sum(tf.square(hr - sr)) / values


def weight_penalty(model, weight_decay):
    """weight_decay / 2 times the sum of the squared kernels; biases are free.

    Args:
      model: Keras model.
      weight_decay: beta of section 2.2.1.
    """
    kernels = [variable for variable in model.trainable_variables if variable.name == "kernel"]
    return weight_decay * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
