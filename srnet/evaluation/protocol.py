"""PSNR, SSIM and the evaluation protocol that the field's published figures follow.

1. Crop the HR picture to a multiple of the scale.
2. Take its luma (BT.601 as MATLAB's `rgb2ycbcr`, 8 bits) and downscale it by MATLAB's bicubic `imresize` in double
   precision.
3. Round the method's result to 8 bits and shave `scale` pixels off each border.
4. PSNR has peak 255; SSIM an 11x11 Gaussian window of sigma 1.5, only where it fits entirely, K1 0.01 and K2 0.03.
5. Take the mean over the images of a set.

With a degradation other than "bicubic", the LR picture is made from the RGB picture, in 8 bits, and its luma is taken
afterwards. The degradation's random numbers depend only on the picture. A grayscale picture is its own luma, also for
RGB networks.
"""

import dataclasses
import hashlib
import math
import pathlib
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import skimage.metrics

from srnet.data.degradation import degrade
from srnet.errors import DataError, UsageError
from srnet.images.color import in_channels, rgb_to_ycbcr, round_to_uint8, to_luma, to_rgb, ycbcr_to_rgb
from srnet.images.read import read_image
from srnet.images.resize import crop_to_multiple, imresize
from srnet.registration import register_function

_LUMA = "luma of BT.601 as MATLAB's rgb2ycbcr; "
_MEASURE = (
    "result rounded to 8 bits; scale pixels shaved off each border; "
    "PSNR peak 255; SSIM 11x11 Gaussian, sigma 1.5; mean over images"
)
PROTOCOL = f"{_LUMA}LR by MATLAB's antialiased bicubic imresize in double precision; {_MEASURE}"
DEGRADED_PROTOCOL = f"{_LUMA}LR of RGB in 8 bits by the degradation named; {_MEASURE}"


@dataclasses.dataclass(frozen=True)
class ImageScore:
    """The scores of one method on one image.

    Attributes:
      image: file name.
      values: dict from metrics to values, such as psnr in dB and ssim up to 1.
      seconds: time that the method took.
    """

    image: str
    values: dict[str, float]
    seconds: float


def psnr(reference: np.ndarray, image: np.ndarray) -> float:
    """Peak signal-to-noise ratio for peak 255, in dB; infinite for equal images.

    Args:
      reference: (H, W) array in [0, 255].
      image: array of the same shape.
    """
    difference = np.asarray(reference, np.float64) - np.asarray(image, np.float64)
    error = np.mean(difference**2)
    return float(10 * np.log10(255.0**2 / error)) if error else float("inf")


