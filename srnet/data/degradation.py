"""How LR pictures are made from HR pictures for training: a registry of degradations by name.

A degradation is a callable (hr, scale, random):
  hr: uint8 (H, W, C) array, H and W multiples of `scale`, C 1 for luma or 3 for RGB.
  scale: integer reduction.
  random: `np.random.Generator` of this picture and copy alone; whatever is drawn from it repeats in every build.
It returns a uint8 (H / scale, W / scale, C) array. Patch stores are named after the degradation, so a changed function
needs another name.
"""

from collections.abc import Callable

import numpy as np

from srnet.errors import UsageError
from srnet.images.color import round_to_uint8
from srnet.images.resize import imresize

Degradation = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


def bicubic(hr: np.ndarray, scale: int, random: np.random.Generator) -> np.ndarray:
    """Reduces by MATLAB's antialiased bicubic `imresize` and rounds to 8 bits, as the field's LR pictures are made."""
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
    if DEGRADATIONS.setdefault(name, function) is not function:
        raise UsageError(f"degradation {name!r} is registered already: choose another name")


def degrade(hr: np.ndarray, scale: int, name: str, random: np.random.Generator) -> np.ndarray:
    """Makes the LR picture of an HR picture.

    Args:
      hr: uint8 (H, W, C) array, H and W multiples of `scale`.
      scale: integer reduction.
      name: one of `DEGRADATIONS`.
      random: generator of the random numbers that it may use.

    Returns:
      uint8 (H / scale, W / scale, C) array.

    Raises:
      UsageError: if the degradation returns anything else.
    """
    lr = DEGRADATIONS[name](hr, scale, random)
    expected = (hr.shape[0] // scale, hr.shape[1] // scale, hr.shape[2])
    if not isinstance(lr, np.ndarray) or lr.dtype != np.uint8 or lr.shape != expected:
        found = f"{lr.dtype} {lr.shape}" if isinstance(lr, np.ndarray) else type(lr).__name__
        raise UsageError(f"degradation {name!r} returned {found}, not uint8 {expected}")
    return lr
