"""Files: written complete or not at all, digests, and the reasons of failures."""

import concurrent.futures
import contextlib
import errno
import hashlib
import json
import math
import os
import pathlib
import re
import sys
import threading
import warnings
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import filelock

from srnet import durable
from srnet.errors import TYPE_NAMES, DataError, UsageError
from srnet.progress import note

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_SAVED_MODEL = {"saved_model.pb", "fingerprint.pb", "variables", "assets", "assets.extra", "keras_metadata.pb"}
_CHECKSUM = "crc32"  # the last member of the JSON objects that srnet reads again
LOCK = ".lock"  # in a folder that `locked` locks
_redirecting = threading.RLock()  # of a thread that has redirected standard error


@contextlib.contextmanager
def written_whole(path: str | pathlib.Path, overwrite: bool = True) -> Iterator[pathlib.Path]:
    """Yields a path of the same name in a hidden folder beside `path`, and moves it to `path` when the block ends.

    When the block has ended without an error, the file is there whole and on the disk, also after a power loss.

    Args:
      path: the file, or the folder, that is to appear; its parent is made when missing.
      overwrite: whether an existing file, an empty folder or a SavedModel may be replaced.

    Raises:
      DataError: if something is there that is not to be replaced, or something cannot be written; what was begun is
        removed.
    """
    path = pathlib.Path(path).resolve()
    try:
        _check_target(path)
        durable.make_folder(path.parent)
        with durable.working_folder(path.parent) as folder:
            yield folder / path.name
            try:
                durable.place(folder / path.name, path, overwrite)
            except FileExistsError as error:
                raise DataError(f"{path}: exists and is not replaced; it has just been written") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({reason(error)})") from error


