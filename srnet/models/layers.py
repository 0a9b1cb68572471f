"""Layers and initialisers that several networks share.

Feature maps are NHWC. The custom layers are registered with Keras, so that a saved `.keras` file loads
wherever `srnet.models` has been imported.
"""

import keras
import numpy as np
import tensorflow as tf

from srnet.cubic import cubic
from srnet.errors import UsageError

INITIALIZERS = ("he", "paper")


def kernel_initializer(name):
    """Returns a fresh Keras initialiser for convolution kernels.

    Args:
      name: one of `INITIALIZERS`: "he" (He et al. 2015, normal) or "paper" (normal, mean 0, standard deviation 0.001;
        section 2.2.3); or one of Keras's own, such as "zeros".
    """
    if name == "paper":
        return keras.initializers.RandomNormal(mean=0.0, stddev=0.001)
    return keras.initializers.get({"he": "he_normal"}.get(name, name))


def convolve(
    kind, x, name, filters, kernel_size=3, *, initializer, dtype, padding="same", activation="relu", **arguments
):
    """Applies a new convolution.

    Args:
      kind: `keras.layers.Conv2D` or `keras.layers.Conv2DTranspose`.
      x: symbolic feature map.
      name: name of the layer.
      filters: channels of the result.
      kernel_size: side of the kernel.
      initializer: name, as for `kernel_initializer`, or a Keras initialiser.
      dtype: dtype, or name of the policy, of the layer.
      padding: "same" (with zeros) or "valid".
      activation: "relu" or None.
      **arguments: further arguments of the layer, such as `strides`.

    Returns:
      The symbolic result.
    """
    return kind(
        filters,
        kernel_size,
        padding=padding,
        activation=activation,
        kernel_initializer=kernel_initializer(initializer) if isinstance(initializer, str) else initializer,
        dtype=dtype,
        name=name,
        **arguments,
    )(x)


def bicubic_input(scale, channels):
    """Begins a network that works on the bicubic-enlarged image, in units of 1.

    Args:
      scale: integer enlargement, at least 2.
      channels: image channels.

    Returns:
      (lr, enlarged): the symbolic LR input in [0, 255], and its enlargement divided by 255, both float32.

    Raises:
      UsageError: for a scale that is no integer of at least 2.
    """
    check_scale(scale)
    lr = keras.Input((None, None, channels), name="lr")
    enlarged = BicubicUpsampling(scale, dtype="float32", name="bicubic")(lr)
    return lr, keras.layers.Rescaling(1 / 255, dtype="float32", name="to_unit")(enlarged)


def to_pixels(x):
    """Returns a symbolic result in units of 1 as float32 pixels in [0, 255], the output of a network."""
    return keras.layers.Rescaling(255.0, dtype="float32", name="to_pixels")(x)


def check_scale(scale):
    """Raises a UsageError unless `scale` is an integer of at least 2."""
    if type(scale) is not int or scale < 2:
        raise UsageError(f"scale {scale!r} cannot be used: it must be an integer of at least 2")


def upsampling_strides(scale, upsampling):
    """Returns the strides of the transposed convolutions that enlarge by `scale`.

    Args:
      scale: integer enlargement, at least 2.
      upsampling: "cascade" (stages of stride 2 for powers of two, one stage of stride 3 for 3) or "single" (one
        stage of stride `scale`, the literal reading of section 2.1.1).

    Raises:
      UsageError: for a scale that the cascade cannot make, or an unknown `upsampling`.
    """
    check_scale(scale)
    if upsampling == "single":
        return (scale,)
    if scale == 3:
        return (3,)
    if scale & (scale - 1):
        raise UsageError(f"scale {scale} cannot be made of stages of 2: choose 2, 3, 4, 8 or another power of two")
    return (2,) * (scale.bit_length() - 1)


def _mirror(inputs, axis, start, stop):
    """Takes the indices start, ..., stop - 1 of an axis, start >= -2; those outside it are mirrored, edge included."""
    size = keras.ops.shape(inputs)[axis]
    # The mirrored sequence repeats after 2 * size; from there on no index is negative, which ONNX divides otherwise.
    index = keras.ops.arange(start + 2 * size, stop + 2 * size, dtype="int32") % (2 * size)
    return keras.ops.take(inputs, keras.ops.minimum(index, 2 * size - 1 - index), axis=axis)


