"""Whole benchmarks: a method on named sets at several scales, as records and as a table."""

import math
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tqdm

from srnet.data.datasets import count_warning, find_images
from srnet.errors import UsageError
from srnet.evaluation.methods import NamedMethod
from srnet.evaluation.protocol import DEFAULT_METRICS, PROTOCOL, ImageScore, check_metrics, evaluate, mean_score

Record = dict[str, Any]

_LABELS = {"psnr": "PSNR", "ssim": "SSIM"}


def evaluate_sets(
    method: NamedMethod,
    sets: Sequence[str],
    scales: Sequence[int] | None,
    data_root: str | pathlib.Path | None,
    metrics: Sequence[str] = DEFAULT_METRICS,
) -> list[Record]:
    """Evaluates a method by the protocol, with a progress bar.

    Args:
      method: the method.
      sets: names of image sets.
      scales: integer scales, or None for the method's own.
      data_root: folder with a folder for each set, or None.
      metrics: names in `srnet.evaluation.protocol.METRICS`.

    Returns:
      A list of dicts with method, set, scale, a mean for each metric by `mean_score`, images (their number), infinite
      (a dict from metrics to the number of images that are not in the mean), seconds (spent in the method) and
      per_image, a list of dicts with image, the metrics and seconds.

    Raises:
      UsageError: for a scale that the method does not have, or an unknown metric.
      DataError: for a set or an image that cannot be used.
    """
    check_metrics(metrics)
    scales = method.scales if scales is None else scales
    for scale in scales:
        if scale < 2 or (method.only and scale not in method.scales):
            known = ", ".join(map(str, method.scales)) if method.only else "2 and above"
            raise UsageError(f"scale {scale}: {method.name} has scales {known}")
    paths = {name: find_images(name, data_root) for name in sets}
    records = []
    with tqdm.tqdm(total=len(scales) * sum(map(len, paths.values())), desc=method.name, unit="image") as progress:
        for name in sets:
            for scale in scales:
                scores = []
                for score in evaluate(method.at_scale(scale), paths[name], scale, method.channels, metrics):
                    scores.append(score)
                    progress.update()
                records.append({"method": method.name, "set": name, "scale": scale, **_summary(scores, metrics)})
    return records


def _summary(scores: list[ImageScore], metrics: Sequence[str]) -> Record:
    values = {name: [score.values[name] for score in scores] for name in metrics}
    infinite = {name: len(each) - sum(map(math.isfinite, each)) for name, each in values.items()}
    return {
        **{name: mean_score(each) for name, each in values.items()},
        "images": len(scores),
        "infinite": {name: count for name, count in infinite.items() if count},
        "seconds": float(np.sum([score.seconds for score in scores])),
        "per_image": [{"image": score.image, **score.values, "seconds": score.seconds} for score in scores],
    }


def describe_records(records: list[Record], metrics: Sequence[str] = DEFAULT_METRICS) -> str:
    """Returns the records of `evaluate_sets` as a text table under a caption that states the protocol.

    Args:
      records: what `evaluate_sets` returns.
      metrics: the metrics that they have.
    """
    units = {"psnr": "PSNR in dB", "ssim": "SSIM"}
    lines = [f"{' and '.join(units.get(name, name) for name in metrics)}: {PROTOCOL}."]
    notes = dict.fromkeys(count_warning(record["set"], record["images"]) for record in records)
    lines += [f"Note: {note}." for note in notes if note]
    for record in records:
        for name, count in record["infinite"].items():
            place = f"{record['set']} x{record['scale']}"
            lines.append(
                f"Note: {place}: {count} of {record['images']} images have an infinite {name}, left out of its mean."
            )
    header = " ".join(f"{_LABELS.get(name, name):>{_width(name)}}" for name in metrics)
    lines.append(f"{'method':<22} {'set':<14} {'scale':>5} {header} {'images':>6} {'seconds':>8}")
    for record in records:
        figures = " ".join(f"{record[name]:{_width(name)}.{3 if name == 'psnr' else 4}f}" for name in metrics)
        place = f"{record['method']:<22} {record['set']:<14} {'x' + str(record['scale']):>5}"
        lines.append(f"{place} {figures} {record['images']:6d} {record['seconds']:8.2f}")
    return "\n".join(lines)


def _width(metric: str) -> int:
    return {"psnr": 8, "ssim": 7}.get(metric, max(8, len(metric)))
