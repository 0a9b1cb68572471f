"""Augmentation: the copies of a picture that training patches are cut from, flipped, rotated and reduced."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from srnet.images.color import round_to_uint8, to_luma, to_rgb
from srnet.images.read import read_image, read_size
from srnet.images.resize import imresize, resized_length

# Quarter turns after mirroring or not: the paper's four orientations (section 3.1), then the other four.
_ORIENTATIONS = ((0, False), (1, False), (0, True), (2, True), (2, False), (3, False), (1, True), (3, True))
ORIENTATIONS = (1, 4, len(_ORIENTATIONS))  # how many a picture may be cut in; 1 is no augmentation


@dataclasses.dataclass(frozen=True)
class Copy:
    """One copy of a picture.

    Attributes:
      path: the picture file.
      seed: what its random numbers depend on: the picture's SHA-256 and the copy's number.
      turns: quarter turns, after mirroring.
      mirrored: whether left and right are exchanged.
      factor: reduction before anything else, above 0 and at most 1.
    """

    path: Path
    seed: tuple[int, int]
    turns: int
    mirrored: bool
    factor: float


def copies(path: Path, sha256: str, orientations: int, factors: Sequence[float]) -> Iterator[Copy]:
    """Yields the copies of a picture in all orientations at all sizes.

    Args:
      path: the picture file.
      sha256: its SHA-256 in hexadecimal digits.
      orientations: one of `ORIENTATIONS`.
      factors: sizes, each above 0 and at most 1; 1 is the picture itself.
    """
    number = 0
    for turns, mirrored in _ORIENTATIONS[:orientations]:
        for factor in factors:
            yield Copy(path, (int(sha256, 16), number), turns, mirrored, factor)
            number += 1


def size_of(copy: Copy) -> tuple[int, int]:
    """Returns (height, width) of a copy; of the picture only the header is read.

    Args:
      copy: `Copy`.

    Raises:
      DataError: if the picture cannot be read.
    """
    height, width = (resized_length(size, copy.factor) for size in read_size(copy.path))
    return (width, height) if copy.turns % 2 else (height, width)


def read_copy(copy: Copy, channels: int) -> np.ndarray:
    """Returns the pixels of a copy, uint8 (H, W, channels).

    Args:
      copy: `Copy`.
      channels: 1 for luma, 3 for RGB.

    Raises:
      DataError: if the picture cannot be read.
    """
    image = read_image(copy.path)
    image = to_luma(image)[..., None] if channels == 1 else to_rgb(image)
    if copy.factor != 1:
        image = round_to_uint8(imresize(image, copy.factor))
    return np.rot90(image[:, ::-1] if copy.mirrored else image, copy.turns)
