"""Bicubic interpolation, the baseline of every table."""

import numpy as np

from srnet.data.resize import imresize


def bicubic(lr, scale):
    """Enlarges by MATLAB's bicubic `imresize`.

    Args:
      lr: (H, W) or (H, W, 3) array in [0, 255].
      scale: integer enlargement.

    Returns:
      float32 array (scale*H, scale*W[, 3]), not rounded and not clipped.
    """
    return imresize(lr, scale).astype(np.float32)
