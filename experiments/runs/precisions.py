"""The PSNR of the pretrained networks in each precision."""

import pathlib
from collections.abc import Sequence

from experiments.results_file import VERSION, Record, put_line, read_lines
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import model_method
from srnet.models.mixed_precision import with_precision
from srnet.pretrained import cards
from srnet.pretrained.load import load
from srnet.training.origin import origin

_FIELDS = ("network", "weights", "scale", "set", "precision")


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
    here = {name: value for name, value in origin().items() if name in ("commit", "hardware")}
    done = {tuple(record[field] for field in _FIELDS) for record in read_lines(path, _FIELDS, _key)}
    missing = [name for name in sets if (network, card["sha256"], scale, name, precision) not in done]
    if missing:
        model = with_precision(load(scale, network), precision)
        method = model_method(network, {scale: lambda: model}, card["channels"])
        for name in missing:
            (result,) = evaluate_sets(method, [name], [scale], data_root, [metric])
            record = {"version": VERSION, "network": network, "weights": card["sha256"], "scale": scale}
            record |= {"set": name, "precision": precision, "metric": metric, "value": result[metric], **here}
            put_line(path, record, _FIELDS, _key)
    return read_lines(path, _FIELDS, _key)


def _key(record: Record) -> tuple[str, int, str, str]:
    return record["network"], record["scale"], record["set"], record["precision"]
