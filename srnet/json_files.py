"""JSON files: written whole, with a checksum in their objects, and checked when they are read."""

import json
import math
import pathlib
import zlib
from typing import Any

from srnet.errors import TYPE_NAMES, DataError
from srnet.files import reason, write_text

_CHECKSUM = "crc32"  # the last member of the JSON objects that srnet reads back


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
      value: any JSON-serializable value.
      indent: spaces for each level; without it, the text is one line.
    """
    return json.dumps(_without_infinity(value), indent=indent, allow_nan=False)


def to_checked_json(value: dict[str, Any], indent: int | None = None) -> str:
    """Returns an object as JSON, its last member a checksum of the others, which `read_json` checks and removes.

    Args:
      value: the object.
      indent: as for `to_json`.
    """
    others = json.loads(to_json(value))  # as it will be read back
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
      appended: whether lines are appended to the file; then a truncated last line is skipped.

    Raises:
      DataError: if it cannot be read, or a line is damaged or not a JSON object.
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
        raise DataError(f"{path}: damaged; not UTF-8 text") from error


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
