"""Table 2, beside the published results."""

import itertools
from collections.abc import Sequence

from experiments.literature import published
from experiments.recipes import table_2
from experiments.recipes.budgets import BUDGETS
from experiments.results_file import Record
from experiments.runs.records import patch_of
from experiments.tables.markdown import describe_cost, describe_devices, markdown_table, scores
from srnet.models.analysis import OUTPUT_SIZE


def describe_table_2(found: Sequence[Record], budget: str) -> str:
    """Returns Table 2 as Markdown, empty if none of its methods has a recorded cost.

    Args:
      found: records of any methods; those without a cost are left out.
      budget: the budget.

    Raises:
      DataError: if the published results cannot be read.
    """
    literature = published()
    costed = {(record["method"], record["scale"]): record for record in found if record["cost"] and not record["seed"]}
    sets = BUDGETS[budget]["sets"]
    sources: dict[int, dict[str, dict[str, None]]] = {}  # from scale and source to labels, without duplicates
    lines = [f"# Table 2: comparison of methods, budget `{budget}`", ""]
    scales = sorted({scale for method, scale in costed if method in BUDGETS[budget]["methods"]})
    if not scales:
        return ""
    header = ["method", "parameters", "GMACs", "s/Mpx", "steps x batch, patch", "precision, minutes", *sets]
    parts = {"": table_2.ROWS, ", networks named in the paper's introduction": table_2.INTRODUCTION}
    for scale, (title, methods) in itertools.product(scales, parts.items()):
        rows, timed = [], dict[str, Record]()
        for label, (method, printed) in methods.items():
            if (method, scale) not in costed:
                continue
            record = costed[method, scale]
            cells = []
            for name in sets:
                ours = record["measurements"].get(name)
                cells.append(scores(ours) if ours else "-")
                if printed and (printed, name, scale) in literature:
                    result = literature[printed, name, scale]
                    cells[-1] += f"<br>*{result.psnr} / {result.ssim}*"
                    sources.setdefault(scale, {}).setdefault(result.source, {})[printed] = None
            timed[label] = record
            described = _describe_method(label, record)
            rows.append([described, *describe_cost(record["cost"]), *_describe_run(record), *cells])
        if rows:
            title = f"x{scale}{title}, PSNR in dB / SSIM; timed on {describe_devices(timed)}:"
            lines += [title, "", markdown_table(header, rows), ""]
    height, width = OUTPUT_SIZE
    lines.append(
        f"GMACs: billions of multiply-accumulate operations for an output of {width}x{height} (or the next smaller "
        "multiple of the scale). s/Mpx: seconds per output megapixel in float32; compare only times on the same "
        f"device. {table_2.NOTE}"
    )
    if sources:
        lines.append(f"In italics, as published. {' '.join(map(_describe_sources, sources, sources.values()))}")
    return "\n".join(lines) + "\n"


def _describe_sources(scale: int, sources: dict[str, dict[str, None]]) -> str:
    listed = "; ".join(f"{', '.join(labels)}: {source}" for source, labels in sorted(sources.items()))
    return f"x{scale}: {listed}."


def _describe_method(label: str, record: Record) -> str:
    """The label, with the network's options that its run sets."""
    options = (record["run"] or {}).get("model_options", {})
    return ", ".join([label, *(f"{name} {value}" for name, value in options.items())])


def _describe_run(record: Record) -> list[str]:
    run = record["run"]
    if run is None:
        return ["-", "-"]
    patch = patch_of(run, record["scale"])
    budget = f"{run['steps']:,} x {run['batch_size']}, {patch}x{patch}"
    return [budget, f"{run['precision'].removeprefix('mixed_')}, {run['seconds'] / 60:.0f}"]
