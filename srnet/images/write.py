"""Writes pictures, keeping depth, transparency and metadata where the format can hold them.

libvips writes PNG, JPEG, and TIFF of more than 8 bits; `srnet.images.netpbm` writes PGM, PPM and PFM of more than 8
bits; Pillow writes the rest, including CMYK JPEG. The modules of the formats add the metadata, except for WebP, AVIF
and BMP, where Pillow does.
"""

import io
import os
import pathlib
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import pyvips

from srnet.errors import DataError
from srnet.files import atomic_write, reason
from srnet.images import jpeg, jpeg2000, netpbm, png, tiff
from srnet.images.file_formats import beyond_limits, check_holds, fit_to_format, output_format
from srnet.images.metadata import Metadata, exif_for, to_tiff_block
from srnet.images.picture import Picture
from srnet.images.pillow import to_pillow
from srnet.images.resolution import RESOLUTION_TAGS

_VIPS_SAVERS: dict[str, tuple[str, dict[str, object]]] = {
    "PNG": ("pngsave_target", {"compression": 3, "filter": "up"}),  # photographs: smaller and faster than 6 and none
    "JPEG": ("jpegsave_target", {"Q": 95, "subsample_mode": "off"}),
    "TIFF": ("tiffsave_target", {"compression": "deflate"}),
}
_INTERPRETATIONS = {"uint8": ("b-w", "srgb"), "uint16": ("grey16", "rgb16"), "float32": ("b-w", "scrgb")}
_QUALITY: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "AVIF": {"quality": 90, "subsampling": "4:4:4"},
    "TIFF": {"compression": "tiff_deflate"},
}
_LOSSLESS_WEBP: dict[str, object] = {"lossless": True, "exact": True}


def encode(picture: Picture, kind: str, quality: int | None = None) -> bytes:
    """Encodes a picture as the bytes of a file.

    Args:
      picture: `srnet.images.picture.Picture`.
      kind: Pillow's name for a format that can hold it.
      quality: as for `write_picture`.

    Raises:
      DataError: if the picture exceeds a limit of the format, such as on its size, or cannot be converted to it.
    """
    file = io.BytesIO()
    _save(file, fit_to_format(picture, kind)[0], kind, quality)
    return file.getvalue()


def _save(file: BinaryIO, picture: Picture, kind: str, quality: int | None = None) -> None:
    """Writes a picture that fits its format to an empty file that is open for reading and writing."""
    beyond = beyond_limits(picture, kind, picture.size)
    if beyond:
        raise DataError(f"{kind} cannot hold {beyond}")
    metadata = picture.metadata
    exif = exif_for(metadata, picture.size, kind in ("WEBP", "AVIF"))
    deep = picture.pixels.dtype != np.uint8
    if kind == "PPM" and deep:
        file.write(netpbm.to_bytes(picture.pixels))
    elif kind == "PNG":
        beginning = png.file_head(metadata, exif)
        _save_by_vips(picture, kind, file, lambda data: png.spliced(data, beginning))
    elif kind == "JPEG":
        beginning = jpeg.file_head(metadata, exif)
        if picture.mode == "CMYK":
            file.write(jpeg.spliced(_pillow_bytes(picture, kind, quality), beginning) or b"")
        else:
            chosen = {"Q": quality} if quality else {}
            _save_by_vips(picture, kind, file, lambda data: jpeg.spliced(data, beginning), **chosen)
    elif kind == "TIFF":
        if deep:
            _save_by_vips(picture, kind, file, None)
        else:
            file.write(_pillow_bytes(picture, kind))
        tiff.append_tags(file, to_tiff_block(metadata, picture.size), RESOLUTION_TAGS)
    elif kind == "JPEG2000":
        file.write(jpeg2000.with_metadata(_pillow_bytes(picture, kind), metadata, exif))
    else:
        file.write(_pillow_bytes(picture, kind, quality, **_pillow_options(metadata, exif, kind)))


def _pillow_options(metadata: Metadata, exif: bytes | None, kind: str) -> dict[str, object]:
    """The metadata, as options for Pillow."""
    if kind == "BMP":
        known = metadata.resolution
        return {"dpi": known.per(2)} if known and known.unit != 1 else {}
    content = {"icc_profile": metadata.icc, "exif": exif, "xmp": metadata.xmp}
    return {name: value for name, value in content.items() if value} if kind in ("WEBP", "AVIF") else {}


