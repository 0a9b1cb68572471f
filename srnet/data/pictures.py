"""Picture files read and written with what belongs to them: depth, transparency, colour profile, EXIF.

Pillow reads and writes 8-bit pictures, libvips those of 16 bits or floating point, which Pillow would reduce, and it
writes all PNG and JPEG. Of a TIFF of 16 bits or floating point, EXIF is not kept.
"""

import contextlib
import dataclasses
import io
import pathlib
import struct
import warnings
import zlib

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import PIL.TiffImagePlugin
import pyvips

from srnet.data.images import output_format
from srnet.errors import DataError, UsageError
from srnet.files import reason, written_whole

_MODE_OF_CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_GREY_MODES = ("1", "L", "LA", "La", "I;16")
_EXIF_IFD, _EXIF_WIDTH, _EXIF_HEIGHT, _EXIF_ORIENTATION = 0x8769, 0xA002, 0xA003, 0x0112
# Description, camera, resolution, software, date, author, rights, EXIF and GPS: in a TIFF others stand beside them that
# describe its own pixels.
_KEPT_TAGS = (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432, _EXIF_IFD, 0x8825)
_TIFF_BITS = 258
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# Formats that are written, and which of them hold more than 8-bit grey and RGB. Others change what they are given, as
# GIF does colours and ICO the size.
_WRITTEN = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "JPEG2000", "TGA", "BMP", "PPM")
_HOLDS_TRANSPARENCY = ("PNG", "TIFF", "WEBP", "AVIF", "JPEG2000", "TGA")
_HOLDS_CMYK = ("JPEG", "TIFF")
_HOLDS_16_BITS = ("PNG", "TIFF")
_STREAMED = ("PNG", "JPEG")  # written by libvips, since Pillow would hold a large picture once more
_VIPS_SAVERS = {
    "PNG": ("pngsave", {}),
    "JPEG": ("jpegsave", {"Q": 95, "subsample_mode": "off"}),
    "TIFF": ("tiffsave", {"compression": "deflate"}),
}
_INTERPRETATIONS = {"uint8": ("b-w", "srgb"), "uint16": ("grey16", "rgb16"), "float32": ("b-w", "scrgb")}
_DOTS_PER_MM = 72 / 25.4  # what a file says that does not know
_LONGEST_SEGMENT = 65533  # bytes, of JPEG
_PNG_HEADER = 33  # bytes: signature and first chunk
_QUALITY = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "AVIF": {"quality": 90},
    "TIFF": {"compression": "tiff_deflate"},
}


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture, upright.

    Attributes:
      pixels: (H, W[, C]) array: uint8, uint16, or float32 in [0, 1].
      mode: "L", "LA", "RGB", "RGBA" or "CMYK".
      format: Pillow's name of the format that it was read from.
      icc: the ICC colour profile, or None.
      exif: EXIF bytes, without an orientation, or None.
    """

    pixels: np.ndarray
    mode: str
    format: str
    icc: bytes | None = None
    exif: bytes | None = None


def read_picture(source, name):
    """Reads a picture.

    Palettes and other colour spaces become RGB; greyscale, CMYK and the depth stay. Of a photograph with further
    views in its file (MPO) the first is read.

    Args:
      source: path, or the bytes of the file.
      name: what messages call it.

    Raises:
      DataError: if it is missing, damaged, no picture, has several frames, or too many pixels.
    """
    try:
        data = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
        with _without_warnings(), PIL.Image.open(io.BytesIO(data)) as image:
            if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
                raise DataError(f"{name}: {image.n_frames} frames or pages; only single pictures can be enlarged")
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
            return Picture(pixels, mode, kind, icc, exif.tobytes() if len(exif) else None)
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


@contextlib.contextmanager
def _without_warnings():
    """Holds back Pillow's warnings, of odd metadata and of many pixels below its limit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _is_deep(image):
    """Whether Pillow would reduce the depth of a picture that it has opened."""
    if isinstance(image, PIL.PngImagePlugin.PngImageFile):
        # The first tile's arguments are the raw mode of the file, which names 16-bit samples.
        return any("16" in str(tile[3]) for tile in image.tile)
    if isinstance(image, PIL.TiffImagePlugin.TiffImageFile):
        return max(image.tag_v2.get(_TIFF_BITS, (1,))) > 8
    return False


def _read_unusual_tiff(data, name):
    """Reads a TIFF whose samples Pillow does not know, such as RGB in floating point."""
    try:
        image = _open_deep(data)
        pages = image.get("n-pages") if "n-pages" in image.get_fields() else 1
        if pages > 1:
            raise DataError(f"{name}: {pages} frames or pages; only single pictures can be enlarged")
        if image.width * image.height > 2 * PIL.Image.MAX_IMAGE_PIXELS:
            raise DataError(f"{name}: more pixels than the limit against decompression bombs")
        mode, pixels = _read_deep(image, name)
        fields = image.get_fields()
        orientation = image.get("orientation") if "orientation" in fields else None
        icc = image.get("icc-profile-data") if "icc-profile-data" in fields else None
    except pyvips.Error as error:
        raise DataError(f"{name}: damaged or unreadable picture ({' '.join(str(error).split())})") from error
    return Picture(_turned(pixels, orientation), mode, "TIFF", icc)


