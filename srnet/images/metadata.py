"""The metadata of pictures, and which of it each format can hold."""

import dataclasses
import io
import re

from srnet.images import tiff
from srnet.images.resolution import Resolution, resolution_of, with_resolution_tags

Chunk = tuple[bytes, bytes]  # kind and data of a PNG chunk

PROFILE, PNG_COLORS, EXIF, XMP, IPTC, RESOLUTION, COMMENT, TEXT = (
    "the color profile",
    "the color space",
    "EXIF",
    "XMP",
    "IPTC",
    "the resolution",
    "the comment",
    "text",
)
# WebP and AVIF can hold the resolution only in EXIF. Few programs read BMP's profiles.
_HOLDS: dict[str, frozenset[str]] = {
    "PNG": frozenset({PROFILE, PNG_COLORS, EXIF, XMP, IPTC, RESOLUTION, COMMENT, TEXT}),
    "JPEG": frozenset({PROFILE, EXIF, XMP, IPTC, RESOLUTION, COMMENT}),
    "TIFF": frozenset({PROFILE, EXIF, XMP, IPTC, RESOLUTION}),
    "WEBP": frozenset({PROFILE, EXIF, XMP, RESOLUTION}),
    "AVIF": frozenset({PROFILE, EXIF, XMP, RESOLUTION}),
    "JPEG2000": frozenset({PROFILE, EXIF, XMP, IPTC, RESOLUTION}),
    "BMP": frozenset({RESOLUTION}),
    "TGA": frozenset(),
    "PPM": frozenset(),
}
_NO_GRAY = ("WEBP", "AVIF")  # they store grayscale in three channels
SEGMENT = 65533  # bytes, the most that a JPEG segment can hold
_SHORT_ONES = {XMP: SEGMENT - 29, IPTC: SEGMENT - 40, COMMENT: SEGMENT}  # limits in JPEG, in bytes


@dataclasses.dataclass(frozen=True)
class Metadata:
    """The metadata of a picture.

    Attributes:
      icc: the ICC color profile.
      png_colors: PNG chunks that define colors (sRGB, gAMA, cHRM, cICP, mDCV, cLLI); the color space of AVIF and HEIC
        becomes a cICP chunk.
      exif: EXIF, a TIFF block, without orientation and thumbnail.
      xmp: an XMP packet.
      iptc: IPTC records.
      resolution: the resolution in the format itself, else in EXIF.
      text: PNG text chunks; another format's comment becomes one.
    """

    icc: bytes | None = None
    png_colors: tuple[Chunk, ...] = ()
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    resolution: Resolution | None = None
    text: tuple[Chunk, ...] = ()

    @property
    def comments(self) -> tuple[bytes, ...]:
        """The text of the chunks that are comments, in UTF-8, for formats other than PNG."""
        return tuple(
            data[8:].decode("latin-1").encode() if kind == b"tEXt" else data[10:].split(b"\0", 2)[2]
            for kind, data in filter(_is_comment, self.text)
        )

    def parts(self) -> dict[str, object]:
        """The metadata present, by the name used in messages."""
        named = {
            PROFILE: self.icc,
            PNG_COLORS: [each for each in self.png_colors if each[0] != b"sRGB"] if not self.icc else [],
            EXIF: self.exif,
            XMP: self.xmp,
            IPTC: self.iptc,
            RESOLUTION: self.resolution,
            COMMENT: self.comments,
            TEXT: [each for each in self.text if not _is_comment(each) and each[0] != b"tIME"],
        }
        return {name: part for name, part in named.items() if part}


def _is_comment(chunk: Chunk) -> bool:
    kind, data = chunk
    if kind == b"iTXt":  # not compressed; its method and two strings come before the text
        return data.startswith(b"Comment\0\0") and data[10:].count(b"\0") >= 2
    return kind == b"tEXt" and data.startswith(b"Comment\0")


def unsupported_parts(metadata: Metadata, kind: str) -> list[str]:
    """Returns the names of the metadata that a format cannot hold, except color profile and color space.

    Args:
      metadata: the metadata.
      kind: Pillow's name for the format.

    Returns:
      A list in the order of `Metadata`.
    """
    parts = metadata.parts()
    missing = set(parts) - _HOLDS[kind]
    if kind == "JPEG":
        longest = max(metadata.comments, key=len, default=None)
        sizes = {XMP: metadata.xmp, IPTC: metadata.iptc, COMMENT: longest}
        missing |= {name for name, most in _SHORT_ONES.items() if len(sizes[name] or b"") > most}
    return [name for name in parts if name in missing - {PROFILE, PNG_COLORS}]


def supported_metadata(metadata: Metadata, kind: str) -> Metadata:
    """Returns the metadata that a format can hold, and the color profile and color space (see `holds_colors`).

    Args:
      metadata: the metadata.
      kind: Pillow's name for the format.
    """
    names = unsupported_parts(metadata, kind)
    text = metadata.text if TEXT in _HOLDS[kind] else tuple(filter(_is_comment, metadata.text))
    return dataclasses.replace(
        metadata,
        exif=None if EXIF in names else metadata.exif,
        xmp=None if XMP in names else metadata.xmp,
        iptc=None if IPTC in names else metadata.iptc,
        resolution=None if RESOLUTION in names else metadata.resolution,
        text=() if COMMENT in names else text,
    )


