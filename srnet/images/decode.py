"""Decodes pictures whose header has been read, with Pillow, libvips or `srnet.images.netpbm`."""

import dataclasses
import io
import math
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import PIL.TiffImagePlugin
from PIL.TiffImagePlugin import BITSPERSAMPLE, SAMPLEFORMAT

from srnet.errors import DataError
from srnet.images import jpeg, netpbm
from srnet.images.metadata import Metadata
from srnet.images.parts import PartsOfFile
from srnet.images.pillow import from_pillow

if TYPE_CHECKING:
    import pyvips

_MODE_OF_CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
AXES_SWAPPED = (5, 6, 7, 8)  # orientations that swap the axes
_SIGNED = 2  # of TIFF's sample formats
_LAST_ROWS = 16  # of a JPEG: two rows of blocks, or one if the chroma is halved
_VIPS_TYPES = {"uchar": "uint8", "ushort": "uint16", "float": "float32"}


@dataclasses.dataclass(frozen=True)
class Opened:
    """A picture whose header has been read and checked.

    Attributes:
      image: the decoder's object.
      file: what the decoder reads.
      metadata: its metadata.
      orientation: EXIF's number, or None.
      notes: as in `Picture`.
    """

    image: "PIL.Image.Image | pyvips.Image | netpbm.DeepImage"
    file: BinaryIO
    metadata: Metadata = Metadata()
    orientation: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def format(self) -> str:
        """Pillow's name for the format; MPO, a JPEG with several views, counts as JPEG."""
        if isinstance(self.image, PIL.Image.Image):
            return "JPEG" if self.image.format == "MPO" else self.image.format or "PNG"
        return "PPM" if isinstance(self.image, netpbm.DeepImage) else "TIFF"


def _is_deep(image: PIL.Image.Image) -> bool:
    """Whether Pillow would reduce the depth of a picture it has opened."""
    if isinstance(image, PIL.PngImagePlugin.PngImageFile):
        # A tile's arguments are the file's raw mode, which names 16-bit samples.
        return any("16" in str(tile[3]) for tile in image.tile)
    if isinstance(image, PIL.TiffImagePlugin.TiffImageFile):
        return max(image.tag_v2.get(BITSPERSAMPLE, (1,))) > 8
    return False


def describe_pixel_limit() -> str:
    """Returns what is said of a picture above Pillow's limit on pixels."""
    return f"more than {2 * (PIL.Image.MAX_IMAGE_PIXELS or math.inf) / 1e6:.0f} megapixels"


def check_pixels(count: int) -> None:
    """Checks the number of pixels against Pillow's limit.

    Args:
      count: number of pixels.

    Raises:
      DataError: if there are too many.
    """
    if count > 2 * (PIL.Image.MAX_IMAGE_PIXELS or math.inf):
        raise DataError(describe_pixel_limit())


def check_single(image: "PIL.Image.Image | pyvips.Image | netpbm.DeepImage") -> None:
    """Checks that a file has one frame or page.

    Args:
      image: as in `Opened`.

    Raises:
      DataError: if it has several.
    """
    if isinstance(image, PIL.Image.Image):
        frames = 1 if image.format in ("MPO", "PSD") else getattr(image, "n_frames", 1)
    elif isinstance(image, netpbm.DeepImage):
        frames = 1
    else:
        frames = image.get("n-pages") if "n-pages" in image.get_fields() else 1
    if frames > 1:
        raise DataError(f"{frames} frames or pages; only single pictures can be enlarged")


def open_by_vips(file: BinaryIO) -> "pyvips.Image":
    """Opens a PNG or TIFF with libvips, and checks from its header that its pixels can be enlarged.

    Args:
      file: the file; for a PNG, as `PartsOfFile`.

    Raises:
      DataError: if it has too many pixels, or channels or samples that cannot be enlarged.
      pyvips.Error: if it is damaged.
    """
    import pyvips  # few pictures need it; training on 8-bit ones does not

    try:
        if isinstance(file, PartsOfFile):  # of a PNG
            file.seek(0)
            image = pyvips.Image.pngload_buffer(file.read(), fail_on="warning")
        elif isinstance(file, io.BytesIO):
            image = pyvips.Image.tiffload_buffer(file.getvalue(), fail_on="warning")
        else:
            source = pyvips.Source.new_from_descriptor(file.fileno())
            image = pyvips.Image.tiffload_source(source, fail_on="warning")
    except pyvips.Error as error:
        if "samples out of range" in str(error):  # libvips's message for more than 32 bits
            raise DataError("samples of 64 bits cannot be enlarged; up to 32 bits can") from error
        raise
    # Pillow may have read another size: it takes the last of duplicate tags.
    check_pixels(image.width * image.height)
    dtype = _VIPS_TYPES.get(image.format, image.format)
    if image.bands not in _MODE_OF_CHANNELS or image.interpretation == "cmyk":
        raise DataError(f"{image.bands} channels of {dtype} ({image.interpretation}) cannot be enlarged")
    if image.format not in _VIPS_TYPES:
        raise DataError(f"samples of {dtype} cannot be enlarged; 8 or 16 bits or floating point can")
    return image


