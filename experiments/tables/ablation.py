"""Table 1 and the ablation of `plus`, as Markdown."""

import statistics
from collections.abc import Mapping, Sequence

from experiments.recipes import plus_ablation, table_1
from experiments.recipes.ablation import measured_set
from experiments.recipes.budgets import BUDGETS
from experiments.results_file import Record
from experiments.runs.records import comparable_runs, patch_of
from experiments.tables.markdown import describe_cost, describe_devices, markdown_table, scores


def describe_table_1(found: Sequence[Record], budget: str) -> str:
    """Returns Table 1 as Markdown, empty if the records have none of its networks.

    Args:
      found: records of any methods.
      budget: the budget.

    Raises:
      DataError: if the runs in the records have different numbers of steps.
    """
    runs = comparable_runs(found, tuple(table_1.COLUMNS.values()))
    if not runs:
        return ""
    whole = measured_set(budget)
    lines = [f"# Table 1: skip connections, budget `{budget}`", ""]
    for scale in sorted({scale for _, scale in runs}):
        columns = {label: runs.get((network, scale), []) for label, network in table_1.COLUMNS.items()}
        lines += [_describe_scale(columns, scale, whole), ""]
        for record in found:
            if (record["method"], record["scale"]) == ("bicubic", scale) and whole in record["measurements"]:
                lines += [f"Bicubic interpolation: {scores(record['measurements'][whole])} on all of {whole}.", ""]
    return "\n".join(lines)


def _describe_scale(columns: Mapping[str, list[Record]], scale: int, whole: str) -> str:
    found = [record for column in columns.values() for record in column]
    run = found[0]["run"]
    name, images = run["validation_set"], run["validation_images"]
    part = f"{images} images of {name}" if images else name
    steps = [line["step"] for line in run["epochs"]]
    shares = [run["steps"] * (i + 1) / table_1.EPOCHS for i in range(table_1.EPOCHS)]
    shown = sorted({sum(step <= share for step in steps) - 1 for share in shares} - {-1})
    rows = [
        [f"{run['epochs'][i]['epoch']} ({steps[i]} steps), {part}"]
        + [_scores_over_seeds([record["run"]["epochs"][i] for record in column]) for column in columns.values()]
        for i in shown
    ]
    if images:
        totals = ([record["measurements"].get(whole) for record in column] for column in columns.values())
        after = [_scores_of_measured(total) for total in totals]
        rows.append([f"after training, all of {whole}", *after])
    degradation = run.get("degradation", "bicubic")
    caption = (
        f"x{scale}, {'' if degradation == 'bicubic' else f'under `{degradation}`, '}"
        f"trained on {' + '.join(run['train_sets'])}, learning rate {run['learning_rate']:g}, "
        f"batch {run['batch_size']}, patch {patch_of(run, scale)}, {run['precision']}; PSNR in dB / SSIM; columns: "
        "the skip connections"
    )
    if len({record["seed"] for record in found}) > 1:
        counts = ", ".join(f"{label} {len(column)}" for label, column in columns.items())
        caption += f"; mean over seeds ({counts}) ± standard deviation of PSNR"
    return caption + ":\n\n" + markdown_table(["epoch, images", *columns], rows)


def _scores_of_measured(measured: Sequence[Mapping[str, float] | None]) -> str:
    """The scores over seeds, with their number if some are not measured."""
    lines = [each for each in measured if each]
    missing = f" ({len(lines)} of {len(measured)} runs)" if 0 < len(lines) < len(measured) else ""
    return _scores_over_seeds(lines) + missing


def _scores_over_seeds(lines: Sequence[Mapping[str, float]]) -> str:
    """PSNR / SSIM of one run, or the means over several, with the standard deviation of PSNR."""
    if not lines:
        return "-"
    psnr, ssim = ([line[key] for line in lines] for key in ("psnr", "ssim"))
    spread = f" ± {statistics.stdev(psnr):.2f}" if len(psnr) > 1 else ""
    return f"{statistics.mean(psnr):.2f}{spread} / {statistics.mean(ssim):.4f}"


def describe_plus_ablation(found: Sequence[Record], budget: str) -> str:
    """Returns the ablation of `plus` as Markdown, empty if there are no rows.

    Args:
      found: records of a budget's rows; those without a cost, or not measured on all the budget's sets, are left out.
      budget: the budget.
    """
    sets = BUDGETS[budget]["sets"]
    by_row = {
        record["method"]: record
        for record in found
        if record["method"] in plus_ablation.ROWS and record["cost"] and set(sets) <= set(record["measurements"])
    }
    if not by_row:
        return ""
    rows = [
        [
            label,
            *describe_cost(by_row[row]["cost"]),
            f"{by_row[row]['run']['seconds'] / 60:.0f}",
            *(scores(by_row[row]["measurements"][name]) for name in sets),
            _gain(by_row[row], by_row.get("plus"), sets),
        ]
        for row, (label, _) in plus_ablation.ROWS.items()
        if row in by_row
    ]
    timed = {label: by_row[row] for row, (label, _) in plus_ablation.ROWS.items() if row in by_row}
    header = ["", "parameters", "GMACs", "s/Mpx", "minutes", *sets, "mean"]
    return "\n".join(
        [
            f"# Ablation of `plus`, budget `{budget}`",
            "",
            f"x{plus_ablation.SCALE}{_describe_run(by_row['plus']['run']) if 'plus' in by_row else ''}; PSNR in dB / "
            "SSIM. Each label names what differs from `plus`. The last column is the mean PSNR over the sets, relative "
            "to `plus`.",
            "",
            markdown_table(header, rows),
            "",
            "GMACs: billions of multiply-accumulate operations for an output of 1280x720. s/Mpx: seconds per output "
            f"megapixel in float32, on {describe_devices(timed)}; compare only times on the same device.",
            "",
        ]
    )


def _describe_run(run: Record) -> str:
    sets, batch = " + ".join(run["train_sets"]), f"{run['steps']:,} steps of batch {run['batch_size']}"
    return f", {sets}, {batch}, patch {patch_of(run, plus_ablation.SCALE)}, {run['precision']}"


def _gain(record: Record, base: Record | None, sets: Sequence[str]) -> str:
    if base is None or record is base:
        return "" if base else "-"
    mean, base_mean = (statistics.mean(one["measurements"][name]["psnr"] for name in sets) for one in (record, base))
    return f"{mean - base_mean:+.2f}"
