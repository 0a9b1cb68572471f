"""The window of every Keras layer and operation whose reach is known: one line for each in `_LAYERS`, `_OPERATIONS`."""

from collections.abc import Callable
from typing import Any

import keras

from srnet.models.layers import SubPixelConv2DTranspose, WeightedSum
from srnet.models.windows import Spread, Window, interpolation


class UnboundedError(TypeError):
    """A layer's result depends on the whole image."""


Rule = Callable[[Any, int], Window | Spread]

_HALF_WIDTHS = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}


def window_of(operation: Any, axis: int) -> Window | Spread:
    """Returns what an output index of a layer, or of an operation of `keras.ops`, reads from its inputs.

    Args:
      operation: the layer or operation; its own method `receptive_window` takes precedence.
      axis: 0 for height, 1 for width.

    Raises:
      UnboundedError: if it is the whole image; the message is one line and names the layer.
      TypeError: if it is not known; likewise.
    """
    own = getattr(operation, "receptive_window", None)
    if own is not None:
        return own()
    rule = rule_of(operation)
    if rule is None:
        raise TypeError(f"the receptive field of {title(operation)} is not known")
    if getattr(operation, "data_format", None) == "channels_first":
        raise TypeError(f"the receptive field of {title(operation)} is not known: its data format is channels_first")
    activation = getattr(operation, "activation", None)
    # All of Keras's and TensorFlow's activations work per pixel; another function may do anything.
    if activation is not None and not activation.__module__.startswith(("keras.", "tensorflow.")):
        raise TypeError(f"the receptive field of {title(operation)} is not known: its activation is not one of Keras's")
    return rule(operation, axis)


def rule_of(operation: Any) -> Rule | None:
    """Returns the rule for a layer or operation, or None for one that is not in the tables.

    A subclass has its base's rule unless it overrides `call`.

    Args:
      operation: the layer or operation.
    """
    kind: Any = type(operation)
    if not isinstance(operation, keras.layers.Layer):
        return _OPERATIONS.get(kind.__name__) if kind.__module__.startswith("keras.") else None
    base = next((base for base in kind.__mro__ if base in _LAYERS), None)
    return _LAYERS[base] if base is not None and kind.call is base.call else None


def title(operation: Any) -> str:
    """Returns the name of a layer or an operation in messages.

    Args:
      operation: the layer or operation.
    """
    what = "layer" if isinstance(operation, keras.layers.Layer) else "operation"
    return f"{what} {operation.name!r} ({type(operation).__name__})"


def _pixel(operation: Any, axis: int) -> Window:
    return Window()


def _whole_image(operation: Any, axis: int) -> Window:
    raise UnboundedError(f"the receptive field of {title(operation)} is unbounded: it depends on the whole image")


def _channels(operation: Any, axis: int) -> Window:
    """For operations along `operation.axis`: per pixel if that is only the channel axis."""
    axes = operation.axis if isinstance(operation.axis, (list, tuple)) else [operation.axis]
    if any(each is None or each % 4 != 3 for each in axes):
        raise UnboundedError(
            f"the receptive field of {title(operation)} is unbounded: it works along axis {operation.axis}, not -1"
        )
    return Window()


