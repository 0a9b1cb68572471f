"""Tag directories of TIFF and EXIF: read leniently, kept unchanged, written.

A tag's value is kept as bytes, whatever it means, so that copying changes nothing but the byte order, which follows the
file. What cannot be read, such as a value outside the file, is left out and reported as damage.
"""

import dataclasses
import io
import struct
from collections.abc import Mapping
from typing import BinaryIO

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ORIENTATION, EXIF_DIRECTORY, GPS_DIRECTORY, INTEROP_DIRECTORY = 0x0112, 0x8769, 0x8825, 0xA005
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
XMP, IPTC, ICC, PHOTOSHOP = 700, 33723, 34675, 34377
EXIF_WIDTH, EXIF_HEIGHT, _MAKER_NOTE = 0xA002, 0xA003, 0x927C
SUBFILE, OLD_SUBFILE, PHOTOMETRIC, SUB_DIRECTORIES, DNG_VERSION = 254, 255, 262, 330, 50706
BYTE, SHORT, LONG, RATIONAL, UNDEFINED = 1, 3, 4, 5, 7

# Tags that point to directories, and which of them those directories may contain.
_INSIDE: dict[int, frozenset[int]] = {
    EXIF_DIRECTORY: frozenset({INTEROP_DIRECTORY}),
    GPS_DIRECTORY: frozenset(),
    INTEROP_DIRECTORY: frozenset(),
}
_POINTERS = frozenset({EXIF_DIRECTORY, GPS_DIRECTORY})
# By type: bytes of a value, and of the words in it to swap when the byte order changes; 16 to 18 are BigTIFF's.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WORDS = {**_SIZES, 5: 4, 10: 4}
_BIG = 16  # the first type that only BigTIFF has
_LARGEST = 2**26  # bytes of all values together
_LARGEST_SEGMENT = 65_527  # bytes of EXIF in a JPEG

# Tags that describe a file's own layout: strips, tiles, compression, samples, palettes, thumbnails, other directories.
_LAYOUT = frozenset(
    {
        *range(254, 260),
        *(262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291, 292, 293),
        *(317, 320, 321, 322, 323, 324, 325, 326, 327, 328, 330, 332, 333, 334, 336, 338, 339, 340, 341, 342, 343),
        *(344, 345, 346, 347, 351, 400, 401, 402, 403, 404, 405, 433, 434, 435, *range(512, 522), 529, 530, 531, 532),
        *(559, XMP, 33421, 33422, IPTC, PHOTOSHOP, ICC, 37724, 50838, 50839, 0xA005),
    }
)
# GeoTIFF's tags: the place on Earth of the picture's pixels, not of the result's.
GEOREFERENCE = frozenset({33550, 33922, 34264, 34735, 34736, 34737})


@dataclasses.dataclass(frozen=True)
class Tag:
    """One tag: its type, its value as bytes in its block's byte order, and the directory it points to, if any.

    `place` is where in its block the value was read, if it is longer than four bytes.
    """

    type: int
    data: bytes
    inside: "Mapping[int, Tag] | None" = None
    place: int | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True)
class Block:
    """The first directory of a TIFF file or of EXIF.

    Attributes:
      order: "<" or ">".
      tags: the directory.
      damaged: whether something in it could not be read.
      more: whether another directory follows.
    """

    order: str
    tags: Mapping[int, Tag]
    damaged: bool = False
    more: bool = False

    def numbers(self, tag: int) -> tuple[float, ...]:
        """The values of a tag of integers or fractions; () for any other, or if it is missing.

        Args:
          tag: its number.
        """
        return numbers(self.tags.get(tag), self.order)


def numbers(tag: Tag | None, order: str) -> tuple[float, ...]:
    """Returns the values of a tag of integers or fractions; () for any other, and for None.

    Args:
      tag: the tag.
      order: "<" or ">".
    """
    code = {1: "B", 3: "H", 4: "I", 5: "II", 8: "h", 9: "i", 10: "ii", 13: "I", 16: "Q"}.get(tag.type if tag else 0)
    if tag is None or code is None:
        return ()
    values = struct.iter_unpack(order + code, tag.data)
    if len(code) == 1:
        return tuple(value for (value,) in values)
    return tuple(over / under for over, under in values if under)


