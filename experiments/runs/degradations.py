"""Methods measured under degradations."""

import itertools
import pathlib
from collections.abc import Sequence

from experiments.recipes.degradations import METRICS, NAMES
from experiments.results_file import Record, add_missing
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import NamedMethod


def measure_degradations(
    path: pathlib.Path, method: NamedMethod, weights: str | None, scale: int, sets: Sequence[str], data_root: str | None
) -> list[Record]:
    """Adds a method's missing measurements to a file, set by set, and returns all the file's records.

    Args:
      path: the JSON lines file.
      method: the method.
      weights: SHA-256 of its weights, or None; measurements of other weights are replaced.
      scale: integer scale.
      sets: names of image sets.
      data_root: folder with a folder for each set, or None.

    Raises:
      DataError: if the file is damaged or cannot be written, or an image cannot be used.
    """

    def measure(wanted: Record) -> Record:
        (result,) = evaluate_sets(method, [wanted["set"]], [scale], data_root, METRICS, [wanted["degradation"]])
        return {name: result[name] for name in (*METRICS, "images", "seconds")}

    described = {"method": method.name, "weights": weights, "scale": scale}
    wanted = [{**described, "set": name, "degradation": each} for name, each in itertools.product(sets, NAMES)]
    return add_missing(path, wanted, measure, _key)


def _key(record: Record) -> tuple[int, str, str, str]:
    return record["scale"], record["set"], record["degradation"], record["method"]