@contextlib.contextmanager
def writing(path: str | pathlib.Path) -> Iterator[None]:
    """Turns whatever a library raises while it writes into an error that names the file.

    Args:
      path: the file or folder.

    Raises:
      DataError: for any other error of the block.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{path}: cannot be written ({reason(error)})") from error


def _check_target(path: pathlib.Path) -> None:
    if path.is_dir():
        others = sorted({inside.name for inside in path.iterdir()} - _SAVED_MODEL)
        if others:
            raise DataError(f"{path}: a folder with other things in it, such as {others[0]}; choose another place")
    elif path.exists() and not path.is_file():
        raise DataError(f"{path}: not a regular file; choose another place")


@contextlib.contextmanager
def locked(folder: pathlib.Path, busy: str | None = None) -> Iterator[None]:
    """Locks a folder against other processes of srnet, as long as this process lives.

    Where the file system has no locks, a line says so.

    Args:
      folder: the folder; it is created if missing.
      busy: message of the error if another process holds the lock; without it, that process is waited for.

    Raises:
      UsageError: if another process holds the lock, and `busy` says what that means.
      DataError: if the folder cannot be created or written.
    """
    lock = filelock.FileLock(folder / LOCK, timeout=0 if busy else -1)
    try:
        durable.make_folder(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of file systems where filelock makes do with a lock file's existence
            lock.acquire()
    except filelock.Timeout as error:
        raise UsageError(busy) from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise DataError(f"{folder}: cannot be written ({reason(error)})") from error
        note(f"{folder}: this file system has no locks; use it from one process at a time")
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def stderr_into(descriptor: int) -> Iterator[None]:
    """Redirects standard error, that of C libraries too; threads do so one after the other.

    Args:
      descriptor: of the open file or pipe that gets it.
    """
    with _redirecting:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(descriptor, 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)


def reason(error: BaseException) -> str:
    """Returns what went wrong in a few words, the system's own where it has them.

    Args:
      error: an OSError, or an error of TensorFlow or HDF5, whose long texts end in the reason.
    """
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    text = str(error).strip() or type(error).__name__
    return re.sub(r" \[Op:\w+\].*", "", text.split("\n")[0].rsplit("; ", 1)[-1])


def write_text(path: str | pathlib.Path, text: str) -> None:
    """Writes a UTF-8 text file; it appears complete or not at all.

    Args:
      path: the file.
      text: its content.

    Raises:
      DataError: if it cannot be written.
    """
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: str | pathlib.Path, value: Any) -> None:
    """Writes a value as indented JSON; the file appears complete or not at all.

    Args:
      path: the file.
      value: as for `to_json`; a dict gets a checksum, as by `to_checked_json`.

    Raises:
      DataError: if it cannot be written.
    """
    text = to_checked_json(value, indent=2) if isinstance(value, dict) else to_json(value, indent=2)
    write_text(path, text + "\n")


def to_json(value: Any, indent: int | None = None) -> str:
    """Returns a value as JSON, in which numbers that are not finite are null.

    Args:
      value: anything that the json module writes.
      indent: spaces for each level; without it, the text is one line.
    """
    return json.dumps(_without_infinity(value), indent=indent, allow_nan=False)


def to_checked_json(value: dict[str, Any], indent: int | None = None) -> str:
    """Returns an object as JSON, its last member a checksum of the others, which `read_json` takes out again.

    Args:
      value: the object.
      indent: as for `to_json`.
    """
    others = json.loads(to_json(value))  # as it is read again
    others.pop(_CHECKSUM, None)
    return to_json({**others, _CHECKSUM: _checksum(others)}, indent)


def _checksum(value: dict[str, Any]) -> str:
    """The CRC-32 of an object, whatever the order of its members."""
    return f"{zlib.crc32(json.dumps(value, sort_keys=True).encode()):08x}"


def _without_infinity(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_infinity(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_infinity(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_json(path: str | pathlib.Path, kind: type = object) -> Any:
    """Reads a JSON file; an object that has a checksum must match it.

    Args:
      path: the file.
      kind: type that the value must have, such as `dict`.

    Raises:
      DataError: if it is missing, damaged, not JSON or of another type.
    """
    value = _parsed(_read_text(path), path)
    if not isinstance(value, kind):
        raise DataError(f"{path}: damaged; expected {TYPE_NAMES[kind]}")
    return value


def read_json_lines(path: str | pathlib.Path, appended: bool = False) -> list[dict[str, Any]]:
    """Returns the objects of a JSON lines file; one that has a checksum must match it.

    Args:
      path: the file; one that does not exist has no lines.
      appended: whether lines are appended to the file; then a last line that was cut short is left out.

    Raises:
      DataError: if it cannot be read, or a line is no JSON object.
    """
    if not pathlib.Path(path).exists():
        return []
    lines = _read_text(path).split("\n")
    if not lines[-1] or appended:
        del lines[-1]
    values = []
    for number, line in enumerate(lines, 1):
        value = _parsed(line, f"{path}: line {number}")
        if not isinstance(value, dict):
            raise DataError(f"{path}: line {number} is damaged; expected {TYPE_NAMES[dict]}")
        values.append(value)
    return values


def _read_text(path: str | pathlib.Path) -> str:
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: damaged; it is no UTF-8 text") from error


def _parsed(text: str, name: str | pathlib.Path) -> Any:
    try:
        value = json.loads(text)
        checksum = value.pop(_CHECKSUM, None) if isinstance(value, dict) else None
        sound = checksum is None or checksum == _checksum(value)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: not JSON ({error})") from error
    if not sound:
        advice = f"if you edited it, remove its {_CHECKSUM}"
        raise DataError(f"{name}: damaged; its {_CHECKSUM} does not match its content ({advice})")
    return value


def source_digests(paths: Sequence[pathlib.Path]) -> list[list[str]]:
    """Returns the name and SHA-256 of each file.

    Args:
      paths: the files.

    Raises:
      DataError: if one cannot be read.
    """
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [[path.name, each] for path, each in zip(paths, pool.map(_sha256, paths))]


def _sha256(path: pathlib.Path) -> str:
    hashed = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                hashed.update(block)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    return hashed.hexdigest()


def digest(description: Any) -> str:
    """Returns twelve hexadecimal digits that stand for a description, for names of files made from it.

    Args:
      description: anything that the json module writes.
    """
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:12]


def array_digest(arrays: Sequence[Any]) -> str:
    """Returns the SHA-256 of the content of NumPy arrays.

    Args:
      arrays: the arrays.
    """
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
