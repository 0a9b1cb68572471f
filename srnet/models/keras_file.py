"""Networks in `.keras` files: loading and saving."""

import pathlib

import keras

from srnet.errors import DataError
from srnet.files import atomic_write, reason, writing
from srnet.models import layers  # noqa: F401  registers the layers that a file may name


def load_file(path: str | pathlib.Path) -> keras.Model:
    """Returns the network of a `.keras` file, such as the `model.keras` of a run.

    Args:
      path: the file.

    Raises:
      DataError: if the file cannot be read, or holds no network from LR to HR pixels.
    """
    if pathlib.Path(path).suffix != ".keras":  # other formats may run code when loaded
        raise DataError(f"{path}: not a .keras file")
    try:
        with pathlib.Path(path).open("rb"):
            pass  # raises the system's own error
        model = keras.models.load_model(path, compile=False, safe_mode=True)
        shapes = model.input_shape, model.output_shape
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    except Exception as error:  # a damaged file may raise anything, even MemoryError or ModuleNotFoundError
        raise DataError(f"{path}: not a network that srnet can read ({reason(error)})") from error
    if not all(isinstance(shape, tuple) and len(shape) == 4 for shape in shapes) or not _enlarges(model):
        raise DataError(f"{path}: not a network from LR to HR pixels")
    return model


def save_file(model: keras.Model, path: str | pathlib.Path, overwrite: bool = True) -> None:
    """Writes a network as a `.keras` file, which appears complete or not at all.

    Args:
      model: Keras model.
      path: the file.
      overwrite: whether an existing file may be replaced.

    Raises:
      DataError: if it cannot be written.
    """
    with atomic_write(path, overwrite) as partial, writing(path):
        model.save(partial)


def _enlarges(model: keras.Model) -> bool:
    """Whether images of 1 or 3 channels and any size are enlarged by one integer, at least 2, in height and width."""
    channels = model.input_shape[-1]
    if channels not in (1, 3):
        return False
    try:
        scale = model.compute_output_shape((1, 1, 1, channels))[1]
        larger = model.compute_output_shape((1, 5, 7, channels))
        return scale >= 2 and tuple(larger) == (1, 5 * scale, 7 * scale, channels)
    except (TypeError, ValueError):
        return False
