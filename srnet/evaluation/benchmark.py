"""Whole benchmarks: a method on named sets at several scales, as records and as a table."""

import itertools
import math
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from srnet.data.datasets import count_warning, find_images
from srnet.data.degradation import find_degradation
from srnet.errors import UsageError
from srnet.evaluation.methods import NamedMethod
from srnet.evaluation.protocol import (
    DEFAULT_METRICS,
    DEGRADED_PROTOCOL,
    PROTOCOL,
    ImageScore,
    check_metrics,
    evaluate,
    mean_score,
    read_benchmark_image,
)
from srnet.progress import progress_bar

Record = dict[str, Any]

# Of each metric's column: title, unit, width and decimals.
_COLUMNS = {"psnr": ("PSNR", " in dB", 8, 3), "ssim": ("SSIM", "", 7, 4), "psnr_rgb": ("PSNR of RGB", " in dB", 11, 3)}


def evaluate_sets(
    method: NamedMethod,
    sets: Sequence[str],
    scales: Sequence[int] | None,
    data_root: str | pathlib.Path | None,
    metrics: Sequence[str] = DEFAULT_METRICS,
    degradations: Sequence[str] = ("bicubic",),
) -> list[Record]:
    """Evaluates a method by the protocol, with a progress bar.

    Args:
      method: the method.
      sets: names of image sets.
      scales: integer scales, or None for the method's own.
      data_root: folder with a subfolder for each set, or None.
      metrics: names in `srnet.evaluation.protocol.METRICS` and `COLOR_METRICS`.
      degradations: as for `srnet.data.degradation.find_degradation`.

    Returns:
      A list of dicts with method, set, scale, a mean for each metric by `mean_score`, images (their number), infinite
      (a dict from metrics to the number of images without a finite value), seconds (spent in the method) and
      per_image, a list of dicts with image, the metrics and seconds; and degradation, unless that is "bicubic".

    Raises:
      UsageError: for a scale that the method does not have, an unknown metric or degradation, or an empty
        list of any of these.
      DataError: for a set or an image that cannot be used.
    """
    check_metrics(metrics)
    for what, given in (("sets", sets), ("scales", scales), ("degradations", degradations)):
        if given is not None and not given:
            raise UsageError(f"no {what}: name at least one")
    for degradation in degradations:
        find_degradation(degradation)
    scales = method.scales if scales is None else tuple(dict.fromkeys(scales))
    sets, degradations = tuple(dict.fromkeys(sets)), tuple(dict.fromkeys(degradations))
    for scale in scales:
        method.check_scale(scale)
    paths = {name: find_images(name, data_root) for name in sets}
    for path in itertools.chain.from_iterable(paths.values()):
        read_benchmark_image(path, max(scales))  # before hours of measuring
    records = []
    total = len(degradations) * len(scales) * sum(map(len, paths.values()))
    with progress_bar(total, method.name, "image") as progress:
        for name, scale, degradation in itertools.product(sets, scales, degradations):
            scores = []
            for score in evaluate(method.at_scale(scale), paths[name], scale, method.channels, metrics, degradation):
                scores.append(score)
                progress.update()
            record = {"method": method.name, "set": name, "scale": scale, **_summary(scores, metrics)}
            records.append(record if degradation == "bicubic" else {**record, "degradation": degradation})
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
      metrics: the metrics in the records.
    """
    columns = {name: _COLUMNS.get(name, (name, "", max(8, len(name)), 4)) for name in metrics}
    degraded = any("degradation" in record for record in records)
    protocols = dict.fromkeys(DEGRADED_PROTOCOL if "degradation" in record else PROTOCOL for record in records)
    title = " and ".join(title + unit for title, unit, _, _ in columns.values())
    lines = [f"{title}: {protocol}." for protocol in protocols]
    notes = dict.fromkeys(count_warning(record["set"], record["images"]) for record in records)
    lines += [f"Note: {note}." for note in notes if note]
    for record in records:
        for name, count in record["infinite"].items():
            place = f"{record['set']} x{record['scale']}"
            left_out = f"{count} of {record['images']} images have no finite {name} and are left out of its mean"
            lines.append(f"Note: {place}: {left_out}.")
    header = " ".join(f"{title:>{width}}" for title, _, width, _ in columns.values())
    made = f"{'degradation':<18} " if degraded else ""
    lines.append(f"{'method':<22} {'set':<14} {made}{'scale':>5} {header} {'images':>6} {'seconds':>8}")
    for record in records:
        figures = " ".join(f"{record[name]:{width}.{decimals}f}" for name, (_, _, width, decimals) in columns.items())
        made = f"{record.get('degradation', 'bicubic'):<18} " if degraded else ""
        place = f"{record['method']:<22} {record['set']:<14} {made}{'x' + str(record['scale']):>5}"
        lines.append(f"{place} {figures} {record['images']:6d} {record['seconds']:8.2f}")
    return "\n".join(lines)
