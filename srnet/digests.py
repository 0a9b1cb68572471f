"""SHA-256 digests of files, arrays and descriptions."""

import concurrent.futures
import hashlib
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from srnet.errors import DataError
from srnet.files import reason


def file_digests(paths: Sequence[pathlib.Path]) -> list[list[str]]:
    """Returns the name and SHA-256 of each file.

    Args:
      paths: the files.

    Raises:
      DataError: if one cannot be read.
    """
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [[path.name, each] for path, each in zip(paths, pool.map(file_digest, paths))]


def file_digest(path: pathlib.Path) -> str:
    """Returns the SHA-256 of a file.

    Args:
      path: the file.

    Raises:
      DataError: if it cannot be read.
    """
    hashed = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                hashed.update(block)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    return hashed.hexdigest()


def digest(description: Any) -> str:
    """Returns a digest of a description, twelve hexadecimal digits, for names of files made from it.

    Args:
      description: any JSON-serializable value.
    """
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:12]


def array_digest(arrays: Sequence[Any]) -> str:
    """Returns the SHA-256 of the content of NumPy arrays.

    Args:
      arrays: the arrays.
    """
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