def read_block(file: BinaryIO) -> Block:
    """Reads the first directory of a TIFF, BigTIFF or EXIF block, and the EXIF and GPS directories it points to.

    Args:
      file: the block, from its beginning.

    Raises:
      ValueError: if it does not begin with a TIFF header.
    """
    file.seek(0)
    head = file.read(16)
    if head[:4] not in SIGNATURES:
        raise ValueError("no TIFF header")
    return _Reader(file, "<" if head[:1] == b"I" else ">", big=b"+" in head[:4]).read(head)


class _Reader:
    """Reads the directories of one block."""

    def __init__(self, file: BinaryIO, order: str, big: bool):
        self._file, self._order, self._big = file, order, big
        self._left = _LARGEST
        self._damaged = False
        self._seen: set[int] = set()
        self._end = file.seek(0, io.SEEK_END)

    def read(self, head: bytes) -> Block:
        try:
            (start,) = struct.unpack_from(self._order + ("Q" if self._big else "I"), head, 8 if self._big else 4)
        except struct.error:
            return Block(self._order, {}, damaged=True)
        tags, following = self._directory(start, _POINTERS)
        return Block(self._order, tags, self._damaged, following != 0)

    def _directory(self, start: int, pointers: frozenset[int]) -> tuple[dict[int, Tag], int]:
        """The tags of a directory, and where the next one begins."""
        size, counted, width = (20, "Q", "Q") if self._big else (12, "H", "I")
        tags: dict[int, Tag] = {}
        counts = self._bytes(start, struct.calcsize(counted))
        if start in self._seen or counts is None:
            self._damaged = True
            return tags, 0
        self._seen.add(start)
        (count,) = struct.unpack(self._order + counted, counts)
        first = start + len(counts)
        for place in range(first, first + count * size, size):
            entry = self._bytes(place, size)
            if entry is None:
                self._damaged = True
                return tags, 0
            number, kind, length = struct.unpack_from(f"{self._order}HH{width}", entry)
            tag = self._tag(kind, length, entry[-struct.calcsize(width) :])
            if number in pointers and tag:
                tag = self._pointing(number, tag)
            if tag:
                tags[number] = tag
            else:
                self._damaged = True
        following = self._bytes(first + count * size, struct.calcsize(width))
        return tags, struct.unpack(self._order + width, following)[0] if following else 0

    def _tag(self, kind: int, length: int, field: bytes) -> Tag | None:
        size = _SIZES.get(kind, 0) * length
        if kind not in _SIZES or size > self._left:
            return None
        self._left -= size
        if size <= len(field):
            return Tag(kind, field[:size])
        (place,) = struct.unpack(self._order + ("Q" if self._big else "I"), field)
        data = self._bytes(place, size)
        return None if data is None else Tag(kind, data, place=place)

    def _pointing(self, number: int, tag: Tag) -> Tag | None:
        place = numbers(tag, self._order)
        if tag.type not in (LONG, 13, 16, 18) or len(place) != 1:
            return None
        read, _ = self._directory(int(place[0]), _INSIDE[number])
        inside = {each: value for each, value in read.items() if value.type < _BIG}
        return Tag(LONG, b"", inside) if inside else None

    def _bytes(self, place: int, size: int) -> bytes | None:
        if place + size > self._end:
            return None
        self._file.seek(place)
        data = self._file.read(size)
        return data if len(data) == size else None


def descriptive_tags(block: Block) -> Block:
    """Returns a block with only the tags that describe its picture: no layout, georeference or BigTIFF types.

    Args:
      block: as `read_block` returns it.
    """
    kept = {
        number: tag for number, tag in block.tags.items() if number not in _LAYOUT | GEOREFERENCE and tag.type < _BIG
    }
    return dataclasses.replace(block, tags=kept)


def with_numbers(block: Block, values: Mapping[int, tuple[int, ...]], types: Mapping[int, int]) -> Block:
    """Returns a block with some tags of integers or fractions set.

    Args:
      block: the block.
      values: dict from tags to integers; a fraction takes two.
      types: dict from tags to their types.
    """
    codes = {SHORT: "H", LONG: "I", RATIONAL: "I"}
    made = {
        number: Tag(types[number], struct.pack(f"{block.order}{len(each)}{codes[types[number]]}", *each))
        for number, each in values.items()
    }
    return dataclasses.replace(block, tags={**block.tags, **made})