def _window(size: int, stride: int, padding: str) -> Window:
    return Window(size, stride, max(size - stride, 0) // 2 if padding == "same" else 0)


def _kernel_size(layer: Any, axis: int) -> int:
    return (layer.kernel_size[axis] - 1) * layer.dilation_rate[axis] + 1


def _convolution(layer: Any, axis: int) -> Window:
    return _window(_kernel_size(layer, axis), layer.strides[axis], layer.padding)


def _transposed(layer: Any, axis: int) -> Spread:
    if layer.output_padding is not None:
        raise TypeError(f"the receptive field of {title(layer)} is not known: it has an output_padding")
    window = _convolution(layer, axis)
    return Spread(window.size, window.stride, window.before)


def _pooling(layer: Any, axis: int) -> Window:
    return _window(layer.pool_size[axis], layer.strides[axis], layer.padding)


def _upsampling(layer: Any, axis: int) -> Spread:
    scale = layer.size[axis]
    if layer.interpolation == "nearest":
        return Spread(scale, scale)
    return interpolation(scale, _HALF_WIDTHS[layer.interpolation])


def _padding(layer: Any, axis: int) -> Window:
    return Window(before=layer.padding[axis][0])


def _cropping(layer: Any, axis: int) -> Window:
    return Window(before=-layer.cropping[axis][0])


def _depth_to_space(operation: Any, axis: int) -> Spread:
    return Spread(operation.block_size, operation.block_size)


def _space_to_depth(operation: Any, axis: int) -> Window:
    return Window(operation.block_size, operation.block_size)


_LAYERS: dict[Any, Rule] = {
    keras.layers.Conv2D: _convolution,
    keras.layers.DepthwiseConv2D: _convolution,
    keras.layers.SeparableConv2D: _convolution,
    keras.layers.Conv2DTranspose: _transposed,
    SubPixelConv2DTranspose: _transposed,
    WeightedSum: _pixel,
    keras.layers.Dense: _pixel,  # along the channels
    keras.layers.Activation: _pixel,
    keras.layers.ReLU: _pixel,
    keras.layers.LeakyReLU: _pixel,
    keras.layers.PReLU: _pixel,
    keras.layers.ELU: _pixel,
    keras.layers.Softmax: _channels,
    keras.layers.Add: _pixel,
    keras.layers.Subtract: _pixel,
    keras.layers.Multiply: _pixel,
    keras.layers.Average: _pixel,
    keras.layers.Maximum: _pixel,
    keras.layers.Minimum: _pixel,
    keras.layers.Concatenate: _channels,
    keras.layers.Identity: _pixel,
    keras.layers.Rescaling: _pixel,
    keras.layers.Normalization: _pixel,
    keras.layers.BatchNormalization: _channels,
    keras.layers.LayerNormalization: _channels,
    keras.layers.RMSNormalization: _channels,
    keras.layers.UnitNormalization: _channels,
    keras.layers.GroupNormalization: _whole_image,
    keras.layers.Dropout: _pixel,
    keras.layers.SpatialDropout2D: _pixel,
    keras.layers.AlphaDropout: _pixel,
    keras.layers.GaussianDropout: _pixel,
    keras.layers.GaussianNoise: _pixel,
    keras.layers.ActivityRegularization: _pixel,
    keras.layers.MaxPooling2D: _pooling,
    keras.layers.AveragePooling2D: _pooling,
    keras.layers.GlobalAveragePooling2D: _whole_image,
    keras.layers.GlobalMaxPooling2D: _whole_image,
    keras.layers.UpSampling2D: _upsampling,
    keras.layers.ZeroPadding2D: _padding,
    keras.layers.Cropping2D: _cropping,
}

# Operations of keras.ops by the name of their class, since Keras makes only the functions public.
# fmt: off
_ELEMENTWISE = (
    "Abs", "Absolute", "Add", "Cast", "Ceil", "Celu", "Clip", "Divide", "DivideNoNan", "Elu", "Erf", "Exp", "Expm1",
    "Floor", "Gelu", "HardSigmoid", "HardSilu", "HardTanh", "LeakyRelu", "Log", "Log1p", "LogSigmoid", "Maximum",
    "Minimum", "Multiply", "Negative", "Power", "Reciprocal", "ReLU", "Relu", "Relu6", "Round", "Rsqrt", "Selu",
    "Sigmoid", "Sign", "Silu", "Softplus", "Softsign", "Sqrt", "Square", "StopGradient", "Subtract", "Tanh",
    "Threshold", "TrueDivide", "Where",
)
# fmt: on
_OPERATIONS: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _pixel),
    "Concatenate": _channels,
    "Softmax": _channels,
    "LogSoftmax": _channels,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
    "Split": _channels,
}
