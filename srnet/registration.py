"""Registering functions by name."""

from collections.abc import Callable, MutableMapping
from typing import Any

from srnet.errors import UsageError


def register_function(registry: MutableMapping[str, Any], kind: str, name: str, function: Callable[..., Any]) -> None:
    """Adds a function to a registry, where it replaces only itself, as a module that is reloaded does.

    Args:
      registry: mapping from names to functions.
      kind: what the functions are, such as "loss", used in the message.
      name: the function's name.
      function: the function.

    Raises:
      UsageError: if another function has that name.
    """
    if not is_same(registry.setdefault(name, function), function):
        raise UsageError(f"{kind} {name!r} is registered already: choose another name")
    registry[name] = function


def is_same(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """Tells whether two functions are the same one, even if its module has been reloaded.

    Args:
      one: a function.
      other: another one, or the same.
    """
    places = [(getattr(each, "__module__", None), getattr(each, "__qualname__", "<")) for each in (one, other)]
    return one is other or (places[0] == places[1] and "<" not in places[0][1])
