"""Files: written complete or not at all, folder locks, and the reasons for failures."""

import contextlib
import os
import pathlib
import re
import time
from collections.abc import Iterator

from srnet import durable
from srnet.errors import DataError, UsageError
from srnet.progress import note

_SAVED_MODEL = {"saved_model.pb", "fingerprint.pb", "variables", "assets", "assets.extra", "keras_metadata.pb"}
LOCK = ".lock"  # in a folder that `locked` locks
_POLL_SECONDS = 0.2


@contextlib.contextmanager
def atomic_write(path: str | pathlib.Path, overwrite: bool = True) -> Iterator[pathlib.Path]:
    """Yields a path of the same name in a hidden folder beside `path`, and moves it to `path` when the block ends.

    Once the block has ended without an error, the file is complete and on disk, even after a power loss.

    Args:
      path: the file or folder to write; its parent is created if missing.
      overwrite: whether an existing file, an empty folder or a SavedModel may be replaced.

    Raises:
      DataError: if something exists that must not be replaced, or something cannot be written; partial output is
        removed.
    """
    path = _real(path)
    with _folder_beside(path) as folder:
        partial = folder / durable.NEW / path.name
        partial.parent.mkdir()
        yield partial
        try:
            durable.place(partial, path, overwrite)
        except FileExistsError as error:
            raise DataError(f"{path}: exists and may not be replaced") from error


def check_writable(path: str | pathlib.Path) -> None:
    """Checks that `atomic_write` can write a file, before long work on its content.

    Args:
      path: the file.

    Raises:
      DataError: if it cannot.
    """
    with _folder_beside(_real(path)):
        if pathlib.Path(path).is_dir():
            raise DataError(f"{path}: a folder; choose another path")


def _real(path: str | pathlib.Path) -> pathlib.Path:
    return pathlib.Path(os.path.realpath(path))  # before Python 3.13, Path.resolve() fails at a loop of links


@contextlib.contextmanager
def _folder_beside(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A hidden folder in the parent of a file, which is created if missing; an OSError becomes a DataError."""
    try:
        _check_target(path)
        durable.make_folder(path.parent)
        with durable.working_folder(path.parent) as folder:
            yield folder
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
        inside = {each.name for each in path.iterdir()}
        others = sorted(inside - _SAVED_MODEL if "saved_model.pb" in inside else inside)
        if others:
            raise DataError(f"{path}: a folder that holds other files, such as {others[0]}; choose another path")
    elif path.exists() and not path.is_file():
        raise DataError(f"{path}: not a regular file; choose another path")


@contextlib.contextmanager
def locked(folder: pathlib.Path, busy: str | None = None) -> Iterator[None]:
    """Locks a folder against other processes of srnet until the block ends, or this process does.

    A note says that it waits for another process, or that the file system has no locks.

    Args:
      folder: the folder; it is created if missing.
      busy: message of the error if another process holds the lock; without it, wait for that process.

    Raises:
      UsageError: if another process holds the lock, and `busy` is given.
      DataError: if the folder cannot be created, written or locked.
    """
    try:
        durable.make_folder(folder)
        descriptor = _open_lock(folder / LOCK)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({reason(error)})") from error
    try:
        _lock(descriptor, folder, busy)
        yield
    finally:
        durable.unlock(descriptor)


def _open_lock(path: pathlib.Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # NFS locks only files open for writing
    except PermissionError:
        if not path.exists():
            raise
        return os.open(path, os.O_RDONLY)  # of another user who shares the folder
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, 0o666)  # for other users who share the folder, whatever the umask
    return descriptor


def _lock(descriptor: int, folder: pathlib.Path, busy: str | None) -> None:
    """Locks an open lock file as `locked` does."""
    try:
        is_locked = durable.lock(descriptor)
        if is_locked is None:
            note(f"{folder}: this file system has no locks; use it from one process at a time")
        elif not is_locked and busy:
            raise UsageError(busy)
        elif not is_locked:
            note(f"{folder}: waiting for another process of srnet that uses it")
            while durable.lock(descriptor) is False:
                time.sleep(_POLL_SECONDS)
    except OSError as error:
        raise DataError(f"{folder / LOCK}: cannot be locked ({reason(error)})") from error


def reason(error: BaseException) -> str:
    """Returns what went wrong in a few words, the system's own if it has any.

    Args:
      error: an OSError, or an error of TensorFlow or HDF5, whose long texts end with the reason.
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
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")
