"""Regenerates Table 2 of the paper: bicubic, A+, SRCNN, VDSR, RED-Net, the paper's network and `plus` on the test sets.

python tools/compare_methods.py --preset=quick    on scikit-image's photographs
python tools/compare_methods.py --preset=cpu      two cores: two hours for --scales=2; T91 and BSD200
python tools/compare_methods.py --preset=paper    the paper's own budget

It shares its runs with ablation_sweep.py. The same command goes on after a stop, and makes nothing again.
"""

import csv
import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import table_2
from experiments.budgets import BUDGETS
from srnet import commands
from srnet.data.datasets import find_images
from srnet.errors import DataError
from srnet.models.cost import OUTPUT_SIZE
from tools import cells, places, records
from tools.costs import describe_cost, measure_costs


def define_flags():
    places.define_flags()
    places.define_job_flag()
    places.define_method_flag()
    flags.DEFINE_list("scales", [str(scale) for scale in table_2.SCALES], "Scales.")


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    sets = {name: len(find_images(name, values.data_root)) for name in BUDGETS[values.preset]["sets"]}
    table = [places.find_cell(name, scale, sets) for scale in places.scales() for name in places.methods()]
    return places.complete(table, "", _write_results, measure_costs)


def _write_results(found, path):
    if not any(record["cost"] for record in found):
        return
    table = describe_table(found, flags.FLAGS.preset)
    table_path = path.parent / f"table_2_{path.stem}.md"
    records.write_text(table_path, table)
    print(table, path, table_path, sep="\n")


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
    costed = {(record["method"], record["scale"]): record for record in found if record["cost"] and not record["seed"]}
    sets = BUDGETS[budget]["sets"]
    sources = {}
    lines = [f"# Table 2: comparison of methods, budget `{budget}`", ""]
    for scale in sorted({scale for method, scale in costed if method in BUDGETS[budget]["methods"]}):
        rows = []
        for label, (method, printed) in table_2.ROWS.items():
            if (method, scale) not in costed:
                continue
            record = costed[method, scale]
            figures = []
            for name in sets:
                ours = record["measurements"].get(name)
                figures.append(f"{ours['psnr']:.2f} / {ours['ssim']:.4f}" if ours else "-")
                if (printed, name, scale) in literature:
                    psnr, ssim, source = literature[printed, name, scale]
                    figures[-1] += f"<br>*{psnr} / {ssim}*"
                    sources.setdefault(source, {})[label] = None
            rows.append(
                [_describe_method(label, record), *describe_cost(record["cost"]), *_describe_run(record), *figures]
            )
        header = ["method", "parameters", "G MAC", "s/Mpx", "steps x batch, patch", "precision, minutes", *sets]
        lines += [f"x{scale}, PSNR in dB / SSIM:", "", records.markdown_table(header, rows), ""]
    height, width = OUTPUT_SIZE
    lines.append(
        f"Multiply-accumulates for an output of {width}x{height} (or the next smaller multiple of the scale); seconds "
        f"for a megapixel of it in float32, on the hardware that `{budget}.jsonl` names. {table_2.NOTE}"
    )
    if sources:
        listed = "; ".join(f"{', '.join(labels)}: {source}" for source, labels in sorted(sources.items()))
        lines.append(f"In italics, as published: {listed}.")
    return "\n".join(lines) + "\n"


def _describe_method(label, record):
    """The label, with what makes the network another than its paper's."""
    options = (record["run"] or {}).get("model_options", {})
    return ", ".join([label, *(f"{name} {value}" for name, value in options.items())])


def _describe_run(record):
    run = record["run"]
    if run is None:
        return ["-", "-"]
    budget = f"{run['steps']:,} x {run['batch_size']}, {run['patch']}x{run['patch']}"
    return [budget, f"{run['precision'].removeprefix('mixed_')}, {run['seconds'] / 60:.0f}"]


if __name__ == "__main__":
    commands.run(main, define_flags)
