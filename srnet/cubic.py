"""The kernel of bicubic interpolation."""

import numpy as np


def cubic(x):
    """Keys' cubic convolution kernel with a = -0.5.

    Reference: R. Keys. Cubic convolution interpolation for digital image processing. IEEE TASSP 29(6), 1981.

    Args:
      x: array of distances in pixels; the kernel is 0 from 2 on.

    Returns:
      Array of weights of the same shape.
    """
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
