"""Settings: dataclass fields with help, choices and bounds, from which flags are defined and values checked."""

import dataclasses
import math
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from srnet.errors import TYPE_NAMES, UsageError

_KEEPS: Mapping[str, Callable[[Any, Any], bool]] = {
    "at least": operator.ge,
    "above": operator.gt,
    "at most": operator.le,
    "below": operator.lt,
}


def setting(
    default: Any,
    text: str,
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
      default: the paper preset's value.
      text: help text of the flag.
      choices: allowed values; later entries of a registry count, too.
      at_least: smallest value.
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


def checked(field: dataclasses.Field, value: Any) -> Any:
    """Checks the value of a field and returns it in the field's type.

    Args:
      field: a dataclass field made by `setting`.
      value: a value, such as one read from JSON.

    Raises:
      UsageError: if it has the wrong type, is not one of the choices, or is out of bounds.
    """
    default = field.default_factory() if callable(field.default_factory) else field.default
    try:
        if isinstance(default, tuple) and not isinstance(value, str):
            value = tuple(type(default[0])(item) for item in value)
        elif isinstance(default, float) and not isinstance(value, bool):
            value = float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    if any(
        isinstance(item, float) and not math.isfinite(item) for item in (value if type(value) is tuple else [value])
    ):
        raise UsageError(f"{field.name} {value} cannot be used: expected a finite number")
    if type(value) is not type(default):
        raise UsageError(f"{field.name} {value!r} cannot be used: expected {TYPE_NAMES[type(default)]}")
    choices, bounds = field.metadata["choices"], field.metadata["bounds"]
    # Registries are not checked here: a run must load without the plugins it was trained with.
    if choices and not isinstance(choices, Mapping) and value not in choices:
        raise UsageError(f"{field.name} {value!r} is unknown: choose one of {', '.join(map(str, choices))}")
    if not all(_KEEPS[words](value, bound) for words, bound in bounds.items()):
        raise UsageError(f"{field.name} {value} cannot be used: it must be {bounds_text(bounds)}")
    return value


def bounds_text(bounds: Mapping[str, float]) -> str:
    """Returns the bounds of a field in words, such as "above 0 and at most 1".

    Args:
      bounds: dict from words, such as "above", to numbers.
    """
    return " and ".join(f"{words} {bound}" for words, bound in bounds.items())
