"""Output formats: what each can hold, and which one a picture is written in."""

import contextlib
import dataclasses
import pathlib

import numpy as np
import PIL.Image

from srnet.errors import DataError, UsageError
from srnet.images import jpeg
from srnet.images.metadata import PNG_COLORS, PROFILE, holds_colors, supported_metadata, unsupported_parts
from srnet.images.picture import Picture
from srnet.images.srgb import to_srgb

# The output formats, and what each can hold besides 8-bit grayscale and RGB. Others change the picture, as GIF does its
# colors and ICO its size.
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
# The suffix of each in the names of results.
SUFFIXES = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "AVIF": ".avif",
    "JPEG2000": ".jp2",
    "TGA": ".tga",
    "BMP": ".bmp",
    "PPM": ".ppm",
}
_CODESTREAMS = (".j2k", ".j2c", ".jpc")  # of JPEG 2000; they cannot hold metadata
_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383, "TGA": 65535, "AVIF": 65536}  # pixels; the library's limit if lower


def output_format(path: str | pathlib.Path) -> str:
    """Returns Pillow's name for the output format of a file's suffix.

    Args:
      path: the file to be written.

    Raises:
      UsageError: if the suffix is not that of an output format.
    """
    PIL.Image.init()
    suffix = pathlib.Path(path).suffix.lower()
    kind = PIL.Image.EXTENSION.get(suffix, "")
    if kind not in PIL.Image.SAVE:
        raise UsageError(f"{path}: no picture format has the extension {suffix!r}; use .png, for example")
    if suffix in _CODESTREAMS:
        raise UsageError(f"{path}: bare JPEG 2000 codestreams are not written; use .jp2")
    if kind not in HOLDS:
        raise UsageError(f"{path}: {kind} would change the picture's colors or size; use .png, for example")
    return kind


def check_holds(
    path: str | pathlib.Path, picture: Picture, size: tuple[int, int] | None = None, name: str | None = None
) -> None:
    """Checks that a file's format can hold a picture.

    Args:
      path: the file to be written.
      picture: the picture.
      size: (height, width) it will have; by default its own.
      name: used in messages; by default the path.

    Raises:
      UsageError: if the suffix is not that of an output format.
      DataError: if the format cannot hold the picture.
    """
    kind, name = output_format(path), name or str(path)
    needs = picture.needs
    missing = sorted(needs - HOLDS[kind])
    if missing:
        better = " or ".join(f".{ending}" for ending, to in (("tif", "TIFF"), ("png", "PNG")) if needs <= HOLDS[to])
        raise DataError(f"{name}: {kind} cannot hold {' and '.join(missing)}; use {better}")
    floating = picture.pixels.dtype.kind == "f"
    if kind == "PPM" and floating != (pathlib.Path(path).suffix.lower() == ".pfm"):
        right = ".pfm" if floating else ".ppm"
        raise DataError(f"{name}: .pfm is for floating-point samples, and only for them; use {right}")
    height, width = size or picture.size
    beyond = beyond_limits(picture, kind, (height, width))
    if beyond:
        raise DataError(f"{name}: {kind} cannot hold {beyond}; use {SUFFIXES[_lossless_format(picture)]}")


def beyond_limits(picture: Picture, kind: str, size: tuple[int, int]) -> str | None:
    """Returns what exceeds a format's limits, as worded in messages; None if nothing does.

    Args:
      picture: the picture.
      kind: Pillow's name for the format.
      size: (height, width) it will have.
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


def natural_format(picture: Picture, size: tuple[int, int] | None = None) -> str:
    """Returns Pillow's name for the format of a result without a file name: the picture's own, PNG or TIFF.

    The last two replace formats that cannot be written, or cannot hold the picture.

    Args:
      picture: `srnet.images.picture.Picture`.
      size: (height, width) it will have; by default its own.
    """
    kind = picture.format
    if kind in HOLDS and picture.needs <= HOLDS[kind] and not beyond_limits(picture, kind, size or picture.size):
        corner = dataclasses.replace(picture, pixels=picture.pixels[:1, :1])  # whether it can be converted, quickly
        with contextlib.suppress(DataError):
            _in_colors_of(corner, kind)
            return kind
    return _lossless_format(picture)


def _lossless_format(picture: Picture) -> str:
    """PNG, or TIFF for CMYK and floating-point pictures."""
    return "PNG" if picture.needs <= HOLDS["PNG"] else "TIFF"


def fit_to_format(picture: Picture, kind: str) -> tuple[Picture, list[str]]:
    """Fits a picture to a format: drops an opaque alpha channel and metadata that it cannot hold, and converts to sRGB.

    Args:
      picture: the picture.
      kind: Pillow's name for the format.

    Returns:
      (picture, notes): the notes say what was changed, one line each.

    Raises:
      DataError: if its colors can be neither held nor converted.
    """
    notes = []
    names = unsupported_parts(picture.metadata, kind)
    if picture.has_alpha and "transparency" not in HOLDS[kind] and picture.is_opaque:
        colors_alone = picture.pixels[..., 0] if picture.mode == "LA" else picture.pixels[..., :3]
        picture = dataclasses.replace(picture, pixels=np.ascontiguousarray(colors_alone), mode=picture.mode[:-1])
    converted, colors = _in_colors_of(picture, kind)
    if converted.pixels is not picture.pixels:  # they were not in sRGB
        notes.append(f"{kind} cannot hold {colors}; converted to sRGB")
    if names:
        notes.append(f"{kind} cannot hold {', '.join(names)}; left out")
    return dataclasses.replace(converted, metadata=supported_metadata(converted.metadata, kind)), notes


def _in_colors_of(picture: Picture, kind: str) -> tuple[Picture, str]:
    """The picture, in sRGB if a format cannot hold its colors, and what defines these."""
    colors = PROFILE if picture.metadata.icc else PNG_COLORS
    if holds_colors(picture.metadata, kind, picture.is_gray):
        return picture, colors
    try:
        return to_srgb(picture), colors
    except DataError as error:
        raise DataError(f"{kind} cannot hold {colors}, and {error}; use .png or .tif") from error
