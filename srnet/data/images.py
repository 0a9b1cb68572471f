"""Reading and writing pictures, and the colour space of the benchmarks."""

import pathlib

import numpy as np
import PIL.Image
import PIL.ImageOps

from srnet.errors import DataError, UsageError
from srnet.files import written_whole

# ITU-R BT.601 with headroom, the matrix of MATLAB's rgb2ycbcr, for RGB in [0, 255].
YCBCR_OFFSET = np.array([16.0, 128.0, 128.0])
YCBCR_MATRIX = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255.0


# Formats that Pillow recognises and cannot decode.
_NOT_PICTURES = ("BUFR", "GRIB", "HDF5", "MPEG")


def round_to_uint8(values):
    """Rounds half up and clips to [0, 255]: the one conversion to 8 bits of this project.

    Args:
      values: array of any shape, grey levels in [0, 255].

    Returns:
      uint8 array of the same shape.
    """
    return np.clip(np.floor(np.asarray(values) + 0.5), 0, 255).astype(np.uint8)


def rgb_to_ycbcr(rgb):
    """Converts RGB to Y'CbCr as MATLAB's `rgb2ycbcr`.

    Args:
      rgb: (..., 3) array in [0, 255].

    Returns:
      (..., 3) array, luma in [16, 235] and chroma in [16, 240]; uint8, rounded, for uint8 input, else float64.
    """
    ycbcr = np.asarray(rgb, np.float64) @ YCBCR_MATRIX.T + YCBCR_OFFSET
    return round_to_uint8(ycbcr) if np.asarray(rgb).dtype == np.uint8 else ycbcr


def ycbcr_to_rgb(ycbcr):
    """Converts Y'CbCr back to RGB: the inverse of `rgb_to_ycbcr`.

    Args:
      ycbcr: (..., 3) array, luma in [16, 235] and chroma in [16, 240].

    Returns:
      float64 (..., 3) array, not clipped.
    """
    return (np.asarray(ycbcr, np.float64) - YCBCR_OFFSET) @ np.linalg.inv(YCBCR_MATRIX).T


def to_luma(image):
    """Returns the luma of a picture; a greyscale picture is luma as it is.

    Args:
      image: (H, W) or (H, W, 3) array in [0, 255].

    Returns:
      (H, W) array; uint8 for uint8 input, else float64.
    """
    return image if image.ndim == 2 else rgb_to_ycbcr(image)[..., 0]


def to_rgb(image):
    """Returns a picture with three channels; greyscale is repeated.

    Args:
      image: (H, W) or (H, W, 3) array.

    Returns:
      (H, W, 3) array of the same dtype.
    """
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)


def read_image(path):
    """Reads any picture that Pillow reads, turned upright by its EXIF orientation.

    Transparency is dropped, 16-bit greyscale is scaled to 8 bits, floating-point values are taken as [0, 1].

    Args:
      path: the file.

    Returns:
      uint8 array, (H, W) for a greyscale file and (H, W, 3) RGB for every other.

    Raises:
      DataError: if the file is missing, damaged or no picture; the message names it.
    """
    try:
        with PIL.Image.open(path) as image:
            image.load()
            return _to_uint8(PIL.ImageOps.exif_transpose(image), path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except PIL.UnidentifiedImageError as error:
        raise DataError(f"{path}: not a picture in a format that Pillow reads") from error
    except PIL.Image.DecompressionBombError as error:
        raise DataError(f"{path}: more pixels than Pillow's limit against decompression bombs") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: damaged or unreadable picture ({error})") from error


def _to_uint8(image, path):
    if image.mode.startswith("I"):
        return round_to_uint8(np.asarray(image, np.float64) / 257.0)
    if image.mode == "F":
        values = np.asarray(image, np.float64)
        if not (values.min() >= 0 and values.max() <= 1):
            raise DataError(f"{path}: floating-point values from {values.min()} to {values.max()}, not within [0, 1]")
        return round_to_uint8(values * 255.0)
    return np.asarray(image.convert("L" if image.mode in ("1", "L", "LA", "La") else "RGB"))


def image_size(path):
    """Returns (height, width) of a picture from its header, as `read_image` would return it.

    Args:
      path: the file.

    Raises:
      DataError: if the header cannot be read.
    """
    try:
        with PIL.Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(0x0112) in (5, 6, 7, 8)  # EXIF orientations 5 to 8 swap the axes
            return (width, height) if turned else (height, width)
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise DataError(f"{path}: not a picture that can be read ({error})") from error


def output_format(path):
    """Returns Pillow's name of the format that a file's suffix stands for.

    Args:
      path: the file to be written.

    Raises:
      UsageError: if the suffix names no format that Pillow writes.
    """
    PIL.Image.init()
    suffix = pathlib.Path(path).suffix.lower()
    if PIL.Image.EXTENSION.get(suffix) not in PIL.Image.SAVE:
        raise UsageError(f"{path}: no picture format for the suffix {suffix!r}; use .png, for example")
    return PIL.Image.EXTENSION[suffix]


def write_image(path, image):
    """Writes a picture in the format of the file's suffix; the file appears complete or not at all.

    Args:
      path: the file; its folder is made when missing.
      image: uint8 array (H, W) or (H, W, 3).

    Raises:
      UsageError: if the suffix names no format that Pillow writes.
      DataError: if the file cannot be written.
    """
    picture_format = output_format(path)
    with written_whole(path) as partial:
        PIL.Image.fromarray(image).save(partial, format=picture_format)


def crop_to_multiple(image, multiple):
    """Crops a picture at its lower and right end so that `multiple` divides its height and width.

    Args:
      image: (H, W) or (H, W, C) array.
      multiple: integer, at least 1.
    """
    height, width = (size - size % multiple for size in image.shape[:2])
    return image[:height, :width]


def is_image_name(name):
    """Tells whether a file name has the suffix of a picture format and is not hidden."""
    PIL.Image.init()
    picture_format = PIL.Image.EXTENSION.get(pathlib.PurePath(name).suffix.lower())
    return not name.startswith(".") and picture_format in PIL.Image.OPEN and picture_format not in _NOT_PICTURES