def ssim(reference: np.ndarray, image: np.ndarray) -> float:
    """Mean structural similarity with the window of Wang et al. (2004), only where it fits entirely.

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


Metric = Callable[[np.ndarray, np.ndarray], float]

METRICS: dict[str, Metric] = {"psnr": psnr, "ssim": ssim}  # of luma
COLOR_METRICS: dict[str, Metric] = {"psnr_rgb": psnr}  # of RGB
DEFAULT_METRICS = ("psnr", "ssim")


def register_metric(name: str, metric: Metric, channels: int = 1) -> None:
    """Registers a metric for `evaluate` and `srnet.evaluate --metrics`.

    Args:
      name: used in results.
      metric: callable from the original and the result to a number.
      channels: 1 for a metric of luma, of uint8 arrays (H, W); 3 for one of RGB, of uint8 arrays (H, W, 3).

    Raises:
      UsageError: if another metric has that name, or for another number of channels.
    """
    if channels not in (1, 3):
        raise UsageError(f"channels {channels} cannot be used: choose 1 (luma) or 3 (RGB)")
    own, others = (COLOR_METRICS, METRICS) if channels == 3 else (METRICS, COLOR_METRICS)
    if name in others:
        raise UsageError(f"metric {name!r} is registered already: choose another name")
    register_function(own, "metric", name, metric)


def check_metrics(names: Sequence[str]) -> None:
    """Checks that metrics are registered.

    Args:
      names: names of metrics.

    Raises:
      UsageError: if one is not, or there are none.
    """
    known = [*METRICS, *COLOR_METRICS]
    for name in names:
        if name not in known:
            raise UsageError(f"metric {name!r} is unknown: choose from {', '.join(known)}")
    if not names:
        raise UsageError(f"no metrics: choose from {', '.join(known)}")


def benchmark_pair(
    image: np.ndarray, scale: int, channels: int = 1, degradation: str = "bicubic"
) -> tuple[np.ndarray, np.ndarray]:
    """Makes the LR and HR image of the protocol from one picture.

    Args:
      image: uint8 (H, W) or (H, W, 3).
      scale: integer downscaling factor.
      channels: 1 for luma, 3 for RGB.
      degradation: as for `srnet.data.degradation.find_degradation`.

    Returns:
      lr, float32 (H // scale, W // scale[, 3]), rounded only if degraded, and hr, the cropped uint8 original, (H, W)
      for luma and for a grayscale picture.
    """
    picture = crop_to_multiple(image, scale)
    hr = to_luma(picture) if channels == 1 else picture
    if degradation == "bicubic":
        lr = imresize(hr, 1 / scale)
    else:
        pixels = np.ascontiguousarray(picture if picture.ndim == 3 else picture[..., None])
        seed = int.from_bytes(hashlib.sha256(pixels.tobytes()).digest()[:8], "little")
        lr = degrade(pixels, scale, degradation, np.random.default_rng(seed))
    lr = in_channels(lr, channels).astype(np.float32)
    return lr[..., 0] if channels == 1 else lr, hr


def read_benchmark_image(path: pathlib.Path, scale: int) -> np.ndarray:
    """Reads an image to evaluate.

    Args:
      path: the HR picture file.
      scale: integer scale factor.

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


def compare_luma(
    hr: np.ndarray, sr: np.ndarray, scale: int, metrics: Sequence[str] = DEFAULT_METRICS
) -> dict[str, float]:
    """Returns the luma metrics of a result by the protocol.

    Args:
      hr: uint8 (H, W) or (H, W, 3), the original.
      sr: array of the same shape, the method's result in [0, 255]; it is rounded to 8 bits first.
      scale: the enlargement, and the pixels shaved off each border.
      metrics: names in `METRICS`.
    """
    reference, image = to_luma(hr), to_luma(round_to_uint8(sr))
    return {name: _measure(name, METRICS[name], reference, image, scale) for name in metrics}


def mean_score(values: Sequence[float]) -> float:
    """Returns the mean of the finite values; without any, NaN if a value is NaN, else infinity.

    The PSNR of a picture that a method reproduces exactly, such as a flat one, is infinite.

    Args:
      values: a metric's values of several images.
    """
    finite = [value for value in values if math.isfinite(value)]
    if finite:
        return float(np.mean(finite))
    return math.nan if any(map(math.isnan, values)) else math.inf


def evaluate(
    method: Callable[[np.ndarray], np.ndarray],
    paths: Sequence[pathlib.Path],
    scale: int,
    channels: int = 1,
    metrics: Sequence[str] = DEFAULT_METRICS,
    degradation: str = "bicubic",
) -> Iterator[ImageScore]:
    """Evaluates a method by the protocol, image by image.

    Args:
      method: callable from float32 LR luma (H, W) in [0, 255] to (scale*H, scale*W); with `channels=3` from RGB to RGB,
        whose channels are averaged for a grayscale picture.
      paths: the HR image files.
      scale: integer scale factor.
      channels: image channels that the method takes, 1 or 3.
      metrics: names in `METRICS` and `COLOR_METRICS`; for those of RGB, the chroma of a luma method is enlarged
        bicubically.
      degradation: as for `benchmark_pair`.

    Yields:
      An `ImageScore` for each file.

    Raises:
      DataError: for a file that cannot be read or is too small, or whose LR image is too large for the free memory; the
        message names it.
      UsageError: for a metric that is not registered.
    """
    check_metrics(metrics)
    for path in paths:
        image = read_benchmark_image(path, scale)
        lr, hr = benchmark_pair(image, scale, channels, degradation)
        start = time.perf_counter()
        try:
            sr = method(lr)
        except MemoryError as error:
            size = f"{lr.shape[1]}x{lr.shape[0]}"
            raise DataError(f"{path}: not enough memory to enlarge {size} at x{scale} in one piece") from error
        seconds = time.perf_counter() - start
        sr = with_channels_of(hr, sr)
        values = compare_luma(hr, sr, scale, [name for name in metrics if name in METRICS])
        colors = [name for name in metrics if name in COLOR_METRICS]
        if colors:
            original, result = crop_to_multiple(image, scale), in_color(sr, image, scale, degradation)
            values |= _compare_colors(to_rgb(original), to_rgb(result), scale, colors)
        yield ImageScore(path.name, values, seconds)


def _compare_colors(hr: np.ndarray, sr: np.ndarray, scale: int, metrics: Sequence[str]) -> dict[str, float]:
    """The RGB metrics of a result by the protocol, from uint8 (H, W, 3) and an array of this shape in [0, 255]."""
    image = round_to_uint8(sr)
    return {name: _measure(name, COLOR_METRICS[name], hr, image, scale) for name in metrics}


def _measure(name: str, metric: Metric, reference: np.ndarray, image: np.ndarray, scale: int) -> float:
    shave = (slice(scale, -scale),) * 2
    value = metric(reference[shave], image[shave])
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"metric {name!r} returned {type(value).__name__}, not a number") from error


def with_channels_of(hr: np.ndarray, sr: np.ndarray) -> np.ndarray:
    """Returns a result with the channels of its original: that of an RGB method for a grayscale image is averaged.

    Args:
      hr: (H, W) or (H, W, 3), the original.
      sr: the method's result.
    """
    return sr if hr.ndim == sr.ndim else sr.mean(axis=2)


def in_color(sr: np.ndarray, image: np.ndarray, scale: int, degradation: str = "bicubic") -> np.ndarray:
    """Returns a result in RGB if its image is: luma gets the LR image's chroma, bicubically enlarged.

    Args:
      sr: the method's result, (h, w) or (h, w, 3) in [0, 255], of the image's size cropped to a multiple of the scale.
      image: uint8 (H, W) or (H, W, 3), as for `benchmark_pair`.
      scale: integer scale factor.
      degradation: as for `benchmark_pair`.
    """
    if sr.ndim == image.ndim:
        return sr
    lr, _ = benchmark_pair(image, scale, 3, degradation)
    chroma = imresize(rgb_to_ycbcr(lr)[..., 1:], scale)
    return ycbcr_to_rgb(np.concatenate([sr[..., None], chroma], axis=2))
