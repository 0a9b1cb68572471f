"""Recognizes the format of a file, and reads its header and metadata."""

import dataclasses
import functools
import importlib.util
import itertools
from typing import TYPE_CHECKING, BinaryIO

import PIL.Image
import PIL.TiffImagePlugin
from PIL.TiffImagePlugin import TILELENGTH, TILEWIDTH

from srnet.errors import DataError
from srnet.images import heif, jpeg, jpeg2000, netpbm, png, tiff
from srnet.images.decode import Opened, check_pixels, open_by_vips
from srnet.images.metadata import (
    Metadata,
    comment_text,
    parse_directory,
    parse_exif,
    upright_xmp,
    xmp_orientation,
)
from srnet.images.resolution import has_only_resolution, valid_resolution

if TYPE_CHECKING:
    import pyvips

# What cameras, scanners, browsers and painting programs write. Of Pillow's other formats, EPS runs Ghostscript, IPTC
# opens its content as any format, ICO and ICNS contain pictures of other sizes than their header says, and several need
# a missing library. TGA, which has no signature, is tried last.
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
_DAMAGED = "damaged metadata is left out"


@functools.cache
def formats() -> tuple[str, ...]:
    """Returns Pillow's names for the supported input formats that the installed version reads."""
    PIL.Image.init()
    if importlib.util.find_spec("pillow_heif"):
        import pillow_heif  # optional

        pillow_heif.register_heif_opener()
    return tuple(kind for kind in _FORMATS if kind in PIL.Image.OPEN)


def open_picture(file: BinaryIO) -> Opened:
    """Opens a picture, and reads its header and metadata.

    Args:
      file: the file.

    Raises:
      DataError: for camera raw files, too many pixels, and channels or samples that cannot be enlarged.
      Exception: whatever a decoder raises for a file that is damaged or not a picture.
    """
    head = file.read(12)
    if head.startswith(png.SIGNATURE):
        return _open_png(file)
    if head[:4] in tiff.SIGNATURES:
        return _open_tiff(file)
    deep = netpbm.open_deep_image(file) if head[:2] in (b"P5", b"P6", b"Pf", b"PF") else None
    if deep:
        check_pixels(deep.width * deep.height)
        return Opened(deep, file)
    image = _open_by_pillow(file)
    if image.format == "JPEG2000":
        metadata, orientation, damaged = jpeg2000.read_metadata(file)
    else:
        metadata, orientation, damaged = _metadata_of(image)
    if image.format in ("AVIF", "HEIF") and not metadata.icc:  # which takes precedence there, but not in PNG
        metadata = dataclasses.replace(metadata, png_colors=heif.read_colors(file))
    notes: tuple[str, ...] = (_DAMAGED,) if damaged else ()
    xmp, extended = jpeg.without_extension(metadata.xmp)
    if extended:
        metadata = dataclasses.replace(metadata, xmp=xmp)
        notes += ("its extended XMP is left out",)
    return _with_xmp(Opened(image, file, metadata, orientation, notes))


def _open_by_pillow(file: BinaryIO) -> PIL.Image.Image:
    file.seek(0)
    return PIL.Image.open(file, formats=formats())


def _open_png(file: BinaryIO) -> Opened:
    rest, chunks, broken = png.split_metadata(file)
    metadata, orientation, damaged = png.read_metadata(chunks)
    rest.seek(24)
    bits = ord(rest.read(1) or b"\0")
    image = _open_by_pillow(rest)  # type: ignore[arg-type]
    key = image.info.get("transparency")
    if isinstance(key, int) and image.mode == "L":  # Pillow widens samples of 2 and 4 bits to 8, but not their key
        image.info["transparency"] = key * {2: 85, 4: 17}.get(bits, 1)
    notes = (_DAMAGED,) if broken or damaged else ()
    return _with_xmp(Opened(image, rest, metadata, orientation, notes))  # type: ignore[arg-type]


def _open_tiff(file: BinaryIO) -> Opened:
    """Opens a TIFF with Pillow, or with libvips if Pillow does not know its samples, such as floating-point RGB."""
    block = tiff.read_block(file)
    if tiff.is_raw(file, block):
        raise DataError(
            "a camera raw file, of which only the thumbnail can be read; develop it in a raw converter first"
        )
    exif, orientation, resolution, damaged = parse_directory(block)
    profile, xmp = block.tags.get(tiff.ICC), block.tags.get(tiff.XMP)
    iptc = block.tags.get(tiff.IPTC) or block.tags.get(tiff.PHOTOSHOP)
    metadata = Metadata(
        icc=profile.data if profile else None,
        exif=None if has_only_resolution(block) else exif,
        xmp=xmp.data if xmp else None,
        iptc=jpeg.iptc_records(iptc.data) if iptc else None,
        resolution=resolution,
    )
    notes: tuple[str, ...] = (_DAMAGED,) if damaged else ()
    if tiff.GEOREFERENCE & set(block.tags):
        notes += ("its georeferencing is left out, since it is valid only for the original size",)
    image: PIL.Image.Image | pyvips.Image
    try:
        image = _open_by_pillow(file)
    except PIL.UnidentifiedImageError:
        image = open_by_vips(file)
    if isinstance(image, PIL.TiffImagePlugin.TiffImageFile):
        # A tile is decoded whole, however small the picture is.
        width, length = (image.tag_v2.get(tag, 1) for tag in (TILEWIDTH, TILELENGTH))
        check_pixels(width * length)
        # While decoding, Pillow would read EXIF, fail if it is damaged, and turn the picture.
        image.getexif = PIL.Image.Exif  # type: ignore[method-assign]
        if hasattr(image, "_tile_size"):  # Pillow already reports the size of the turned picture
            image._size = image._tile_size
    return _with_xmp(Opened(image, file, metadata, orientation, notes))


def _metadata_of(image: PIL.Image.Image) -> tuple[Metadata, int | None, bool]:
    """The metadata of any other format, as read by Pillow, the orientation, and whether EXIF is damaged."""
    info = image.info
    if image.format == "PSD":
        resources = {number: data for number, _, data in getattr(image, "resources", ())}
        info = {**info, "exif": resources.get(1058), "xmp": resources.get(1060), "photoshop": resources}
    comments = [data for name, data in getattr(image, "applist", ()) if name == "COM"] or [info.get("comment")]
    exif, orientation, resolution, damaged = parse_exif(info.get("exif"))
    if "jfif_density" in info:
        resolution = valid_resolution(info["jfif_density"], info.get("jfif_unit", 0) + 1) or resolution
    elif "dpi" in info and image.format not in ("JPEG", "MPO"):  # in a JPEG it comes from EXIF
        resolution = valid_resolution(info["dpi"], 2) or resolution
    metadata = Metadata(
        icc=info.get("icc_profile") or None,
        exif=exif,
        xmp=_as_bytes(info.get("xmp")),
        iptc=_as_bytes(dict(info.get("photoshop") or {}).get(0x0404)),
        resolution=resolution,
        text=tuple(itertools.chain.from_iterable(map(comment_text, comments))),
    )
    return metadata, orientation, damaged


def _as_bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) and value else None


def _with_xmp(opened: Opened) -> Opened:
    """Uses XMP's orientation if EXIF has none, and resets it in XMP, since the pixels are turned upright."""
    xmp = opened.metadata.xmp
    orientation = opened.orientation or xmp_orientation(xmp)
    metadata = dataclasses.replace(opened.metadata, xmp=upright_xmp(xmp))
    return dataclasses.replace(opened, metadata=metadata, orientation=orientation)
