"""Copies of networks that compute in 16 bits where that costs no quality."""

from typing import Any

import keras

from srnet.models.graph import Step, unfold
from srnet.models.layers import DilatedConv2D
from srnet.models.rules import rule_of

_MULTIPLE = 64  # pixels


def with_precision(model: keras.Model, precision: str) -> keras.Model:
    """Returns a network that computes in a precision, with the same float32 weights, input and output.

    The layers in the tables of `srnet.models.rules` that lie between the first and the last one with weights compute in
    it. The first and the last one, and what is added to its result, stay in float32, since 8 bits of precision are
    too few for a pixel.

    Args:
      model: float32 Keras functional model with one input and one output.
      precision: one of `srnet.precision.PRECISIONS`; "float32" returns the model itself.

    Raises:
      TypeError: for a model of another kind, or with a layer that cannot be copied.
    """
    if precision == "float32":
        return model
    reduced = _between_weights(model)

    def copy(operation: Any) -> Any:
        if not isinstance(operation, keras.layers.Layer):  # operations of keras.ops follow their inputs
            return operation
        if id(operation) not in reduced:
            return type(operation).from_config(operation.get_config())
        return _kind(operation).from_config({**operation.get_config(), "dtype": precision})

    try:
        copied = keras.models.clone_model(model, clone_function=copy, recursive=True)
        copied.set_weights(model.get_weights())
    except Exception as error:  # layers from elsewhere may raise anything
        raise TypeError(f"network {model.name!r} cannot be copied ({type(error).__name__})") from error
    return copied


def _kind(layer: keras.layers.Layer) -> type[keras.layers.Layer]:
    """The class of the copy of a layer that computes in 16 bits."""
    if type(layer) is keras.layers.Conv2DTranspose:
        return _OfFewSizes
    if type(layer) in (keras.layers.Conv2D, DilatedConv2D) and max(layer.strides) > 1:
        return _OfAnyWidth
    return type(layer)


class _OfAnyWidth(keras.layers.Conv2D):
    """A convolution with a stride, whose input is padded where it is no wider than that; the result is the same.

    In bfloat16 on processors with AMX, oneDNN returns memory that it has not written for such inputs.
    """

    def call(self, inputs: Any) -> Any:
        stride = self.strides[1]
        if self.data_format != "channels_last":
            return super().call(inputs)
        call = super().call
        wider = [(0, 0), (0, 0), (0, 2 * stride), (0, 0)]  # a multiple of the stride moves no pixel
        return keras.ops.cond(
            keras.ops.shape(inputs)[2] <= stride,
            lambda: call(keras.ops.pad(inputs, wider))[:, :, :1],
            lambda: call(inputs),
        )


class _OfFewSizes(keras.layers.Conv2DTranspose):
    """A transposed convolution of inputs that are padded to a multiple of 64; the result is the same.

    oneDNN keeps 2.4 MB for each size of input that a transposed convolution in bfloat16 has had.
    """

    def call(self, inputs: Any) -> Any:
        if self.padding != "same" or self.output_padding is not None or self.data_format != "channels_last":
            return super().call(inputs)
        _, height, width, _ = keras.ops.shape(inputs)
        ends = [(0, -side % _MULTIPLE) for side in (height, width)]
        made = super().call(keras.ops.pad(inputs, [(0, 0), *ends, (0, 0)]))
        return made[:, : height * self.strides[0], : width * self.strides[1]]


def _between_weights(model: keras.Model) -> set[int]:
    """The ids of the known layers that come after a layer with weights, and before another one."""
    steps = unfold(model).steps
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
