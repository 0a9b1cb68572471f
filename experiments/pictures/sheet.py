"""The pictures where a network gains most and least over another method, shown by their most different details."""

import pathlib
from collections.abc import Sequence

import numpy as np

from experiments.pictures.details import crop_of, downscale_and_enlarge, largest_window
from srnet.data.datasets import find_images
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import NamedMethod
from srnet.evaluation.protocol import read_benchmark_image
from srnet.images.color import to_luma
from srnet.images.resize import crop_to_multiple

COUNT = 5  # pictures at each end
CROP = 96  # side of a detail in HR pixels


def psnr_of_pictures(method: NamedMethod, sets: Sequence[str], scale: int, data_root: str | None) -> np.ndarray:
    """Returns the PSNR of a method on each picture of some sets, in dB, as a float64 array.

    Args:
      method: the method.
      sets: names of the sets.
      scale: integer scale.
      data_root: folder with a folder for each set, or None.
    """
    results = evaluate_sets(method, sets, [scale], data_root)
    return np.array([score["psnr"] for result in results for score in result["per_image"]])


def make_sheet(
    gains: np.ndarray,
    rival: NamedMethod,
    network: NamedMethod,
    sets: Sequence[str],
    scale: int,
    data_root: str | None,
) -> tuple[str, list[list[tuple[str, list[np.ndarray]]]]]:
    """Returns the title and rows, for `experiments.pictures.plots.draw_sheet`, of a network against a rival.

    Args:
      gains: PSNR of the network minus the rival's on each picture, in dB.
      rival: the other method.
      network: the network.
      sets, scale, data_root: as for `psnr_of_pictures`.

    Returns:
      The mean gain as a title, and rows of (caption, crops), the largest gains on the left and the smallest on the
      right; the crops are of the original, the rival and the network.

    Raises:
      DataError: if a picture cannot be read.
    """
    paths = [(name, path) for name in sets for path in find_images(name, data_root)]
    order = np.argsort(-gains, kind="stable")
    count = min(COUNT, (len(order) + 1) // 2)
    captions = [f"{name} {path.stem}: {gain:+.2f} dB" for (name, path), gain in zip(paths, gains)]
    rows = [
        [(captions[i], _detail(paths[i][1], scale, sign, rival, network)) for i, sign in ((most, 1), (least, -1))]
        for most, least in zip(order[:count], order[::-1])
    ]
    title = (
        f"x{scale}: {network.name} against {rival.name}, {len(gains)} pictures of "
        f"{', '.join(sets)}: {gains.mean():+.2f} dB on average, worse on {np.sum(gains < 0)}; "
        "left: largest gains, right: smallest"
    )
    return title, rows


def _detail(path: pathlib.Path, scale: int, sign: int, rival: NamedMethod, network: NamedMethod) -> list[np.ndarray]:
    """The crops of the original, the rival and the network where the network gains most, or with sign -1 loses most."""
    picture = crop_to_multiple(read_benchmark_image(path, scale), scale)
    results = [
        downscale_and_enlarge(method.at_scale(scale), picture, scale, method.channels)[0] for method in (rival, network)
    ]
    errors = [(to_luma(result).astype(np.float64) - to_luma(picture)) ** 2 for result in results]
    crop = largest_window(sign * (errors[0] - errors[1]), CROP)
    return [crop_of(each, crop) for each in (picture, *results)]
