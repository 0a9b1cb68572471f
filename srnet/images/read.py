"""The reader of pictures: depth, transparency, color profile and EXIF are kept.

Pillow reads 8-bit pictures, libvips those of 16 bits or floating point, which Pillow would reduce to 8 bits.

A file may be hostile: it is opened in listed formats alone, and its size, pixels and channels are checked from its
header before anything is decoded.
"""

import contextlib
import functools
import io
import math
import os
import pathlib
import stat
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import PIL.TiffImagePlugin

from srnet.errors import DataError
from srnet.files import reason
from srnet.images.color import change_depth
from srnet.images.picture import Picture

if TYPE_CHECKING:
    import pyvips

# Bytes: 4 channels of 4 bytes for every pixel that Pillow's limit allows (179 million), and room for metadata.
LARGEST_FILE = 4 * 4 * 179 * 10**6 + 2**28

# What cameras, scanners, browsers and painting programs write. Of Pillow's other formats, EPS starts Ghostscript, IPTC
# opens what it contains as any format, ICO and ICNS contain pictures of another size than their header says, and
# several need a library that is not there. TGA, which has no signature, is tried last.
_FORMATS = (
    "PNG",
    "JPEG",
    "TIFF",
    "WEBP",
    "AVIF",
    "JPEG2000",
    "GIF",
    "BMP",
    "DIB",
    "PPM",
    "PSD",
    "QOI",
    "DDS",
    "SGI",
    "PCX",
    "TGA",
)
_MODE_OF_CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_GRAY_MODES = ("1", "L", "LA", "La", "I;16")
_EXIF_IFD, _EXIF_ORIENTATION = 0x8769, 0x0112
_TURNED = (5, 6, 7, 8)  # orientations that swap the axes
# Description, camera, resolution, software, date, author, rights, EXIF and GPS: in a TIFF others stand beside them that
# describe its own pixels.
_KEPT_TAGS = (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432, _EXIF_IFD, 0x8825)
_TIFF_BITS, _TILE_WIDTH, _TILE_LENGTH = 258, 322, 323
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_VIPS_TYPES = {"uchar": "uint8", "ushort": "uint16", "float": "float32"}


def read_picture(
    source: str | pathlib.Path | bytes, name: str | pathlib.Path | None = None, first_frame: bool = False
) -> Picture:
    """Reads a picture.

    Palettes and other color spaces become RGB; grayscale, CMYK and the depth stay. Of a photograph with further
    views in its file (MPO) the first is read.

    Args:
      source: path, or the bytes of the file.
      name: what messages call it; the path unless given.
      first_frame: whether the first of several frames or pages is read; otherwise such a file is refused.

    Raises:
      DataError: if it is missing, damaged, no picture, has several frames, or too many pixels.
    """
    name = name or ("the picture" if isinstance(source, bytes) else source)
    with _opened(source, name) as (file, image):
        if not first_frame:
            _check_single(image, name)
        if not isinstance(image, PIL.Image.Image):
            mode, pixels = _decoded(image, name)
            return Picture(_turned(pixels, _orientation(image)), mode, "TIFF", _field(image, "icc-profile-data"))
        kind = "JPEG" if image.format == "MPO" else image.format
        deep = _is_deep(image)  # asking for EXIF may decode a PNG, which forgets its depth
        icc, exif, orientation = image.info.get("icc_profile"), image.getexif(), _orientation(image)
        for tag in set(exif) - set(_KEPT_TAGS):
            del exif[tag]
        kept = exif.tobytes() if len(exif) else None
        if deep:
            mode, pixels = _decoded(_open_by_vips(file, image.format, name), name)
        else:
            image.load()
            mode, pixels = from_pillow(image, name)
        return Picture(_turned(pixels, orientation), mode, kind or "PNG", icc, kept)


def read_image(path: str | pathlib.Path) -> np.ndarray:
    """Reads a picture as the networks are trained and measured on it: 8 bits, upright, without transparency.

    Args:
      path: the file.

    Returns:
      uint8 array, (H, W) for a grayscale file and (H, W, 3) RGB for every other.

    Raises:
      DataError: as `read_picture`.
    """
    picture = read_picture(path, first_frame=True)
    pixels = change_depth(picture.pixels, np.uint8)
    if picture.mode == "CMYK":
        size = (pixels.shape[1], pixels.shape[0])
        return np.asarray(PIL.Image.frombytes("CMYK", size, pixels.tobytes()).convert("RGB"))
    if picture.mode == "LA":
        return pixels[..., 0]
    return pixels[..., :3] if picture.mode == "RGBA" else pixels


