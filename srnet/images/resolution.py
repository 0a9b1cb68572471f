"""The intended size of a picture, and how formats store it."""

import dataclasses
import fractions
from collections.abc import Sequence

from srnet.images import tiff

RESOLUTION_TAGS = frozenset({tiff.X_RESOLUTION, tiff.Y_RESOLUTION, tiff.RESOLUTION_UNIT})


@dataclasses.dataclass(frozen=True)
class Resolution:
    """The intended size of a picture: pixels per unit, which is 1 (only a ratio), 2 (inch) or 3 (cm), as in TIFF."""

    x: float
    y: float
    unit: int

    def per(self, unit: int) -> tuple[float, float]:
        """Pixels per unit, across and down.

        Args:
          unit: 2 (inch) or 3 (cm).
        """
        factor = {(2, 3): 1 / 2.54, (3, 2): 2.54}.get((self.unit, unit), 1.0)
        return self.x * factor, self.y * factor


def valid_resolution(values: Sequence[float], unit: int) -> Resolution | None:
    """Returns a resolution, or None if it is useless: not two values or out of range, a ratio of 1, an unknown unit.

    Args:
      values: pixels per unit, across and down.
      unit: as in `Resolution`.
    """
    if len(values) != 2 or unit not in (1, 2, 3) or not all(0.01 <= value < 2**24 for value in values):
        return None
    if unit == 1 and values[0] == values[1]:
        return None
    return Resolution(float(values[0]), float(values[1]), unit)


def per_meter(x: float, y: float) -> Resolution | None:
    """Converts pixels per meter to a resolution per inch, if that was a whole number before rounding, else per cm.

    Args:
      x: pixels per meter across.
      y: pixels per meter down.
    """
    inches = (x * 0.0254, y * 0.0254)
    if all(abs(value - round(value)) < 0.013 for value in inches):
        return valid_resolution([round(value) for value in inches], 2)
    return valid_resolution((x / 100, y / 100), 3)


def fraction(value: float) -> tuple[int, int]:
    """Returns a positive number as a 32-bit numerator and denominator.

    Args:
      value: below 2**24.
    """
    near = fractions.Fraction(value).limit_denominator(100)
    return near.numerator, near.denominator


def resolution_of(block: tiff.Block) -> Resolution | None:
    """Returns the resolution in a directory of EXIF or a TIFF, or None.

    Args:
      block: the directory.
    """
    values = block.numbers(tiff.X_RESOLUTION) + block.numbers(tiff.Y_RESOLUTION)
    units = block.numbers(tiff.RESOLUTION_UNIT) or (2,)
    return valid_resolution(values, int(units[0]) if units[0] in (1, 2, 3) else 2)


def has_only_resolution(block: tiff.Block) -> bool:
    """Tells whether a TIFF's directory describes nothing but the resolution.

    Args:
      block: the directory.
    """
    return set(tiff.descriptive_tags(block).tags) <= RESOLUTION_TAGS


def with_resolution_tags(block: tiff.Block, resolution: Resolution | None) -> tiff.Block:
    """Returns a block with a resolution; for None, with one that means unknown.

    Args:
      block: the block.
      resolution: the resolution, or None.
    """
    given = resolution or Resolution(1, 1, 1)
    values = {
        tiff.X_RESOLUTION: fraction(given.x),
        tiff.Y_RESOLUTION: fraction(given.y),
        tiff.RESOLUTION_UNIT: (given.unit,),
    }
    types = {tiff.X_RESOLUTION: tiff.RATIONAL, tiff.Y_RESOLUTION: tiff.RATIONAL, tiff.RESOLUTION_UNIT: tiff.SHORT}
    return tiff.with_numbers(block, values, types)
