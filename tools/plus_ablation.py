"""Regenerates the ablation table of `plus`, this project's own network.

python tools/plus_ablation.py --preset=quick    on scikit-image's photographs
python tools/plus_ablation.py --preset=cpu      on T91 and BSD200

It shares its first run with compare_methods.py. The same command goes on after a stop, and makes nothing again.
"""

import pathlib
import statistics
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments.budgets import BUDGETS, run_settings
from experiments.plus_ablation import ROWS, SCALE
from srnet import commands
from srnet.data.datasets import find_images
from srnet.errors import UsageError
from tools import cells, places, records
from tools.costs import describe_cost, measure_costs


def define_flags():
    places.define_flags()
    places.define_job_flag()
    flags.DEFINE_list("rows", None, f"Rows; all unless given: {', '.join(ROWS)}.")


def main(arguments):
    commands.expect(arguments, 0)
    budget = flags.FLAGS.preset
    sets = {name: len(find_images(name, flags.FLAGS.data_root)) for name in BUDGETS[budget]["sets"]}
    return places.complete([_cell(row, sets) for row in _rows()], "plus_ablation_", _write_table, measure_costs)


def _rows():
    for row in flags.FLAGS.rows or ():
        if row not in ROWS:
            raise UsageError(f"--rows: {row!r} is unknown: choose among {', '.join(ROWS)}")
    return dict.fromkeys(flags.FLAGS.rows or ROWS)


def _cell(row, sets):
    values = flags.FLAGS
    if not ROWS[row][1]:
        return places.find_cell(row, SCALE, sets)
    preset, settings = run_settings(values.preset, "plus", SCALE, 0)
    options = {**settings.get("model_options", {}), **ROWS[row][1].get("model_options", {})}
    changes = {**settings, **ROWS[row][1], "model_options": options}
    folder = pathlib.Path(places.runs_folder()) / f"plus_x{SCALE}_{row}"
    return cells.trained_cell(row, preset, changes, folder, sets, values.data_root)


def _write_table(found, path):
    if not any(record["cost"] for record in found):
        return
    table = describe_table(found)
    records.write_text(path.with_suffix(".md"), table)
    print(table, path, path.with_suffix(".md"), sep="\n")


def describe_table(found):
    """Returns the table as Markdown.

    Args:
      found: list of records of a budget's rows; those without a cost, or one of the budget's sets, are left out.
    """
    budget = found[0]["budget"]
    sets = BUDGETS[budget]["sets"]
    by_row = {
        record["method"]: record for record in found if record["cost"] and set(sets) <= set(record["measurements"])
    }
    rows = [
        [
            label,
            *describe_cost(by_row[row]["cost"]),
            f"{by_row[row]['run']['seconds'] / 60:.0f}",
            *(f"{each['psnr']:.2f} / {each['ssim']:.4f}" for each in _figures(by_row[row], sets)),
            _gain(by_row[row], by_row.get("plus"), sets),
        ]
        for row, (label, _) in ROWS.items()
        if row in by_row
    ]
    header = ["", "parameters", "G MAC", "s/Mpx", "minutes", *sets, "mean"]
    return "\n".join(
        [
            f"# `plus`, one thing changed at a time, budget `{budget}`",
            "",
            f"x{SCALE}{_describe_run(by_row['plus']['run']) if 'plus' in by_row else ''}; PSNR in dB / SSIM. The last "
            "column is the mean PSNR of the sets against that of `plus`.",
            "",
            records.markdown_table(header, rows),
            "",
            "Multiply-accumulates for an output of 1280x720; seconds for a megapixel of it in float32.",
            "",
        ]
    )


def _describe_run(run):
    sets, batch = " + ".join(run["train_sets"]), f"{run['steps']:,} steps of batch {run['batch_size']}"
    return f", {sets}, {batch}, patch {run['patch']}, {run['precision']}"


def _figures(record, sets):
    return [record["measurements"][name] for name in sets]


def _gain(record, base, sets):
    if base is None or record is base:
        return "" if base else "-"
    mean, base_mean = (statistics.mean(each["psnr"] for each in _figures(one, sets)) for one in (record, base))
    return f"{mean - base_mean:+.2f}"


if __name__ == "__main__":
    commands.run(main, define_flags)
