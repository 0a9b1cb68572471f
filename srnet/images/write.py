"""The writer of pictures: depth, transparency, color profile and EXIF are kept where the format holds them.

libvips writes PNG, JPEG and every picture of more than 8 bits, Pillow the rest. A TIFF of 16 bits or floating point
loses its EXIF.
"""

import dataclasses
import io
import os
import pathlib
import struct
import zlib

import numpy as np
import PIL.Image
import pyvips

from srnet.errors import DataError, UsageError
from srnet.files import reason, written_whole
from srnet.images.color import change_depth
from srnet.images.picture import Picture

_EXIF_IFD, _EXIF_WIDTH, _EXIF_HEIGHT = 0x8769, 0xA002, 0xA003

# The formats that are written, and what each holds besides 8-bit grayscale and RGB. Others change what they are given,
# as GIF does colors and ICO the size.
HOLDS: dict[str, frozenset[str]] = {
    "PNG": frozenset({"transparency", "16 bits"}),
    "JPEG": frozenset({"CMYK"}),
    "TIFF": frozenset({"transparency", "16 bits", "floating-point samples", "CMYK"}),
    "WEBP": frozenset({"transparency"}),
    "AVIF": frozenset({"transparency"}),
    "JPEG2000": frozenset({"transparency"}),
    "TGA": frozenset({"transparency"}),
    "BMP": frozenset(),
    "PPM": frozenset(),
}
_STREAMED = ("PNG", "JPEG")  # written by libvips, since Pillow would hold a large picture once more
_VIPS_SAVERS: dict[str, tuple[str, dict[str, object]]] = {
    "PNG": ("pngsave", {}),
    "JPEG": ("jpegsave", {"Q": 95, "subsample_mode": "off"}),
    "TIFF": ("tiffsave", {"compression": "deflate"}),
}
_INTERPRETATIONS = {"uint8": ("b-w", "srgb"), "uint16": ("grey16", "rgb16"), "float32": ("b-w", "scrgb")}
_DOTS_PER_MM = 72 / 25.4  # what a file says that does not know
_COMPARED_SIDE = 512  # pixels
_LONGEST_SEGMENT = 65533  # bytes, of JPEG
_PNG_HEADER = 33  # bytes: signature and first chunk
_QUALITY: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "AVIF": {"quality": 90},
    "TIFF": {"compression": "tiff_deflate"},
}


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


def check_holds(path: str | pathlib.Path, needs: frozenset[str]) -> None:
    """Checks that a file's format can hold a picture.

    Args:
      path: the file to be written.
      needs: the picture's `needs`.

    Raises:
      UsageError: if pictures are not written in that format.
      DataError: if the format cannot hold the picture.
    """
    kind = written_format(path)
    missing = sorted(needs - HOLDS[kind])
    if missing:
        better = " or ".join(f".{name}" for name, format in (("tif", "TIFF"), ("png", "PNG")) if needs <= HOLDS[format])
        raise DataError(f"{path}: {kind} cannot hold {' and '.join(missing)}; use {better}")


def own_format(picture: Picture) -> str:
    """Returns Pillow's name of the format of a result that has no name yet: the picture's own, or PNG.

    PNG stands for formats that are not written, or cannot hold the picture.

    Args:
      picture: `srnet.images.picture.Picture`.
    """
    holds = HOLDS.get(picture.format)
    return picture.format if holds is not None and picture.needs <= holds else "PNG"


def encode(picture: Picture, kind: str) -> bytes:
    """Returns a picture as the bytes of a file.

    Args:
      picture: `srnet.images.picture.Picture`.
      kind: Pillow's name of a format that can hold it.

    Raises:
      DataError: if the format has another limit, such as on the size.
    """
    exif = _with_size(picture)
    if _is_for_vips(picture, kind):
        data = _save_by_vips(picture, kind)
        return _with_exif(data, kind, exif) if exif and kind in _STREAMED else data
    belongings = {"icc_profile": picture.icc, "exif": exif}
    options = {**_QUALITY.get(kind, {}), **{name: value for name, value in belongings.items() if value}}
    if kind == "TIFF" and exif:
        del options["compression"]  # Pillow writes EXIF into plain TIFFs alone
    image = to_pillow(picture.pixels, picture.mode)
    file = io.BytesIO()
    try:
        image.save(file, format=kind, **options)
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise DataError(f"{kind} cannot hold this picture ({error})") from error
    return file.getvalue()


def _is_for_vips(picture: Picture, kind: str) -> bool:
    return picture.pixels.dtype != np.uint8 or (kind in _STREAMED and picture.mode != "CMYK")


def _save_by_vips(picture: Picture, kind: str, path: pathlib.Path | None = None) -> bytes:
    """Writes a picture without EXIF to a file, with no further copy in memory; or returns its bytes without a path."""
    grey, colors = _INTERPRETATIONS[picture.pixels.dtype.name]
    interpretation = colors if picture.mode.startswith("RGB") else grey
    image = pyvips.Image.new_from_array(picture.pixels, interpretation=interpretation)
    image = image.copy(xres=_DOTS_PER_MM, yres=_DOTS_PER_MM)
    if picture.icc:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", picture.icc)
    name, options = _VIPS_SAVERS[kind]
    try:
        if path is None:
            return getattr(image, f"{name}_buffer")(keep="icc", **options)
        getattr(image, name)(os.fsencode(path), keep="icc", **options)
        return b""
    except pyvips.Error as error:
        if path:
            _check_room(path)
        raise DataError(f"{kind} cannot be written ({' '.join(str(error).split())})") from error


