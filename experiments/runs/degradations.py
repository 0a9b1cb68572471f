"""Methods measured under degradations."""

import itertools
import pathlib
from collections.abc import Sequence

from experiments.recipes.degradations import METRICS, NAMES
from experiments.results_file import VERSION, Record, put_line, read_lines
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import NamedMethod
from srnet.training.origin import origin

_FIELDS = ("method", "weights", "scale", "set", "degradation")


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
    here = {name: value for name, value in origin().items() if name in ("commit", "hardware")}
    done = {tuple(record[field] for field in _FIELDS) for record in read_lines(path, _FIELDS, _key)}
    for name, degradation in itertools.product(sets, NAMES):
        if (method.name, weights, scale, name, degradation) in done:
            continue
        (result,) = evaluate_sets(method, [name], [scale], data_root, METRICS, [degradation])
        record = {"version": VERSION, "method": method.name, "weights": weights, "scale": scale, "set": name}
        record |= {"degradation": degradation, **{metric: result[metric] for metric in METRICS}}
        record |= {"images": result["images"], "seconds": result["seconds"], **here}
        put_line(path, record, _FIELDS, _key)
    return read_lines(path, _FIELDS, _key)


def _key(record: Record) -> tuple[int, str, str, str]:
    return record["scale"], record["set"], record["degradation"], record["method"]
