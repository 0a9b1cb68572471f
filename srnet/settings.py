"""Settings: dataclass fields with help, choices and bounds, from which flags are defined and values checked."""

import dataclasses
import math
import numbers
import operator
import os
from collections.abc import Callable, Collection, Mapping
from typing import Any

from srnet.errors import TYPE_NAMES, UsageError

_KEEPS: Mapping[str, Callable[[Any, Any], bool]] = {
    "at least": operator.ge,
    "above": operator.gt,
    "at most": operator.le,
    "below": operator.lt,
}
_ITEMS = {int: "integers", float: "numbers", str: "strings"}


def setting(
    default: Any,
    text: str = "",
    *,
    choices: Collection[Any] = (),
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    may_change: bool = False,
) -> Any:
    """Returns a dataclass field with what is needed to define its flag and check its value.

    Args:
      default: its default; a tuple is not empty.
      text: help text of the flag.
      choices: allowed values; later entries of a registry count, too.
      at_least: smallest value, of each item of a tuple.
      above: exclusive lower bound.
      at_most: largest value.
      below: exclusive upper bound.
      may_change: whether a run may be resumed with another value.
    """
    bounds = {"at least": at_least, "above": above, "at most": at_most, "below": below}
    metadata = {
        "help": text,
        "choices": choices,
        "bounds": {words: bound for words, bound in bounds.items() if bound is not None},
        "may_change": may_change,
    }
    if isinstance(default, dict):
        return dataclasses.field(default_factory=default.copy, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def default_of(field: dataclasses.Field) -> Any:
    """Returns the default of a field made by `setting`."""
    return field.default_factory() if callable(field.default_factory) else field.default


def check_settings(settings: Any) -> None:
    """Checks the fields of a frozen dataclass, and in place makes lists (from JSON) tuples, and numbers floats.

    Args:
      settings: the dataclass, whose fields are made by `setting`.

    Raises:
      UsageError: if a value has the wrong type, is not one of the choices, or is out of bounds.
    """
    for field in dataclasses.fields(settings):
        object.__setattr__(settings, field.name, _checked(field, getattr(settings, field.name)))


def _checked(field: dataclasses.Field, value: Any) -> Any:
    default = default_of(field)
    several = isinstance(default, tuple)
    kind = type(default[0] if several else default)
    fits = not several or isinstance(value, (list, tuple))
    items = tuple(_converted(item, kind) for item in (value if several and fits else [value]))
    if any(isinstance(item, float) and not math.isfinite(item) for item in items):
        raise UsageError(f"{field.name} {value} cannot be used: expected a finite number")
    if not fits or any(type(item) is not kind for item in items):
        expected = f"a list of {_ITEMS[kind]}" if several else TYPE_NAMES[kind]
        raise UsageError(f"{field.name} {value!r} cannot be used: expected {expected}")
    choices, bounds = (field.metadata.get(name, {}) for name in ("choices", "bounds"))
    # Registries are not checked here: a run must load without the plugins it was trained with.
    if choices and not isinstance(choices, Mapping) and value not in choices:
        raise UsageError(f"{field.name} {value!r} is unknown: choose one of {', '.join(map(str, choices))}")
    if not all(_KEEPS[words](item, bound) for words, bound in bounds.items() for item in items):
        which = "each" if several else "it"
        raise UsageError(f"{field.name} {value} cannot be used: {which} must be {bounds_text(bounds)}")
    return items if several else items[0]


def _converted(value: Any, kind: type) -> Any:
    """A number as a float and a path as a string, where these are expected; any other value as it is."""
    if kind is str and isinstance(value, os.PathLike):
        return os.fspath(value)
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    try:
        return float(value) if kind is float and number else value
    except OverflowError:
        return math.inf


def bounds_text(bounds: Mapping[str, float]) -> str:
    """Returns the bounds of a field in words, such as "above 0 and at most 1".

    Args:
      bounds: dict from words, such as "above", to numbers.
    """
    return " and ".join(f"{words} {bound}" for words, bound in bounds.items())
