"""Conversion from and to Pillow images."""

import copy
from typing import Any

import numpy as np
import PIL.Image

from srnet.errors import DataError, UsageError
from srnet.images import tiff
from srnet.images.color import to_8_bits
from srnet.images.metadata import parse_exif
from srnet.images.picture import Picture

_GRAY_MODES = ("1", "L", "LA", "La", "I;16")
# Metadata in a Pillow image's `info` that Pillow's writers use.
_KEPT = ("icc_profile", "exif", "xmp", "dpi", "comment", "gamma", "chromaticity")


def from_pillow(image: PIL.Image.Image) -> tuple[str, np.ndarray]:
    """Returns the mode and the pixels of a Pillow image, as in `Picture`; palettes become RGB.

    Args:
      image: Pillow image.

    Raises:
      UsageError: if it has no pixels.
      DataError: for 32-bit integers and floating-point samples, whose range is unknown.
    """
    if 0 in image.size:
        raise UsageError(f"a Pillow image of {image.width}x{image.height} pixels cannot be enlarged")
    if image.mode == "CMYK":
        return "CMYK", np.asarray(image)
    if image.mode.startswith("I;16"):
        return "L", np.asarray(image).astype(np.uint16)
    if image.mode == "I" and image.format == "PPM":  # more than 8 bits, which Pillow scales to 16
        return "L", np.asarray(image).astype(np.uint16)
    if image.mode in ("I", "F"):
        raise DataError(f"32-bit samples (mode {image.mode}) cannot be enlarged; 8 or 16 bits can")
    transparent = image.has_transparency_data
    mode = ("LA" if transparent else "L") if image.mode in _GRAY_MODES else ("RGBA" if transparent else "RGB")
    return mode, np.asarray(image.convert(mode))


def to_pillow(pixels: np.ndarray, mode: str) -> PIL.Image.Image:
    """Returns 8-bit pixels, or 16-bit grayscale, as a Pillow image.

    Args:
      pixels: array as in `Picture`.
      mode: mode as in `Picture`.
    """
    if mode == "CMYK":
        return PIL.Image.frombytes("CMYK", (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    return PIL.Image.fromarray(pixels)


def as_rgb(picture: Picture) -> PIL.Image.Image:
    """Returns a picture as a Pillow image in 8-bit RGB, on a white background.

    Args:
      picture: `srnet.images.picture.Picture`.
    """
    image = to_pillow(to_8_bits(picture.pixels), picture.mode)
    if picture.has_alpha:
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


def info_of(image: PIL.Image.Image) -> dict[str | tuple[int, int], Any]:
    """Returns the metadata of a Pillow image, as the `info` of another image of the same picture.

    Args:
      image: Pillow image of any format.
    """
    info: dict[str | tuple[int, int], Any] = {name: image.info[name] for name in _KEPT if name in image.info}
    if image.mode == "LAB":  # it becomes RGB
        info.pop("icc_profile", None)
    if "exif" not in info and hasattr(image, "tag_v2"):  # a TIFF has it in the file's own directory
        exif = _exif_of(image)
        info |= {"exif": exif} if exif else {}
    return info


def _exif_of(image: PIL.Image.Image) -> bytes | None:
    try:
        own = copy.copy(image.getexif())
        own.bigtiff = False  # otherwise its bytes could not be read back
        orientation = own.get(tiff.ORIENTATION)
        described, *_ = parse_exif(own.tobytes())
        if orientation is None:
            return described
        turned = PIL.Image.Exif()
        turned.load(described or b"")
        turned[tiff.ORIENTATION] = orientation
        return turned.tobytes()
    except Exception:  # Pillow raises anything for odd tags; the picture matters more
        return None
