"""The building blocks of `srnet.files.atomic_write`: working folders, syncing to disk, renames in one step.

A process locks its working folder, so that other processes, even in other containers, know whether it is in use.
"""

import atexit
import contextlib
import ctypes
import errno
import os
import pathlib
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator

SUFFIX = ".partial"  # of working folders
NEW = "new"  # folder in a working folder: what is being written
_OLD = "old"  # likewise: what is being replaced, if two names cannot be exchanged
_AT_FDCWD = -100
_NO_REPLACE, _EXCHANGE = 1, 2  # flags of renameat2
# Errors of file systems that lack an operation.
_WITHOUT = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EPERM)

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)

_in_use: set[tuple[int, pathlib.Path]] = set()
_swept: set[pathlib.Path] = set()


@contextlib.contextmanager
def working_folder(parent: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a new folder inside another one, and removes it at the end.

    Leftovers of killed processes are removed first, once per process.

    Args:
      parent: an existing folder.

    Raises:
      OSError: if the folder cannot be created.
    """
    if parent not in _swept:
        _sweep(parent)
        _swept.add(parent)
    folder, lock = _new_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        _in_use.discard((os.getpid(), folder))


def _new_folder(parent: pathlib.Path) -> tuple[pathlib.Path, int]:
    """A new folder, and the descriptor that locks it."""
    while True:
        folder = parent / f".{secrets.token_hex(4)}{SUFFIX}"
        _in_use.add((os.getpid(), folder))  # first, since a signal may arrive while it is created
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            lock = _lock_new(folder)
            if lock is not None:
                return folder, lock
        _in_use.discard((os.getpid(), folder))


def _lock_new(folder: pathlib.Path) -> int | None:
    """The descriptor that locks a new folder; None if another process took it for a leftover."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return None
    if lock_open(lock) is not False and os.fstat(lock).st_nlink:
        return lock
    os.close(lock)
    return None


def lock(descriptor: int, shared: bool = False) -> bool | None:
    """Locks an open file or folder until it is closed.

    Args:
      descriptor: of the file or folder.
      shared: whether others may hold shared locks, too.

    Returns:
      True if locked, False if another process holds a lock, None if the system or the file system has no locks.

    Raises:
      OSError: if it cannot be locked.
    """
    try:
        import fcntl  # not on Windows, where commands say what srnet needs

        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except ImportError:
        return None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return None
    return True


def lock_open(descriptor: int, shared: bool = False) -> bool | None:
    """Locks as `lock`, but returns None for any reason for which it cannot be locked.

    Args:
      descriptor, shared: as for `lock`.
    """
    try:
        return lock(descriptor, shared)
    except OSError:
        return None


def unlock(descriptor: int) -> None:
    """Unlocks what `lock` has locked, also for processes forked meanwhile, and closes it.

    Args:
      descriptor: of the file or folder.
    """
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _sweep(parent: pathlib.Path) -> None:
    for left in parent.glob(f".{'[0-9a-f]' * 8}{SUFFIX}"):
        with contextlib.suppress(OSError):
            descriptor = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if lock_open(descriptor):
                    for old in (left / _OLD).glob("*"):
                        with contextlib.suppress(FileExistsError):
                            rename_new(old, parent / old.name)
                    shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(descriptor)


@atexit.register
def _remove_unfinished() -> None:
    """Removes the folders whose removal a signal interrupted."""
    for process, folder in list(_in_use):
        if process == os.getpid():
            shutil.rmtree(folder, ignore_errors=True)


def make_folder(path: pathlib.Path) -> None:
    """Creates a folder with its parents, durably.

    Args:
      path: the folder; it may exist.

    Raises:
      OSError: if it cannot be created.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync(each.parent)


def sync(path: pathlib.Path) -> None:
    """Waits until a file's content, or the names in a folder, are on disk.

    Args:
      path: the file or folder.

    Raises:
      OSError: if the disk fails.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        if path.is_dir():  # writable, but not readable: a drop box
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not (error.errno in _WITHOUT and path.is_dir()):  # some network file systems cannot sync folders
            raise
    finally:
        os.close(descriptor)


def sync_tree(path: pathlib.Path) -> None:
    """Waits until a file, or a folder with everything in it, is on disk.

    Args:
      path: the file or folder.

    Raises:
      OSError: if the disk fails.
    """
    if path.is_dir():
        for inside in path.iterdir():
            sync_tree(inside)
    sync(path)


def place(source: pathlib.Path, target: pathlib.Path, overwrite: bool) -> None:
    """Puts a finished file or folder in its place, durably and in one step.

    Args:
      source: file, or folder, in the folder `NEW` of a working folder beside the target.
      target: its final path. A file replaced by a file passes on its permissions.
      overwrite: whether something may be replaced.

    Raises:
      FileExistsError: if something is there and may not be replaced, even if it appeared at the last moment.
      OSError: if something cannot be written.
    """
    if overwrite and source.is_file() and target.is_file():
        source.chmod(stat.S_IMODE(target.stat().st_mode))
    sync_tree(source)
    if not overwrite:
        rename_new(source, target)
    elif os.path.lexists(target) and (source.is_dir() or target.is_dir()):
        _exchange(source, target)
    else:
        source.replace(target)
    sync(target.parent)


def rename_new(source: pathlib.Path, target: pathlib.Path) -> None:
    """Renames a file or folder to an unused name.

    Args:
      source: the file or folder.
      target: the new name, on the same file system.

    Raises:
      FileExistsError: if the name is taken.
      OSError: if it cannot be renamed.
    """
    if _renameat2(source, target, _NO_REPLACE):
        return
    if source.is_dir():
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        source.rename(target)
        return
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _WITHOUT:
            raise
        target.open("xb").close()  # no hard links: an empty file takes the name, then is replaced
        try:
            source.replace(target)
        except BaseException:  # Ctrl-C, too
            target.unlink()
            raise
    else:
        source.unlink()


def _exchange(source: pathlib.Path, target: pathlib.Path) -> None:
    if _renameat2(source, target, _EXCHANGE):
        return
    old = source.parents[1] / _OLD / target.name  # `_sweep` puts it back if this process is killed now
    old.parent.mkdir()
    try:
        target.rename(old)
        source.rename(target)
    except BaseException:  # Ctrl-C, too: the working folder, with `old` in it, is removed next
        if old.exists() and not target.exists():
            old.rename(target)
        raise


def _renameat2(source: pathlib.Path, target: pathlib.Path, flag: int) -> bool:
    """Renames by Linux's renameat2 with a flag; False if that is not supported."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if function is None:
        return False
    if function(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _WITHOUT:
        return False
    raise OSError(number, os.strerror(number), str(source), None, str(target))
