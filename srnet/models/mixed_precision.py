"""Copies of networks that compute in 16 bits where that costs no quality."""

from typing import Any

import keras
import tensorflow as tf

from srnet.models.graph import Graph, Step, unfold
from srnet.models.layers import NativeConv2D
from srnet.models.rules import rule_of
from srnet.models.subpixel import transposed_convolution


def with_precision(model: keras.Model, precision: str) -> keras.Model:
    """Returns a network that computes in another precision, with the same float32 weights, input and output.

    This affects the layers listed in `srnet.models.rules` that lie between the first and the last layer with weights.
    Those two, and what is added to the last one's result, stay in float32, since 8 bits of precision are too few for
    a pixel.

    Args:
      model: float32 Keras functional model with one input and one output.
      precision: one of `srnet.precision.PRECISIONS`; "float32" returns the model itself.

    Raises:
      TypeError: for a model of another kind, or with a layer that cannot be copied.
    """
    if precision == "float32":
        return model
    graph = unfold(model)
    reduced, decoded = _between_weights(graph.steps), _sums_of_decoded(graph)

    def copy(operation: Any) -> Any:
        if not isinstance(operation, keras.layers.Layer):  # operations of keras.ops follow their inputs
            return operation
        if id(operation) not in reduced:
            return type(operation).from_config(operation.get_config())
        kind = _SumOfDecoded if id(operation) in decoded else _kind(operation)
        return kind.from_config({**operation.get_config(), "dtype": precision})

    try:
        copied = keras.models.clone_model(model, clone_function=copy, recursive=True)
        copied.set_weights(model.get_weights())
    except Exception as error:  # third-party layers may raise anything
        raise TypeError(f"network {model.name!r} cannot be copied ({type(error).__name__})") from error
    return copied


def _kind(layer: keras.layers.Layer) -> type[keras.layers.Layer]:
    """The class of a layer's 16-bit copy."""
    if type(layer) is keras.layers.Conv2DTranspose:
        return _AsConvolution
    if type(layer) in (keras.layers.Conv2D, NativeConv2D) and max(layer.strides) > 1:
        return _OfAnyWidth
    return type(layer)


class _AsConvolution(keras.layers.Conv2DTranspose):
    """A transposed convolution that is computed as a convolution if possible; the result is the same.

    Twice as fast in bfloat16; and for a real transposed convolution, oneDNN keeps 2.4 MB for every input size seen.
    """

    def call(self, inputs: Any) -> Any:
        square = len({*self.strides}) == len({*self.kernel_size}) == 1 and {*self.dilation_rate} == {1}
        usual = self.padding == "same" and self.output_padding is None and self.data_format == "channels_last"
        if not (square and usual and self.use_bias):
            return super().call(inputs)
        return transposed_convolution(inputs, self.kernel, self.bias, self.strides[0], self.activation)


class _OfAnyWidth(keras.layers.Conv2D):
    """A strided convolution that pads an input no wider than its stride; the result is the same.

    In bfloat16 on processors with AMX, oneDNN returns uninitialized memory for such inputs.
    """

    def call(self, inputs: Any) -> Any:
        if self.data_format != "channels_last":
            return super().call(inputs)
        stride, width = self.strides[1], keras.ops.shape(inputs)[2]
        more = tf.where(width <= stride, 2 * stride, 0)  # a multiple of the stride moves no pixel
        made = super().call(tf.pad(inputs, [(0, 0), (0, 0), (0, more), (0, 0)]))
        return made[:, :, : keras.ops.shape(made)[2] - more // stride]


class _SumOfDecoded(keras.layers.Add):
    """A sum whose first term is reshaped to the shape of the second, which it has anyway.

    TensorFlow fuses a convolution with the sum after it only if it can prove that their shapes are equal. After a
    transposed convolution on pictures of unknown size it cannot; after this reshape it can, for the next skip.
    """

    def call(self, inputs: Any) -> Any:
        decoded, features = inputs
        return super().call([tf.reshape(decoded, tf.shape(features)), features])


def _sums_of_decoded(graph: Graph) -> set[int]:
    """The ids of the layers that add a feature map of the same shape to the result of a transposed convolution."""
    decoded = {step.output for step in graph.steps if type(step.operation) is keras.layers.Conv2DTranspose}
    sums = [step for step in graph.steps if type(step.operation) is keras.layers.Add and len(step.inputs) == 2]
    return {
        id(step.operation)
        for step in sums
        if step.inputs[0] in decoded and graph.shapes[step.inputs[0]] == graph.shapes[step.inputs[1]]
    }


def _between_weights(steps: list[Step]) -> set[int]:
    """The ids of the known layers that come after a layer with weights, and before another one."""
    made: set[int] = set()  # feature maps that depend on weights
    for step in steps:
        if _has_weights(step) or made.intersection(step.inputs):
            made.add(step.output)
    taken: set[int] = set()  # feature maps that layers with weights depend on
    for step in reversed(steps):
        if _has_weights(step) or step.output in taken:
            taken.update(step.inputs)
    inner = [step for step in steps if made.intersection(step.inputs) and step.output in taken]
    return {id(step.operation) for step in inner if rule_of(step.operation) is not None}


def _has_weights(step: Step) -> bool:
    return bool(getattr(step.operation, "weights", None))
