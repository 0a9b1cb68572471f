"""Verdicts on the paper's claims, drawn from the records."""

import math
import statistics
from collections.abc import Sequence

import scipy.stats

from experiments.recipes.ablation import measured_set
from experiments.recipes.budgets import BUDGETS
from experiments.recipes.claims import ORDER, PARTS, Claim
from experiments.results_file import Record
from experiments.tables.markdown import markdown_table

CONFIDENCE = 0.95

Sides = tuple[list[Record], list[Record]]  # the records of the better and of the worse method, one for each seed
Finding = tuple[str, str]  # what was measured, and the finding


def describe_claims(found: Sequence[Record], budget: str) -> str:
    """Returns a Markdown table of the claims that the records bear on; empty if there are none.

    Args:
      found: records of any methods.
      budget: the budget.
    """
    whole, sets = measured_set(budget), BUDGETS[budget]["sets"]
    scales = sorted({record["scale"] for record in found})
    rows: dict[tuple[str, ...], dict[int, str]] = {}
    for claim in (*PARTS, *ORDER):
        for scale in scales:
            sides = _sides(found, claim, scale)
            finding = _finding_on_sets(sides, sets) if claim in ORDER else _finding_on_part(sides, whole, claim.early)
            if finding:
                place, text = finding
                rows.setdefault((claim.text, claim.place, _describe_methods(claim, sides), place), {})[scale] = text
    if not rows:
        return ""
    shown = [scale for scale in scales if any(scale in cells for cells in rows.values())]
    header = ["claim", "in the paper", "methods", "evaluated on", *(f"x{scale}" for scale in shown)]
    table = markdown_table(header, [[*row, *(cells.get(scale, "-") for scale in shown)] for row, cells in rows.items()])
    degradations = {record["run"].get("degradation", "bicubic") for record in found if record["run"]} - {"bicubic"}
    under = f", under {', '.join(f'`{name}`' for name in sorted(degradations))}" if degradations else ""
    note = (
        f"Each cell: mean PSNR of the first method minus that of the second, in dB{under}, ± the {CONFIDENCE:.0%} "
        "confidence interval over seeds (Welch's t-test); in parentheses, the number of runs of each (-: it has no "
        "seeds). A claim holds if the whole interval is above 0 and does not hold if it is below 0. Otherwise it is "
        "undecided; a single run has no interval."
    )
    return "\n".join([f"# The paper's claims, budget `{budget}`{under}", "", table, "", note, ""])


def interval(better: Sequence[float], worse: Sequence[float], fixed: Sequence[bool] = (False, False)) -> float:
    """Returns the half-width of the confidence interval of a difference of means; infinite if either has a single run.

    Args:
      better: values of one method, by seed.
      worse: values of the other, by seed.
      fixed: whether each method is independent of seeds; such a method needs no second run.
    """
    sides = [side for side, exact in zip((better, worse), fixed) if not exact]
    if not sides:
        return 0.0
    if any(len(side) < 2 for side in sides):
        return math.inf
    test = scipy.stats.ttest_ind(*sides, equal_var=False) if len(sides) == 2 else scipy.stats.ttest_1samp(*sides, 0)
    found = test.confidence_interval(CONFIDENCE)
    return (found.high - found.low) / 2


def _sides(found: Sequence[Record], claim: Claim, scale: int) -> Sides:
    here = [record for record in found if record["scale"] == scale]
    better, worse = ([each for each in here if each["method"] == name] for name in (claim.better, claim.worse))
    return better, worse


def _finding_on_part(sides: Sides, whole: str, early: bool) -> Finding | None:
    """The finding on a claim of Table 1 or Figure 5: on the whole set if both were measured on it, else in epochs."""
    found = None if early else _finding_on_sets(sides, [whole])
    if found:
        return found
    runs = [[record["run"] for record in side] for side in sides]
    epochs = {tuple(line["step"] for line in run["epochs"]) for side in runs for run in side}
    if not all(runs) or len(epochs) > 1:  # runs of different lengths cannot be compared
        return None
    run, steps = runs[0][0], epochs.pop()
    number = max(sum(step <= run["steps"] / 5 for step in steps), 1) - 1 if early else -1
    better, worse = ([run["epochs"][number]["psnr"] for run in side] for side in runs)
    images = f"{run['validation_images']} images of " if run["validation_images"] else ""
    when = f", after {steps[number]:,} steps" if early else ""
    return f"{images}{run['validation_set']}{when}", _describe(better, worse)


def _finding_on_sets(sides: Sides, sets: Sequence[str]) -> Finding | None:
    """The finding on a claim by the mean over sets; None unless both methods were measured on all of them."""
    measured = [[each for each in side if set(sets) <= set(each["measurements"])] for side in sides]
    if not all(measured):
        return None
    better, worse = (
        [statistics.mean(each["measurements"][name]["psnr"] for name in sets) for each in side] for side in measured
    )
    fixed = [side[0]["run"] is None for side in measured]
    return sets[0] if len(sets) == 1 else f"mean of {len(sets)} sets", _describe(better, worse, fixed)


def _describe(better: Sequence[float], worse: Sequence[float], fixed: Sequence[bool] = (False, False)) -> str:
    difference, half = statistics.mean(better) - statistics.mean(worse), interval(better, worse, fixed)
    verdict = "holds" if difference > half else "does not hold" if difference < -half else "undecided"
    spread = f" ± {half:.2f}" if 0 < half < math.inf else ""
    runs = ", ".join("-" if exact else str(len(side)) for side, exact in zip((better, worse), fixed))
    return f"{difference:+.2f}{spread} ({runs}): {verdict}"


def _describe_methods(claim: Claim, sides: Sides) -> str:
    """The names of both methods, with the options of their networks and the steps of their runs if these differ."""
    runs = [side[0]["run"] or {} for side in sides]
    options = [run.get("model_options", {}) for run in runs]
    steps = {run["steps"] for run in runs if run}
    described = []
    for name, run, own in zip((claim.better, claim.worse), runs, options):
        notes = [f"{option} {value}" for option, value in own.items()] if options[0] != options[1] else []
        notes += [f"{run['steps']:,} steps"] if run and len(steps) > 1 else []
        described.append(f"`{name}`" + (f" ({', '.join(notes)})" if notes else ""))
    return ", ".join(described)
