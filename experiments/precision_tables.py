"""The table of the PSNR that 16-bit precision costs."""

from collections.abc import Sequence
from typing import Any

from experiments.tables import markdown_table
from srnet.precision import PRECISIONS


def describe(records: Sequence[dict[str, Any]]) -> str:
    """Returns records of `tools/compare_precisions.py` as Markdown: PSNR in float32, and the differences from it.

    Args:
      records: dicts of network, scale, set, metric, precision and value, each row's precisions in the
        order of `PRECISIONS`.
    """
    measured: dict[tuple[str, ...], list[float]] = {}
    for record in records:
        key = (record["network"], f"x{record['scale']}", record["set"], record["metric"])
        measured.setdefault(key, []).append(record["value"])
    rows = []
    for row, (first, *others) in measured.items():
        rows.append([*row, f"{first:.3f}", *(f"{each - first:+.3f}" for each in others)])
    table = markdown_table(["network", "scale", "set", "metric", *PRECISIONS], rows)
    return f"# PSNR in dB in float32, and the difference in other precisions\n\n{table}\n"
