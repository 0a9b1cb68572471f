"""Networks: `names` lists them, `build` makes one, `register` adds one. Only Keras models live here."""

from srnet.models.published import load_published
from srnet.models.registry import build, names, register

__all__ = ["build", "load_published", "names", "register"]
