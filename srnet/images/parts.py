"""A file of which decoders see parts alone."""

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

Part = tuple[int, int] | bytes  # where it begins in the file and how long it is; or what stands in its place


class PartsOfFile(io.RawIOBase):
    """Reads parts of a file, one after another, as if they were a whole one.

    Args:
      file: the file.
      parts: what of it is read.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[Part]):
        self._file = file
        self._parts = parts
        self._sizes = [len(part) if isinstance(part, bytes) else part[1] for part in parts]
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: sum(self._sizes)}[whence]
        self._place = max(0, start + offset)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        left = sum(self._sizes) if size is None or size < 0 else size
        pieces, first = [], 0
        for part, length in zip(self._parts, self._sizes):
            inside = self._place - first
            if left > 0 and 0 <= inside < length:
                take = min(left, length - inside)
                pieces.append(self._piece(part, inside, take))
                self._place += take
                left -= take
            first += length
        return b"".join(pieces)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _piece(self, part: Part, start: int, size: int) -> bytes:
        if isinstance(part, bytes):
            return part[start : start + size]
        self._file.seek(part[0] + start)
        return self._file.read(size)
