"""Files that appear complete or not at all."""

import contextlib
import json
import os
import pathlib
import shutil

from srnet.errors import DataError


@contextlib.contextmanager
def written_whole(path):
    """Yields a path beside `path` to write to, and renames it to `path` when the block ends without an error.

    Args:
      path: the file, or the folder, that is to appear; its parent is made when missing. An existing one is replaced.

    Raises:
      DataError: if something cannot be written; what was begun is removed.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def write_json(path, value):
    """Writes a value as indented JSON; the file appears complete or not at all.

    Args:
      path: the file.
      value: anything that the json module writes.

    Raises:
      DataError: if it cannot be written.
    """
    with written_whole(path) as partial:
        partial.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def read_json(path):
    """Reads a JSON file.

    Args:
      path: the file.

    Raises:
      DataError: if it is missing or not JSON.
    """
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from error
