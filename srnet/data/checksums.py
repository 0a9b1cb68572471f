"""Checksums in front of a file's content, so that damage is found before anything else reads the file.

The head holds a magic string, the size of the file, of the head and of a block, the CRC-32 of each block after the
head, and its own CRC-32. HDF5 leaves such a head alone (its user block).
"""

import concurrent.futures
import os
import struct
import zlib
from pathlib import Path

from srnet.errors import DataError

_MAGIC = b"srnet patches 1\n"
_FIELDS = struct.Struct("<16sQII")  # magic, size of the file, of the head and of a block
_BLOCK = 4 * 2**20
_CRC = 4  # bytes
_SMALLEST, _LARGEST = 512, 2**26  # bytes of a head; HDF5 requires a power of two


def head_size(content: int) -> int:
    """Returns the size of a head with the checksums of some content, in bytes.

    Args:
      content: maximum size of the content after the head, in bytes.
    """
    needed = _FIELDS.size + _CRC * (-(-content // _BLOCK) + 1)
    return max(_SMALLEST, 1 << (needed - 1).bit_length())


def add_checksums(path: Path, head: int) -> None:
    """Writes the checksums of a finished file into its head.

    Args:
      path: the file.
      head: size of the space left for the head, from `head_size`.
    """
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        sums = _block_checksums(file.fileno(), head, size, _BLOCK)
        fields = _FIELDS.pack(_MAGIC, size, head, _BLOCK) + struct.pack(f"<{len(sums)}I", *sums)
        fields = fields.ljust(head - _CRC, b"\0")
        file.write(fields + struct.pack("<I", zlib.crc32(fields)))


def verify(descriptor: int, path: Path) -> None:
    """Checks that a file is unchanged since it was written.

    Args:
      descriptor: of the open file.
      path: the file, for messages.

    Raises:
      DataError: if a byte of it is damaged, or it was cut short.
      OSError: if it cannot be read.
    """
    first = os.pread(descriptor, _FIELDS.size, 0)
    magic, size, head, block = _FIELDS.unpack(first) if len(first) == _FIELDS.size else (b"", 0, 0, 0)
    if magic != _MAGIC or not _SMALLEST <= head <= _LARGEST:
        raise DataError(f"{path}: damaged or cut short; its first bytes are not those of a patch store")
    found = os.fstat(descriptor).st_size
    fields = os.pread(descriptor, head, 0)
    if len(fields) < head or struct.unpack("<I", fields[-_CRC:])[0] != zlib.crc32(fields[:-_CRC]):
        raise DataError(f"{path}: damaged or cut short in its first {head} bytes")
    if found != size:
        raise DataError(f"{path}: damaged or cut short; it has {found} of {size} bytes")
    sums = _block_checksums(descriptor, head, size, block)
    expected = struct.unpack_from(f"<{len(sums)}I", fields, _FIELDS.size)
    for number, (is_, should) in enumerate(zip(sums, expected)):
        if is_ != should:
            raise DataError(f"{path}: damaged in the {block} bytes from byte {head + number * block}")


def _block_checksums(descriptor: int, start: int, end: int, block: int) -> list[int]:
    def checksum(place: int) -> int:
        return zlib.crc32(os.pread(descriptor, min(block, end - place), place))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:  # zlib releases the GIL
        return list(pool.map(checksum, range(start, end, block)))
