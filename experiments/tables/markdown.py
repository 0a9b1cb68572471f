"""What all tables share: Markdown, and how scores and costs are printed."""

import pathlib
from collections.abc import Iterable, Mapping, Sequence

from experiments.results_file import Record
from srnet.files import write_text


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
    return [*describe_size(cost["parameters"], cost["macs"]), f"{cost['seconds_per_megapixel']:.2f}"]


def describe_devices(timed: Mapping[str, Record]) -> str:
    """Returns the device on which most records were timed, then the labels of the others with their devices.

    Args:
      timed: dict from labels to records with a cost.
    """
    devices: dict[str, list[str]] = {}
    for label, record in timed.items():
        hardware = record["cost"]["hardware"]
        name = " and ".join(dict.fromkeys(hardware["gpus"])) or hardware["cpu"]
        devices.setdefault(name, []).append(label)
    usual, *others = sorted(devices, key=lambda device: -len(devices[device]))
    return ", ".join([usual, *(f"except {' and '.join(devices[other])}: {other}" for other in others)])


def describe_size(parameters: int | None, macs: int | None) -> list[str]:
    """Returns parameters and G multiply-accumulates as tables print them.

    Args:
      parameters: their number, or None for a method without any.
      macs: multiply-accumulates for an output of `srnet.models.analysis.OUTPUT_SIZE`, or None.
    """
    if parameters is None or macs is None:
        return ["-", "-"]
    return [f"{parameters:,}", f"{macs / 1e9:.1f}"]


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
