"""`srnet.enlarge`: any picture to any larger size, in one call."""

import functools
import pathlib
from collections.abc import Callable
from typing import TypeVar

import keras
import numpy as np
import PIL.Image

from srnet.errors import UsageError
from srnet.images.picture import Picture
from srnet.images.read import from_pillow, read_picture
from srnet.images.write import encode, own_format, to_pillow
from srnet.inference.batch import enlarge_file, find_jobs, upscalers_of
from srnet.inference.sizes import enlarge_picture, target_size
from srnet.inference.upscaler import Upscaler, check_array
from srnet.models.analysis import scale_of
from srnet.pretrained.cards import DEFAULT
from srnet.pretrained.load import loaders

Source = TypeVar("Source", str, pathlib.Path, bytes, PIL.Image.Image, np.ndarray)


def enlarge(
    source: Source,
    scale: float = 4,
    *,
    size: tuple[int, int] | None = None,
    network: str = DEFAULT,
    model: keras.Model | None = None,
    self_ensemble: bool = False,
    output: str | pathlib.Path | None = None,
    overwrite: bool = False,
) -> Source:
    """Enlarges a picture of any kind; the result is of the same kind.

    Args:
      source: path of a picture; bytes of a picture file; Pillow image; or array (H, W[, 1 to 4 channels]) of uint8,
        uint16, or floating point in [0, 1].
      scale: enlargement, above 1 and at most 64.
      size: exact (width, height) of the result, instead of the scale.
      network: name of a pretrained network, such as "plus" or "full".
      model: Keras model from LR to HR pixels, instead of a pretrained network.
      self_ensemble: whether the mean over the eight flips and rotations is taken; eight times the work.
      output: for a path: the file to write; photo.jpg becomes photo_x4.jpg beside it unless given.
      overwrite: for a path: whether that file may be replaced.

    Returns:
      The path of the result, its bytes, a Pillow image or an array. Bytes keep their format where it is one that
      pictures are written in, else they are PNG.

    Raises:
      UsageError: for a source, scale, size or network that cannot be used.
      DataError: if a file cannot be read or written, or the result does not fit the memory.
    """
    upscalers = _model_upscalers(model, self_ensemble) if model else _pretrained_upscalers(network, self_ensemble)
    exact = (size[1], size[0]) if size else None
    if isinstance(source, (str, pathlib.Path)):
        if pathlib.Path(source).is_dir():
            raise UsageError(f"{source} is a folder: srnet.enlarge takes one picture")
        label = f"{size[0]}x{size[1]}" if size else f"x{scale:g}"
        (job,), _ = find_jobs([str(source)], str(output) if output else None, False, lambda: label)
        enlarge_file(job, scale, exact, upscalers, overwrite)
        return type(source)(job.target)
    if output is not None:
        raise UsageError("output goes with a path; the result of anything else is returned")
    if isinstance(source, bytes):
        picture = _enlarged(read_picture(source), scale, exact, upscalers)
        return encode(picture, own_format(picture))
    if isinstance(source, PIL.Image.Image):
        mode, pixels = from_pillow(source, "the image")
        picture = _enlarged(Picture(pixels, mode), scale, exact, upscalers)
        image = to_pillow(picture.pixels, mode)
        image.info = {name: source.info[name] for name in ("icc_profile", "exif") if name in source.info}
        return image
    check_array(source)
    return _enlarged(Picture(source, ""), scale, exact, upscalers).pixels


def _enlarged(
    picture: Picture, scale: float, exact: tuple[int, int] | None, upscalers: dict[int, Callable[[], Upscaler]]
) -> Picture:
    return enlarge_picture(picture, target_size(picture.size, scale, exact), upscalers)


@functools.lru_cache(maxsize=4)
def _pretrained_upscalers(network: str, self_ensemble: bool) -> dict[int, Callable[[], Upscaler]]:
    return upscalers_of(loaders(network), self_ensemble=self_ensemble)


def _model_upscalers(model: keras.Model, self_ensemble: bool) -> dict[int, Callable[[], Upscaler]]:
    return upscalers_of({scale_of(model): lambda: model}, self_ensemble=self_ensemble)
