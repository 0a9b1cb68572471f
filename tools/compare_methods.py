"""Regenerates Table 2 of the paper: bicubic, A+, SRCNN, VDSR, RED-Net and the paper's network on the test sets.

python tools/compare_methods.py --preset=quick    a quarter of an hour on two cores, on scikit-image's photographs
python tools/compare_methods.py --preset=cpu      about four hours on two cores, on T91 and BSD200
python tools/compare_methods.py --preset=paper    the paper's own budget

It shares its runs with ablation_sweep.py. The same command goes on after a stop, and makes nothing again.
"""

import csv
import pathlib
import statistics
import sys
import time

import numpy as np
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import table_2
from experiments.budgets import BUDGETS
from srnet import commands
from srnet.benchmark import method_of_run, named_method
from srnet.data.datasets import find_images
from srnet.errors import DataError, UsageError
from srnet.files import read_json, write_json
from srnet.models.cost import multiply_accumulates
from srnet.training.origin import hardware
from srnet.training.runs import load_run
from tools import cells, places, records

REPEATS = 3  # timed enlargements; the median counts


def define_flags():
    places.define_flags()
    flags.DEFINE_list("scales", [str(scale) for scale in table_2.SCALES], "Scales.")
    names = [method for method, _ in table_2.ROWS.values()]
    flags.DEFINE_list("methods", names, "Methods; those of Table 2 unless given.")


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    names = [method for method, _ in table_2.ROWS.values()]
    for name in values.methods:
        if name not in names:
            raise UsageError(f"--methods: {name!r} is unknown: choose among {', '.join(names)}")
    sets = {name: len(find_images(name, values.data_root)) for name in BUDGETS[values.preset]["sets"]}
    table = [
        places.find_cell(name, scale, sets)
        for scale in commands.integers("--scales", values.scales)
        for name in values.methods
    ]
    places.check_training_sets(table)
    records.read_records(places.results_file())
    try:
        failed = cells.make(table, values.jobs, values.data_root, values.cache_dir)
    finally:
        complete = [cell for cell in table if cells.is_complete(cell)]
        for cell in complete:
            _measure_cost(cell)
        _write_results(pathlib.Path(values.output), values.preset, complete)
    return places.report_failures(failed)


def _cost_file(cell):
    return cell.folder / "cost.json"


def _measure_cost(cell):
    """Writes what a method costs for one picture of the size that Table 2 names, unless it is known."""
    if _cost_file(cell).exists():
        return
    height, width = (side // cell.scale for side in table_2.OUTPUT)
    if cell.config:
        network, _ = load_run(cell.folder)
        size = {"parameters": network.count_params(), "macs": multiply_accumulates(network, height, width)}
        method = method_of_run(cell.folder)
    else:
        size = {"parameters": None, "macs": None}
        method = named_method(cell.method, flags.FLAGS.data_root, flags.FLAGS.cache_dir)
    enlarge = method.at_scale(cell.scale)
    lr = np.random.default_rng(0).uniform(0, 255, (height, width)).astype(np.float32)
    enlarge(lr)
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        enlarge(lr)
        seconds.append(time.perf_counter() - start)
    megapixels = height * width * cell.scale**2 / 1e6
    speed = {"seconds_per_megapixel": statistics.median(seconds) / megapixels, "hardware": hardware()}
    write_json(_cost_file(cell), {**size, **speed})


def _write_results(folder, budget, complete):
    made = [{**records.record_of(cell, budget), "cost": read_json(_cost_file(cell))} for cell in complete]
    found = records.update_records(places.results_file(), made)
    table = describe_table(found, budget)
    records.write_text(folder / f"table_2_{budget}.md", table)
    print(table)
    print(places.results_file())
    print(folder / f"table_2_{budget}.md")


def published():
    """Returns the published figures as a dict from (method, set, scale) to (PSNR, SSIM, source).

    Raises:
      DataError: if the file of the project is damaged.
    """
    path = cells.ROOT / "experiments" / "literature.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {
                (row["method"], row["dataset"], int(row["scale"])): (row["psnr"], row["ssim"], row["source"])
                for row in csv.DictReader(file)
            }
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def describe_table(found, budget):
    """Returns Table 2 as Markdown.

    Args:
      found: list of records, of any methods.
      budget: the budget.
    """
    literature = published()
    by_key = {(record["method"], record["scale"]): record for record in found if record["seed"] == 0}
    names = {method for method, _ in table_2.ROWS.values()}
    sources = {}
    lines = [f"# Table 2: comparison of methods, budget `{budget}`", ""]
    for scale in sorted({scale for method, scale in by_key if method in names and by_key[method, scale].get("cost")}):
        rows = []
        for label, (method, printed) in table_2.ROWS.items():
            record = by_key.get((method, scale))
            if not record or not record.get("cost"):
                continue
            figures = []
            for name in BUDGETS[budget]["sets"]:
                ours = record["measurements"].get(name)
                cell = f"{ours['psnr']:.2f} / {ours['ssim']:.4f}" if ours else "-"
                theirs = literature.get((printed, name, scale))
                if theirs:
                    cell += f"<br>*{theirs[0]} / {theirs[1]}*"
                    sources.setdefault(theirs[2], set()).add(label)
                figures.append(cell)
            rows.append([label, *_describe_cost(record), _describe_budget(record["run"]), *figures])
        header = ["method", "parameters", "G MAC", "s/Mpx", "training", *BUDGETS[budget]["sets"]]
        lines += [f"x{scale}, PSNR in dB / SSIM:", "", records.markdown_table(header, rows), ""]
    height, width = table_2.OUTPUT
    lines.append(
        f"Multiply-accumulates for a {width}x{height} output; seconds per megapixel of it in float32, on the hardware "
        f"named in `{budget}.jsonl`. Training: steps x batch, patch, optimiser."
    )
    if sources:
        listed = "; ".join(f"{', '.join(sorted(labels))}: {source}" for source, labels in sorted(sources.items()))
        lines.append(f"In italics, as published, from the methods' own training: {listed}.")
    return "\n".join(lines) + "\n"


def _describe_cost(record):
    cost = record["cost"]
    size = ["-", "-"]
    if cost["parameters"] is not None:
        size = [f"{cost['parameters']:,}", f"{cost['macs'] / 1e9:.1f}"]
    return [*size, f"{cost['seconds_per_megapixel']:.2f}"]


def _describe_budget(run):
    if run is None:
        return "-"
    return f"{run['steps']:,} x {run['batch_size']}, {run['patch']}x{run['patch']}, {run['optimizer']}"


if __name__ == "__main__":
    commands.run(main, define_flags)
