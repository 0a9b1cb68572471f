"""Networks as TensorFlow SavedModels, for programs without srnet."""

import pathlib
import shutil

import keras
import tensorflow as tf

from srnet.files import atomic_write, writing
from srnet.inference.rgb import upscale_photo, upscale_rgb
from srnet.models.analysis import reach


def archive_of(model: keras.Model) -> keras.export.ExportArchive:
    """Returns an archive with the signature serving_default, from `lr` to `hr`.

    Args:
      model: float32 Keras model from LR to HR pixels in [0, 255].
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serving_default",
        lambda lr: {"hr": model(lr, training=False)},
        input_signature=[tf.TensorSpec((None, None, None, model.input_shape[-1]), tf.float32, name="lr")],
    )
    return archive


def export_saved_model(model: keras.Model, path: str | pathlib.Path, overwrite: bool = True) -> None:
    """Writes a network as a SavedModel; the folder appears complete or not at all.

    Its signatures take any height and width, the first two any batch:
      serving_default: `lr`, float32 (N, H, W, c) in [0, 255], to `hr`, float32 (N, scale*H, scale*W, c), not clipped.
      upscale_rgb: `rgb`, uint8 (N, H, W, 3), to `rgb`, uint8 (N, scale*H, scale*W, 3); see
        `srnet.inference.rgb.upscale_rgb`.
      upscale_photo: `rgb`, uint8 (H, W, 3), to `rgb`, uint8 (scale*H, scale*W, 3), in bounded memory; missing for
        networks with layers whose reach is unknown or unbounded.

    Args:
      model: float32 Keras model from LR to HR pixels in [0, 255], of 1 or 3 channels.
      path: the folder.
      overwrite: whether an existing SavedModel may be replaced.

    Raises:
      DataError: if it cannot be written.
    """
    archive = archive_of(model)
    archive.add_endpoint(
        "upscale_rgb",
        lambda rgb: {"rgb": upscale_rgb(model, rgb)},
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="rgb")],
    )
    if _has_tiles(model):
        archive.add_endpoint(
            "upscale_photo",
            lambda rgb: {"rgb": upscale_photo(model, rgb)},
            input_signature=[tf.TensorSpec((None, None, 3), tf.uint8, name="rgb")],
        )
    with atomic_write(path, overwrite) as partial, writing(path):
        archive.write_out(partial, verbose=False)
        shutil.rmtree(partial / "variables" / "variables_temp", ignore_errors=True)  # TensorFlow sometimes leaves it


def _has_tiles(model: keras.Model) -> bool:
    """Whether the network's reach is known and bounded, as tiles require."""
    try:
        reach(model)
    except TypeError:
        return False
    return True
