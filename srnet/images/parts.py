"""A view of a file that shows decoders only parts of it."""

import bisect
import io
import itertools
from collections.abc import Sequence
from typing import Any, BinaryIO

Part = tuple[int, int]  # offset in the file, and length, in bytes


class PartsOfFile(io.RawIOBase):
    """Reads parts of a file, joined, as if they were a whole file.

    Args:
      file: the file.
      parts: the parts to read, in this order.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[Part]):
        self._file = file
        self._parts = parts
        self._firsts = [0, *itertools.accumulate(size for _, size in parts)]  # where each begins in the view; its end
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._firsts[-1]}[whence]
        self._place = max(0, start + offset)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        left = self._firsts[-1] if size is None or size < 0 else size
        pieces = []
        while left > 0 and self._place < self._firsts[-1]:
            number = bisect.bisect_right(self._firsts, self._place) - 1
            start, length = self._parts[number]
            inside = self._place - self._firsts[number]
            self._file.seek(start + inside)
            pieces.append(self._file.read(min(left, length - inside)))
            if not pieces[-1]:  # the file was truncated meanwhile
                break
            self._place += len(pieces[-1])
            left -= len(pieces[-1])
        return b"".join(pieces)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)
