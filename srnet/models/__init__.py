"""Networks: `names` lists them, `build` makes one, `register` adds one. Only Keras models live here."""

from srnet.models.interpolation import interpolate
from srnet.models.published import load_published
from srnet.models.registry import build, names, register

__all__ = ["build", "interpolate", "load_published", "names", "register"]
