"""The color space that AVIF and HEIC files give as numbers (CICP), which decoders do not apply."""

import io
from typing import BinaryIO

from srnet.images.jpeg2000 import boxes
from srnet.images.metadata import Chunk

# Unspecified, or near enough to sRGB to mean it: BT.709's primaries; BT.709's, BT.601's, BT.2020's and sRGB's transfer
# functions.
_AS_SRGB = ((1, 2), (1, 2, 6, 13, 14, 15))
_INTO = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # boxes that lead to it, and the bytes before their inner boxes


def read_colors(file: BinaryIO) -> tuple[Chunk, ...]:
    """Returns the color space as a PNG chunk, which has the same numbers; () for sRGB or if there is none.

    Args:
      file: the file.
    """
    return _colors(file, 0, file.seek(0, io.SEEK_END))


def _colors(file: BinaryIO, begin: int, end: int) -> tuple[Chunk, ...]:
    for kind, first, last in boxes(file, begin, end):
        if kind in _INTO:
            found = _colors(file, first + _INTO[kind], last)
            if found:
                return found
        elif kind == b"colr":
            file.seek(first)
            data = file.read(11)
            if data[:4] == b"nclx" and len(data) == 11:
                primaries, transfer = data[5], data[7]
                same = primaries in _AS_SRGB[0] and transfer in _AS_SRGB[1]
                return () if same else ((b"cICP", bytes([primaries, transfer, 0, 1])),)
    return ()
