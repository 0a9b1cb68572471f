"""Results files: JSON lines, one for each result, to which several tools may add at the same time."""

import pathlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

from srnet.errors import DataError
from srnet.files import locked, write_text
from srnet.json_files import read_json_lines, to_checked_json
from srnet.training.origin import origin

VERSION = 1

Record = dict[str, Any]


def read_lines(path: pathlib.Path, fields: Collection[str], key: Callable[[Record], Any]) -> list[Record]:
    """Returns the objects of a results file; none if there is no file.

    Args:
      path: the file.
      fields: names that each object must have, besides "version".
      key: callable from an object to what identifies the result.

    Raises:
      DataError: if it is damaged or of another version, or two lines hold the same result.
    """
    found, lines = read_json_lines(path), dict[Any, int]()
    for number, value in enumerate(found, 1):
        if value.get("version") != VERSION or not set(fields) <= set(value):
            raise DataError(f"{path}: line {number} is not a record of version {VERSION}; move the file away")
        first = lines.setdefault(key(value), number)
        if first != number:
            raise DataError(f"{path}: lines {first} and {number} hold the same result; remove one of them")
    return found


def put_line(
    path: pathlib.Path,
    value: Record,
    fields: Collection[str],
    key: Callable[[Record], Any],
    merge: Callable[[Record, Record], Record] = lambda old, new: new,
) -> Record:
    """Adds an object to a results file, or replaces the one with its key; the lines are sorted by their keys.

    Args:
      path: the file.
      value: the object, with "version".
      fields, key: as for `read_lines`.
      merge: callable (the replaced object, the new one) that returns the object to store.

    Returns:
      The object as stored.

    Raises:
      DataError: if the file is damaged or of another version, or cannot be written.
    """
    with locked(path.parent):
        found = {key(each): each for each in read_lines(path, fields, key)}
        if key(value) in found:
            value = merge(found[key(value)], value)
        found[key(value)] = value
        write_text(path, "".join(to_checked_json(found[each]) + "\n" for each in sorted(found)))
    return value


def add_missing(
    path: pathlib.Path,
    wanted: Sequence[Record],
    measure: Callable[[Record], Record],
    key: Callable[[Record], Any],
) -> list[Record]:
    """Measures what a results file lacks, adding one result after the other, and returns all the file's objects.

    Args:
      path: the file.
      wanted: the fields that describe each result, at least one; a known result with the same key but other values of
        these fields is replaced.
      measure: callable from these fields to the measured ones.
      key: as for `read_lines`.

    Raises:
      DataError: as `put_line`.
    """
    here = {name: value for name, value in origin().items() if name in ("commit", "hardware")}
    fields = tuple(wanted[0])
    for described in wanted:
        if not any(described.items() <= known.items() for known in read_lines(path, fields, key)):
            put_line(path, {"version": VERSION, **described, **measure(described), **here}, fields, key)
    return read_lines(path, fields, key)