def with_size(block: Block, width: int, height: int) -> Block:
    """Returns a block with the size in its EXIF directory replaced, if there is one.

    Args:
      block: the block.
      width: in pixels.
      height: in pixels.
    """
    exif = block.tags.get(EXIF_DIRECTORY)
    if exif is None or exif.inside is None:
        return block
    sizes = {EXIF_WIDTH: (width,), EXIF_HEIGHT: (height,)}
    named = {number: size for number, size in sizes.items() if number in exif.inside}
    inside = with_numbers(Block(block.order, exif.inside), named, dict.fromkeys(named, LONG)).tags
    return dataclasses.replace(block, tags={**block.tags, EXIF_DIRECTORY: Tag(LONG, b"", inside)})


def to_bytes(block: Block) -> bytes:
    """Encodes a block as a file of its own, the form of EXIF.

    A maker note stays where it was read, if there is room before it: most contain offsets from the block's beginning.

    Args:
      block: the block, without BigTIFF's types, which `descriptive_tags` leaves out.
    """
    encoded, note = _file_with_directory_at(8, block), _maker_note_place(block)
    if note is not None:
        gap = note - (_maker_note_place(read_block(io.BytesIO(encoded))) or note)
        if gap > 0 and gap % 2 == 0 and gap + len(encoded) <= _LARGEST_SEGMENT:
            return _file_with_directory_at(8 + gap, block)
    return encoded


def _file_with_directory_at(start: int, block: Block) -> bytes:
    head = (b"II*\0" if block.order == "<" else b"MM\0*") + struct.pack(block.order + "I", start)
    return head + bytes(start - len(head)) + _written(block.tags, start, block.order)


def _maker_note_place(block: Block) -> int | None:
    exif = block.tags.get(EXIF_DIRECTORY)
    note = exif.inside.get(_MAKER_NOTE) if exif and exif.inside else None
    return note.place if note else None


def _written(tags: Mapping[int, Tag], start: int, order: str) -> bytes:
    """A directory that begins at `start`, followed by its values and inner directories."""
    entries, values = b"", b""
    place = start + 2 + 12 * len(tags) + 4
    for number, tag in sorted(tags.items()):
        data, count = tag.data, len(tag.data) // _SIZES[tag.type]
        if tag.inside is not None:
            written = _written(tag.inside, place + len(values), order)
            data, count = struct.pack(order + "I", place + len(values)), 1
            values += written
        elif len(data) > 4:
            values += data + b"\0" * (len(data) % 2)
            data = struct.pack(order + "I", place + len(values) - len(data) - len(data) % 2)
        entries += struct.pack(order + "HHI", number, tag.type, count) + data.ljust(4, b"\0")
    return struct.pack(order + "H", len(tags)) + entries + bytes(4) + values


def append_tags(file: BinaryIO, block: Block, without: frozenset[int]) -> None:
    """Adds tags to a TIFF file with one directory, by appending a new directory that replaces it.

    Args:
      file: the file, open for reading and writing; not a BigTIFF.
      block: the tags to add, in any byte order.
      without: tags of the file to leave out; its others take precedence over `block`.

    Raises:
      OSError: if it cannot be written.
    """
    own = read_block(file)
    old = {number: tag for number, tag in own.tags.items() if number not in without}
    added = swapped(block, own.order)
    end = file.seek(0, io.SEEK_END)
    start = end + end % 2
    file.write(bytes(end % 2) + _written({**added.tags, **old}, start, own.order))
    file.seek(4)
    file.write(struct.pack(own.order + "I", start))


def swapped(block: Block, order: str) -> Block:
    """Returns a block in another byte order.

    Args:
      block: the block.
      order: "<" or ">".
    """
    return block if block.order == order else Block(order, _swapped(block.tags))


def _swapped(tags: Mapping[int, Tag]) -> dict[int, Tag]:
    return {
        number: Tag(tag.type, _swapped_data(tag), None if tag.inside is None else _swapped(tag.inside))
        for number, tag in tags.items()
    }


def _swapped_data(tag: Tag) -> bytes:
    word = _WORDS[tag.type]
    return b"".join(tag.data[i : i + word][::-1] for i in range(0, len(tag.data), word))


def is_raw(file: BinaryIO, block: Block) -> bool:
    """Tells whether a TIFF is a camera raw file, whose first directory is a thumbnail of the photograph.

    Args:
      file: the file.
      block: its first directory.
    """
    file.seek(8)
    reduced = 1 in (int(value) & 1 for value in block.numbers(SUBFILE)) or block.numbers(OLD_SUBFILE) == (2,)
    sensor = any(value in (32803, 34892) for value in block.numbers(PHOTOMETRIC))
    others = SUB_DIRECTORIES in block.tags or block.more
    return file.read(2) == b"CR" or DNG_VERSION in block.tags or sensor or (reduced and others)
