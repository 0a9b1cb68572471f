"""The reader of pictures: depth, transparency and what a file says about its picture are kept.

Pillow reads 8-bit pictures, libvips those of 16 bits or floating point, which Pillow would reduce to 8 bits. What the
files say beside the pixels is read here and by the modules of their formats, so that no oddity there refuses a picture.

A file may be hostile: it is opened in listed formats alone, and its size, pixels and channels are checked from its
header before anything is decoded.
"""

import contextlib
import dataclasses
import functools
import importlib.util
import io
import math
import os
import pathlib
import stat
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import PIL.TiffImagePlugin

from srnet.errors import DataError
from srnet.files import reason
from srnet.images import heif, jpeg, jpeg2000, netpbm, png, tiff
from srnet.images.color import change_depth
from srnet.images.metadata import (
    Metadata,
    comment_text,
    has_only_resolution,
    of_block,
    parse_exif,
    sane,
    upright_xmp,
    xmp_orientation,
)
from srnet.images.parts import PartsOfFile
from srnet.images.picture import Picture
from srnet.images.pillow import from_pillow

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
    "HEIF",  # where pillow-heif is installed
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
# Suffixes of pictures in other formats: photographs, cameras' raw files, drawings and projects.
_UNREAD = frozenset(
    f".{suffix}"
    for suffixes in (
        "heic heif hif jxl jxr wdp dng nef nrw arw sr2 srf cr2 cr3 crw orf rw2 raf pef srw 3fr iiq rwl x3f erf mef mos",
        "mrw kdc dcr gpr exr hdr svg svgz eps ps ai pdf ico icns psb xcf kra ora wmf emf fits fit djvu jpm flif bpg",
    )
    for suffix in suffixes.split()
)
_MODE_OF_CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_TURNED = (5, 6, 7, 8)  # orientations that swap the axes
_TIFF_BITS, _TILE_WIDTH, _TILE_LENGTH = 258, 322, 323
_LAST_ROWS = 16  # of a JPEG: two rows of blocks, or one where the chroma is of half the size
_DAMAGED = "damaged metadata is left out"
_VIPS_TYPES = {"uchar": "uint8", "ushort": "uint16", "float": "float32"}


@dataclasses.dataclass(frozen=True)
class _Opened:
    """A picture whose header has been read and checked.

    Attributes:
      image: as its decoder has it.
      file: what the decoder reads.
      metadata: what the file says about it.
      orientation: as EXIF counts, or None.
      notes: as in `Picture`.
    """

    image: "PIL.Image.Image | pyvips.Image | netpbm.Deep"
    file: BinaryIO
    metadata: Metadata = Metadata()
    orientation: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def format(self) -> str:
        """Pillow's name of the format; MPO, a JPEG with further views, is one."""
        if isinstance(self.image, PIL.Image.Image):
            return "JPEG" if self.image.format == "MPO" else self.image.format or "PNG"
        return "PPM" if isinstance(self.image, netpbm.Deep) else "TIFF"


def read_picture(
    source: str | pathlib.Path | bytes, name: str | pathlib.Path | None = None, first_frame: bool = False
) -> Picture:
    """Reads a picture.

    Palettes and other color spaces become RGB; grayscale, CMYK and the depth stay. Of a photograph with further
    views in its file (MPO) the first is read. A JPEG that lacks its last bytes is read, and noted.

    Args:
      source: path, or the bytes of the file.
      name: what messages call it; the path unless given.
      first_frame: whether the first of several frames or pages is read; otherwise such a file is refused.

    Raises:
      DataError: if it is missing, damaged, no picture, has several frames, or too many pixels.
    """
    name = name or ("the picture" if isinstance(source, bytes) else source)
    with _opened(source, name) as opened:
        if not first_frame:
            _check_single(opened.image, name)
        mode, pixels, notes = _decoded(opened, name)
        return Picture(
            _turned(pixels, opened.orientation),
            mode,
            opened.format,
            opened.metadata,
            opened.format == "WEBP" and _is_lossless(opened.file),
            opened.notes + notes,
        )


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
    with _opened(path, path) as opened:
        width, height = opened.image.width, opened.image.height
        return (width, height) if opened.orientation in _TURNED else (height, width)


def count_pixels(path: str | pathlib.Path, name: str | pathlib.Path) -> int:
    """Returns the number of a picture's pixels; nothing is decoded.

    Args:
      path: the file.
      name: what messages call it.

    Raises:
      DataError: as `read_picture`.
    """
    with _opened(path, name) as opened:
        return opened.image.width * opened.image.height


def is_image_name(name: str) -> bool:
    """Tells whether a file name has the suffix of a format that is read, and is not hidden."""
    read = (*_formats(), "MPO")  # which is opened as JPEG
    return not name.startswith(".") and PIL.Image.EXTENSION.get(pathlib.PurePath(name).suffix.lower()) in read


