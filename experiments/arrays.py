"""Named arrays in a NumPy file (.npz)."""

import pathlib
import zipfile
from collections.abc import Mapping

import numpy as np

from srnet.errors import DataError
from srnet.files import reason, writing, written_whole


def write_arrays(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays; the file appears complete or not at all.

    Args:
      path: the file, which ends in .npz.
      arrays: dict from names to arrays.

    Raises:
      DataError: if it cannot be written.
    """
    with written_whole(path) as partial, writing(path):
        np.savez(partial, allow_pickle=False, **arrays)


def read_arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the arrays of a file.

    Raises:
      DataError: if it is missing or damaged.
    """
    try:
        with np.load(path) as content:
            return dict(content)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
