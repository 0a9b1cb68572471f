"""Enlarging RGB pictures as TensorFlow graphs: for the tiles of `Upscaler`, and for exported models."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from srnet.images.color import YCBCR_MATRIX, YCBCR_OFFSET
from srnet.inference.tile_size import aligned_margin, fitting_tile, tile_margin
from srnet.inference.tiles import round_down
from srnet.models.analysis import alignment, scale_of
from srnet.models.layers import BicubicUpsampling


def enlarge_colors(model: keras.Model, rgb: tf.Tensor) -> tf.Tensor:
    """Enlarges RGB pictures: luma by the network, chroma by bicubic interpolation; an RGB network enlarges all.

    Args:
      model: Keras model from LR to HR pixels in [0, 255], of 1 or 3 channels.
      rgb: float32 tensor (N, H, W, 3) in [0, 255].

    Returns:
      float32 tensor (N, scale*H, scale*W, 3), neither rounded nor clipped.
    """
    if model.input_shape[-1] == 3:
        return model(rgb, training=False)
    inverse = np.linalg.inv(YCBCR_MATRIX)
    luma = model(_combined(rgb, YCBCR_MATRIX[:1]) + YCBCR_OFFSET[0], training=False) - YCBCR_OFFSET[0]
    chroma = BicubicUpsampling(scale_of(model), dtype="float32")(_combined(rgb, YCBCR_MATRIX[1:]))
    return luma * inverse[0, 0] + _combined(chroma, inverse[:, 1:])  # luma contributes equally to all three colors


def _combined(channels: tf.Tensor, matrix: np.ndarray) -> tf.Tensor:
    return tf.tensordot(channels, tf.constant(matrix.T, tf.float32), 1)


def upscale_rgb(model: keras.Model, rgb: tf.Tensor) -> tf.Tensor:
    """Enlarges RGB pictures as `enlarge_colors` does, from and to 8 bits.

    Args:
      model: as for `enlarge_colors`.
      rgb: uint8 tensor (N, H, W, 3).

    Returns:
      uint8 tensor (N, scale*H, scale*W, 3).
    """
    return to_uint8(enlarge_colors(model, tf.cast(rgb, tf.float32)))


def to_uint8(values: tf.Tensor) -> tf.Tensor:
    """Rounds and clips a float32 tensor to uint8, as `srnet.images.color.quantize` does an array.

    Args:
      values: in gray levels.
    """
    return tf.cast(tf.clip_by_value(tf.floor(values + 0.5), 0.0, 255.0), tf.uint8)


def upscale_photo(model: keras.Model, rgb: tf.Tensor) -> tf.Tensor:
    """Enlarges one picture of any size, tile by tile; memory holds a tile and two to four times the result.

    Args:
      model: as for `enlarge_colors`.
      rgb: uint8 tensor (H, W, 3).

    Returns:
      uint8 tensor (scale*H, scale*W, 3), as from `upscale_rgb` for the whole picture, apart from what `tile_margin`
      leaves out.

    Raises:
      TypeError: for a network with a layer whose reach is unknown or unbounded.
    """
    multiple, scale = alignment(model), scale_of(model)
    margin = aligned_margin(model, tile_margin(model))
    side = round_down(fitting_tile(model, margin), multiple)
    shape = tf.shape(rgb)

    def pieces(length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """How many equal pieces cover a length, and their length."""
        count = -(-length // side)
        return count, -(-length // (count * multiple)) * multiple

    def window(start: tf.Tensor, piece: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """The bounds of a piece with its margin, and of the piece in the enlarged result of that."""
        first, stop = tf.maximum(start - margin, 0), tf.minimum(start + piece, length)
        inner = (start - first) * scale
        return first, tf.minimum(stop + margin, length), inner, inner + (stop - start) * scale

    (rows, down), (columns, across) = pieces(shape[0]), pieces(shape[1])

    def concatenated(count: tf.Tensor, make: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
        """The results of make(0), make(1), ..., computed one at a time and joined along the first axis."""
        parts = tf.TensorArray(tf.uint8, count, infer_shape=False, element_shape=(None, None, 3))
        _, parts = tf.while_loop(
            lambda i, _: i < count,
            lambda i, parts: (i + 1, parts.write(i, make(i))),
            (tf.constant(0), parts),
            parallel_iterations=1,
        )
        return parts.concat()

    def strip(row: tf.Tensor) -> tf.Tensor:
        top, bottom, above, below = window(row * down, down, shape[0])

        def tile(column: tf.Tensor) -> tf.Tensor:
            left, right, before, behind = window(column * across, across, shape[1])
            made = upscale_rgb(model, rgb[None, top:bottom, left:right])[0, above:below, before:behind]
            return tf.transpose(made, (1, 0, 2))

        return tf.transpose(concatenated(columns, tile), (1, 0, 2))

    return tf.ensure_shape(concatenated(rows, strip), (None, None, 3))
