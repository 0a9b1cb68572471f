"""Networks as LiteRT (TensorFlow Lite) files, for small devices."""

import pathlib
import tempfile

import keras
import tensorflow as tf

from srnet.files import atomic_write, writing
from srnet.formats.saved_model import archive_of


def export_litert(model: keras.Model, path: str | pathlib.Path, int8: bool = False, overwrite: bool = True) -> None:
    """Writes a network as a LiteRT file, which appears complete or not at all.

    Its only signature, serving_default, maps `lr`, float32 (N, H, W, c) in [0, 255], to `hr`, float32
    (N, scale*H, scale*W, c), not clipped. The input starts as (1, 1, 1, c): resize it to the picture before allocating
    tensors.

    Args:
      model: float32 Keras model from LR to HR pixels in [0, 255].
      path: the file, usually .tflite.
      int8: whether weights are stored, and convolutions computed, in 8 bits (dynamic-range quantization).
      overwrite: whether an existing file may be replaced.

    Raises:
      DataError: if it cannot be written.
    """
    with writing(path), tempfile.TemporaryDirectory() as folder:
        # By way of a SavedModel: converted directly from Keras, the output would be named output_0.
        archive_of(model).write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        data = converter.convert()
    with atomic_write(path, overwrite) as partial:
        partial.write_bytes(data)
