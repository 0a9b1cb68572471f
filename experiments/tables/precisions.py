"""The PSNR that 16-bit precision costs."""

from collections.abc import Sequence

from experiments.results_file import Record
from experiments.tables.markdown import markdown_table
from srnet.precision import PRECISIONS


def describe_precisions(found: Sequence[Record]) -> str:
    """Returns the records as Markdown: PSNR in float32, and the difference in the other precisions.

    Args:
      found: the records.
    """
    rows: dict[tuple[str, ...], dict[str, float]] = {}  # by weights, too: an interruption may leave older ones
    for record in found:
        place = (record["network"], f"x{record['scale']}", record["set"], record["metric"], record["weights"])
        rows.setdefault(place, {})[record["precision"]] = record["value"]
    first, *others = PRECISIONS
    table = markdown_table(
        ["network", "scale", "set", "metric", *PRECISIONS],
        [
            [*place, f"{values[first]:.3f}", *(f"{values[each] - values[first]:+.3f}" for each in others)]
            for (*place, _), values in rows.items()
            if len(values) == len(PRECISIONS)
        ],
    )
    return f"# PSNR in dB in float32, and the difference in other precisions\n\n{table}\n"