@keras.saving.register_keras_serializable("srnet")
class MirrorPad(keras.layers.Layer):
    """Extends height and width at the lower and right end to multiples of `multiple` by mirroring.

    The edge pixel is repeated (NumPy's "symmetric"), and as often as needed, so that a single pixel can be padded
    too. Padding only those two ends keeps every pixel at its index.

    Args:
      multiple: integer, at least 1.
    """

    def __init__(self, multiple, **kwargs):
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, inputs):
        for axis in (1, 2):
            size = keras.ops.shape(inputs)[axis]
            inputs = _mirror(inputs, axis, 0, self._padded(size))
        return inputs

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, self._padded(height), self._padded(width), channels)

    def _padded(self, size):
        # No negative numbers: ONNX divides them otherwise than TensorFlow.
        return None if size is None else (size + self.multiple - 1) // self.multiple * self.multiple

    def get_config(self):
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable("srnet")
class EdgePad(keras.layers.Layer):
    """Extends height and width at each end by `size` pixels that repeat the outermost one.

    Args:
      size: integer, at least 0.
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, inputs):
        for axis in (1, 2):
            ends = [keras.ops.take(inputs, keras.ops.array([index]), axis=axis) for index in (0, -1)]
            before, after = (keras.ops.repeat(end, self.size, axis=axis) for end in ends)
            inputs = keras.ops.concatenate([before, inputs, after], axis=axis)
        return inputs

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        return (batch, *(None if side is None else side + 2 * self.size for side in size), channels)

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("srnet")
class CropToScale(keras.layers.Layer):
    """Crops its first input to `scale` times the height and width of its second, from the upper left corner.

    Args:
      scale: integer, at least 1.
    """

    def __init__(self, scale, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        features, reference = inputs
        shape = keras.ops.shape(reference)
        return features[:, : shape[1] * self.scale, : shape[2] * self.scale, :]

    def compute_output_shape(self, input_shape):
        features, (_, height, width, _) = input_shape
        enlarged = [None if size is None else size * self.scale for size in (height, width)]
        return (features[0], *enlarged, features[3])

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("srnet")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """Keras's layer of this name for kernels three strides wide and padding "same", faster where it gives few channels.

    Such a transposed convolution is one of 3x3 that gives every phase its channels, and these moved into place. The
    kernel's layout, and the class's name, by which Keras stores weights, are those of Keras's layer.

    Reference: W. Shi et al. Is the deconvolution layer the same as a convolutional layer? 2016.
    """

    def call(self, inputs):
        stride, channels = self.strides[0], inputs.shape[-1]
        kernel = keras.ops.reshape(self.kernel, (3, stride, 3, stride, self.filters, channels))
        # Output pixel stride * i + p takes from input pixel i + d by the kernel's element p + stride * (1 - d).
        kernel = keras.ops.transpose(kernel[::-1, :, ::-1], (0, 2, 5, 1, 3, 4))
        kernel = keras.ops.reshape(kernel, (3, 3, channels, stride**2 * self.filters))
        phases = keras.ops.conv(inputs, kernel, padding="same")
        return self.activation(tf.nn.depth_to_space(phases, stride) + self.bias)


@keras.saving.register_keras_serializable("srnet")
class BicubicUpsampling(keras.layers.Layer):
    """Enlarges by an integer factor with Keys' cubic (a = -0.5), as MATLAB's `imresize`, in any number of channels.

    A mirrored border of two pixels and a transposed convolution with fixed kernels: it compiles and exports wherever
    convolutions do.

    Args:
      scale: integer enlargement, at least 1.
    """

    def __init__(self, scale, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        shape = keras.ops.shape(inputs)
        channels = inputs.shape[-1]
        # Output pixel j lies at (j + 0.5) / scale - 0.5 in the input; tap t = j - scale * i spans the cubic's support.
        first = -((3 * self.scale + 1) // 2)
        taps = np.arange(first, first + 4 * self.scale + 1)
        weights = cubic((taps + 0.5 - 0.5 * self.scale) / self.scale)
        kernel = (weights[:, None] * weights[None, :])[:, :, None, None] * np.eye(channels)
        padded = inputs
        for axis in (1, 2):
            padded = _mirror(padded, axis, -2, shape[axis] + 2)
        enlarged = keras.ops.conv_transpose(padded, keras.ops.cast(kernel, inputs.dtype), self.scale, padding="valid")
        start = 2 * self.scale - first
        return enlarged[:, start : start + shape[1] * self.scale, start : start + shape[2] * self.scale, :]

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        return (batch, *(None if side is None else side * self.scale for side in size), channels)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