def _open_deep(data):
    return pyvips.Image.new_from_buffer(data, "", fail_on="warning")


def _read_deep(image, name):
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


def _turned(pixels, orientation):
    """Turns an array as EXIF says: 2 to 4 mirror both axes, 5 to 8 swap them first; other values say nothing."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def from_pillow(image, name):
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
    if image.mode in ("I", "F"):
        raise DataError(f"{name}: samples of mode {image.mode} cannot be enlarged; 8 or 16 bits can")
    transparent = image.has_transparency_data
    mode = ("LA" if transparent else "L") if image.mode in _GREY_MODES else ("RGBA" if transparent else "RGB")
    return mode, np.asarray(image.convert(mode))


def to_pillow(pixels, mode):
    """Returns pixels of 8 bits, or 16 of greyscale, as a Pillow image.

    Args:
      pixels: array as in `Picture`.
      mode: mode as in `Picture`.
    """
    if mode == "CMYK":
        return PIL.Image.frombytes("CMYK", pixels.shape[1::-1], pixels.tobytes())
    return PIL.Image.fromarray(pixels)


def written_format(path):
    """Returns Pillow's name of the format of a file to be written.

    Args:
      path: the file.

    Raises:
      UsageError: if its suffix names no format that pictures are written in.
    """
    kind = output_format(path)
    if kind not in _WRITTEN:
        raise UsageError(f"{path}: {kind} does not hold pictures as they are; use .png, for example")
    return kind


def format_for(path, picture):
    """Returns Pillow's name of the format of a file, after checking that it can hold a picture.

    Args:
      path: the file to be written.
      picture: `Picture`.

    Raises:
      UsageError: if the suffix names no format that pictures are written in.
      DataError: if the format cannot hold the picture's transparency, depth or colour space.
    """
    kind = written_format(path)
    missing = cannot_hold(kind, picture)
    if missing:
        raise DataError(f"{path}: {kind} cannot hold {missing}; use .tif" + ("" if "CMYK" in missing else " or .png"))
    return kind


def cannot_hold(kind, picture):
    """Returns what of a picture a format cannot hold, in words, or None.

    Args:
      kind: Pillow's name of the format.
      picture: `Picture`.
    """
    if picture.mode == "CMYK":
        return None if kind in _HOLDS_CMYK else "CMYK"
    if picture.pixels.dtype == np.float32 and kind != "TIFF":
        return "floating-point samples"
    if picture.pixels.dtype == np.uint16 and kind not in _HOLDS_16_BITS:
        return "16 bits"
    if picture.mode in ("LA", "RGBA") and kind not in _HOLDS_TRANSPARENCY:
        return "transparency"
    return None


def own_format(picture):
    """Returns Pillow's name of the format of a result that has no name yet: the picture's own, or PNG.

    PNG stands for formats that are not written, or cannot hold the picture.

    Args:
      picture: `Picture`.
    """
    kept = picture.format in _WRITTEN and not cannot_hold(picture.format, picture)
    return picture.format if kept else "PNG"


def encode(picture, kind):
    """Returns a picture as the bytes of a file.

    Args:
      picture: `Picture`.
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


def _is_for_vips(picture, kind):
    return picture.pixels.dtype != np.uint8 or (kind in _STREAMED and picture.mode != "CMYK")


def _save_by_vips(picture, kind, path=None):
    """Writes a picture without EXIF to a file, with no further copy in memory; or returns its bytes without a path."""
    grey, colours = _INTERPRETATIONS[picture.pixels.dtype.name]
    interpretation = colours if picture.mode.startswith("RGB") else grey
    image = pyvips.Image.new_from_array(picture.pixels, interpretation=interpretation)
    image = image.copy(xres=_DOTS_PER_MM, yres=_DOTS_PER_MM)
    if picture.icc:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", picture.icc)
    name, options = _VIPS_SAVERS[kind]
    try:
        if path is None:
            return getattr(image, f"{name}_buffer")(keep="icc", **options)
        return getattr(image, name)(str(path), keep="icc", **options)
    except pyvips.Error as error:
        raise DataError(f"{kind} cannot hold this picture ({' '.join(str(error).split())})") from error


def _with_exif(data, kind, exif):
    """Puts EXIF into the bytes of a JPEG or PNG file as it is, behind the first segment or chunk."""
    if kind == "JPEG":
        if len(exif) > _LONGEST_SEGMENT:
            raise DataError(f"JPEG cannot hold this picture (its EXIF of {len(exif)} bytes is too long)")
        return data[:2] + struct.pack(">HH", 0xFFE1, len(exif) + 2) + exif + data[2:]
    chunk = b"eXIf" + exif.removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:_PNG_HEADER] + chunk + data[_PNG_HEADER:]


def _with_size(picture):
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


def write_picture(path, picture):
    """Writes a picture in the format of the file's suffix; the file appears complete or not at all.

    Args:
      path: the file.
      picture: `Picture`.

    Raises:
      UsageError: if the suffix names no format.
      DataError: if the format cannot hold the picture, or the file cannot be written.
    """
    kind = format_for(path, picture)
    with written_whole(path) as partial:
        if _is_for_vips(picture, kind) and not picture.exif:
            partial.touch()  # says what the system says where nothing can be written
            _save_by_vips(picture, kind, partial)
        else:
            partial.write_bytes(encode(picture, kind))
