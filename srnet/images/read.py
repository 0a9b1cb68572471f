"""The reader of pictures: depth, transparency, color profile and EXIF are kept.

Pillow reads 8-bit pictures, libvips those of 16 bits or floating point, which Pillow would reduce to 8 bits.
"""

import contextlib
import io
import math
import pathlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

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

_MODE_OF_CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_GRAY_MODES = ("1", "L", "LA", "La", "I;16")
_EXIF_IFD, _EXIF_ORIENTATION = 0x8769, 0x0112
# Description, camera, resolution, software, date, author, rights, EXIF and GPS: in a TIFF others stand beside them that
# describe its own pixels.
_KEPT_TAGS = (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432, _EXIF_IFD, 0x8825)
_TIFF_BITS = 258
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_UNDECODABLE = ("BUFR", "GRIB", "HDF5", "MPEG")  # formats that Pillow recognizes and cannot decode


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
    try:
        data = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
        with _without_warnings(), PIL.Image.open(io.BytesIO(data)) as image:
            frames = getattr(image, "n_frames", 1)
            if frames > 1 and image.format != "MPO" and not first_frame:
                raise DataError(f"{name}: {frames} frames or pages; only single pictures can be enlarged")
            kind = "JPEG" if image.format == "MPO" else image.format
            deep = _is_deep(image)  # asking for EXIF may decode a PNG, which forgets its depth
            icc, exif = image.info.get("icc_profile"), image.getexif()
            orientation = exif.get(_EXIF_ORIENTATION)
            for tag in set(exif) - set(_KEPT_TAGS):
                del exif[tag]
            if deep:
                mode, pixels = _read_deep(_open_deep(data), name)
            else:
                image.load()
                mode, pixels = from_pillow(image, name)
            pixels = _turned(pixels, orientation)
            return Picture(pixels, mode, kind or "PNG", icc, exif.tobytes() if len(exif) else None)
    except PIL.UnidentifiedImageError as error:
        if data[:4] in _TIFF_SIGNATURES:
            return _read_unusual_tiff(data, name)
        raise DataError(f"{name}: not a picture in a format that can be read") from error
    except PIL.Image.DecompressionBombError as error:
        raise DataError(f"{name}: more pixels than the limit against decompression bombs") from error
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({reason(error)})") from error
    except DataError:
        raise
    except Exception as error:  # decoders raise anything for damaged files
        raise DataError(f"{name}: damaged or unreadable picture ({' '.join(str(error).split())})") from error


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
      DataError: if the header cannot be read.
    """
    try:
        with PIL.Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_EXIF_ORIENTATION) in (5, 6, 7, 8)  # these swap the axes
            return (width, height) if turned else (height, width)
    except PIL.UnidentifiedImageError as error:
        try:
            return read_picture(path, first_frame=True).size  # a TIFF that Pillow does not know
        except DataError:
            raise DataError(f"{path}: not a picture that can be read ({error})") from error
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise DataError(f"{path}: not a picture that can be read ({error})") from error


def is_image_name(name: str) -> bool:
    """Tells whether a file name has the suffix of a picture format and is not hidden."""
    PIL.Image.init()
    picture_format = PIL.Image.EXTENSION.get(pathlib.PurePath(name).suffix.lower())
    return not name.startswith(".") and picture_format in PIL.Image.OPEN and picture_format not in _UNDECODABLE


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


def _read_unusual_tiff(data: bytes, name: str | pathlib.Path) -> Picture:
    """Reads a TIFF whose samples Pillow does not know, such as RGB in floating point."""
    import pyvips

    try:
        image = _open_deep(data)
        pages = image.get("n-pages") if "n-pages" in image.get_fields() else 1
        if pages > 1:
            raise DataError(f"{name}: {pages} frames or pages; only single pictures can be enlarged")
        if image.width * image.height > 2 * (PIL.Image.MAX_IMAGE_PIXELS or math.inf):
            raise DataError(f"{name}: more pixels than the limit against decompression bombs")
        mode, pixels = _read_deep(image, name)
        fields = image.get_fields()
        orientation = image.get("orientation") if "orientation" in fields else None
        icc = image.get("icc-profile-data") if "icc-profile-data" in fields else None
    except pyvips.Error as error:
        if "samples out of range" in str(error):  # libvips' words for more than 32 bits
            raise DataError(f"{name}: samples of 64 bits cannot be enlarged; up to 32 bits can") from error
        raise DataError(f"{name}: damaged or unreadable picture ({' '.join(str(error).split())})") from error
    return Picture(_turned(pixels, orientation), mode, "TIFF", icc)


def _open_deep(data: bytes) -> "pyvips.Image":
    import pyvips  # few pictures need it, and 8-bit training none

    return pyvips.Image.new_from_buffer(data, "", fail_on="warning")


def _read_deep(image: "pyvips.Image", name: str | pathlib.Path) -> tuple[str, np.ndarray]:
    pixels = image.numpy()
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    mode = "L" if pixels.ndim == 2 else _MODE_OF_CHANNELS.get(pixels.shape[2])
    if mode is None or image.interpretation == "cmyk":
        raise DataError(f"{name}: {image.bands} channels of {pixels.dtype} ({image.interpretation}) cannot be enlarged")
    if pixels.dtype in (np.uint8, np.uint16):
        return mode, pixels
    if pixels.dtype.kind != "f":
        raise DataError(f"{name}: samples of {pixels.dtype} cannot be enlarged; 8 or 16 bits or floating point can")
    if not (pixels.min() >= 0 and pixels.max() <= 1):
        raise DataError(f"{name}: floating-point values from {pixels.min()} to {pixels.max()}, not within [0, 1]")
    return mode, pixels.astype(np.float32)


def _turned(pixels: np.ndarray, orientation: int | None) -> np.ndarray:
    """Turns an array as EXIF says: 2 to 4 mirror both axes, 5 to 8 swap them first; other values say nothing."""
    if orientation in (5, 6, 7, 8):
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
