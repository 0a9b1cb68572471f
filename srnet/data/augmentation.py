"""Augmentation: flipped, rotated and downscaled copies of a picture, from which training patches are cut."""

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from srnet.images.color import in_channels, round_to_uint8
from srnet.images.read import read_image
from srnet.images.resize import imresize, resized_length

# Quarter turns after mirroring or not: the paper's four orientations (section 3.1), then the other four.
_ORIENTATIONS = ((0, False), (1, False), (0, True), (2, True), (2, False), (3, False), (1, True), (3, True))
ORIENTATIONS = (1, 4, len(_ORIENTATIONS))  # numbers of orientations to choose from; 1 is no augmentation


@dataclasses.dataclass(frozen=True)
class Copy:
    """One augmented copy of a picture.

    Attributes:
      path: the picture file.
      picture_size: (height, width) of the picture.
      seed: of its random numbers: the picture's SHA-256 and the copy's number.
      turns: quarter turns, after mirroring.
      mirrored: whether left and right are exchanged.
      factor: scale factor, applied first, above 0 and at most 1.
    """

    path: Path
    picture_size: tuple[int, int]
    seed: tuple[int, int]
    turns: int
    mirrored: bool
    factor: float

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = (resized_length(side, self.factor) for side in self.picture_size)
        return (width, height) if self.turns % 2 else (height, width)


def copies(
    path: Path, picture_size: tuple[int, int], sha256: str, orientations: int, factors: Sequence[float]
) -> Iterator[Copy]:
    """Yields the copies of a picture in all orientations and sizes.

    Args:
      path: the picture file.
      picture_size: its (height, width).
      sha256: its SHA-256 in hexadecimal digits.
      orientations: one of `ORIENTATIONS`.
      factors: scale factors, each above 0 and at most 1; 1 is the picture itself.
    """
    number = 0
    for turns, mirrored in _ORIENTATIONS[:orientations]:
        for factor in factors:
            yield Copy(path, picture_size, (int(sha256, 16), number), turns, mirrored, factor)
            number += 1


class Source:
    """A picture that several threads make copies of; it is decoded once, and downscaled once per factor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resized: dict[float, np.ndarray] = {}

    def read(self, copy: Copy, channels: int | None) -> np.ndarray:
        """Returns the pixels of a copy, uint8 (H, W, channels).

        Args:
          copy: `Copy`, always of the same picture.
          channels: 1 for luma, 3 for RGB, None for the picture's own; always the same.

        Raises:
          DataError: if the picture cannot be read.
        """
        with self._lock:
            if copy.factor not in self._resized:
                self._resized[copy.factor] = self._resize(copy, channels)
        image = self._resized[copy.factor]
        return np.rot90(image[:, ::-1] if copy.mirrored else image, copy.turns)

    def _resize(self, copy: Copy, channels: int | None) -> np.ndarray:
        if 1 not in self._resized:
            image = read_image(copy.path)
            self._resized[1] = in_channels(image, channels or (1 if image.ndim == 2 else 3))
        whole = self._resized[1]
        return whole if copy.factor == 1 else round_to_uint8(imresize(whole, copy.factor))
