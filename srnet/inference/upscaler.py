"""Enlarges whole pictures of any size, depth and kind with a network, tile by tile."""

import math
from collections.abc import Callable
from typing import TypeVar

import keras
import numpy as np
import PIL.Image
import tensorflow as tf

from srnet.errors import UsageError
from srnet.images.color import PEAKS, quantize
from srnet.images.pillow import from_pillow, info_of, to_pillow
from srnet.inference.memory import free_memory
from srnet.inference.method import self_ensemble
from srnet.inference.rgb import enlarge_colors, to_uint8, upscale_rgb
from srnet.inference.tile_size import CHROMA_REACH, aligned_margin, bytes_per_pixel, fitting_tile, tile_margin
from srnet.inference.tiles import Tile, round_down
from srnet.inference.transparency import is_flat, replace_hidden_colors, weighted
from srnet.models.analysis import alignment, scale_of
from srnet.models.layers import BicubicUpsampling
from srnet.models.mixed_precision import with_precision
from srnet.models.rules import UnboundedError
from srnet.precision import AUTO, resolve_precision
from srnet.progress import Progress

Image = TypeVar("Image", np.ndarray, PIL.Image.Image)

_SHARE_OF_MEMORY = 0.25
_SMALLEST = "not enough memory for the smallest tile"
_WHOLE = "not enough memory for the whole picture, which this network needs"