def read_size(path: str | pathlib.Path) -> tuple[int, int]:
    """Returns (height, width) of a picture from its header, as `read_image` would return it.

    Args:
      path: the file.

    Raises:
      DataError: as `read_picture`.
    """
    with _opened(path, path) as (_, image):
        width, height = image.width, image.height
        return (width, height) if _orientation(image) in _TURNED else (height, width)


def count_pixels(path: str | pathlib.Path, name: str | pathlib.Path) -> int:
    """Returns the number of a picture's pixels; nothing is decoded.

    Args:
      path: the file.
      name: what messages call it.

    Raises:
      DataError: as `read_picture`.
    """
    with _opened(path, name) as (_, image):
        return image.width * image.height


def is_image_name(name: str) -> bool:
    """Tells whether a file name has the suffix of a format that is read, and is not hidden."""
    read = (*_formats(), "MPO")  # which is opened as JPEG
    return not name.startswith(".") and PIL.Image.EXTENSION.get(pathlib.PurePath(name).suffix.lower()) in read


@functools.cache
def _formats() -> tuple[str, ...]:
    """The formats that a file may have, as far as this version of Pillow reads them."""
    PIL.Image.init()
    return tuple(kind for kind in _FORMATS if kind in PIL.Image.OPEN)


@contextlib.contextmanager
def _opened(
    source: str | pathlib.Path | bytes, name: str | pathlib.Path
) -> Iterator[tuple[BinaryIO, "PIL.Image.Image | pyvips.Image"]]:
    """Yields the file and the picture, its header read and checked; whatever is raised then becomes a DataError."""
    try:
        with _without_warnings(), _open_file(source, name) as file:
            yield file, _recognized(file, name)
    except DataError:
        raise
    except PIL.UnidentifiedImageError as error:
        raise DataError(f"{name}: not a picture in a format that can be read") from error
    except PIL.Image.DecompressionBombError as error:
        raise DataError(f"{name}: more pixels than the limit against decompression bombs") from error
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({reason(error)})") from error
    except MemoryError as error:
        raise DataError(f"{name}: the memory does not suffice") from error
    except Exception as error:  # decoders raise anything for damaged files
        raise DataError(f"{name}: damaged or unreadable picture ({' '.join(str(error).split())})") from error


