"""PSNR, SSIM and the protocol that the field's published figures follow.

The HR picture is cropped to a multiple of the scale; its luma (BT.601 as MATLAB's `rgb2ycbcr`, 8 bits) is reduced by
MATLAB's bicubic `imresize` in double precision; the method's result is rounded to 8 bits; `scale` pixels are shaved
off each border; PSNR has peak 255, SSIM an 11x11 Gaussian window of sigma 1.5 with K1 0.01 and K2 0.03 where it fits
whole; a set's figure is the mean over its images.
"""

import dataclasses
import time

import numpy as np
import skimage.metrics

from srnet.data.images import crop_to_multiple, read_image, round_to_uint8, to_luma, to_rgb
from srnet.data.resize import imresize
from srnet.errors import DataError

PROTOCOL = (
    "luma of BT.601 as MATLAB's rgb2ycbcr; LR by MATLAB's antialiased bicubic imresize in double precision; "
    "result rounded to 8 bits; scale pixels shaved off each border; "
    "PSNR peak 255; SSIM 11x11 Gaussian, sigma 1.5; mean over images"
)


@dataclasses.dataclass(frozen=True)
class ImageScore:
    """What one method gives on one image: PSNR in dB, SSIM up to 1, and the seconds that the method took."""

    image: str
    psnr: float
    ssim: float
    seconds: float


def psnr(reference, image):
    """Peak signal-to-noise ratio for peak 255, in dB; infinite for equal images.

    Args:
      reference: (H, W) array in [0, 255].
      image: array of the same shape.
    """
    difference = np.asarray(reference, np.float64) - np.asarray(image, np.float64)
    error = np.mean(difference**2)
    return float(10 * np.log10(255.0**2 / error)) if error else float("inf")


def ssim(reference, image):
    """Mean structural similarity with the window of Wang et al. (2004) where it fits whole.

    Args:
      reference: (H, W) array in [0, 255], H and W at least 11.
      image: array of the same shape.

    Raises:
      DataError: if the images are smaller than the window.
    """
    if min(reference.shape) < 11:
        raise DataError(f"SSIM needs at least 11x11 pixels, not {reference.shape[1]}x{reference.shape[0]}")
    return float(
        skimage.metrics.structural_similarity(
            np.asarray(reference, np.float64),
            np.asarray(image, np.float64),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
    )


def degrade(image, scale, channels=1):
    """Makes the (LR, HR) pair of the benchmark recipe from one picture.

    Args:
      image: uint8 (H, W) or (H, W, 3).
      scale: integer reduction.
      channels: 1 for luma, 3 for RGB.

    Returns:
      lr, float32 (H // scale, W // scale[, 3]), not rounded, and hr, the cropped uint8 original.
    """
    hr = crop_to_multiple(to_luma(image) if channels == 1 else to_rgb(image), scale)
    return imresize(hr, 1 / scale).astype(np.float32), hr


def measurable_image(path, scale):
    """Reads a picture that is to be measured.

    Args:
      path: the HR picture file.
      scale: integer enlargement.

    Returns:
      uint8 array (H, W) or (H, W, 3).

    Raises:
      DataError: if it cannot be read, or is too small for the protocol at this scale; the message names it.
    """
    image = read_image(path)
    height, width = image.shape[:2]
    if min(height, width) // scale * scale < 11 + 2 * scale:
        raise DataError(f"{path}: {width}x{height} is too small to measure at x{scale}")
    return image


def compare_luma(hr, sr, scale):
    """Returns (PSNR, SSIM) of a result by the protocol.

    Args:
      hr: uint8 (H, W) or (H, W, 3), the original.
      sr: array of the same shape, the method's result in [0, 255]; it is rounded to 8 bits first.
      scale: the enlargement, and the pixels shaved off each border.
    """
    shave = (slice(scale, -scale),) * 2
    reference, image = to_luma(hr)[shave], to_luma(round_to_uint8(sr))[shave]
    return psnr(reference, image), ssim(reference, image)


def evaluate(method, paths, scale, channels=1):
    """Puts a method through the protocol, one image after the other.

    Args:
      method: callable from float32 LR luma (H, W) in [0, 255] to (scale*H, scale*W); with `channels=3` from RGB to RGB.
      paths: the HR picture files.
      scale: integer enlargement.
      channels: image channels that the method takes, 1 or 3.

    Yields:
      An `ImageScore` for each file.

    Raises:
      DataError: for a file that cannot be read or is too small; the message names it.
    """
    for path in paths:
        lr, hr = degrade(measurable_image(path, scale), scale, channels)
        start = time.perf_counter()
        sr = method(lr)
        seconds = time.perf_counter() - start
        yield ImageScore(path.name, *compare_luma(hr, sr, scale), seconds)
