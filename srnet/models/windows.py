"""What one output index of a layer reads from its input, along one axis.

Every layer of bounded reach is either a `Window`, like a convolution, or a `Spread`, like a transposed convolution. To
have the analysis handle a layer of your own, give it a method `receptive_window()` that returns one of them, which
applies to height and width and to each of the layer's inputs.
"""

import dataclasses
import fractions


@dataclasses.dataclass(frozen=True)
class Window:
    """Output index j reads the input indices j*stride - before, ..., j*stride - before + size - 1.

    Attributes:
      size: input indices read, at least 1; a dilated kernel counts with its holes.
      stride: input indices from one output index to the next, at least 1.
      before: input indices read before j*stride; negative for a layer that crops.
    """

    size: int = 1
    stride: int = 1
    before: int = 0

    @property
    def factor(self) -> fractions.Fraction:
        """The layer's output size divided by its input size."""
        return fractions.Fraction(1, self.stride)

    def reads(self, first: int, last: int) -> tuple[int, int]:
        """Returns the first and the last input index that a range of output indices depends on.

        Args:
          first: first output index.
          last: last output index.
        """
        return first * self.stride - self.before, last * self.stride - self.before + self.size - 1


@dataclasses.dataclass(frozen=True)
class Spread:
    """Input index i contributes to the output indices i*stride - before, ..., i*stride - before + size - 1.

    Attributes:
      size: output indices that one input index contributes to, at least 1.
      stride: output indices from one input index to the next, at least 1: the factor of enlargement.
      before: output indices contributed to before i*stride.
    """

    size: int
    stride: int
    before: int = 0

    @property
    def factor(self) -> fractions.Fraction:
        """The layer's output size divided by its input size."""
        return fractions.Fraction(self.stride)

    def reads(self, first: int, last: int) -> tuple[int, int]:
        """Returns the first and the last input index that a range of output indices depends on.

        The range is empty (first above last) where the outputs lie between the contributions of two inputs.

        Args:
          first: first output index.
          last: last output index.
        """
        return -((self.size - 1 - self.before - first) // self.stride), (last + self.before) // self.stride


def interpolation(scale: int, half_width: int) -> Spread:
    """Returns the spread of an enlargement by interpolation.

    Output index j lies at (j + 0.5) / scale - 0.5 in the input and reads what is less than `half_width` away.

    Args:
      scale: integer scale factor, at least 1.
      half_width: half the support of the interpolation kernel in input pixels: 1 for linear, 2 for cubic.
    """
    return Spread(2 * half_width * scale - scale % 2, scale, half_width * scale - (scale + 1) // 2)