@contextlib.contextmanager
def _open_file(source: str | pathlib.Path | bytes, name: str | pathlib.Path) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        _check_size(len(source), name)
        yield io.BytesIO(source)
        return
    _check_status(pathlib.Path(source).stat(), name)  # before it is opened, which some devices take for a command
    # A FIFO that takes its place meanwhile does not block.
    with open(source, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
        _check_status(os.fstat(file.fileno()), name)
        yield file


def _check_status(status: os.stat_result, name: str | pathlib.Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{name}: not a regular file")
    _check_size(status.st_size, name)


def _check_size(size: int, name: str | pathlib.Path) -> None:
    if size > LARGEST_FILE:
        raise DataError(f"{name}: larger than {LARGEST_FILE / 2**30:.1f} GiB, which no picture that is read can take")


def _recognized(file: BinaryIO, name: str | pathlib.Path) -> "PIL.Image.Image | pyvips.Image":
    """Opens a picture by Pillow; by libvips a TIFF of samples that Pillow does not know, such as RGB of floats."""
    try:
        image = PIL.Image.open(file, formats=_formats())
        if isinstance(
            image, PIL.TiffImagePlugin.TiffImageFile
        ):  # a tile is decoded whole, however small the picture is
            _check_pixels(image.tag_v2.get(_TILE_WIDTH, 1) * image.tag_v2.get(_TILE_LENGTH, 1), name)
        return image
    except PIL.UnidentifiedImageError:
        file.seek(0)
        if file.read(4) not in _TIFF_SIGNATURES:
            raise
        return _open_by_vips(file, "TIFF", name)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppresses Pillow's warnings, of odd metadata and of many pixels below its limit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _is_deep(image: PIL.Image.Image) -> bool:
    """Whether Pillow would reduce the depth of a picture that it has opened."""
    if isinstance(image, PIL.PngImagePlugin.PngImageFile):
        # The first tile's arguments are the raw mode of the file, which names 16-bit samples.
        return any("16" in str(tile[3]) for tile in image.tile)
    if isinstance(image, PIL.TiffImagePlugin.TiffImageFile):
        return max(image.tag_v2.get(_TIFF_BITS, (1,))) > 8
    return False


def _check_pixels(count: int, name: str | pathlib.Path) -> None:
    """Checks what Pillow checks of a picture that it opens, with the same limit."""
    if count > 2 * (PIL.Image.MAX_IMAGE_PIXELS or math.inf):
        raise DataError(f"{name}: more pixels than the limit against decompression bombs")


def _check_single(image: "PIL.Image.Image | pyvips.Image", name: str | pathlib.Path) -> None:
    if isinstance(image, PIL.Image.Image):
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    else:
        frames = _field(image, "n-pages") or 1
    if frames > 1:
        raise DataError(f"{name}: {frames} frames or pages; only single pictures can be enlarged")


def _orientation(image: "PIL.Image.Image | pyvips.Image") -> int | None:
    if isinstance(image, PIL.Image.Image):
        return image.getexif().get(_EXIF_ORIENTATION)
    return _field(image, "orientation")


def _field(image: "pyvips.Image", field: str) -> Any:
    return image.get(field) if field in image.get_fields() else None


def _open_by_vips(file: BinaryIO, kind: str | None, name: str | pathlib.Path) -> "pyvips.Image":
    """Opens a PNG or TIFF by libvips, and checks from its header that its pixels can be enlarged."""
    import pyvips  # few pictures need it, and 8-bit training none

    if isinstance(file, io.BytesIO):
        source = pyvips.Source.new_from_memory(file.getvalue())
    else:
        source = pyvips.Source.new_from_descriptor(file.fileno())
    load = pyvips.Image.pngload_source if kind == "PNG" else pyvips.Image.tiffload_source
    try:
        image = load(source, fail_on="warning")
    except pyvips.Error as error:
        if "samples out of range" in str(error):  # libvips' words for more than 32 bits
            raise DataError(f"{name}: samples of 64 bits cannot be enlarged; up to 32 bits can") from error
        raise
    # Pillow may have read another size: of tags that stand twice, it takes the last one.
    _check_pixels(image.width * image.height, name)
    dtype = _VIPS_TYPES.get(image.format, image.format)
    if image.bands not in _MODE_OF_CHANNELS or image.interpretation == "cmyk":
        raise DataError(f"{name}: {image.bands} channels of {dtype} ({image.interpretation}) cannot be enlarged")
    if image.format not in _VIPS_TYPES:
        raise DataError(f"{name}: samples of {dtype} cannot be enlarged; 8 or 16 bits or floating point can")
    return image


def _decoded(image: "pyvips.Image", name: str | pathlib.Path) -> tuple[str, np.ndarray]:
    pixels = image.numpy()
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    if pixels.dtype.kind == "f" and not (pixels.min() >= 0 and pixels.max() <= 1):
        raise DataError(f"{name}: floating-point values from {pixels.min()} to {pixels.max()}, not within [0, 1]")
    return _MODE_OF_CHANNELS[image.bands], pixels


def _turned(pixels: np.ndarray, orientation: int | None) -> np.ndarray:
    """Turns an array as EXIF says: 2 to 4 mirror both axes, 5 to 8 swap them first; other values say nothing."""
    if orientation in _TURNED:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def from_pillow(image: PIL.Image.Image, name: str | pathlib.Path) -> tuple[str, np.ndarray]:
    """Returns the mode and the pixels of a Pillow image, as `Picture` has them; palettes become RGB.

    Args:
      image: Pillow image.
      name: what messages call it.

    Raises:
      DataError: for 32-bit integers and floating-point samples, whose range is not known.
    """
    if image.mode == "CMYK":
        return "CMYK", np.asarray(image)
    if image.mode.startswith("I;16"):
        return "L", np.asarray(image).astype(np.uint16)
    if image.mode == "I" and image.format == "PPM":  # more than 8 bits, which Pillow scales to 16
        return "L", np.asarray(image).astype(np.uint16)
    if image.mode in ("I", "F"):
        raise DataError(f"{name}: 32-bit samples (mode {image.mode}) cannot be enlarged; 8 or 16 bits can")
    transparent = image.has_transparency_data
    mode = ("LA" if transparent else "L") if image.mode in _GRAY_MODES else ("RGBA" if transparent else "RGB")
    return mode, np.asarray(image.convert(mode))
