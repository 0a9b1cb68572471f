"""Checking the options in a network's dataclass."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from srnet.errors import TYPE_NAMES, UsageError


def check_options(options: Any, at_least: dict[str, int], one_of: dict[str, Sequence[Any]]) -> None:
    """Checks a frozen dataclass of options, and turns lists (from JSON) into tuples in place.

    Args:
      options: the dataclass, each of whose fields has a default of the right type.
      at_least: dict from the names of integer fields, or tuples of integers, to the smallest value each may have.
      one_of: dict from the names of further fields to the values each may have.

    Raises:
      UsageError: for a value of another type, below its minimum or not among the choices.
    """
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if isinstance(value, list) and isinstance(field.default, tuple):
            value = tuple(value)
            object.__setattr__(options, field.name, value)
        if type(value) is not type(field.default):
            raise UsageError(f"{field.name} {value!r} cannot be used: expected {TYPE_NAMES[type(field.default)]}")
        if isinstance(value, tuple) and not all(type(item) is int for item in value):
            raise UsageError(f"{field.name} {value!r} cannot be used: each must be an integer")
    for name, choices in one_of.items():
        if getattr(options, name) not in choices:
            raise UsageError(f"{name} {getattr(options, name)!r} is unknown: choose one of {', '.join(choices)}")
    for name, minimum in at_least.items():
        value = getattr(options, name)
        several = isinstance(value, tuple)
        if min(value if several else (value,), default=minimum) < minimum:
            raise UsageError(
                f"{name} {value!r} cannot be used: {'each' if several else 'it'} must be at least {minimum}"
            )
