"""Whole pictures, enlarged by a network: any size, depth and kind, in tiles."""

import functools
import math

import keras
import numpy as np
import PIL.Image
import psutil
import scipy.ndimage
import tensorflow as tf

from srnet.data.pictures import from_pillow, to_pillow
from srnet.errors import UsageError
from srnet.inference import enlarge_colours, scale_of, self_ensemble
from srnet.models.layers import BicubicUpsampling
from srnet.models.receptive_field import alignment, largest_features, reach
from srnet.tiles import enlarge_in_tiles

PEAKS = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0, "float64": 1.0}
_BAND = 256  # rows
_CHROMA_REACH = 2  # LR pixels that bicubic interpolation reads beyond its own
_ENOUGH_MEMORY = 2**28  # bytes for the feature maps of a tile; larger tiles save a few per cent of the time
_SHARE_OF_MEMORY = 0.25


class Upscaler:
    """Enlarges pictures with a network.

    Luma is enlarged by the network, chroma and transparency by bicubic interpolation; a network of three channels does
    all colours. Colours that are hidden by full transparency are replaced by their nearest visible ones, so that none
    bleeds into an edge. A picture of any size is worked on in tiles, with the same result as in one piece.

    Args:
      model: Keras model from LR to HR pixels in [0, 255], of 1 or 3 channels, such as `srnet.load` returns.
      tile: side of a tile in LR pixels, at least 1; None for what fits a quarter of the free memory, and of a GiB.
      self_ensemble: whether the mean of the results for the eight flips and rotations is taken; eight times the work.

    Raises:
      UsageError: for a tile below 1, or what is no Keras model.
    """

    def __init__(self, model, tile=None, self_ensemble=False):
        if not isinstance(model, keras.Model):
            raise UsageError(f"a network must be a Keras model, such as srnet.load returns, not {type(model).__name__}")
        if tile is not None and tile < 1:
            raise UsageError(f"tile {tile} cannot be used: it must be at least 1")
        self.scale = scale_of(model)
        self._channels = model.input_shape[-1]
        self._multiple = alignment(model)
        self._margin = max(reach(model), _CHROMA_REACH)
        self._tile = tile or _fitting_tile(model, self._margin)
        self._self_ensemble = self_ensemble
        bicubic = BicubicUpsampling(self.scale, dtype="float32")
        self._bicubic = _compiled(bicubic, 1)
        self._luma = _compiled(lambda lr: model(lr, training=False), 1)
        self._colours = _compiled(lambda rgb: enlarge_colours(model, rgb), 3)

    def __call__(self, image, progress=None):
        """Enlarges one picture.

        Args:
          image: array (H, W) or (H, W, 1), greyscale; (H, W, 2) with transparency; (H, W, 3), RGB; or (H, W, 4) with
            transparency: uint8, uint16, or float32 or float64 in [0, 1]. Or a Pillow image of any mode but I and F.
          progress: callable (done, of) that is told the LR pixels that are done after each tile, or None.

        Returns:
          Array (scale*H, scale*W[, C]) of the same dtype, clipped to its range; or a Pillow image with the same colour
          profile and EXIF, of the same mode where that is L, LA, RGB, RGBA, CMYK or I;16, else of the nearest of them.

        Raises:
          UsageError: for an array of another shape, dtype or range.
          DataError: for a Pillow image whose samples have no known range.
        """
        if isinstance(image, PIL.Image.Image):
            mode, pixels = from_pillow(image, "the image")
            enlarged = to_pillow(enlarge_pixels(self, pixels, mode, progress), mode)
            enlarged.info = {name: image.info[name] for name in ("icc_profile", "exif") if name in image.info}
            return enlarged
        _check(image)
        if image.ndim == 3 and image.shape[2] in (2, 4):
            image = _with_hidden_colours_replaced(image, 2 * self._margin + _CHROMA_REACH)
        whole, done = image.shape[0] * image.shape[1], 0

        def advance(count):
            nonlocal done
            done += count
            if progress:
                progress(done, whole)

        return enlarge_in_tiles(self._enlarge, image, self.scale, self._tile, self._margin, self._multiple, advance)

    def _enlarge(self, crop):
        """Enlarges a crop that needs no tiles."""
        peak = PEAKS[crop.dtype.name]
        values = crop.reshape(*crop.shape[:2], -1).astype(np.float32) * np.float32(255 / peak)
        transparent = values.shape[2] in (2, 4)
        colours = values[..., :-1] if transparent else values
        enlarged = self._ensemble(colours) if self._self_ensemble else self._enlarge_colours(colours)
        if transparent:
            enlarged = np.concatenate([enlarged, self._bicubic(values[None, ..., -1:]).numpy()[0]], axis=2)
        enlarged = np.clip(enlarged * (peak / 255), 0, peak)
        if crop.dtype.kind == "u":
            enlarged = np.floor(enlarged + 0.5)
        return enlarged.astype(crop.dtype).reshape(*enlarged.shape[:2], *crop.shape[2:])

    def _enlarge_colours(self, colours):
        """float32 (h, w, 1 or 3) in [0, 255] to (scale*h, scale*w, 1 or 3), not clipped."""
        if colours.shape[2] == 3:
            return self._colours(colours[None]).numpy()[0]
        if self._channels == 1:
            return self._luma(colours[None]).numpy()[0]
        return self._colours(np.repeat(colours, 3, axis=2)[None]).numpy()[0].mean(axis=2, keepdims=True)

    def _ensemble(self, colours):
        """The mean over the eight flips and rotations."""
        height, width = colours.shape[:2]
        # A turned crop is worked on from its other end, so both ends must lie on the network's grid.
        ends = [(0, -size % self._multiple) for size in (height, width)]
        padded = np.pad(colours, [*ends, (0, 0)], mode="symmetric")
        return self_ensemble(self._enlarge_colours)(padded)[: height * self.scale, : width * self.scale]


