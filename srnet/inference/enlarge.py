"""`srnet.enlarge`: any picture to any larger size, in one call."""

import functools
import numbers
import os
import pathlib
from collections.abc import Callable
from typing import TypeVar

import keras
import numpy as np
import PIL.Image

from srnet.errors import DataError, UsageError
from srnet.images.file_formats import natural_format
from srnet.images.jpeg import quality_of
from srnet.images.picture import Picture
from srnet.images.pillow import from_pillow, info_of, to_pillow
from srnet.images.read import read_picture
from srnet.images.write import encode
from srnet.inference.batch import enlarge_file, write_file
from srnet.inference.choice import Chooser, Upscalers, default_scale, fixed_chooser, per_picture_chooser, upscalers_of
from srnet.inference.jobs import STANDARD, find_jobs, is_folder
from srnet.inference.passes import enlarge_picture, target_size
from srnet.inference.upscaler import Upscaler, check_array
from srnet.precision import AUTO
from srnet.pretrained import cards
from srnet.pretrained.load import loaders

Source = TypeVar("Source", str, pathlib.Path, bytes, PIL.Image.Image, np.ndarray)


def enlarge(
    source: Source,
    scale: float | None = None,
    *,
    size: tuple[int, int] | None = None,
    network: str | None = None,
    model: keras.Model | None = None,
    self_ensemble: bool = False,
    precision: str = AUTO,
    tile: int | None = None,
    quality: int | None = None,
    output: str | pathlib.Path | None = None,
    overwrite: bool = False,
) -> Source:
    """Enlarges a picture of any kind; the result is of the same kind.

    Args:
      source: path of a picture; bytes of a picture file; Pillow image; or array (H, W[, 1 to 4 channels]) of uint8,
        uint16, or floating point in [0, 1].
      scale: enlargement, from 1 (the same size, cleaned by `photo`) to 64; by default 4, or the scale of `model`.
      size: exact (width, height) of the result, instead of the scale.
      network: name of a pretrained network, such as "plus"; by default "auto", which uses "photo" for a JPEG of quality
        95 or lower and, in a path or bytes, a lossy WebP, else "plus".
      model: Keras model from LR to HR pixels, instead of a pretrained network.
      self_ensemble: whether to average over the eight flips and rotations; eight times the work.
      precision: of the computation, as for `srnet.Upscaler`.
      tile: as for `srnet.Upscaler`.
      quality: for a path or bytes: of a JPEG, WebP or AVIF result, from 1 to 100; by default 95 (AVIF: 90).
      output: for a path: the file to write, or a folder, where it keeps its name; by default, photo.jpg becomes
        photo_x4.jpg beside it.
      overwrite: for a path: whether that file may be replaced.

    Returns:
      The path of the result, its bytes, a Pillow image or an array. Bytes keep their format if it is an output format
      that can hold the result; otherwise they become PNG, or TIFF if PNG cannot hold it.

    Raises:
      UsageError: for a source, scale, size or network that cannot be used.
      DataError: if a file cannot be read or written, or the result does not fit into memory.
    """
    if scale is not None and size is not None:
        raise UsageError("scale and size cannot both be given")
    if quality is not None and not (isinstance(quality, int) and 1 <= quality <= 100):
        raise UsageError(f"quality {quality!r} cannot be used: it must be an integer from 1 to 100")
    upscalers = _upscalers(network, model, self_ensemble, precision, tile)
    choose = fixed_chooser(upscalers)
    if model is None and cards.is_auto(network):
        choose = per_picture_chooser(lambda name: _pretrained_upscalers(name, self_ensemble, precision, tile))
    scale = default_scale(upscalers) if scale is None else scale
    _check_numbers(scale, size)
    scale, exact = float(scale), (size[1], size[0]) if size else None
    size_of = functools.partial(target_size, scale=scale, exact=exact)
    if isinstance(source, (str, pathlib.Path)):
        if str(source) == STANDARD or is_folder(source):
            raise UsageError(f"{source} is not a file: srnet.enlarge takes one picture")
        if str(output) == STANDARD:
            raise UsageError("output - is not a file: give bytes instead of a path to get bytes")
        label = f"{size[0]}x{size[1]}" if size else f"x{scale:g}"
        jobs, failed = find_jobs([str(source)], str(output) if output else None, False, lambda: label)
        if failed:
            raise UsageError(failed[0])
        (job,) = jobs
        if not overwrite and os.path.lexists(job.target):
            raise DataError(f"{job.target} exists; overwrite=True replaces it")
        write_file(enlarge_file(job, size_of, choose, overwrite), overwrite, quality)
        return type(source)(job.target)
    if output is not None:
        raise UsageError("output requires a path as source; other results are returned")
    if isinstance(source, bytes):
        picture = _enlarged(read_picture(source), size_of, choose)
        return encode(picture, natural_format(picture), quality)
    if quality is not None:
        raise UsageError("quality requires a path or bytes as source; other results are not files")
    if isinstance(source, PIL.Image.Image):
        mode, pixels = from_pillow(source)
        picture = _enlarged(Picture(pixels, mode, jpeg_quality=quality_of(source)), size_of, choose)
        image = to_pillow(picture.pixels, mode)
        image.info = info_of(source)
        return image
    if not isinstance(source, np.ndarray):
        kind = type(source).__name__
        raise UsageError(f"{kind} cannot be enlarged: give a path, bytes of a file, a Pillow image or a NumPy array")
    check_array(source)
    return _enlarged(Picture(source, ""), size_of, choose).pixels


def _enlarged(picture: Picture, size_of: Callable[[tuple[int, int]], tuple[int, int]], choose: Chooser) -> Picture:
    return enlarge_picture(picture, size_of(picture.size), choose(picture).upscalers)


def _check_numbers(scale: float, size: tuple[int, int] | None) -> None:
    if not isinstance(scale, numbers.Real):
        raise UsageError(f"scale {scale!r} cannot be used: it must be a number")
    pair = isinstance(size, (tuple, list)) and len(size) == 2
    if size is not None and not (pair and all(isinstance(side, numbers.Integral) and side >= 1 for side in size)):
        raise UsageError(f"size {size!r} cannot be used: it must be (width, height) in pixels")


def _upscalers(
    network: str | None, model: keras.Model | None, self_ensemble: bool, precision: str, tile: int | None
) -> Upscalers:
    if model is None:
        name = cards.DEFAULT if network is None or cards.is_auto(network) else network
        return _pretrained_upscalers(name, self_ensemble, precision, tile)
    if network is not None:
        raise UsageError("network and model cannot both be given")
    upscaler = Upscaler(model, tile, self_ensemble, precision=precision)
    if upscaler.scale < 2:
        raise UsageError(f"the model enlarges x{upscaler.scale}: srnet.enlarge needs at least x2")
    return {upscaler.scale: lambda: upscaler}


@functools.lru_cache(maxsize=4)
def _pretrained_upscalers(network: str, self_ensemble: bool, precision: str, tile: int | None) -> Upscalers:
    return upscalers_of(loaders(network), tile, self_ensemble, precision)