def decoded(opened: Opened) -> tuple[str, np.ndarray, tuple[str, ...]]:
    """Returns the mode, the pixels as stored, not turned, and notes.

    Args:
      opened: the picture.

    Raises:
      DataError: for samples whose range is unknown, and floating-point values outside [0, 1].
      Exception: whatever a decoder raises for a damaged file.
    """
    image = opened.image
    if isinstance(image, netpbm.DeepImage):
        return _MODE_OF_CHANNELS[image.bands], _in_range(image.pixels()), ()
    if not isinstance(image, PIL.Image.Image):
        return *_from_vips(image), ()
    if _is_deep(image):
        mode, pixels = _from_vips(open_by_vips(opened.file))
        # libvips takes an unspecified fourth sample of a TIFF for transparency.
        if mode == "RGBA" and image.mode == "RGB" and not image.has_transparency_data:
            mode, pixels = "RGB", pixels[..., :3]
        return mode, pixels, ()
    if isinstance(image, PIL.TiffImagePlugin.TiffImageFile) and _SIGNED in image.tag_v2.get(SAMPLEFORMAT, ()):
        raise DataError("signed samples cannot be enlarged")  # Pillow would take them for unsigned ones
    try:
        image.load()
        return *from_pillow(image), ()
    except OSError:
        ended = _completed(opened)
        if ended is None:
            raise
        with PIL.Image.open(io.BytesIO(ended), formats=("JPEG",)) as whole:
            return *from_pillow(whole), ("the end of the file is missing; the last rows may be damaged",)


def _completed(opened: Opened) -> bytes | None:
    """A truncated JPEG with an end marker appended, if little of the picture is missing; else None."""
    if opened.format != "JPEG":
        return None
    opened.file.seek(0)
    data = opened.file.read()
    before = jpeg.before_refinement(data)
    sound = _is_sound(data + jpeg.END, _LAST_ROWS) or (before is not None and _is_sound(before + jpeg.END, 0))
    return data + jpeg.END if sound else None


def _is_sound(data: bytes, without: int) -> bool:
    """Whether a JPEG decodes without warnings, apart from its last rows."""
    import pyvips

    try:
        image = pyvips.Image.jpegload_buffer(data, fail_on="warning", access="sequential")
        rows = image.height - without if image.height > without else image.height
        image.crop(0, 0, image.width, rows).avg()
    except pyvips.Error:
        return False
    return True


def _from_vips(image: "pyvips.Image") -> tuple[str, np.ndarray]:
    bands = (image.bands,) if image.bands > 1 else ()
    pixels = image.numpy().reshape(image.height, image.width, *bands)  # pyvips drops axes of length 1
    return _MODE_OF_CHANNELS[image.bands], _in_range(pixels)


def _in_range(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype.kind == "f" and not (pixels.min() >= 0 and pixels.max() <= 1):
        raise DataError(f"floating-point values from {pixels.min()} to {pixels.max()}, not within [0, 1]")
    return pixels


def upright(pixels: np.ndarray, orientation: int | None) -> np.ndarray:
    """Turns an array upright by its EXIF orientation; values other than 2 to 8 change nothing.

    Args:
      pixels: (H, W[, C]) array.
      orientation: EXIF's number, or None.
    """
    if orientation in AXES_SWAPPED:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def is_lossless_webp(file: BinaryIO) -> bool:
    """Tells whether the first picture in a WebP file is lossless.

    Args:
      file: the file.
    """
    place = 12
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8 or head[:4] in (b"VP8 ", b"VP8L"):
            return head[:4] == b"VP8L"
        size = int.from_bytes(head[4:], "little")
        place += 8 + size + size % 2
