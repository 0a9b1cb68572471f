"""Reads pictures, keeping depth, transparency and metadata.

Pillow reads 8-bit pictures; libvips and `srnet.images.netpbm` read deeper ones, which Pillow would reduce to 8 bits.
`srnet.images.recognize` and the modules of the formats parse metadata, so that a picture with odd metadata can be read.

A file may be hostile: only listed formats are opened, and size, pixels and channels are checked from the header before
anything is decoded.
"""

import contextlib
import io
import os
import pathlib
import stat
import warnings
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import PIL.Image

from srnet.errors import DataError
from srnet.files import reason
from srnet.images import jpeg
from srnet.images.color import to_8_bits
from srnet.images.decode import (
    AXES_SWAPPED,
    Opened,
    check_single,
    decoded,
    describe_pixel_limit,
    is_lossless_webp,
    upright,
)
from srnet.images.metadata import without_lab_profile
from srnet.images.picture import Picture
from srnet.images.pillow import to_pillow
from srnet.images.recognize import formats, open_picture
from srnet.progress import note, stderr_into

# Bytes: 4 channels of 4 bytes for every pixel that Pillow's limit allows (179 million), and space for metadata.
LARGEST_FILE = 4 * 4 * 179 * 10**6 + 2**28

# Suffixes of other picture formats: photographs, camera raw files, drawings and projects.
_NAMED = 10  # files named in a note
_UNREAD = frozenset(
    f".{suffix}"
    for suffixes in (
        "heic heif hif jxl jxr wdp dng nef nrw arw sr2 srf cr2 cr3 crw orf rw2 raf pef srw 3fr iiq rwl x3f erf mef mos",
        "mrw kdc dcr gpr exr hdr svg svgz eps ps ai pdf ico icns psb xcf kra ora wmf emf fits fit djvu jpm flif bpg",
    )
    for suffix in suffixes.split()
)


def read_picture(
    source: str | pathlib.Path | bytes, name: str | pathlib.Path | None = None, first_frame: bool = False
) -> Picture:
    """Reads a picture.

    Palettes and other color spaces become RGB; grayscale, CMYK and the depth are kept. Of a photograph with several
    views (MPO), the first is read. A JPEG that lacks only its end is read, with a note.

    Args:
      source: path, or the bytes of the file.
      name: used in messages; by default the path, or "the picture" for bytes.
      first_frame: whether to read the first of several frames or pages; otherwise such a file is refused.

    Raises:
      DataError: if it is missing, damaged or not a picture, or has several frames or too many pixels.
    """
    name = name or ("the picture" if isinstance(source, bytes) else source)
    with _opened(source, name) as opened:
        if not first_frame:
            check_single(opened.image)
        mode, pixels, notes = decoded(opened)
        return Picture(
            upright(pixels, opened.orientation),
            mode,
            opened.format,
            without_lab_profile(opened.metadata),
            opened.format == "WEBP" and is_lossless_webp(opened.file),
            opened.notes + notes,
            jpeg.quality_of(opened.image),
        )


def read_quietly(source: str | pathlib.Path | bytes, name: str | pathlib.Path | None = None) -> Picture:
    """Reads a picture without the messages that libraries such as libtiff print about damaged files.

    It hides the messages of other threads, too, since it redirects standard error for the whole process.

    Args:
      source: as for `read_picture`.
      name: as for `read_picture`.

    Raises:
      DataError: as `read_picture`.
    """
    with pathlib.Path(os.devnull).open("wb") as nowhere, stderr_into(nowhere.fileno()):
        return read_picture(source, name)


def read_image(path: str | pathlib.Path) -> np.ndarray:
    """Reads a picture for training and evaluation: in 8 bits, upright, without transparency.

    Args:
      path: the file.

    Returns:
      uint8 array, (H, W) for a grayscale file and (H, W, 3) RGB for any other.

    Raises:
      DataError: as `read_picture`.
    """
    picture = read_picture(path, first_frame=True)
    pixels = to_8_bits(picture.pixels)
    if picture.mode == "CMYK":
        return np.asarray(to_pillow(pixels, "CMYK").convert("RGB"))
    if picture.mode == "LA":
        return pixels[..., 0]
    return pixels[..., :3] if picture.mode == "RGBA" else pixels


def read_size(path: str | pathlib.Path, name: str | pathlib.Path | None = None) -> tuple[int, int]:
    """Reads the (height, width) of a picture from its header, upright, as `read_image` returns it.

    Args:
      path: the file.
      name: used in messages; by default the path.

    Raises:
      DataError: as `read_picture`.
    """
    with _opened(path, name or path) as opened:
        width, height = opened.image.width, opened.image.height
        return (width, height) if opened.orientation in AXES_SWAPPED else (height, width)


def is_image_name(name: str) -> bool:
    """Tells whether a file name has the suffix of a supported input format, and is not hidden.

    Args:
      name: of the file, without its folder.
    """
    read = (*formats(), "MPO")  # MPO is opened as JPEG
    return not name.startswith(".") and PIL.Image.EXTENSION.get(pathlib.PurePath(name).suffix.lower()) in read


def is_unsupported_picture_name(name: str) -> bool:
    """Tells whether a file name has the suffix of an unsupported picture format, and is not hidden.

    Args:
      name: of the file, without its folder.
    """
    suffix = pathlib.PurePath(name).suffix.lower()
    return not name.startswith(".") and suffix in _UNREAD and not is_image_name(name)


def note_unsupported(folder: str | pathlib.Path, names: Sequence[str]) -> None:
    """Prints a line that names the pictures of a folder in unsupported formats, if there are any.

    Args:
      folder: the folder.
      names: names of its files for which `is_unsupported_picture_name` is true.
    """
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        note(f"{folder}: skipped {', '.join(names[:_NAMED])}{more}; unsupported formats")


@contextlib.contextmanager
def _opened(source: str | pathlib.Path | bytes, name: str | pathlib.Path) -> Iterator[Opened]:
    """Yields a picture whose header has been read and checked; any error, also in the block, becomes a DataError."""
    try:
        with _without_warnings(), _open_file(source) as file:
            yield open_picture(file)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    except PIL.UnidentifiedImageError as error:
        raise DataError(f"{name}: not a picture in a format that can be read") from error
    except PIL.Image.DecompressionBombError as error:
        raise DataError(f"{name}: {describe_pixel_limit()}") from error
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({reason(error)})") from error
    except MemoryError as error:
        raise DataError(f"{name}: not enough memory") from error
    except Exception as error:  # decoders raise anything for damaged files
        raise DataError(f"{name}: damaged or unreadable picture ({' '.join(str(error).split())})") from error


@contextlib.contextmanager
def _open_file(source: str | pathlib.Path | bytes) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        _check_size(len(source))
        yield io.BytesIO(source)
        return
    _check_status(pathlib.Path(source).stat())  # before opening, which makes some devices act
    # Without blocking, should a FIFO take its place meanwhile.
    with open(source, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
        _check_status(os.fstat(file.fileno()))
        yield file


def _check_status(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise DataError("not a regular file")
    _check_size(status.st_size)


def _check_size(size: int) -> None:
    if size > LARGEST_FILE:
        raise DataError(f"larger than {LARGEST_FILE / 2**30:.1f} GiB, more than any supported picture needs")


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppresses Pillow's warnings about odd metadata, and about many pixels below its limit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
