"""Files: written complete or not at all, digests, and the reasons of failures."""

import contextlib
import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from srnet.errors import DataError

_OWNER = f"{platform.node()}.{os.getpid()}"


@contextlib.contextmanager
def written_whole(path: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a path beside `path`, of the same suffix, and renames it to `path` when the block ends without an error.

    Args:
      path: the file, or the folder, that is to appear; its parent is made when missing. An existing file is replaced,
        and an existing folder when it is empty or a SavedModel.

    Raises:
      DataError: if another folder is there, or something cannot be written; what was begun is removed.
    """
    path = pathlib.Path(path).resolve()
    partial, old = (path.parent / (f".{path.stem}.{_OWNER}.{kind}{path.suffix}") for kind in ("partial", "old"))
    try:
        if path.is_dir() and any(path.iterdir()) and not (path / "saved_model.pb").exists():
            raise DataError(f"{path}: a folder with other things in it; choose another place")
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        yield partial
        if path.is_dir() and partial.is_dir():
            path.rename(old)
        partial.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({reason(error)})") from error
    finally:
        _remove(partial)
        if old.exists() and not path.exists():
            old.rename(path)
        _remove(old)


@contextlib.contextmanager
def filtered_stderr(keep: Callable[[str], bool]) -> Iterator[None]:
    """Holds back standard error, that of C libraries too, and prints the lines to keep at the end.

    Args:
      keep: callable that says whether a line is kept.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in filter(keep, held.read().decode(errors="replace").splitlines()):
                print(line, file=sys.stderr)


def reason(error: BaseException) -> str:
    """Returns what went wrong in a few words, the system's own where it has them.

    Args:
      error: an OSError, or an error of TensorFlow or HDF5, whose long texts end in the reason.
    """
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error).strip().split("\n")[0].rsplit("; ", 1)[-1]


def _remove_leftovers(path: pathlib.Path) -> None:
    """Removes what a killed process of this machine left behind; without /proc nothing is known to be dead."""
    for left in path.parent.iterdir():
        match = re.fullmatch(r"(.+)\.(\d+)\.(?:partial|old)", left.name.removesuffix(path.suffix))
        if not match or match[1] != f".{path.stem}.{platform.node()}":
            continue
        if pathlib.Path("/proc/self").exists() and not pathlib.Path("/proc", match[2]).exists():
            _remove(left)


def _remove(path: pathlib.Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


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
      value: anything that the json module writes.

    Raises:
      DataError: if it cannot be written.
    """
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path: str | pathlib.Path) -> Any:
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


def source_digests(paths: Sequence[pathlib.Path]) -> list[list[str]]:
    """Returns the name and SHA-256 of each file.

    Args:
      paths: the files.

    Raises:
      DataError: if one cannot be read.
    """
    sources = []
    for path in paths:
        try:
            sources.append([path.name, hashlib.sha256(path.read_bytes()).hexdigest()])
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    return sources


def digest(description: Any) -> str:
    """Returns twelve hexadecimal digits that stand for a description, for names of files made from it.

    Args:
      description: anything that the json module writes.
    """
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:12]
