"""Files that carry training steps between machines: named arrays and their description in one NumPy file (.npz)."""

import json
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from srnet.errors import DataError
from srnet.files import atomic_write, reason, writing

_ABOUT = "about"


def write_steps(path: pathlib.Path, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Writes a file of steps, atomically.

    Args:
      path: the file, which ends in .npz.
      about: JSON-serializable description of the arrays.
      arrays: dict from names to arrays.

    Raises:
      DataError: if it cannot be written.
    """
    content: dict[str, Any] = {_ABOUT: np.array(json.dumps(about)), **arrays}
    with atomic_write(path) as partial, writing(path):
        np.savez(partial, **content)


def read_steps(path: pathlib.Path, needed: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Returns (about, arrays) of a file that `write_steps` wrote.

    Args:
      path: the file.
      needed: name of an array that it must have.

    Raises:
      DataError: if it is missing, damaged or not such a file.
    """
    try:
        with path.open("rb") as file, np.load(file) as content:
            arrays = dict(content)
        about = json.loads(str(arrays.pop(_ABOUT)))
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a readable steps file ({reason(error)})") from error
    if needed not in arrays:
        raise DataError(f"{path}: the wrong kind of steps file (it has no {needed!r})")
    return about, arrays


def values_of(arrays: Mapping[str, np.ndarray], prefix: str = "") -> list[np.ndarray]:
    """Returns the arrays PREFIX0, PREFIX1, ..., the values of a run's variables.

    Args:
      arrays: dict from names to arrays.
      prefix: prefix of the names.
    """
    names = [name for name in arrays if name.startswith(prefix) and name[len(prefix) :].isdigit()]
    return [arrays[name] for name in sorted(names, key=lambda name: int(name[len(prefix) :]))]


def named_values(values: Any, prefix: str = "") -> dict[str, np.ndarray]:
    """Returns values of variables as a dict from the names that `values_of` reads.

    Args:
      values: sequence of arrays.
      prefix: prefix of the names.
    """
    return {f"{prefix}{number}": np.asarray(value) for number, value in enumerate(values)}
