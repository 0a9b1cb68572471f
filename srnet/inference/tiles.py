"""The geometry of tiles: which LR pixels each needs, and where its result goes."""

import dataclasses

Window = tuple[slice, slice]


@dataclasses.dataclass(frozen=True)
class Tile:
    """A box of LR pixels that is enlarged on its own.

    Attributes:
      top, left, bottom, right: the box, half-open.
      margin: LR pixels around it that its result depends on.
    """

    top: int
    left: int
    bottom: int
    right: int
    margin: int

    @property
    def area(self) -> int:
        """LR pixels in the box."""
        return (self.bottom - self.top) * (self.right - self.left)

    @property
    def crop(self) -> Window:
        """The LR pixels to enlarge: the box and its margin; it may end beyond the picture."""
        rows = slice(max(0, self.top - self.margin), self.bottom + self.margin)
        return rows, slice(max(0, self.left - self.margin), self.right + self.margin)

    def inner(self, scale: int) -> Window:
        """Returns the part of the enlarged crop that belongs to the box.

        Args:
          scale: integer scale factor.
        """
        rows, columns = self.crop
        top, left = self.top - rows.start, self.left - columns.start
        bottom, right = self.bottom - rows.start, self.right - columns.start
        return slice(scale * top, scale * bottom), slice(scale * left, scale * right)

    def target(self, scale: int) -> Window:
        """Returns the place of the box in the result.

        Args:
          scale: integer scale factor.
        """
        return slice(scale * self.top, scale * self.bottom), slice(scale * self.left, scale * self.right)

    def split(self, side: int, multiple: int) -> list["Tile"]:
        """Splits the box into tiles, row by row, whose crops have the fewest pixels in total.

        Args:
          side: in LR pixels; a tile and its margin cover at most the area of a square of this side and its margin.
          multiple: LR pixels; tiles begin at multiples of it inside the box. It divides `side`.
        """
        height, width = self.bottom - self.top, self.right - self.left
        most, around = (side + 2 * self.margin) ** 2, 2 * self.margin
        widest = round_down(most // (multiple + around) - around, multiple)
        choices = []
        for columns in range(-(-width // widest), -(-width // multiple) + 1):
            across = round_up(-(-width // columns), multiple)
            down = round_down(most // (across + around) - around, multiple)
            rows = -(-height // down)
            down = round_up(-(-height // rows), multiple)
            # Between two tiles, both margins are computed twice.
            computed = (height + (rows - 1) * around) * (width + (columns - 1) * around)
            choices.append((computed, rows * columns, down, across))
            if rows == 1:  # more columns only add margins
                break
        _, _, down, across = min(choices)
        return [
            Tile(top, left, min(top + down, self.bottom), min(left + across, self.right), self.margin)
            for top in range(self.top, self.bottom, down)
            for left in range(self.left, self.right, across)
        ]


def round_up(value: int, multiple: int) -> int:
    """Returns the smallest multiple that is not below a value.

    Args:
      value: in pixels.
      multiple: in pixels, at least 1.
    """
    return -(-value // multiple) * multiple


def round_down(value: int, multiple: int) -> int:
    """Returns the largest multiple that is not above a value, but at least `multiple` itself.

    Args:
      value: in pixels.
      multiple: in pixels, at least 1.
    """
    return max(multiple, value // multiple * multiple)
