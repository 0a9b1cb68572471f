"""JPEG files: metadata segments, Photoshop resources (which hold IPTC), and the quality."""

import functools
import re
import struct
from collections.abc import Iterator

from PIL.JpegImagePlugin import JpegImageFile

from srnet.images.metadata import SEGMENT, Metadata

END = b"\xff\xd9"
_JFIF = 20  # bytes: the signature and the first segment, JFIF
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_EXTENSION = re.compile(
    rb"""\s*xmpNote:HasExtendedXMP\s*=\s*["'][^"']*["']|\s*<xmpNote:HasExtendedXMP>[^<]*</xmpNote:HasExtendedXMP>"""
)
LARGEST_EXIF = SEGMENT - 6
LARGEST_PROFILE = 255 * (SEGMENT - 14)

# Luminance quantization table of quality 50, from ITU-T T.81, annex K; its order does not matter here.
_HALF = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)


def quality_of(image: object) -> int | None:
    """Returns the quality, from 1 to 100, of the JPEG that a Pillow image was read from; None for any other image.

    It is the quality at which the sum of libjpeg's luminance quantization table is nearest to that of the JPEG's.

    Args:
      image: any object.
    """
    if not isinstance(image, JpegImageFile) or 0 not in image.quantization:
        return None
    found = sum(image.quantization[0])
    return min(range(1, 101), key=lambda quality: abs(found - _table_sum(quality)))


@functools.cache
def _table_sum(quality: int) -> int:
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return sum(min(max((divisor * percent + 50) // 100, 1), 255) for divisor in _HALF)


def _photoshop_resources(data: bytes) -> dict[int, bytes]:
    """Photoshop resources by number, as far as they can be read, from a block that begins with the first."""
    found: dict[int, bytes] = {}
    place = 0
    while data[place : place + 4] == b"8BIM" and place + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, place + 4)
        place += 6 + (1 + data[place + 6] + 1) // 2 * 2  # the name is padded
        if place + 4 > len(data):
            break
        (size,) = struct.unpack_from(">I", data, place)
        found[number] = data[place + 4 : place + 4 + size]
        place += 4 + size + size % 2
    return found


def iptc_records(data: bytes | None) -> bytes | None:
    """Returns IPTC records, taken out of Photoshop resources if necessary.

    Args:
      data: IPTC records, Photoshop resources, or None.
    """
    return _photoshop_resources(data).get(0x0404) if data and data[:4] == b"8BIM" else data


def without_extension(xmp: bytes | None) -> tuple[bytes | None, bool]:
    """Returns XMP without its reference to extended XMP in other segments, and whether it had one.

    Args:
      xmp: the packet in the first XMP segment, or None.
    """
    kept, found = _EXTENSION.subn(b"", xmp or b"")
    return kept or None, found > 0


def before_refinement(data: bytes) -> bytes | None:
    """Returns a progressive file without its last scan, if that only refines earlier ones by a bit; else None.

    Args:
      data: the file.
    """
    scan = data.rfind(b"\xff\xda")
    components = data[scan + 4 : scan + 5]
    bits = data[scan + 7 + 2 * components[0] :][:1] if scan > 0 and components else b""
    return data[:scan] if bits and bits[0] >> 4 else None


def file_head(metadata: Metadata, exif: bytes | None) -> bytes:
    """Returns the beginning of a file: its signature, JFIF and the metadata segments.

    Args:
      metadata: the metadata to write, none of it longer than JPEG can hold.
      exif: EXIF for this file.
    """
    return b"\xff\xd8" + b"".join(
        b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data
        for marker, data in _segments(metadata, exif)
    )


def _segments(metadata: Metadata, exif: bytes | None) -> Iterator[tuple[int, bytes]]:
    yield 0xE0, b"JFIF\0\1\1" + _density(metadata) + b"\0\0"
    if exif:
        yield 0xE1, b"Exif\0\0" + exif
    if metadata.xmp:
        yield 0xE1, _XMP + metadata.xmp
    if metadata.icc:
        size = SEGMENT - 14
        pieces = [metadata.icc[i : i + size] for i in range(0, len(metadata.icc), size)]
        for number, piece in enumerate(pieces, 1):
            yield 0xE2, _ICC + bytes([number, len(pieces)]) + piece
    if metadata.iptc:
        padded = metadata.iptc + b"\0" * (len(metadata.iptc) % 2)
        yield 0xED, _PHOTOSHOP + b"8BIM\4\4\0\0" + struct.pack(">I", len(metadata.iptc)) + padded
    for comment in metadata.comments:
        yield 0xFE, comment


def _density(metadata: Metadata) -> bytes:
    """The unit, and the resolution as 16-bit integers."""
    known = metadata.resolution
    if known is None:
        return struct.pack(">BHH", 0, 1, 1)
    unit = 3 if known.unit == 3 and known.x == int(known.x) and known.y == int(known.y) else min(known.unit, 2)
    x, y = known.per(unit) if unit != 1 else (known.x, known.y)
    return struct.pack(">BHH", unit - 1, *(min(65535, max(1, round(value))) for value in (x, y)))


def spliced(beginning: bytes, own: bytes) -> bytes | None:
    """Replaces the signature of a file, and its JFIF segment if it has one.

    Args:
      beginning: the file's first bytes.
      own: as `file_head` returns it.

    Returns:
      The new beginning, or None if more bytes are needed.
    """
    if len(beginning) < _JFIF:
        return None
    return own + beginning[_JFIF if beginning[6:11] == b"JFIF\0" else 2 :]
