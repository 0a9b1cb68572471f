"""Reads and writes the metadata boxes of JPEG 2000."""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from srnet.images.metadata import Metadata, parse_exif
from srnet.images.resolution import Resolution, per_meter

_EXIF = b"JpgTiffExif->JP2"
_PHOTOSHOP_EXIF = bytes.fromhex("0537cdab9d0c4431a72afa561f2a113e")  # read, not written
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_LARGEST = 2**26  # bytes of a box that is read


def boxes(file: BinaryIO, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields the kind of each box between two offsets, and where its content begins and ends; stops at a damaged box.

    Args:
      file: a file of boxes, such as JPEG 2000, AVIF or HEIC.
      place: where the first box begins.
      end: where the last box ends.
    """
    while place + 8 <= end:
        file.seek(place)
        size, kind = struct.unpack(">I4s", file.read(8))
        begin = place + 8
        if size == 1:
            extended = file.read(8)
            if len(extended) < 8:
                return
            (size,) = struct.unpack(">Q", extended)
            begin += 8
        following = end if size == 0 else place + size
        if following < begin or following > end:
            return
        yield kind, begin, following
        place = following


def _content(file: BinaryIO, begin: int, end: int) -> bytes:
    file.seek(begin)
    return file.read(end - begin) if end - begin <= _LARGEST else b""


def read_metadata(file: BinaryIO) -> tuple[Metadata, int | None, bool]:
    """Returns the metadata in the boxes, EXIF's orientation, and whether some is damaged or too large.

    Args:
      file: the file; a bare codestream has no metadata.
    """
    end = file.seek(0, io.SEEK_END)
    found: dict[bytes, bytes] = {}
    icc, resolution, large = None, None, False
    for kind, begin, after in boxes(file, 0, end):
        if kind == b"uuid":
            content = _content(file, begin, after)
            found[content[:16]] = content[16:]
            large = large or not content
        elif kind == b"jp2h":
            for inner, first, last in boxes(file, begin, after):
                if inner == b"colr" and _content(file, first, first + 1) == b"\2" and icc is None:
                    icc = _content(file, first + 3, last) or None
                    large = large or not icc
                elif inner == b"res ":
                    resolution = _resolution(file, first, last) or resolution
    exif, orientation, of_exif, damaged = parse_exif(found.get(_EXIF) or found.get(_PHOTOSHOP_EXIF))
    metadata = Metadata(
        icc=icc, exif=exif, xmp=found.get(_XMP), iptc=found.get(_IPTC), resolution=resolution or of_exif
    )
    return metadata, orientation, damaged or large


def _resolution(file: BinaryIO, begin: int, end: int) -> Resolution | None:
    for kind, first, last in boxes(file, begin, end):
        data = _content(file, first, last)
        if kind in (b"resc", b"resd") and len(data) == 10:
            down, down_by, across, across_by, down_power, across_power = struct.unpack(">HHHHbb", data)
            if down_by and across_by:  # pixels per meter
                return per_meter(across / across_by * 10.0**across_power, down / down_by * 10.0**down_power)
    return None


def with_metadata(data: bytes, metadata: Metadata, exif: bytes | None) -> bytes:
    """Returns a file with metadata added.

    Args:
      data: the file as the encoder writes it, without metadata.
      metadata: the metadata to write.
      exif: EXIF for this file.
    """
    file = io.BytesIO(data)
    output = []
    for kind, begin, end in boxes(file, 0, len(data)):
        content = data[begin:end]
        if kind == b"jp2h":
            content = _header(content, metadata)
        output.append(_box(kind, content))
        if kind == b"jp2h":
            uuids = ((_EXIF, exif), (_XMP, metadata.xmp), (_IPTC, metadata.iptc))
            output += [_box(b"uuid", name + part) for name, part in uuids if part]
    return b"".join(output)


def _header(content: bytes, metadata: Metadata) -> bytes:
    inner = [(kind, content[begin:end]) for kind, begin, end in boxes(io.BytesIO(content), 0, len(content))]
    if metadata.icc:
        inner = [(kind, b"\2\0\0" + metadata.icc if kind == b"colr" else part) for kind, part in inner]
    if metadata.resolution and metadata.resolution.unit != 1:
        x, y = metadata.resolution.per(3)
        values = struct.pack(">HHHHbb", *_hundredths(y), *_hundredths(x), 2, 2)
        inner.append((b"res ", _box(b"resc", values)))
    return b"".join(_box(kind, part) for kind, part in inner)


def _hundredths(value: float) -> tuple[int, int]:
    """A number as a fraction of 16-bit integers, in hundredths if it is small enough."""
    return (round(value * 100), 100) if value < 655 else (min(65535, round(value)), 1)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content
