"""The layers that are not in Keras.

Feature maps are NHWC. The layers are registered with Keras as "srnet>NAME", so that a saved `.keras` file loads
wherever `srnet` has been imported. Their `receptive_window` is for `srnet.models.analysis`.
"""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from srnet.images.resize import cubic
from srnet.models.subpixel import pixel_shuffle, transposed_convolution
from srnet.models.windows import Spread, Window, interpolation

Shape = tuple[int | None, ...]


def _mirror(inputs: Any, axis: int, start: int, stop: Any) -> Any:
    """Takes the indices start, ..., stop - 1 of an axis, start >= -2; those outside it are mirrored, edge included."""
    size = keras.ops.shape(inputs)[axis]
    # Mirroring has period 2 * size; adding it avoids negative indices, whose remainder ONNX defines differently.
    index = keras.ops.arange(start + 2 * size, stop + 2 * size, dtype="int32") % (2 * size)
    return keras.ops.take(inputs, keras.ops.minimum(index, 2 * size - 1 - index), axis=axis)


def _enlarged_shape(shape: Shape, scale: int, channels: int | None) -> Shape:
    batch, *size, _ = shape
    return (batch, *(None if side is None else side * scale for side in size), channels)


@keras.saving.register_keras_serializable("srnet")
class MirrorPad(keras.layers.Layer):
    """Mirror-pads height and width at the bottom and right, up to multiples of `multiple`.

    The edge pixel is repeated (NumPy's "symmetric"), and the image mirrored as often as needed, so that even a single
    pixel can be padded. As only those two sides are padded, every pixel keeps its index.

    Args:
      multiple: integer, at least 1.
    """

    def __init__(self, multiple: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, inputs: Any) -> Any:
        for axis in (1, 2):
            size = keras.ops.shape(inputs)[axis]
            inputs = _mirror(inputs, axis, 0, self._padded(size))
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, height, width, channels = input_shape
        return (batch, self._padded(height), self._padded(width), channels)

    def receptive_window(self) -> Window:
        return Window()

    def _padded(self, size: Any) -> Any:
        # Negative numbers are avoided: ONNX divides them differently from TensorFlow.
        return None if size is None else (size + self.multiple - 1) // self.multiple * self.multiple

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable("srnet")
class EdgePad(keras.layers.Layer):
    """Pads height and width on each side with `size` copies of the outermost pixel.

    Args:
      size: integer, at least 0.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, inputs: Any) -> Any:
        for axis in (1, 2):
            ends = [keras.ops.take(inputs, keras.ops.array([index]), axis=axis) for index in (0, -1)]
            before, after = (keras.ops.repeat(end, self.size, axis=axis) for end in ends)
            inputs = keras.ops.concatenate([before, inputs, after], axis=axis)
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *size, channels = input_shape
        return (batch, *(None if side is None else side + 2 * self.size for side in size), channels)

    def receptive_window(self) -> Window:
        return Window(before=self.size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("srnet")
class CropToScale(keras.layers.Layer):
    """Crops its first input to `scale` times the height and width of its second, from the upper left corner.

    Args:
      scale: integer, at least 1.
    """

    def __init__(self, scale: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        features, reference = inputs
        shape = keras.ops.shape(reference)
        return features[:, : shape[1] * self.scale, : shape[2] * self.scale, :]

    def compute_output_shape(self, input_shape: tuple[Shape, Shape]) -> Shape:
        features, reference = input_shape
        return _enlarged_shape((features[0], *reference[1:]), self.scale, features[3])

    def receptive_window(self) -> Window:
        return Window()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("srnet")
class PixelShuffle(keras.layers.Layer):
    """Enlarges by moving channels into space: (H, W, scale*scale*c) to (scale*H, scale*W, c), as `depth_to_space`.

    Channel (row*scale + column)*c + i of a pixel becomes channel i of the pixel at (row, column) of its block; weights
    from PyTorch, where it is channel (i*scale + row)*scale + column, must be reordered.

    Reference: W. Shi et al. Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network. CVPR 2016.

    Args:
      scale: integer scale factor, at least 2.
    """

    def __init__(self, scale: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] is None or input_shape[-1] % self.scale**2:
            raise ValueError(
                f"PixelShuffle({self.scale}) takes a multiple of {self.scale**2} channels, not {input_shape[-1]}"
            )

    def call(self, inputs: Any) -> Any:
        return pixel_shuffle(inputs, self.scale)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        channels = input_shape[-1]
        return _enlarged_shape(input_shape, self.scale, None if channels is None else channels // self.scale**2)

    def receptive_window(self) -> Spread:
        return Spread(self.scale, self.scale)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("srnet")
class WeightedSum(keras.layers.Layer):
    """A sum of images with learned weights, initialized to give the mean.

    Each image is the first input plus one of the other inputs.
    """

    def build(self, input_shape: list[Shape]) -> None:
        count = len(input_shape) - 1
        mean = keras.initializers.Constant(1 / count)
        self.shares = self.add_weight(shape=(count,), initializer=mean, name="shares")

    def call(self, inputs: Any) -> Any:
        base, *details = inputs
        shares = keras.ops.unstack(self.shares)
        return base * sum(shares) + sum(share * detail for share, detail in zip(shares, details))

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return input_shape[0]


@keras.saving.register_keras_serializable("srnet", name="Conv2D")
class NativeConv2D(keras.layers.Conv2D):
    """A convolution by TensorFlow's native kernels, even if it is dilated or grouped.

    For a dilated one, Keras rearranges pixels into batches and back, which keeps TensorFlow from fusing bias and
    activation; a grouped one it recompiles for every image size. Processors without oneDNN have no gradient of the
    native dilated kernel; they use Keras's own.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        if self.groups == 1 or self.data_format != "channels_last":
            return self._convolve(inputs, kernel)
        groups = zip(tf.split(inputs, self.groups, axis=-1), tf.split(kernel, self.groups, axis=-1))
        return tf.concat([self._convolve(*group) for group in groups], axis=-1)

    def _convolve(self, inputs: Any, kernel: Any) -> Any:
        if max(self.dilation_rate) == 1 or self.data_format != "channels_last" or not _has_dilated_gradient():
            return super().convolution_op(inputs, kernel)
        return tf.nn.conv2d(inputs, kernel, 1, self.padding.upper(), dilations=self.dilation_rate)