def is_unread_picture_name(name: str) -> bool:
    """Tells whether a file name has the suffix of a picture format that is not read, and is not hidden."""
    suffix = pathlib.PurePath(name).suffix.lower()
    return not name.startswith(".") and suffix in _UNREAD and not is_image_name(name)


@functools.cache
def _formats() -> tuple[str, ...]:
    """The formats that a file may have, as far as this version of Pillow reads them."""
    PIL.Image.init()
    if importlib.util.find_spec("pillow_heif"):
        import pillow_heif  # an extra

        pillow_heif.register_heif_opener()
    return tuple(kind for kind in _FORMATS if kind in PIL.Image.OPEN)


@contextlib.contextmanager
def _opened(source: str | pathlib.Path | bytes, name: str | pathlib.Path) -> Iterator[_Opened]:
    """Yields a picture, its header read and checked; whatever is raised then becomes a DataError."""
    try:
        with _without_warnings(), _open_file(source, name) as file:
            yield _recognized(file, name)
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


def _recognized(file: BinaryIO, name: str | pathlib.Path) -> _Opened:
    """Opens a picture and reads what its file says about it, in the way of its format."""
    head = file.read(12)
    if head.startswith(png.SIGNATURE):
        return _open_png(file)
    if head[:4] in tiff.SIGNATURES:
        return _open_tiff(file, name)
    deep = netpbm.open_deep(file) if head[:2] in (b"P5", b"P6", b"Pf", b"PF") else None
    if deep:
        _check_pixels(deep.width * deep.height, name)
        return _Opened(deep, file)
    image = _open_by_pillow(file)
    if image.format == "JPEG2000":
        metadata, orientation, damaged = jpeg2000.read_metadata(file)
    else:
        metadata, orientation, damaged = _metadata_of(image)
    if image.format in ("AVIF", "HEIF"):
        metadata = dataclasses.replace(metadata, png_colors=heif.read_colors(file))
    return _with_xmp(_Opened(image, file, metadata, orientation, (_DAMAGED,) if damaged else ()))


def _open_by_pillow(file: BinaryIO) -> PIL.Image.Image:
    file.seek(0)
    return PIL.Image.open(file, formats=_formats())


def _open_png(file: BinaryIO) -> _Opened:
    rest, chunks, broken = png.take_apart(file)
    metadata, orientation, damaged = png.read_metadata(chunks)
    image = _open_by_pillow(rest)  # type: ignore[arg-type]
    notes = (_DAMAGED,) if broken or damaged else ()
    return _with_xmp(_Opened(image, rest, metadata, orientation, notes))  # type: ignore[arg-type]


def _open_tiff(file: BinaryIO, name: str | pathlib.Path) -> _Opened:
    """Opens a TIFF by Pillow; by libvips one of samples that Pillow does not know, such as RGB of floats."""
    block = tiff.read_block(file)
    if tiff.is_raw(file, block):
        raise DataError(f"{name}: a camera's raw file, of which only the thumbnail could be read; develop it first")
    exif, orientation, resolution, damaged = of_block(block)
    profile, xmp, iptc = (block.tags.get(tag) for tag in (tiff.ICC, tiff.XMP, tiff.IPTC))
    metadata = Metadata(
        icc=profile.data if profile else None,
        exif=None if has_only_resolution(block) else exif,
        xmp=xmp.data if xmp else None,
        iptc=iptc.data if iptc else None,
        resolution=resolution,
    )
    notes: tuple[str, ...] = (_DAMAGED,) if damaged else ()
    if tiff.GEOREFERENCE & set(block.tags):
        notes += ("its georeference is left out, which is that of the smaller picture's pixels",)
    image: PIL.Image.Image | pyvips.Image
    try:
        image = _open_by_pillow(file)
    except PIL.UnidentifiedImageError:
        image = _open_by_vips(file, name)
    if isinstance(image, PIL.TiffImagePlugin.TiffImageFile):
        # A tile is decoded whole, however small the picture is.
        _check_pixels(image.tag_v2.get(_TILE_WIDTH, 1) * image.tag_v2.get(_TILE_LENGTH, 1), name)
        # Pillow reads it while it decodes, fails where it is damaged, and turns the picture.
        image.getexif = PIL.Image.Exif  # type: ignore[method-assign]
    return _with_xmp(_Opened(image, file, metadata, orientation, notes))


