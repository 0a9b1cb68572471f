"""Networks in other runtimes' formats: LiteRT (TensorFlow Lite) for small devices, and ONNX."""

import contextlib
import io
import logging

import tensorflow as tf

from srnet.errors import UsageError
from srnet.files import written_whole

_OPSET = 18  # of ONNX, the newest that tf2onnx writes


def export_litert(model, path, int8=False):
    """Writes a network as a LiteRT file, which appears complete or not at all.

    Its one signature, serving_default, maps float32 (N, H, W, c) in [0, 255] to float32 (N, scale*H, scale*W, c), not
    clipped. The input begins as (1, 1, 1, c): resize it to the picture before allocating tensors.

    Args:
      model: float32 Keras model from LR to HR pixels in [0, 255].
      path: the file, usually .tflite.
      int8: whether weights are stored, and convolutions computed, in 8 bits (dynamic-range quantisation).

    Raises:
      DataError: if it cannot be written.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with contextlib.redirect_stdout(io.StringIO()):  # the converter prints the signatures of its temporary export
        data = converter.convert()
    _write(path, data)


def export_onnx(model, path):
    """Writes a network as an ONNX file, which appears complete or not at all.

    It maps `lr`, float32 (N, H, W, c) in [0, 255], to `hr`, float32 (N, scale*H, scale*W, c), not clipped.

    Args:
      model: float32 Keras model from LR to HR pixels in [0, 255].
      path: the file, usually .onnx.

    Raises:
      UsageError: if tf2onnx is not installed.
      DataError: if the file cannot be written.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise UsageError("ONNX needs tf2onnx: pip install 'srnet[onnx]'") from error
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    signature = [tf.TensorSpec((None, None, None, model.input_shape[-1]), tf.float32, name="lr")]
    function = tf.function(lambda lr: {"hr": model(lr, training=False)}, input_signature=signature)
    network, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=_OPSET)
    _write(path, network.SerializeToString())


def _write(path, data):
    with written_whole(path) as partial:
        partial.write_bytes(data)