def _check_room(path: pathlib.Path) -> None:
    """Writes a little more, so that the system says why libvips could not."""
    with path.open("ab") as file:
        file.write(bytes(2**20))
        file.flush()
        os.fsync(file.fileno())


def _with_exif(data: bytes, kind: str, exif: bytes) -> bytes:
    """Puts EXIF into the bytes of a JPEG or PNG file as it is, behind the first segment or chunk."""
    if kind == "JPEG":
        if len(exif) > _LONGEST_SEGMENT:
            raise DataError(f"JPEG cannot hold this picture (its EXIF of {len(exif)} bytes is too long)")
        return data[:2] + struct.pack(">HH", 0xFFE1, len(exif) + 2) + exif + data[2:]
    chunk = b"eXIf" + exif.removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:_PNG_HEADER] + chunk + data[_PNG_HEADER:]


def _with_size(picture: Picture) -> bytes | None:
    """The EXIF bytes with the size of the pixels, where they name one."""
    if picture.exif is None:
        return None
    exif = PIL.Image.Exif()
    exif.load(picture.exif)
    details = exif.get_ifd(_EXIF_IFD)
    for tag, size in ((_EXIF_WIDTH, picture.pixels.shape[1]), (_EXIF_HEIGHT, picture.pixels.shape[0])):
        if tag in details:
            details[tag] = size
    return exif.tobytes()


def write_picture(path: str | pathlib.Path, picture: Picture, overwrite: bool = True) -> None:
    """Writes a picture in the format of the file's suffix; the file appears complete or not at all.

    Args:
      path: the file.
      picture: `srnet.images.picture.Picture`.
      overwrite: whether an existing file may be replaced.

    Raises:
      UsageError: if the suffix names no format.
      DataError: if the format cannot hold the picture, or the file cannot be written.
    """
    check_holds(path, picture.needs)
    kind = written_format(path)
    with written_whole(path, overwrite) as partial:
        if _is_for_vips(picture, kind) and not picture.exif:
            partial.touch()  # says what the system says where nothing can be written
            _save_by_vips(picture, kind, partial)
        else:
            partial.write_bytes(encode(picture, kind))


def write_standard_output(picture: Picture) -> None:
    """Writes a picture to standard output, in its own format or as PNG.

    Args:
      picture: the picture.

    Raises:
      DataError: if it cannot be written.
    """
    data = encode(picture, own_format(picture))
    try:
        # A file of its own: sys.stdout would try to write again at the end of the program.
        with os.fdopen(os.dup(1), "wb") as file:
            file.write(data)
    except OSError as error:
        raise DataError(f"standard output: cannot be written ({reason(error)})") from error


def write_comparison(path: str | pathlib.Path, picture: Picture, enlarged: Picture, overwrite: bool = True) -> None:
    """Writes the middle of a result, on the right of the same by bicubic interpolation.

    Args:
      path: the file.
      picture: the picture before it was enlarged.
      enlarged: the result.
      overwrite: whether an existing file may be replaced.

    Raises:
      DataError: if the file cannot be written.
    """
    height, width = enlarged.size
    left, top = max(0, (width - _COMPARED_SIDE) // 2), max(0, (height - _COMPARED_SIDE) // 2)
    right, bottom = min(width, left + _COMPARED_SIDE), min(height, top + _COMPARED_SIDE)
    bicubic = as_rgb(picture).resize((width, height), PIL.Image.Resampling.BICUBIC).crop((left, top, right, bottom))
    ours = as_rgb(dataclasses.replace(enlarged, pixels=enlarged.pixels[top:bottom, left:right]))
    sheet = np.concatenate([np.asarray(bicubic), np.full((ours.height, 8, 3), 255, np.uint8), np.asarray(ours)], axis=1)
    write_picture(path, dataclasses.replace(enlarged, pixels=sheet, mode="RGB", icc=None))


def write_image(path: str | pathlib.Path, image: np.ndarray) -> None:
    """Writes an array as a picture; the file appears complete or not at all.

    Args:
      path: the file; its folder is made when missing.
      image: uint8 array (H, W) or (H, W, 3).

    Raises:
      UsageError: if the suffix names no format.
      DataError: if the file cannot be written.
    """
    write_picture(path, Picture(image, "L" if image.ndim == 2 else "RGB"))


def to_pillow(pixels: np.ndarray, mode: str) -> PIL.Image.Image:
    """Returns pixels of 8 bits, or 16 of grayscale, as a Pillow image.

    Args:
      pixels: array as in `Picture`.
      mode: mode as in `Picture`.
    """
    if mode == "CMYK":
        return PIL.Image.frombytes("CMYK", (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    return PIL.Image.fromarray(pixels)


def as_rgb(picture: Picture) -> PIL.Image.Image:
    """Returns a picture as it is seen, as a Pillow image in 8-bit RGB; transparency is white.

    Args:
      picture: `srnet.images.picture.Picture`.
    """
    image = to_pillow(change_depth(picture.pixels, np.uint8), picture.mode)
    if picture.mode in ("LA", "RGBA"):
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")
