"""The comparison of methods under degradations."""

import itertools
from collections.abc import Sequence

from experiments.recipes.degradations import METHODS, NAMES
from experiments.results_file import Record
from experiments.tables.markdown import markdown_table


def describe_degradations(found: Sequence[Record]) -> str:
    """Returns the records as Markdown: a table for each scale, with a column for each set.

    Args:
      found: the records.
    """
    others = sorted({record["method"] for record in found} - set(METHODS))
    lines = ["# Methods under degradations", "", "PSNR of RGB / PSNR of luma in dB / SSIM of luma."]
    for scale in sorted({record["scale"] for record in found}):
        here = {
            (record["set"], record["degradation"], record["method"]): record
            for record in found
            if record["scale"] == scale
        }
        sets = list(dict.fromkeys(record["set"] for record in here.values()))
        rows = []
        for degradation, method in itertools.product(NAMES, (*METHODS, *others)):
            cells = [here.get((name, degradation, method)) for name in sets]
            if any(cells):
                rows.append([f"`{degradation}`", method, *map(_figures, cells)])
        lines += ["", f"x{scale}:", "", markdown_table(["degradation", "method", *sets], rows)]
    return "\n".join(lines) + "\n"


def _figures(record: Record | None) -> str:
    return f"{record['psnr_rgb']:.2f} / {record['psnr']:.2f} / {record['ssim']:.4f}" if record else "-"
