"""The PSNR of the pretrained networks in each precision."""

import functools
import pathlib
from collections.abc import Sequence

from experiments.results_file import Record, add_missing
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import model_method
from srnet.models.mixed_precision import with_precision
from srnet.pretrained import cards
from srnet.pretrained.load import load


def measure_precision(
    path: pathlib.Path, network: str, scale: int, precision: str, sets: Sequence[str], data_root: str | None
) -> list[Record]:
    """Adds a pretrained network's missing measurements to a file, set by set, and returns all the file's records.

    Args:
      path: the JSON lines file.
      network: name of a pretrained network; measurements of older weights are replaced.
      scale: one of its scales.
      precision: one of `srnet.precision.PRECISIONS`.
      sets: names of image sets.
      data_root: folder with a folder for each set, or None.

    Raises:
      DataError: if the file is damaged or cannot be written, or an image cannot be used.
    """
    card = cards.card(scale, network)
    metric = "psnr" if card["channels"] == 1 else "psnr_rgb"
    model = functools.cache(lambda: with_precision(load(scale, network), precision))
    method = model_method(network, {scale: model}, card["channels"])

    def measure(wanted: Record) -> Record:
        (result,) = evaluate_sets(method, [wanted["set"]], [scale], data_root, [metric])
        return {"metric": metric, "value": result[metric]}

    described = {"network": network, "weights": card["sha256"], "scale": scale}
    return add_missing(path, [{**described, "set": name, "precision": precision} for name in sets], measure, _key)


def _key(record: Record) -> tuple[str, int, str, str]:
    return record["network"], record["scale"], record["set"], record["precision"]