NativeConv2D.__name__ = "Conv2D"  # by which Keras finds the weights of a layer in a file


@functools.cache
def _has_dilated_gradient() -> bool:
    with tf.init_scope():  # it pauses tapes, so the gradient operation is called directly
        image = tf.ones((1, 4, 4, 1))
        shape = {"filter_sizes": [2, 2, 1, 1], "strides": [1] * 4, "padding": "SAME", "dilations": [1, 2, 2, 1]}
        try:
            tf.raw_ops.Conv2DBackpropFilter(input=image, out_backprop=image, **shape)
        except tf.errors.OpError:
            return False
    return True


@keras.saving.register_keras_serializable("srnet", name="Conv2DTranspose")
class SubPixelConv2DTranspose(keras.layers.Conv2DTranspose):
    """A transposed convolution whose kernel is three strides wide, computed as a 3x3 convolution and a pixel shuffle.

    The result is that of `keras.layers.Conv2DTranspose` with padding "same" and a bias, but faster for few channels;
    the weights have the same layout.

    Reference: W. Shi et al. Is the deconvolution layer the same as a convolutional layer? 2016.

    Args:
      filters: channels of the result, at least 1.
      stride: integer, at least 1.
      **kwargs: further arguments of `keras.layers.Conv2DTranspose`, such as `activation`, `kernel_initializer`, `dtype`
        and `name`; not sizes, paddings, dilation, data format and `use_bias`, which are fixed.
    """

    def __init__(self, filters: int, stride: int, **kwargs: Any) -> None:
        if type(stride) is not int or stride < 1:
            raise ValueError(f"stride {stride!r} cannot be used: it must be an integer of at least 1")
        super().__init__(filters, **_fixed(stride), **kwargs)

    def call(self, inputs: Any) -> Any:
        return transposed_convolution(inputs, self.kernel, self.bias, self.strides[0], self.activation)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SubPixelConv2DTranspose":
        """Makes the layer from a configuration of `keras.layers.Conv2DTranspose`, which `get_config` returns.

        Raises:
          ValueError: if this class cannot represent the configured layer.
        """
        config = dict(config)
        stride = np.ravel(config["strides"]).tolist()[0]
        for name, value in _fixed(stride).items():
            given = config.pop(name, value)
            if given != value and not (isinstance(given, (list, tuple)) and tuple(given) == (value, value)):
                raise ValueError(f"{config.get('name')}: {name} {given!r} cannot be used: it must be {value!r}")
        return super().from_config({**config, "stride": stride})


# Keras finds the weights of a layer in a file by its class's name: this one keeps the weights of srnet 0.1 readable.
SubPixelConv2DTranspose.__name__ = "Conv2DTranspose"


def _fixed(stride: int) -> dict[str, Any]:
    """The arguments of `keras.layers.Conv2DTranspose` that are fixed in `SubPixelConv2DTranspose`."""
    return {
        "kernel_size": 3 * stride,
        "strides": stride,
        "padding": "same",
        "output_padding": None,
        "data_format": "channels_last",
        "dilation_rate": 1,
        "use_bias": True,
    }


@keras.saving.register_keras_serializable("srnet")
class BicubicUpsampling(keras.layers.Layer):
    """Enlarges by an integer factor with Keys' cubic (a = -0.5), as MATLAB's `imresize`, in any number of channels.

    It consists of mirror padding by two pixels, a 5x5 convolution with a fixed kernel for each of the scale*scale
    phases, and a pixel shuffle, which compile and export wherever convolutions do.

    Args:
      scale: integer scale factor, at least 1.
    """

    def __init__(self, scale: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        scale, channels = self.scale, inputs.shape[-1]
        # Output pixel scale * i + p lies at i + (p + 0.5) / scale - 0.5 in the input, and reads i - 2, ..., i + 2.
        places = (np.arange(scale) + 0.5) / scale - 0.5
        weights = cubic(places[:, None] - np.arange(-2, 3))
        kernel = np.einsum("pi,qj,cd->ijcpqd", weights, weights, np.eye(channels))
        kernel = keras.ops.cast(kernel.reshape(5, 5, channels, scale**2 * channels), inputs.dtype)
        for axis in (1, 2):
            inputs = _mirror(inputs, axis, -2, keras.ops.shape(inputs)[axis] + 2)
        phases = keras.ops.conv(inputs, kernel, padding="valid", data_format="channels_last")
        return pixel_shuffle(phases, scale)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return _enlarged_shape(input_shape, self.scale, input_shape[-1])

    def receptive_window(self) -> Spread:
        return interpolation(self.scale, 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}
