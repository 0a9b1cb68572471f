"""Validation after each epoch: scores, and a picture strip."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw

from srnet.evaluation.bicubic import bicubic
from srnet.evaluation.protocol import benchmark_pair, evaluate, mean_score
from srnet.images.color import round_to_uint8, to_rgb
from srnet.images.read import read_image, read_size
from srnet.inference.method import Method
from srnet.training.config import TrainConfig
from srnet.training.workers import Workers

CROP = 128  # side of the HR crop in the picture strip, in pixels


def validate(method: Method, paths: Sequence[Path], config: TrainConfig, workers: Workers) -> dict[str, float]:
    """Evaluates a method on validation images, divided among the workers: mean PSNR in dB and mean SSIM.

    Args:
      method: callable as in `srnet.evaluation.protocol.evaluate`.
      paths: the HR picture files.
      config: `TrainConfig` of the run.
      workers: `Workers`.

    Returns:
      A dict of psnr and ssim, by `mean_score`.
    """
    own = _share_of(workers)
    scores = np.zeros((len(paths), 2))
    found = list(evaluate(method, paths[own], config.scale, config.channels, degradation=config.degradation))
    scores[own] = np.reshape([(score.values["psnr"], score.values["ssim"]) for score in found], (-1, 2))
    return dict(zip(("psnr", "ssim"), map(mean_score, workers.sum_over_workers(scores).T)))


def enlarge_largest(method: Method, paths: Sequence[Path], config: TrainConfig, workers: Workers) -> None:
    """Enlarges the largest of a worker's validation images, so that lack of memory is found before the first step.

    Args:
      method, paths, config, workers: as for `validate`.

    Raises:
      DataError: if there is not enough memory; the message names the image.
    """
    largest = max(paths[_share_of(workers)], key=lambda path: math.prod(read_size(path)), default=None)
    if largest:
        list(evaluate(method, [largest], config.scale, config.channels, degradation=config.degradation))


def _share_of(workers: Workers) -> slice:
    return slice(workers.index, None, workers.count)


def picture_strip(method: Method, path: Path, config: TrainConfig) -> np.ndarray:
    """Draws the center of an image as LR, bicubic, SR and HR, side by side and labeled.

    Args:
      method: callable as in `srnet.evaluation.protocol.evaluate`.
      path: the HR picture file.
      config: `TrainConfig` of the run.

    Returns:
      uint8 array (H, W, 3).
    """
    image = read_image(path)
    side = min(max(CROP, config.scale), *image.shape[:2])
    side -= side % config.scale
    top, left = ((size - side) // 2 for size in image.shape[:2])
    crop = image[top : top + side, left : left + side]
    lr, hr = benchmark_pair(crop, config.scale, config.channels, config.degradation)
    nearest = np.repeat(np.repeat(lr, config.scale, axis=0), config.scale, axis=1)
    panels = {"LR": nearest, "bicubic": bicubic(lr, config.scale), "SR": method(lr), "HR": hr}
    return np.concatenate([_panel(label, panel) for label, panel in panels.items()], axis=1)


def _panel(label: str, image: np.ndarray) -> np.ndarray:
    picture = PIL.Image.fromarray(to_rgb(round_to_uint8(image)))
    panel = PIL.Image.new("RGB", (260, 276), "white")
    panel.paste(picture.resize((256, 256), PIL.Image.Resampling.NEAREST), (2, 18))
    PIL.ImageDraw.Draw(panel).text((4, 3), label, fill="black")
    return np.asarray(panel)
