"""Networks as LiteRT (TensorFlow Lite) files, for small devices."""

import contextlib
import io
import pathlib

import keras
import tensorflow as tf

from srnet.files import written_whole


def export_litert(model: keras.Model, path: str | pathlib.Path, int8: bool = False) -> None:
    """Writes a network as a LiteRT file, which appears complete or not at all.

    Its one signature, serving_default, maps float32 (N, H, W, c) in [0, 255] to float32 (N, scale*H, scale*W, c), not
    clipped. The input starts as (1, 1, 1, c): resize it to the picture before allocating tensors.

    Args:
      model: float32 Keras model from LR to HR pixels in [0, 255].
      path: the file, usually .tflite.
      int8: whether weights are stored, and convolutions computed, in 8 bits (dynamic-range quantization).

    Raises:
      DataError: if it cannot be written.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with contextlib.redirect_stdout(io.StringIO()):  # the converter prints the signatures of its temporary export
        data = converter.convert()
    with written_whole(path) as partial:
        partial.write_bytes(data)
