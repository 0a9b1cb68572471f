"""Regenerates Table 1 (what the skips are worth) and Figure 5 (PSNR against epochs) of the paper.

python tools/ablation_sweep.py --preset=quick    13 minutes on two cores, on scikit-image's photographs
python tools/ablation_sweep.py --preset=cpu      2 h 45 min on two cores, on T91 and BSD200
python tools/ablation_sweep.py --preset=paper    the paper's own budget

Each cell is a run folder. The same command goes on after a stop, and makes no finished cell again.
"""

import pathlib
import statistics
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import figure_5, table_1
from experiments.budgets import BUDGETS
from srnet import commands
from srnet.data.datasets import find_images
from srnet.errors import DataError, UsageError
from srnet.models.hybrid import VARIANTS
from tools import places, records
from tools.plots import draw_curves


def define_flags():
    places.define_flags()
    places.define_job_flag()
    flags.DEFINE_list("scales", [str(scale) for scale in table_1.SCALES], "Scales.")
    flags.DEFINE_list("variants", None, "Networks; unless given, Table 1's at every scale, Figure 5's at x2.")
    flags.DEFINE_list("seeds", ["0"], "Seeds; tables and curves give mean and spread over several.")


def needed(scales, variants):
    """Returns the (network, scale) pairs of the sweep.

    Args:
      scales: integer scales.
      variants: names of networks, or None for those that Table 1 and Figure 5 need.

    Raises:
      UsageError: for a name that is no variant of the paper's network.
    """
    for name in variants or ():
        if name not in VARIANTS:
            raise UsageError(f"--variants: {name!r} is unknown: choose among {', '.join(VARIANTS)}")
    if variants:
        return [(name, scale) for scale in scales for name in dict.fromkeys(variants)]
    pairs = [(name, scale) for scale in scales for name in table_1.COLUMNS.values()]
    return list(
        dict.fromkeys(
            pairs
            + [(name, scale) for scale in scales if scale in figure_5.SCALES for name in sorted(figure_5.NETWORKS)]
        )
    )


def table_set(budget):
    """Returns the set that Table 1 is measured on at a budget."""
    return table_1.SET if table_1.SET in BUDGETS[budget]["sets"] else BUDGETS[budget]["sets"][0]


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    budget = values.preset
    scales, seeds = places.scales(), places.integers("seeds")
    pairs = needed(scales, values.variants)
    whole = {table_set(budget): len(find_images(table_set(budget), values.data_root))}
    # Where the epochs are measured on the whole set, nothing is left to be measured at the end.
    at_the_end = whole if BUDGETS[budget]["changes"].get("validation_images") else {}
    sweep = [
        places.find_cell(network, scale, at_the_end if network in table_1.COLUMNS.values() else {}, seed)
        for network, scale in pairs
        for seed in seeds
    ]
    sweep += [places.find_cell("bicubic", scale, whole) for scale in scales]
    check_alike(records.read_records(places.results_file()), sweep, places.results_file())
    return places.complete(sweep, "", _write_results)


def _write_results(found, path):
    """Writes the table and the figure from all records of this budget, each if there are any for it."""
    budget, folder, written = flags.FLAGS.preset, path.parent, [path]
    methods = {record["method"] for record in found}
    if methods & set(table_1.COLUMNS.values()):
        written.append(folder / f"table_1_{budget}.md")
        table = describe_table(found, budget)
        records.write_text(written[-1], table)
        print(table)
    if methods & figure_5.NETWORKS:
        written.append(folder / f"figure_5_{budget}.png")
        draw_curves(found, written[-1])
    print(*filter(pathlib.Path.exists, written), sep="\n")


def check_alike(found, sweep, path):
    """Checks that earlier runs of the paper's networks were trained as a sweep will, so that one table may hold both.

    Args:
      found: list of records, of any methods.
      sweep: list of cells, those of networks first and all trained alike; records of the same cells may differ, as they
        will be replaced.
      path: the records' file, for the message.

    Raises:
      DataError: if one was trained otherwise; the message names it.
    """
    replaced = {(cell.method, cell.scale, cell.seed) for cell in sweep}
    config = sweep[0].config.to_json()
    for record in found:
        key = record["method"], record["scale"], record["seed"]
        if record["method"] not in VARIANTS or key in replaced:
            continue
        for name, value in records.settings_of(record["run"]).items():
            ours = sweep[0].config.total_steps if name == "steps" else config[name]
            if value != ours:
                raise DataError(
                    f"{path}: {key[0]} x{key[1]} seed {key[2]} has {name} {value}, this sweep would have {ours}; "
                    "remove its line or choose another --output"
                )


def describe_table(found, budget):
    """Returns Table 1 as Markdown.

    Args:
      found: list of records, of any methods.
      budget: the budget.
    """
    runs = {}
    for record in found:
        if record["method"] in table_1.COLUMNS.values() and record["run"]:
            runs.setdefault((record["method"], record["scale"]), []).append(record)
    lines = [f"# Table 1: residual learning, budget `{budget}`", ""]
    for scale in sorted({scale for _, scale in runs}):
        columns = {label: runs.get((network, scale), []) for label, network in table_1.COLUMNS.items()}
        lines += [_describe_scale(columns, scale, budget), ""]
        for record in found:
            if (record["method"], record["scale"]) == ("bicubic", scale) and table_set(budget) in record[
                "measurements"
            ]:
                figures = _figures([record["measurements"][table_set(budget)]])
                lines += [f"Bicubic interpolation: {figures} on all of {table_set(budget)}.", ""]
    return "\n".join(lines)


def _describe_scale(columns, scale, budget):
    found = [record for column in columns.values() for record in column]
    run = found[0]["run"]
    name, images = run["validation_set"], run["validation_images"]
    part = f"{images} images of {name}" if images else name
    steps = [line["step"] for line in run["epochs"]]
    shown = sorted({len(steps) * (i + 1) // table_1.EPOCHS - 1 for i in range(table_1.EPOCHS)} - {-1})
    rows = [
        [f"{run['epochs'][i]['epoch']} ({steps[i]} steps), {part}"]
        + [_figures([record["run"]["epochs"][i] for record in column]) for column in columns.values()]
        for i in shown
    ]
    whole = table_set(budget)
    totals = [[record["measurements"].get(whole) for record in column] for column in columns.values()]
    if images:
        rows.append([f"the end, all of {whole}"] + [_figures([each for each in total if each]) for total in totals])
    caption = (
        f"x{scale}, {' + '.join(run['train_sets'])}, learning rate {run['learning_rate']:g}, "
        f"batch {run['batch_size']}, patch {run['patch']}, {run['precision']}; PSNR in dB / SSIM, by skips"
    )
    if len({record["seed"] for record in found}) > 1:
        counts = ", ".join(f"{label} {len(column)}" for label, column in columns.items())
        caption += f"; mean over seeds ({counts}) ± standard deviation of PSNR"
    return caption + ":\n\n" + records.markdown_table(["epoch", *columns], rows)


def _figures(lines):
    """PSNR / SSIM of one run; the mean, with the standard deviation of PSNR, of several."""
    if not lines:
        return "-"
    psnr, ssim = ([line[key] for line in lines] for key in ("psnr", "ssim"))
    spread = f" ± {statistics.stdev(psnr):.2f}" if len(psnr) > 1 else ""
    return f"{statistics.mean(psnr):.2f}{spread} / {statistics.mean(ssim):.4f}"


if __name__ == "__main__":
    commands.run(main, define_flags)
