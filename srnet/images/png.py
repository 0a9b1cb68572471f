"""PNG's metadata chunks: reading, up to 64 MiB each, and writing.

Decoders get the file without these chunks, since a long or damaged one makes them refuse a sound picture.
"""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import BinaryIO

from srnet.images.jpeg import iptc_records
from srnet.images.metadata import Chunk, Metadata, parse_exif
from srnet.images.parts import Part, PartsOfFile
from srnet.images.resolution import Resolution, per_meter, valid_resolution

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = 33  # bytes: signature and first chunk
_COLORS = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"mDCV": 24, b"cLLI": 8}  # bytes of each
_TEXT = (b"tEXt", b"zTXt", b"iTXt", b"tIME")
_TAKEN = (*_COLORS, *_TEXT, b"iCCP", b"eXIf", b"pHYs")
_LARGEST = 2**26  # bytes of a metadata chunk, also when decompressed
_XMP = b"XML:com.adobe.xmp"
_RAW_EXIF, _RAW_IPTC = b"Raw profile type exif", b"Raw profile type iptc"  # as ImageMagick and ExifTool write them


def split_metadata(file: BinaryIO) -> tuple[PartsOfFile, list[Chunk], bool]:
    """Separates a PNG's metadata chunks from the rest of the file.

    Args:
      file: the file.

    Returns:
      (rest, chunks, damaged): the file for decoders, kind and data of each metadata chunk, and whether one was damaged
      and left out.
    """
    end = file.seek(0, io.SEEK_END)
    parts: list[Part] = [(0, 8)]
    chunks: list[Chunk] = []
    damaged, place = False, 8
    while place + 12 <= end:
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        following = place + 12 + length
        if kind not in _TAKEN:
            start = parts.pop()[0] if sum(parts[-1]) == place else place
            parts.append((start, min(following, end) - start))
        elif following <= end and length <= _LARGEST:
            data = file.read(length)
            sound = struct.unpack(">I", file.read(4)) == (zlib.crc32(kind + data),)
            chunks += [(kind, data)] if sound else []
            damaged |= not sound
        else:
            damaged = True
        place = following
        if kind == b"IEND":
            break
    return PartsOfFile(file, parts), chunks, damaged


def read_metadata(chunks: Sequence[Chunk]) -> tuple[Metadata, int | None, bool]:
    """Returns the metadata in a PNG's chunks, EXIF's orientation, and whether any of it is damaged.

    Args:
      chunks: kinds and data, as `split_metadata` returns them.
    """
    found: dict[str, bytes] = {}
    text, colors, damaged = [], [], False
    resolution = None
    for kind, data in chunks:
        keyword = data.split(b"\0", 1)[0]
        try:
            if kind == b"iCCP":
                found["icc"] = _unpacked(data[len(keyword) + 2 :])
            elif kind == b"eXIf":
                found["exif"] = data
            elif kind == b"pHYs":
                x, y, unit = struct.unpack(">IIB", data)
                resolution = per_meter(x, y) if unit == 1 else valid_resolution((x, y), 1)
            elif kind in _COLORS:
                _check_color(kind, data)
                colors.append((kind, data))
            elif kind == b"iTXt" and keyword == _XMP:
                found["xmp"] = _international(data)
            elif kind in (b"zTXt", b"tEXt") and keyword in (_RAW_EXIF, _RAW_IPTC):
                packed = data[len(keyword) + 1 :]
                name = "exif" if keyword == _RAW_EXIF else "iptc"
                found.setdefault(name, _raw_profile(_unpacked(packed[1:]) if kind == b"zTXt" else packed))
            else:
                text.append((kind, data))
        except (ValueError, IndexError, struct.error, zlib.error):
            damaged = True
    exif, orientation, of_exif, odd = parse_exif(found.get("exif"))
    metadata = Metadata(
        icc=found.get("icc"),
        png_colors=tuple(colors),
        exif=exif,
        xmp=found.get("xmp"),
        iptc=iptc_records(found.get("iptc")),
        resolution=resolution or of_exif,
        text=tuple(text),
    )
    return metadata, orientation, damaged or odd


def _check_color(kind: bytes, data: bytes) -> None:
    """Raises ValueError for a chunk of the wrong length, or whose values define no color space."""
    if len(data) != _COLORS[kind]:
        raise ValueError("wrong length")
    if kind == b"gAMA" and not any(data):
        raise ValueError("no gamma")
    if kind == b"cHRM":
        values = struct.unpack(">8I", data)
        _, white_y, red_x, red_y, green_x, green_y, blue_x, blue_y = values
        area = (green_x - red_x) * (blue_y - red_y) - (blue_x - red_x) * (green_y - red_y)
        # Chromaticities are fractions of 100,000.
        if not (white_y and red_y and green_y and blue_y and area) or max(values) > 100_000:
            raise ValueError("no primaries")


def _unpacked(data: bytes) -> bytes:
    decoder = zlib.decompressobj()
    unpacked = decoder.decompress(data, _LARGEST)
    if not decoder.eof:
        raise ValueError("too long or truncated")
    return unpacked


def _international(data: bytes) -> bytes:
    """The text of an iTXt chunk, after keyword, 0, compression flag, method, language, 0, translated keyword, 0."""
    keyword, rest = data.split(b"\0", 1)
    packed = rest[0] == 1
    _, _, text = rest[2:].split(b"\0", 2)
    return _unpacked(text) if packed else text


def _raw_profile(text: bytes) -> bytes:
    """The bytes of a raw profile: an empty line, its name, its length, then the bytes in hexadecimal digits."""
    return bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))


def file_head(metadata: Metadata, exif: bytes | None) -> bytes:
    """Returns the metadata chunks of a file.

    Args:
      metadata: the metadata to write.
      exif: EXIF for this file.
    """
    chunks = list(metadata.png_colors)
    if metadata.icc:
        chunks = [each for each in chunks if each[0] != b"sRGB"]  # it and iCCP exclude each other
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.resolution:
        chunks.append((b"pHYs", _physical(metadata.resolution)))
    if exif:
        chunks.append((b"eXIf", exif))
    if metadata.xmp:
        chunks.append((b"iTXt", _XMP + bytes(5) + metadata.xmp))
    if metadata.iptc:
        digits = metadata.iptc.hex()
        lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
        profile = f"\niptc\n{len(metadata.iptc):8}\n{lines}\n"
        chunks.append((b"zTXt", _RAW_IPTC + b"\0\0" + zlib.compress(profile.encode())))
    return b"".join(map(_chunk, (*chunks, *metadata.text)))


def _physical(resolution: Resolution) -> bytes:
    x, y = (resolution.x, resolution.y) if resolution.unit == 1 else (100 * each for each in resolution.per(3))
    return struct.pack(">IIB", max(1, round(x)), max(1, round(y)), resolution.unit != 1)


def _chunk(kind_and_data: Chunk) -> bytes:
    kind, data = kind_and_data
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def spliced(beginning: bytes, chunks: bytes) -> bytes | None:
    """Inserts chunks after the header of a file, replacing the encoder's resolution.

    Args:
      beginning: the file's first bytes.
      chunks: as `file_head` returns them.

    Returns:
      The new beginning, or None if more bytes are needed.
    """
    if len(beginning) < _HEADER + 21:
        return None
    rest = beginning[_HEADER + 21 :] if beginning[_HEADER + 4 : _HEADER + 8] == b"pHYs" else beginning[_HEADER:]
    return beginning[:_HEADER] + chunks + rest
