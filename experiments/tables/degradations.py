"""The comparison of methods under degradations."""

import itertools
import statistics
from collections.abc import Sequence

from experiments.recipes.degradations import METHODS, NAMES, SHOWN
from experiments.results_file import Record
from experiments.tables.markdown import markdown_table
from srnet.data.datasets import TEST_SETS
from srnet.pretrained import cards

_CAPTION = (
    "Each cell: PSNR of RGB in dB / PSNR of luma in dB / SSIM of luma. `plus` enlarges only luma; its chroma is "
    "enlarged bicubically."
)


def describe_degradations(found: Sequence[Record]) -> str:
    """Returns the records as Markdown: a table for each scale, with a column for each set.

    Args:
      found: the records.
    """
    found = _with_weights_named(_current(found))
    others = sorted({record["method"] for record in found} - set(METHODS))
    lines = ["# Methods under degradations", "", _CAPTION]
    for scale in sorted({record["scale"] for record in found}):
        here = {
            (record["set"], record["degradation"], record["method"]): record
            for record in found
            if record["scale"] == scale
        }
        measured = dict.fromkeys(record["set"] for record in here.values())
        sets = sorted(measured, key=lambda name: (*TEST_SETS, name).index(name))
        rows = []
        for degradation, method in itertools.product(NAMES, (*METHODS, *others)):
            cells = [here.get((name, degradation, method)) for name in sets]
            if any(cells):
                rows.append([f"`{degradation}`", method, *map(_figures, cells)])
        lines += ["", f"x{scale}:", "", markdown_table(["degradation", "method", *sets], rows)]
    return "\n".join(lines) + "\n"


def describe_gains(found: Sequence[Record]) -> str:
    """Returns the PSNR of luma at x4, the mean over the test sets, as Markdown; empty if a record is missing.

    Args:
      found: the records.
    """
    psnr = {
        (record["degradation"], record["method"], record["set"]): record["psnr"]
        for record in _current(found)
        if record["scale"] == 4
    }
    if not {(name, method, each) for name in SHOWN for method in METHODS for each in TEST_SETS} <= set(psnr):
        return ""
    rows = []
    for name in SHOWN:
        means = [statistics.mean(psnr[name, method, each] for each in TEST_SETS) for method in METHODS]
        rows.append([f"`{name}`", *(f"{mean:.2f}" for mean in means)])
    title = "# PSNR of luma in dB at x4, mean over the four test sets"
    return f"{title}\n\n{markdown_table(['degradation', *METHODS], rows)}\n"


def _current(found: Sequence[Record]) -> list[Record]:
    """The records without those of older weights of pretrained networks."""
    now = {(name, scale): cards.card(scale, name)["sha256"] for name in cards.names() for scale in cards.scales(name)}
    return [
        record
        for record in found
        if record["weights"] == now.get((record["method"], record["scale"]), record["weights"])
    ]


def _with_weights_named(found: Sequence[Record]) -> list[Record]:
    """The records, with the weights added to the name of a method that was measured with several."""
    weights: dict[tuple[str, int], set[str]] = {}
    for record in found:
        weights.setdefault((record["method"], record["scale"]), set()).add(record["weights"])
    several = {key for key, each in weights.items() if len(each) > 1}
    return [
        {**record, "method": f"{record['method']}, weights {record['weights'][:8]}"}
        if (record["method"], record["scale"]) in several
        else record
        for record in found
    ]


def _figures(record: Record | None) -> str:
    return f"{record['psnr_rgb']:.2f} / {record['psnr']:.2f} / {record['ssim']:.4f}" if record else "-"
