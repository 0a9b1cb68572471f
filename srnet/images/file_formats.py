"""The formats that pictures are written in: what each can hold, and which one a picture goes into."""

import dataclasses
import pathlib

import PIL.Image

from srnet.errors import DataError, UsageError
from srnet.images import jpeg
from srnet.images.metadata import PNG_COLORS, PROFILE, held, holds_colors, lost
from srnet.images.picture import Picture
from srnet.images.srgb import to_srgb

# The formats that are written, and what each holds besides 8-bit grayscale and RGB. Others change what they are given,
# as GIF does colors and ICO the size.
HOLDS: dict[str, frozenset[str]] = {
    "PNG": frozenset({"transparency", "16 bits", "16 bits in color"}),
    "JPEG": frozenset({"CMYK"}),
    "TIFF": frozenset({"transparency", "16 bits", "16 bits in color", "floating-point samples", "CMYK"}),
    "WEBP": frozenset({"transparency"}),
    "AVIF": frozenset({"transparency"}),
    "JPEG2000": frozenset({"transparency", "16 bits"}),
    "TGA": frozenset({"transparency"}),
    "BMP": frozenset(),
    "PPM": frozenset({"16 bits", "16 bits in color", "floating-point samples"}),
}
_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383, "TGA": 65535, "AVIF": 65536}  # pixels; of libraries, where it is less


def written_format(path: str | pathlib.Path) -> str:
    """Returns Pillow's name of the format that a file's suffix stands for.

    Args:
      path: the file to be written.

    Raises:
      UsageError: if pictures are not written in that format.
    """
    PIL.Image.init()
    suffix = pathlib.Path(path).suffix.lower()
    kind = PIL.Image.EXTENSION.get(suffix, "")
    if kind not in PIL.Image.SAVE:
        raise UsageError(f"{path}: no picture format for the suffix {suffix!r}; use .png, for example")
    if kind not in HOLDS:
        raise UsageError(f"{path}: {kind} would change the picture's colors or size; use .png, for example")
    return kind


def check_holds(path: str | pathlib.Path, picture: Picture, size: tuple[int, int] | None = None) -> None:
    """Checks that a file's format can hold a picture.

    Args:
      path: the file to be written.
      picture: the picture.
      size: (height, width) that it will have; its own unless given.

    Raises:
      UsageError: if pictures are not written in that format.
      DataError: if the format cannot hold the picture.
    """
    kind = written_format(path)
    needs = picture.needs
    missing = sorted(needs - HOLDS[kind])
    if missing:
        better = " or ".join(f".{name}" for name, format in (("tif", "TIFF"), ("png", "PNG")) if needs <= HOLDS[format])
        raise DataError(f"{path}: {kind} cannot hold {' and '.join(missing)}; use {better}")
    height, width = size or picture.size
    beyond = beyond_limits(picture, kind, (height, width))
    if beyond:
        raise DataError(f"{path}: {kind} cannot hold {beyond}; use .png")


def beyond_limits(picture: Picture, kind: str, size: tuple[int, int]) -> str | None:
    """Returns what of a picture is larger than a format allows, in words; None where nothing is.

    Args:
      picture: the picture.
      kind: Pillow's name of the format.
      size: (height, width) that it will have.
    """
    most = _LONGEST_SIDE.get(kind)
    if most and max(size) > most:
        return f"{size[1]}x{size[0]} pixels, only up to {most} a side"
    exif, icc = picture.metadata.exif or b"", picture.metadata.icc or b""
    if kind == "JPEG" and len(exif) > jpeg.LARGEST_EXIF:
        return f"EXIF of {len(exif)} bytes, only up to {jpeg.LARGEST_EXIF}"
    if kind == "JPEG" and len(icc) > jpeg.LARGEST_PROFILE:
        return f"a color profile of {len(icc)} bytes, only up to {jpeg.LARGEST_PROFILE}"
    return None


def own_format(picture: Picture, size: tuple[int, int] | None = None) -> str:
    """Returns Pillow's name of the format of a result that has no name yet: the picture's own, or PNG.

    PNG stands for formats that are not written, or cannot hold the picture.

    Args:
      picture: `srnet.images.picture.Picture`.
      size: (height, width) that it will have; its own unless given.
    """
    kind = picture.format
    fits = kind in HOLDS and picture.needs <= HOLDS[kind] and not beyond_limits(picture, kind, size or picture.size)
    return kind if fits else "PNG"


def fitted(picture: Picture, kind: str) -> tuple[Picture, list[str]]:
    """Returns a picture as a format can hold it: in sRGB where it has no color spaces, without metadata it cannot hold.

    Args:
      picture: the picture.
      kind: Pillow's name of the format.

    Returns:
      (picture, notes): the notes say what was changed, each a line.

    Raises:
      DataError: if its colors can be neither held nor converted.
    """
    notes = []
    names = lost(picture.metadata, kind)
    if not holds_colors(picture.metadata, kind, picture.mode in ("L", "LA")):
        colors = PROFILE if picture.metadata.icc else PNG_COLORS
        try:
            picture = to_srgb(picture)
        except DataError as error:
            raise DataError(f"{kind} cannot hold {colors}, and {error}; use .png or .tif") from error
        notes.append(f"{kind} cannot hold {colors}; converted to sRGB")
    if names:
        notes.append(f"{kind} cannot hold {', '.join(names)}; left out")
    return dataclasses.replace(picture, metadata=held(picture.metadata, kind)), notes
