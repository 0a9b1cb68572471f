"""Table 2 and the table of the pretrained networks, as Markdown, and helpers for all tables."""

import csv
import itertools
import pathlib
from collections.abc import Iterable, Mapping, Sequence

from experiments.recipes import table_2
from experiments.recipes.budgets import BUDGETS
from experiments.results_file import Record
from experiments.workspace import ROOT
from srnet.errors import DataError
from srnet.files import write_text
from srnet.models.analysis import OUTPUT_SIZE


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table.

    Args:
      header: titles of the columns.
      rows: rows with one string per column.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def scores(measurement: Mapping[str, float]) -> str:
    """Returns PSNR and SSIM as tables print them.

    Args:
      measurement: dict with psnr in dB and ssim.
    """
    return f"{measurement['psnr']:.2f} / {measurement['ssim']:.4f}"


def describe_cost(cost: Record) -> list[str]:
    """Returns parameters, G multiply-accumulates and seconds per megapixel as tables print them.

    Args:
      cost: the `cost` of a record.
    """
    return [*_describe_size(cost["parameters"], cost["macs"]), f"{cost['seconds_per_megapixel']:.2f}"]


def _describe_size(parameters: int | None, macs: int | None) -> list[str]:
    if parameters is None or macs is None:
        return ["-", "-"]
    return [f"{parameters:,}", f"{macs / 1e9:.1f}"]


def published() -> dict[tuple[str, str, int], tuple[str, str, str]]:
    """Returns the published results as a dict from (method, set, scale) to (PSNR, SSIM, source).

    Raises:
      DataError: if literature.csv is damaged.
    """
    path = ROOT / "experiments" / "literature.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {
                (row["method"], row["dataset"], int(row["scale"])): (row["psnr"], row["ssim"], row["source"])
                for row in csv.DictReader(file)
            }
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def write_table(table: str, path: pathlib.Path) -> None:
    """Writes and prints a table, unless it is empty.

    Args:
      table: Markdown text.
      path: the file.

    Raises:
      DataError: if it cannot be written.
    """
    if table:
        write_text(path, table)
        print(table, path, sep="\n")


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
    sources: dict[str, dict[str, None]] = {}  # from source to labels, without duplicates
    lines = [f"# Table 2: comparison of methods, budget `{budget}`", ""]
    scales = sorted({scale for method, scale in costed if method in BUDGETS[budget]["methods"]})
    if not scales:
        return ""
    header = ["method", "parameters", "GMACs", "s/Mpx", "steps x batch, patch", "precision, minutes", *sets]
    parts = {"": table_2.ROWS, ", networks named in the introduction": table_2.INTRODUCTION}
    for scale, (title, methods) in itertools.product(scales, parts.items()):
        rows, devices = [], dict[str, list[str]]()  # from device to labels
        for label, (method, printed) in methods.items():
            if (method, scale) not in costed:
                continue
            record = costed[method, scale]
            cells = []
            for name in sets:
                ours = record["measurements"].get(name)
                cells.append(scores(ours) if ours else "-")
                if printed and (printed, name, scale) in literature:
                    psnr, ssim, source = literature[printed, name, scale]
                    cells[-1] += f"<br>*{psnr} / {ssim}*"
                    sources.setdefault(source, {})[printed] = None
            devices.setdefault(_device(record["cost"]["hardware"]), []).append(label)
            described = _describe_method(label, record)
            rows.append([described, *describe_cost(record["cost"]), *_describe_run(record), *cells])
        if rows:
            title = f"x{scale}{title}, PSNR in dB / SSIM; timed on {_describe_devices(devices)}:"
            lines += [title, "", markdown_table(header, rows), ""]
    height, width = OUTPUT_SIZE
    lines.append(
        f"GMACs: billions of multiply-accumulate operations for an output of {width}x{height} (or the next smaller "
        "multiple of the scale). s/Mpx: seconds per output megapixel in float32; compare only times on the same "
        f"device. {table_2.NOTE}"
    )
    if sources:
        listed = "; ".join(f"{', '.join(labels)}: {source}" for source, labels in sorted(sources.items()))
        lines.append(f"In italics, as published: {listed}.")
    return "\n".join(lines) + "\n"


def _device(hardware: Record) -> str:
    return " and ".join(dict.fromkeys(hardware["gpus"])) or hardware["cpu"]


def _describe_devices(devices: dict[str, list[str]]) -> str:
    """The device of most labels, then each other device with its labels."""
    usual, *others = sorted(devices, key=lambda device: -len(devices[device]))
    return ", ".join([usual, *(f"{' and '.join(devices[other])} on {other}" for other in others)])


def _describe_method(label: str, record: Record) -> str:
    """The label, with the options in which the network differs from its paper's."""
    options = (record["run"] or {}).get("model_options", {})
    return ", ".join([label, *(f"{name} {value}" for name, value in options.items())])


def _describe_run(record: Record) -> list[str]:
    run = record["run"]
    if run is None:
        return ["-", "-"]
    budget = f"{run['steps']:,} x {run['batch_size']}, {run['patch']}x{run['patch']}"
    return [budget, f"{run['precision'].removeprefix('mixed_')}, {run['seconds'] / 60:.0f}"]


def describe_weights(networks: Sequence[tuple[str, Record, int]]) -> str:
    """Returns the table of the cost and scores of the pretrained networks, as Markdown.

    Args:
      networks: of each, its name, card and multiply-accumulates for an output of `OUTPUT_SIZE`.
    """
    rows, sets = [], list(networks[0][1]["bicubic"])
    for scale in sorted({card["scale"] for _, card, _ in networks}):
        here = [each for each in networks if each[1]["scale"] == scale]
        bicubic = here[0][1]["bicubic"]
        rows.append([f"x{scale}", "bicubic", *_describe_size(None, None), *(scores(bicubic[name]) for name in sets)])
        for network, card, cost in here:
            size, measurements = _describe_size(card["parameters"], cost), card["measurements"]
            rows.append([f"x{scale}", f"`{network}`", *size, *(scores(measurements[name]) for name in sets)])
    return markdown_table(["scale", "network", "parameters", "GMACs", *sets], rows)