def _metadata_of(image: PIL.Image.Image) -> tuple[Metadata, int | None, bool]:
    """What a file of another format says, as Pillow has read it, its orientation, and whether EXIF is damaged."""
    info = image.info
    if image.format == "PSD":
        resources = {number: data for number, _, data in getattr(image, "resources", ())}
        info = {**info, "exif": resources.get(1058), "xmp": resources.get(1060), "photoshop": resources}
    exif, orientation, resolution, damaged = parse_exif(info.get("exif"))
    if "jfif_density" in info:
        resolution = sane(info["jfif_density"], info.get("jfif_unit", 0) + 1) or resolution
    elif "dpi" in info and image.format not in ("JPEG", "MPO"):  # there it is EXIF's
        resolution = sane(info["dpi"], 2) or resolution
    metadata = Metadata(
        icc=info.get("icc_profile") or None,
        exif=exif,
        xmp=_as_bytes(info.get("xmp")),
        iptc=_as_bytes(dict(info.get("photoshop") or {}).get(0x0404)),
        resolution=resolution,
        text=comment_text(info.get("comment")),
    )
    return metadata, orientation, damaged


def _as_bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) and value else None


def _with_xmp(opened: _Opened) -> _Opened:
    """Takes the orientation from XMP where EXIF has none, and from XMP what is applied to the pixels."""
    xmp = opened.metadata.xmp
    orientation = opened.orientation or xmp_orientation(xmp)
    metadata = dataclasses.replace(opened.metadata, xmp=upright_xmp(xmp))
    return dataclasses.replace(opened, metadata=metadata, orientation=orientation)


def _is_lossless(file: BinaryIO) -> bool:
    """Whether the first picture of a WebP file is coded without loss."""
    place = 12
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8 or head[:4] in (b"VP8 ", b"VP8L"):
            return head[:4] == b"VP8L"
        size = int.from_bytes(head[4:], "little")
        place += 8 + size + size % 2


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


def _check_single(image: "PIL.Image.Image | pyvips.Image | netpbm.Deep", name: str | pathlib.Path) -> None:
    if isinstance(image, PIL.Image.Image):
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    elif isinstance(image, netpbm.Deep):
        frames = 1
    else:
        frames = image.get("n-pages") if "n-pages" in image.get_fields() else 1
    if frames > 1:
        raise DataError(f"{name}: {frames} frames or pages; only single pictures can be enlarged")


def _open_by_vips(file: BinaryIO, name: str | pathlib.Path) -> "pyvips.Image":
    """Opens a PNG or TIFF by libvips, and checks from its header that its pixels can be enlarged."""
    import pyvips  # few pictures need it, and 8-bit training none

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


def _decoded(opened: _Opened, name: str | pathlib.Path) -> tuple[str, np.ndarray, tuple[str, ...]]:
    """Mode, pixels and notes."""
    image = opened.image
    if isinstance(image, netpbm.Deep):
        return _MODE_OF_CHANNELS[image.bands], _in_range(image.pixels(), name), ()
    if not isinstance(image, PIL.Image.Image):
        return *_from_vips(image, name), ()
    if _is_deep(image):
        return *_from_vips(_open_by_vips(opened.file, name), name), ()
    try:
        image.load()
        return *from_pillow(image, name), ()
    except OSError:
        ended = _without_end(opened)
        if ended is None:
            raise
        with PIL.Image.open(io.BytesIO(ended), formats=("JPEG",)) as whole:
            return *from_pillow(whole, name), ("the end of the file is missing; the last rows may be damaged",)


def _without_end(opened: _Opened) -> bytes | None:
    """A JPEG that lacks its end, with one, where little of the picture is missing; else None."""
    if opened.format != "JPEG":
        return None
    opened.file.seek(0)
    data = opened.file.read()
    before = jpeg.before_refinement(data)
    sound = _is_sound(data + jpeg.END, _LAST_ROWS) or (before is not None and _is_sound(before + jpeg.END, 0))
    return data + jpeg.END if sound else None


def _is_sound(data: bytes, without: int) -> bool:
    """Whether a JPEG is decoded without a complaint, all but its last rows."""
    import pyvips

    try:
        image = pyvips.Image.jpegload_buffer(data, fail_on="warning", access="sequential")
        rows = image.height - without if image.height > without else image.height
        image.crop(0, 0, image.width, rows).avg()
    except pyvips.Error:
        return False
    return True


def _from_vips(image: "pyvips.Image", name: str | pathlib.Path) -> tuple[str, np.ndarray]:
    pixels = image.numpy()
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    return _MODE_OF_CHANNELS[image.bands], _in_range(pixels, name)


def _in_range(pixels: np.ndarray, name: str | pathlib.Path) -> np.ndarray:
    if pixels.dtype.kind == "f" and not (pixels.min() >= 0 and pixels.max() <= 1):
        raise DataError(f"{name}: floating-point values from {pixels.min()} to {pixels.max()}, not within [0, 1]")
    return pixels


def _turned(pixels: np.ndarray, orientation: int | None) -> np.ndarray:
    """Turns an array as EXIF says: 2 to 4 mirror both axes, 5 to 8 swap them first; other values say nothing."""
    if orientation in _TURNED:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
