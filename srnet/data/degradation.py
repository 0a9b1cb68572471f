"""How LR pictures are made from HR pictures: degradations by name, or a chain such as blur0.8+noise5-25.

A degradation is a callable (hr, scale, random):
  hr: uint8 (H, W, C) array, H and W multiples of `scale`, C 3 for RGB or 1 for a grayscale picture.
  scale: integer downscaling factor.
  random: `np.random.Generator` for this picture and copy alone; its draws are the same in every build.
It returns a uint8 (H / scale, W / scale, C) array. A patch store identifies a registered degradation by its name, so a
changed function needs a new name; it identifies a recipe (`srnet.data.recipes`) by its content.
"""

from collections.abc import Callable

import numpy as np

from srnet.data.recipes import RECIPES, parse_recipe
from srnet.errors import UsageError
from srnet.images.color import round_to_uint8
from srnet.images.resize import imresize
from srnet.registration import register_function

Degradation = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


def bicubic(hr: np.ndarray, scale: int, random: np.random.Generator) -> np.ndarray:
    """Downscales by MATLAB's antialiased bicubic `imresize` and rounds to 8 bits, as is usual for LR pictures."""
    return round_to_uint8(imresize(hr, 1 / scale))


DEGRADATIONS: dict[str, Degradation] = {"bicubic": bicubic}


def register(name: str, function: Degradation) -> None:
    """Adds a degradation, for `TrainConfig.degradation` and `--degradation`.

    Args:
      name: a name that is not taken.
      function: the degradation, as the module's docstring describes it.

    Raises:
      UsageError: if the name is taken.
    """
    if parse_recipe(name):
        raise UsageError(f"degradation {name!r} is registered already: choose another name")
    register_function(DEGRADATIONS, "degradation", name, function)


def find_degradation(name: str) -> Degradation:
    """Returns a degradation by name.

    Args:
      name: "bicubic", a registered name, or what `srnet.data.recipes.parse_recipe` takes.

    Raises:
      UsageError: if there is none of that name, or its operations are invalid.
    """
    found = DEGRADATIONS.get(name) or parse_recipe(name)
    if found is None:
        known = ", ".join([*DEGRADATIONS, *RECIPES])
        chain = "a chain such as blur0.8+noise5-25+jpeg40"
        raise UsageError(f"degradation {name!r} is unknown: choose one of {known}, or {chain}")
    return found


def degrade(hr: np.ndarray, scale: int, name: str, random: np.random.Generator) -> np.ndarray:
    """Makes the LR picture of an HR picture.

    Args:
      hr: uint8 (H, W, C) array, H and W multiples of `scale`.
      scale: integer downscaling factor.
      name: as for `find_degradation`.
      random: generator of its random numbers.

    Returns:
      uint8 (H / scale, W / scale, C) array.

    Raises:
      UsageError: if there is no such degradation, or it returns anything else.
    """
    lr = find_degradation(name)(hr, scale, random)
    expected = (hr.shape[0] // scale, hr.shape[1] // scale, hr.shape[2])
    if not isinstance(lr, np.ndarray) or lr.dtype != np.uint8 or lr.shape != expected:
        found = f"{lr.dtype} {lr.shape}" if isinstance(lr, np.ndarray) else type(lr).__name__
        raise UsageError(f"degradation {name!r} returned {found}, not uint8 {expected}")
    return lr
