"""Netpbm formats of more than 8 bits (16-bit PGM and PPM, PFM), which Pillow reads at lower depth or not at all."""

import re
import sys
from typing import BinaryIO

import numpy as np

_HEAD = re.compile(
    rb"(P[56Ff])(?:\s|#[^\n]*\n)+(\d{1,7})(?:\s|#[^\n]*\n)+(\d{1,7})(?:\s|#[^\n]*\n)+(-?[\d.eE+]{1,12})\s"
)
_LONGEST_HEAD = 2**12
_CHANNELS = {b"P5": 1, b"P6": 3, b"Pf": 1, b"PF": 3}


class DeepImage:
    """A picture of more than 8 bits whose header has been read.

    Attributes:
      width, height: in pixels.
      bands: channels, 1 or 3.
    """

    def __init__(self, file: BinaryIO, head: "re.Match[bytes]"):
        self.width, self.height = int(head[2]), int(head[3])
        self.bands = _CHANNELS[head[1]]
        self._file = file
        self._start = head.end()
        self._float = head[1] in (b"Pf", b"PF")
        self._largest = float(head[4])

    def pixels(self) -> np.ndarray:
        """Returns uint16 or float32 (H, W[, 3]).

        Raises:
          ValueError: if the file is too short.
        """
        dtype = np.dtype(("<f4" if self._largest < 0 else ">f4") if self._float else ">u2")
        shape = (self.height, self.width) if self.bands == 1 else (self.height, self.width, self.bands)
        count = self.width * self.height * self.bands
        self._file.seek(self._start)
        data = self._file.read(count * dtype.itemsize)
        if len(data) < count * dtype.itemsize:
            raise ValueError("the file is too short")
        values = np.frombuffer(data, dtype).reshape(shape)
        if self._float:
            return np.ascontiguousarray(values[::-1], np.float32)  # rows are stored from the bottom up
        if self._largest == 65535:
            return values.astype(np.uint16)
        return np.minimum(np.floor(values * (65535 / self._largest) + 0.5), 65535).astype(np.uint16)


def open_deep_image(file: BinaryIO) -> DeepImage | None:
    """Reads the header of a Netpbm picture of more than 8 bits; returns None for any other file.

    Args:
      file: the file.
    """
    file.seek(0)
    head = _HEAD.match(file.read(_LONGEST_HEAD))
    if head is None or 0 in (int(head[2]), int(head[3])):
        return None
    try:
        largest = float(head[4])
    except ValueError:
        return None
    deep = head[1] in (b"Pf", b"PF") or (255 < largest < 65536 and largest == int(largest))
    return DeepImage(file, head) if deep else None


def to_bytes(pixels: np.ndarray) -> bytes:
    """Encodes a picture of more than 8 bits as PGM, PPM or PFM.

    Args:
      pixels: uint16 or float32 (H, W[, 3]).
    """
    height, width = pixels.shape[:2]
    colors = pixels.ndim == 3
    if pixels.dtype == np.uint16:
        return b"%s\n%d %d\n65535\n" % (b"P6" if colors else b"P5", width, height) + pixels.astype(">u2").tobytes()
    order = b"-1.0" if sys.byteorder == "little" else b"1.0"
    return b"%s\n%d %d\n%s\n" % (b"PF" if colors else b"Pf", width, height, order) + pixels[::-1].tobytes()
