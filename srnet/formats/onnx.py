"""Networks as ONNX files."""

import logging
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from srnet.errors import UsageError
from srnet.files import atomic_write, writing

_OPSET = 18  # the newest that tf2onnx writes


def export_onnx(model: keras.Model, path: str | pathlib.Path, overwrite: bool = True) -> None:
    """Writes a network as an ONNX file, which appears complete or not at all.

    It maps `lr`, float32 (N, H, W, c) in [0, 255], to `hr`, float32 (N, scale*H, scale*W, c), not clipped.

    Args:
      model: float32 Keras model from LR to HR pixels in [0, 255].
      path: the file, usually .onnx.
      overwrite: whether an existing file may be replaced.

    Raises:
      UsageError: if tf2onnx is not installed.
      DataError: if the file cannot be written.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise UsageError("ONNX needs tf2onnx: pip install -e '.[onnx]'") from error
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    signature = [tf.TensorSpec((None, None, None, model.input_shape[-1]), tf.float32, name="lr")]
    function = tf.function(lambda lr: {"hr": model(lr, training=False)}, input_signature=signature)
    with writing(path):
        network, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=_OPSET)
    for node in network.graph.node:
        if node.op_type == "Conv":
            _pad_explicitly(node)
    _squeeze_output(network.graph)
    with atomic_write(path, overwrite) as partial:
        partial.write_bytes(network.SerializeToString())


def _pad_explicitly(node: Any) -> None:
    """Replaces a dilated convolution's automatic padding, which ONNX Runtime cannot compute, with explicit padding."""
    import onnx  # comes with tf2onnx

    values = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    rates = values.get("dilations", [1])
    if max(rates) > 1 and values.get("auto_pad") == b"SAME_UPPER":
        spans = [(size - 1) * rate for size, rate in zip(values["kernel_shape"], rates)]
        values["pads"] = [*(span // 2 for span in spans), *(span - span // 2 for span in spans)]  # its stride is 1
        del values["auto_pad"], node.attribute[:]
        node.attribute.extend(onnx.helper.make_attribute(name, value) for name, value in values.items())


def _squeeze_output(graph: Any) -> None:
    """Removes the leading axes of size 1 that tf2onnx leaves on an output made by a Reshape."""
    # tf2onnx adds a Squeeze for the nodes that read the Reshape; an output has no such node.
    import onnx

    (output,) = graph.output
    dimensions = output.type.tensor_type.shape.dim
    extra = len(dimensions) - 4
    if extra > 0:
        (last,) = [node for node in graph.node if output.name in node.output]
        last.output[0] = f"{output.name}_reshaped"
        axes = onnx.numpy_helper.from_array(np.arange(extra), f"{output.name}_axes")
        graph.initializer.append(axes)
        graph.node.append(onnx.helper.make_node("Squeeze", [last.output[0], axes.name], [output.name]))
        del dimensions[:extra]
