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
        for left in path.parent.glob(f".{path.name}.*.partial"):
            if not _is_running(left.name.split(".")[-2]):
                _remove(left)
        yield partial
        if path.is_dir():
            shutil.rmtree(path)
        partial.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({reason(error)})") from error
    finally:
        _remove(partial)


def reason(error):
    """Returns what went wrong in a few words, the system's own where it has them.

    Args:
      error: an OSError, or an error of TensorFlow or HDF5, whose long texts end in the reason.
    """
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error).strip().split("\n")[0].rsplit("; ", 1)[-1]


def _is_running(process):
    return not process.isdigit() or pathlib.Path("/proc", process).exists() or not pathlib.Path("/proc").exists()


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


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
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from error
