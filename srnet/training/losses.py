"""The losses: mean squared error plus a penalty on the weights (section 2.2.1), and those of other networks."""

import tensorflow as tf


def reconstruction_loss(kind, hr, sr, global_batch_size):
    """Returns one device's share of the loss, before the penalty on the weights.

    Args:
      kind: "mse", the mean squared error in 8-bit units (section 2.2.1); "mae", the mean absolute error in them; or
        "euclidean", half of a patch's sum of
        squared errors in units of 1, averaged over the batch (Caffe's loss, for which SRCNN's and VDSR's rates are
        meant).
      hr: float32 (n, H, W, c) in [0, 255], the patches of this device.
      sr: the network's result, of the same shape.
      global_batch_size: patches over all devices, so that the devices' shares add up to the mean.
    """
    errors = tf.reduce_sum(tf.abs(hr - sr) if kind == "mae" else tf.square(hr - sr))
    if kind == "euclidean":
        return errors / (2 * 255.0**2 * global_batch_size)
    return errors / tf.cast(global_batch_size * tf.size(hr[0]), tf.float32)


def weight_penalty(model, weight_decay):
    """weight_decay / 2 times the sum of the squared kernels; biases are free.

    Args:
      model: Keras model.
      weight_decay: beta of section 2.2.1.
    """
    kernels = [variable for variable in model.trainable_variables if variable.name == "kernel"]
    return weight_decay * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