def enlarge_pixels(upscaler, pixels, mode, progress=None):
    """Enlarges the pixels of a picture; each channel of CMYK as greyscale.

    Args:
      upscaler: `Upscaler`.
      pixels: array as in `srnet.data.pictures.Picture`.
      mode: mode as there.
      progress: callable (done, of) that is told enlarged LR pixels, or None.

    Returns:
      Array (scale*H, scale*W[, C]).
    """
    if mode != "CMYK":
        return upscaler(pixels, progress)
    enlarged = np.empty((*(upscaler.scale * side for side in pixels.shape[:2]), 4), pixels.dtype)
    for i in range(4):
        part = progress and (lambda done, whole, i=i: progress(i * whole + done, 4 * whole))
        enlarged[..., i] = upscaler(pixels[..., i], part)
    return enlarged


def upscalers_of(networks, **options):
    """Returns an `Upscaler` for each of several networks, made when it is first called for.

    Args:
      networks: dict from scales to callables that return a Keras model.
      **options: further arguments of `Upscaler`.

    Returns:
      A dict from scales to callables that return the `Upscaler`.
    """
    return {scale: functools.cache(lambda load=load: Upscaler(load(), **options)) for scale, load in networks.items()}


def _compiled(function, channels):
    return tf.function(function, input_signature=[tf.TensorSpec((None, None, None, channels), tf.float32)])


def _fitting_tile(model, margin):
    """The side of the tile whose feature maps fit the share of the free memory, or what is enough."""
    memory = min(_SHARE_OF_MEMORY * psutil.virtual_memory().available, _ENOUGH_MEMORY)
    bytes_per_pixel = 4 * largest_features(model) * 6  # about six feature maps of the largest size live at a time
    return max(math.isqrt(int(memory / bytes_per_pixel)) - 2 * margin, 1)


def _check(image):
    if not isinstance(image, np.ndarray):
        raise UsageError(f"{type(image).__name__} cannot be enlarged: it must be a NumPy array or a Pillow image")
    if image.dtype.name not in PEAKS:
        raise UsageError(f"an array of {image.dtype} cannot be enlarged: it must be uint8, uint16, float32 or float64")
    if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise UsageError(f"an array of shape {image.shape} cannot be enlarged: it must be (H, W) or (H, W, 1 to 4)")
    if image.dtype.kind == "f" and np.isnan(image.min()):
        raise UsageError("floating-point values that are not numbers (NaN): they must be within [0, 1]")
    if image.dtype.kind == "f" and not (image.min() >= 0 and image.max() <= 1):
        raise UsageError(f"floating-point values from {image.min()} to {image.max()}: they must be within [0, 1]")


def _with_hidden_colours_replaced(image, reach):
    """Gives hidden pixels their nearest visible colour, those within `reach` of a visible one at least.

    It works on bands of rows, since the distances to the nearest take many times the memory of the picture.
    """
    replaced = image.copy()
    for top in range(0, len(image), _BAND):
        first = max(0, top - reach)
        band = image[first : top + _BAND + reach]
        hidden = band[..., -1] == 0
        if hidden.any() and not hidden.all():
            nearest = scipy.ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
            colours = band[tuple(nearest)][top - first :][:_BAND, :, :-1]
            replaced[top : top + _BAND, :, :-1] = colours
    return replaced