def without_lab_profile(metadata: Metadata) -> Metadata:
    """Returns metadata without the profile of a picture in Lab, which is read as RGB.

    Args:
      metadata: the metadata.
    """
    lab = metadata.icc and metadata.icc[16:20] == b"Lab "
    return dataclasses.replace(metadata, icc=None) if lab else metadata


def holds_colors(metadata: Metadata, kind: str, gray: bool) -> bool:
    """Tells whether a format can hold a picture's color profile or color space.

    Args:
      metadata: the metadata.
      kind: Pillow's name for the format.
      gray: whether the picture is grayscale.
    """
    if metadata.icc:
        return PROFILE in _HOLDS[kind] and not (gray and kind in _NO_GRAY and metadata.icc[16:20] == b"GRAY")
    return PNG_COLORS not in metadata.parts() or PNG_COLORS in _HOLDS[kind]


def parse_exif(data: bytes | None) -> tuple[bytes | None, int | None, Resolution | None, bool]:
    """Parses EXIF.

    Args:
      data: EXIF as stored in a file, or None.

    Returns:
      (exif, orientation, resolution, damaged): EXIF as in `Metadata`.
    """
    if not data:
        return None, None, None, False
    block_data = data.removeprefix(b"Exif\0\0")
    try:
        block = tiff.read_block(io.BytesIO(block_data))
    except ValueError:
        return None, None, None, bool(block_data.strip(b"\0"))
    return parse_directory(block)


def parse_directory(block: tiff.Block) -> tuple[bytes | None, int | None, Resolution | None, bool]:
    """Parses the first directory of EXIF or a TIFF, and returns the same as `parse_exif`.

    Args:
      block: the directory.
    """
    orientation = block.numbers(tiff.ORIENTATION)
    kept = tiff.descriptive_tags(block)
    turn = int(orientation[0]) if len(orientation) == 1 else None
    return tiff.to_bytes(kept) if kept.tags else None, turn, resolution_of(block), block.damaged


def exif_for(metadata: Metadata, size: tuple[int, int], with_resolution: bool) -> bytes | None:
    """Returns EXIF for a file, with the size in it updated; None if there is nothing to write.

    Args:
      metadata: the metadata.
      size: (height, width).
      with_resolution: whether EXIF is the format's only place for the resolution.
    """
    block = tiff.read_block(io.BytesIO(metadata.exif)) if metadata.exif else tiff.Block("<", {})
    if with_resolution and metadata.resolution:
        block = with_resolution_tags(block, metadata.resolution)
    return tiff.to_bytes(tiff.with_size(block, size[1], size[0])) if block.tags else None


def to_tiff_block(metadata: Metadata, size: tuple[int, int]) -> tiff.Block:
    """Returns metadata as tags of a TIFF.

    Args:
      metadata: the metadata to write.
      size: (height, width).
    """
    block = tiff.read_block(io.BytesIO(metadata.exif)) if metadata.exif else tiff.Block("<", {})
    block = tiff.with_size(block, size[1], size[0])
    if metadata.resolution or not {tiff.X_RESOLUTION, tiff.Y_RESOLUTION} <= set(block.tags):
        block = with_resolution_tags(block, metadata.resolution)
    content = (
        (tiff.XMP, tiff.BYTE, metadata.xmp),
        (tiff.IPTC, tiff.UNDEFINED, metadata.iptc),
        (tiff.ICC, tiff.UNDEFINED, metadata.icc),
    )
    tags = {number: tiff.Tag(kind, data) for number, kind, data in content if data}
    return dataclasses.replace(block, tags={**block.tags, **tags})


_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|>))\s*([0-9])""")


def xmp_orientation(xmp: bytes | None) -> int | None:
    """Returns the orientation in XMP, or None.

    Args:
      xmp: an XMP packet, or None.
    """
    found = _XMP_ORIENTATION.search(xmp or b"")
    return int(found[2]) if found else None


def upright_xmp(xmp: bytes | None) -> bytes | None:
    """Returns XMP with its orientation reset to upright.

    Args:
      xmp: an XMP packet, or None.
    """
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp) if xmp else None


def comment_text(comment: object) -> tuple[Chunk, ...]:
    """Returns another format's comment as a PNG text chunk, () if there is none.

    Args:
      comment: bytes, in UTF-8 or else Latin-1, or str; anything else counts as none.
    """
    data = comment.encode("utf-8", "surrogateescape") if isinstance(comment, str) else comment
    if not isinstance(data, bytes) or not data.rstrip(b"\0"):
        return ()
    try:
        text = data.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        text = data.rstrip(b"\0").decode("latin-1")
    try:
        return ((b"tEXt", b"Comment\0" + text.encode("latin-1")),)
    except UnicodeEncodeError:  # tEXt holds Latin-1 only
        return ((b"iTXt", b"Comment\0\0\0\0\0" + text.encode()),)
