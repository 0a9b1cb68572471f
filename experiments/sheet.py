"""The pictures where a network gains most and least over another method, shown by their most different details."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from experiments.details import crop_of, downscale_and_enlarge, largest_window
from srnet.data.datasets import find_images
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import NamedMethod
from srnet.evaluation.protocol import read_measurable_image
from srnet.images.color import to_luma
from srnet.images.resize import crop_to_multiple

COUNT = 5  # pictures at each end
CROP = 96  # side of a detail in HR pixels


@dataclasses.dataclass(frozen=True)
class Pictures:
    """The pictures of some sets, at one scale.

    Attributes:
      sets: names of the sets.
      scale: integer scale.
      data_root: folder with a folder for each set, or None.
    """

    sets: Sequence[str]
    scale: int
    data_root: str | None

    def psnr(self, method: NamedMethod) -> np.ndarray:
        """Returns the PSNR of a method on each picture, in dB, as a float64 array.

        Args:
          method: `srnet.evaluation.methods.NamedMethod`.
        """
        results = evaluate_sets(method, self.sets, [self.scale], self.data_root)
        return np.array([score["psnr"] for result in results for score in result["per_image"]])

    def paths(self) -> list[tuple[str, pathlib.Path]]:
        """Returns (set, file) of each picture, in the order of `psnr`."""
        return [(name, path) for name in self.sets for path in find_images(name, self.data_root)]


def make_sheet(
    pictures: Pictures, gains: np.ndarray, rival: NamedMethod, network: NamedMethod
) -> tuple[str, list[list[tuple[str, list[np.ndarray]]]]]:
    """Returns the title and rows of the sheet of a network against a rival, for `experiments.plots.draw_sheet`.

    Args:
      pictures: `Pictures`.
      gains: PSNR of the network minus the rival's on each picture, in dB.
      rival: the other method.
      network: the network.

    Returns:
      The mean gain as a title, and rows of (caption, crops), the largest gains on the left and the smallest on the
      right; the crops are of the original, the rival and the network.

    Raises:
      DataError: if a picture cannot be read.
    """
    paths = pictures.paths()
    order = np.argsort(-gains, kind="stable")
    count = min(COUNT, (len(order) + 1) // 2)
    captions = [f"{name} {path.stem}: {gain:+.2f} dB" for (name, path), gain in zip(paths, gains)]
    rows = [
        [
            (captions[i], _detail(paths[i][1], pictures.scale, sign, rival, network))
            for i, sign in ((most, 1), (least, -1))
        ]
        for most, least in zip(order[:count], order[::-1])
    ]
    title = (
        f"x{pictures.scale}: {network.name} against {rival.name}, {len(gains)} pictures of "
        f"{', '.join(pictures.sets)}: {gains.mean():+.2f} dB on average, worse on {np.sum(gains < 0)}; "
        "left: largest gains, right: smallest"
    )
    return title, rows


def _detail(path: pathlib.Path, scale: int, sign: int, rival: NamedMethod, network: NamedMethod) -> list[np.ndarray]:
    """The crops of the original, the rival and the network where the network gains most, or with sign -1 loses most."""
    picture = crop_to_multiple(read_measurable_image(path, scale), scale)
    results = [
        downscale_and_enlarge(method.at_scale(scale), picture, scale, method.channels)[0] for method in (rival, network)
    ]
    errors = [(to_luma(result).astype(np.float64) - to_luma(picture)) ** 2 for result in results]
    crop = largest_window(sign * (errors[0] - errors[1]), CROP)
    return [crop_of(each, crop) for each in (picture, *results)]