def _pillow_bytes(picture: Picture, kind: str, quality: int | None = None, **options: object) -> bytes:
    usual = _QUALITY.get(kind, {})
    if quality and "quality" in usual:
        options = {**usual, "quality": quality, **options}
    else:
        options = {**(_LOSSLESS_WEBP if kind == "WEBP" and picture.lossless else usual), **options}
    file = io.BytesIO()
    try:
        to_pillow(picture.pixels, picture.mode).save(file, format=kind, **options)
    except Exception as error:  # encoders raise anything
        raise DataError(f"{kind} cannot hold this picture ({reason(error)})") from error
    return file.getvalue()


def _save_by_vips(
    picture: Picture, kind: str, file: BinaryIO, spliced: Callable[[bytes], bytes | None] | None, **chosen: object
) -> None:
    """Writes the pixels to a file, without another copy in memory.

    `spliced` changes the beginning of the file once enough of it has been written.
    """
    grey, colors = _INTERPRETATIONS[picture.pixels.dtype.name]
    interpretation = colors if picture.mode.startswith("RGB") else grey
    image = pyvips.Image.new_from_array(picture.pixels, interpretation=interpretation)
    output = _Output(file, spliced)
    target = pyvips.TargetCustom()
    target.on_write(output.write)
    if spliced is None:  # in a TIFF, libvips seeks back
        target.on_read(output.read)
        target.on_seek(output.seek)
    name, options = _VIPS_SAVERS[kind]
    try:
        getattr(image, name)(target, keep="none", **{**options, **chosen})
        output.finish()
    except pyvips.Error as error:
        if output.error:
            raise output.error from error
        raise DataError(f"{kind} cannot be written ({' '.join(str(error).split())})") from error


class _Output:
    """A file that libvips writes to; it stores an error, since exceptions cannot pass through libvips."""

    def __init__(self, file: BinaryIO, spliced: Callable[[bytes], bytes | None] | None):
        self.error: OSError | None = None
        self._file = file
        self._spliced = spliced
        self._beginning = b""

    def write(self, data: bytes) -> int:
        try:
            if self.error is None:
                self._write(bytes(data))
                return len(data)
        except OSError as error:
            self.error = error
        return -1

    def _write(self, data: bytes) -> None:
        if self._spliced is None:
            self._file.write(data)
            return
        self._beginning += data
        changed = self._spliced(self._beginning)
        if changed is not None:
            self._file.write(changed)
            self._spliced = None

    def finish(self) -> None:
        """Raises a stored error; otherwise flushes the file."""
        if self.error:
            raise self.error
        self._file.flush()

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int) -> int:
        return self._file.seek(offset, whence)


def write_picture(
    path: str | pathlib.Path, picture: Picture, overwrite: bool = True, quality: int | None = None
) -> None:
    """Writes a picture in the format of the file's suffix; the file appears complete or not at all.

    Args:
      path: the file.
      picture: `srnet.images.picture.Picture`.
      overwrite: whether an existing file may be replaced.
      quality: from 1 to 100, for JPEG, WebP (by default 95) and AVIF (90); a picture from lossless WebP stays lossless
        there by default.

    Raises:
      UsageError: if the suffix is not that of an output format.
      DataError: if the format cannot hold the picture, or the file cannot be written.
    """
    check_holds(path, picture)
    kind = output_format(path)
    picture, _ = fit_to_format(picture, kind)
    with atomic_write(path, overwrite) as partial, partial.open("w+b") as file:
        _save(file, picture, kind, quality)


def write_standard_output(picture: Picture, kind: str, quality: int | None = None) -> None:
    """Writes a picture to standard output.

    Args:
      picture: the picture.
      kind: Pillow's name for a format that can hold it.
      quality: as for `write_picture`.

    Raises:
      DataError: if it cannot be written.
    """
    data = encode(picture, kind, quality)
    try:
        # A separate file object: sys.stdout would try to write again at exit.
        with os.fdopen(os.dup(1), "wb") as file:
            file.write(data)
    except OSError as error:
        raise DataError(f"standard output: cannot be written ({reason(error)})") from error


def write_image(path: str | pathlib.Path, image: np.ndarray) -> None:
    """Writes an array as a picture; the file appears complete or not at all.

    Args:
      path: the file; its folder is created if missing.
      image: uint8 array (H, W) or (H, W, 3).

    Raises:
      UsageError: if the suffix is not that of an output format.
      DataError: if the file cannot be written.
    """
    write_picture(path, Picture(image, "L" if image.ndim == 2 else "RGB"))