class Upscaler:
    """Enlarges pictures with a network.

    A luma network enlarges luma and transparency; chroma is enlarged by bicubic interpolation. An RGB network enlarges
    all colors, but gray pictures as luma, since it would tint them. Colors are weighted by their opacity, so that
    hidden ones do not bleed into edges. Tiles have a margin of the network's reach, so that the result equals that of
    the whole picture, up to rounding. If that takes too much memory (`esrgan`), the margin is 64 LR pixels, and pixels
    further away are ignored. Networks in which every pixel depends on the whole picture, such as `rcan`, enlarge it in
    one piece.

    Args:
      model: Keras model from LR to HR pixels in [0, 255], of 1 or 3 channels, such as `srnet.load` returns.
      tile: LR pixels, at least 1; tiles have at most the area of a square with this side. None for a size that is large
        enough and fits into a quarter of the free memory. Ignored for networks that need the whole picture, unless a
        margin is given.
      self_ensemble: whether to average over the eight flips and rotations; eight times the work.
      margin: minimum margin of tiles, in LR pixels. It is required for networks with layers that
        `srnet.models.analysis` does not know, and gives `esrgan` a larger margin than 64. With it, a network that
        depends on the whole picture works in tiles, which changes its results.
      precision: "float32"; "mixed_bfloat16" or "mixed_float16", for which the network is copied; or "auto", the fastest
        on this machine.

    Attributes:
      scale: the network's enlargement, an integer.

    Raises:
      UsageError: for a tile or margin below 1, an unknown precision, anything but a functional Keras model of one
        input and one output, a network whose margin is unknown, or one that cannot be copied in another precision.
    """

    def __init__(
        self,
        model: keras.Model,
        tile: int | None = None,
        self_ensemble: bool = False,
        margin: int | None = None,
        precision: str = AUTO,
    ):
        if not isinstance(model, keras.Model) or not hasattr(model, "inputs"):
            kind = type(model).__name__
            raise UsageError(f"a network must be a functional Keras model, such as srnet.load returns, not {kind}")
        if len(model.inputs) != 1 or len(model.outputs) != 1:
            raise UsageError(f"network {model.name!r} cannot be used: it must have one input and one output")
        for name, value in (("tile", tile), ("margin", margin)):
            if value is not None and value < 1:
                raise UsageError(f"{name} {value} cannot be used: it must be at least 1")
        self.scale = scale_of(model)
        self._channels = model.input_shape[-1]
        self._multiple = alignment(model)
        known = _known_margin(model, margin)
        self._whole = known is None
        self._bytes_per_pixel = bytes_per_pixel(model)
        self._margin = aligned_margin(model, margin or 0, known or 0)
        largest = tile or fitting_tile(model, self._margin, _SHARE_OF_MEMORY * free_memory())
        self._tile = round_down(largest, self._multiple)
        self._self_ensemble = self_ensemble
        self._bicubic = _compiled(BicubicUpsampling(self.scale, dtype="float32"), 1)
        fast = _in_precision(model, precision)

        def uint8_luma(lr: tf.Tensor) -> tf.Tensor:
            return to_uint8(fast(tf.cast(lr, tf.float32), training=False))

        self._luma = _compiled(lambda lr: fast(lr, training=False), 1)
        self._rgb = _compiled(lambda rgb: enlarge_colors(fast, rgb), 3)
        self._uint8 = {3: _compiled(lambda rgb: upscale_rgb(fast, rgb), 3, tf.uint8)}
        if self._channels == 1:
            self._uint8[1] = _compiled(uint8_luma, 1, tf.uint8)

    def __call__(self, image: Image, progress: Progress | None = None) -> Image:
        """Enlarges one picture.

        Args:
          image: array (H, W) or (H, W, 1), grayscale; (H, W, 2) with transparency; (H, W, 3), RGB; or (H, W, 4) with
            transparency: uint8, uint16, or float32 or float64 in [0, 1]. Or a Pillow image of any mode but I and F.
          progress: callable that receives the share done, up to 1, after each tile, or None.

        Returns:
          Array (scale*H, scale*W[, C]) of the same dtype, clipped to its range; or a Pillow image with the same
          metadata, of the same mode if that is L, LA, RGB, RGBA, CMYK or I;16, else of the nearest of them.

        Raises:
          UsageError: for an array of another shape, dtype or range, or a Pillow image without pixels.
          DataError: for a Pillow image whose samples have no known range.
          MemoryError: if there is not enough memory for the smallest tile, or for the whole picture if the network
            needs that.
        """
        if not isinstance(image, PIL.Image.Image):
            check_array(image)
            return self.enlarge(image, "", progress)
        mode, pixels = from_pillow(image)
        enlarged = to_pillow(self.enlarge(pixels, mode, progress), mode)
        enlarged.info = info_of(image)
        return enlarged

    def enlarge(self, pixels: np.ndarray, mode: str, progress: Progress | None = None) -> np.ndarray:
        """Enlarges the pixels of a picture; each channel of CMYK as grayscale.

        Args:
          pixels: array as in `srnet.images.picture.Picture`.
          mode: mode as in `Picture`; only "CMYK" makes a difference, any other follows from the number of channels.
          progress: as for a call.

        Returns:
          Array (scale*H, scale*W[, C]).

        Raises:
          MemoryError: if there is not enough memory for the smallest tile, or for the whole picture if the network
            needs that.
        """
        if self._channels == 3 and mode != "CMYK" and _is_neutral(pixels):
            gray = self.enlarge(pixels[..., 2:], "", progress)
            return np.concatenate([gray[..., :1], gray[..., :1], gray], axis=2)
        if self._whole:
            _check_memory(self._bytes_per_pixel * math.prod(pixels.shape[:2]))
        planes = [pixels[..., i] for i in range(4)] if mode == "CMYK" else [pixels]
        whole, done = sum(plane.shape[0] * plane.shape[1] for plane in planes), 0
        output = np.empty((self.scale * pixels.shape[0], self.scale * pixels.shape[1], *pixels.shape[2:]), pixels.dtype)
        for i, plane in enumerate(planes):
            result = output[..., i] if mode == "CMYK" else output
            transparent = plane.ndim == 3 and plane.shape[2] in (2, 4)
            seen = max(plane.shape[:2]) if self._whole else 2 * self._margin + CHROMA_REACH
            shown = replace_hidden_colors(plane, seen) if transparent else plane
            waiting = [Tile(0, 0, plane.shape[0], plane.shape[1], self._margin)]
            while waiting:
                tile = waiting.pop()
                tile, *others = [tile] if self._whole else tile.split(self._tile, self._multiple)
                waiting += reversed(others)
                try:
                    enlarged = self._enlarge_crop(shown[tile.crop], plane[tile.crop])
                except tf.errors.ResourceExhaustedError as error:
                    if self._whole or self._tile == self._multiple:
                        raise MemoryError(_WHOLE if self._whole else _SMALLEST) from error
                    self._tile = round_down(self._tile // 2, self._multiple)
                    waiting.append(tile)
                    continue
                result[tile.target(self.scale)] = enlarged[tile.inner(self.scale)]
                done += tile.area
                if progress:
                    progress(done / whole)
        return output

    def _enlarge_crop(self, shown: np.ndarray, crop: np.ndarray) -> np.ndarray:
        """Enlarges a crop in one piece; `shown` is the crop with its hidden colors replaced."""
        channels = crop.shape[2] if crop.ndim == 3 else 1
        if crop.dtype == np.uint8 and channels in self._uint8 and not self._self_ensemble:
            enlarged = self._uint8[channels](crop.reshape(1, *crop.shape[:2], channels)).numpy()[0]
            return enlarged.reshape(*enlarged.shape[:2], *crop.shape[2:])
        peak = PEAKS[crop.dtype.name]
        values = _as_levels(shown, peak)
        transparent = values.shape[2] in (2, 4)
        colors = values[..., :-1] if transparent else values
        sharpen = self._ensemble if self._self_ensemble else self._enlarge_colors
        enlarged = sharpen(colors)
        if transparent:
            opacity = values[..., -1:]
            enlarged_opacity = self._interpolate(opacity)
            if opacity.min() < 255:
                unweighted = self._interpolate(colors)
                own = _as_levels(crop, peak)[..., :-1]
                enlarged = enlarged + weighted(self._interpolate, own, opacity / 255, unweighted) - unweighted
                flat = is_flat(opacity).repeat(self.scale, axis=0).repeat(self.scale, axis=1)
                enlarged_opacity = np.where(flat, enlarged_opacity, sharpen(opacity))
            enlarged = np.concatenate([enlarged, enlarged_opacity], axis=2)
        enlarged = quantize(enlarged * (peak / 255), crop.dtype)
        return enlarged.reshape(*enlarged.shape[:2], *crop.shape[2:])

    def _interpolate(self, values: np.ndarray) -> np.ndarray:
        """float32 (h, w, C) to (scale*h, scale*w, C) by bicubic interpolation, not clipped."""
        planes = np.moveaxis(values, -1, 0)[..., None]
        return np.moveaxis(self._bicubic(planes).numpy()[..., 0], 0, -1)

    def _enlarge_colors(self, colors: np.ndarray) -> np.ndarray:
        """float32 (h, w, 1 or 3) in [0, 255] to (scale*h, scale*w, 1 or 3), not clipped."""
        if colors.shape[2] == 3:
            return self._rgb(colors[None]).numpy()[0]
        if self._channels == 1:
            return self._luma(colors[None]).numpy()[0]
        return self._rgb(np.repeat(colors, 3, axis=2)[None]).numpy()[0].mean(axis=2, keepdims=True)

    def _ensemble(self, colors: np.ndarray) -> np.ndarray:
        """The mean over the eight flips and rotations."""
        height, width = colors.shape[:2]
        # A rotated crop begins at its other end, so both ends must lie on the network's grid.
        ends = [(0, -size % self._multiple) for size in (height, width)]
        padded = np.pad(colors, [*ends, (0, 0)], mode="symmetric")
        return self_ensemble(self._enlarge_colors)(padded)[: height * self.scale, : width * self.scale]


def check_array(image: np.ndarray) -> None:
    """Checks that an array is a picture.

    Args:
      image: what the caller gave.

    Raises:
      UsageError: if it is not an array, or of a shape, dtype or range that `Upscaler` does not take.
    """
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


def _is_neutral(pixels: np.ndarray) -> bool:
    """Whether a picture in RGB is a gray one, which an RGB network would tint."""
    colors = pixels[..., :3]
    return colors.shape[2:] == (3,) and bool((colors[..., :1] == colors[..., 1:]).all())


def _as_levels(pixels: np.ndarray, peak: float) -> np.ndarray:
    """float32 (h, w, C) in [0, 255]."""
    return pixels.reshape(*pixels.shape[:2], -1).astype(np.float32) * np.float32(255 / peak)


def _compiled(
    function: Callable[[tf.Tensor], tf.Tensor], channels: int, dtype: tf.DType = tf.float32
) -> Callable[[np.ndarray], tf.Tensor]:
    signature = [tf.TensorSpec((None, None, None, channels), dtype)]
    return tf.function(function, input_signature=signature, autograph=False)  # there is no Python control flow in it


def _known_margin(model: keras.Model, margin: int | None) -> int | None:
    """The margin of tiles, None for the whole picture; 0 if one is given and the reach is unknown or unbounded."""
    try:
        return tile_margin(model)
    except UnboundedError:
        return None if margin is None else 0
    except TypeError as error:
        if margin is None:
            raise UsageError(f"{error}; in Python, pass srnet.Upscaler a margin, or see docs/extending.md") from error
        return 0


def _in_precision(model: keras.Model, precision: str) -> keras.Model:
    """The network in a precision; with "auto", one that cannot be copied stays in float32."""
    try:
        return with_precision(model, resolve_precision(precision))
    except TypeError as error:
        if precision != AUTO:
            raise UsageError(f"{error}: only precision float32 can be used") from error
        return model


def _check_memory(needed: float) -> None:
    """Raises a MemoryError if enlarging a picture in one piece takes more than the free memory."""
    free = free_memory()
    if needed > free:
        size = f"{needed / 2**30:.1f} GiB in one piece, {free / 2**30:.1f} are free"
        raise MemoryError(f"{_WHOLE}: {size}")
