"""Cells: one method at one scale and seed, with its run and its results in one folder.

It imports no TensorFlow at its start, because Dask's workers need none.
"""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.recipes.budgets import BUDGETS
from experiments.workspace import Workspace
from srnet import cli
from srnet.errors import DataError, UsageError
from srnet.evaluation.classical import CLASSICAL
from srnet.files import locked
from srnet.json_files import read_json, write_json
from srnet.training.config import TrainConfig
from srnet.training.presets import preset_settings
from srnet.training.run_folder import Run, check_run, is_exported, read_metrics, steps_done

IMAGE_WORTH = 10  # a measured image counts as this many training steps


@dataclasses.dataclass(frozen=True, eq=False)
class Cell:
    """One method at one scale and seed.

    Attributes:
      method: name of a network or of a method of `srnet.evaluation.classical`, or of a table's row.
      scale: integer enlargement.
      folder: folder of its run and its results.
      sets: dict from names of the sets that it is measured on to the number of their images.
      train: arguments of `srnet.train`; none for a classical method.
      config: the run's `TrainConfig`; None for a classical method.
      seed: seed of the run.
      degradation: how the LR images are made.
    """

    method: str
    scale: int
    folder: pathlib.Path
    sets: Mapping[str, int]
    train: tuple[str, ...] = ()
    config: TrainConfig | None = None
    seed: int = 0
    degradation: str = "bicubic"

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def run(self) -> Run:
        return Run(self.folder)

    @property
    def log(self) -> pathlib.Path:
        """The output of the newest command; locked while the cell is made."""
        return self.folder.with_suffix(".log")

    @property
    def results(self) -> pathlib.Path:
        """The file of its measurements and its cost."""
        return self.folder / "results.json"


def find_cell(
    workspace: Workspace,
    name: str,
    scale: int,
    sets: Mapping[str, int],
    seed: int = 0,
    row: str | None = None,
    own: Mapping[str, Any] | None = None,
) -> Cell:
    """Returns the cell of a method.

    Args:
      workspace: `Workspace`.
      name: the method's or the network's name.
      scale: integer enlargement.
      sets: dict from names of sets to the number of their images.
      seed: seed of a network's run, at least 0.
      row: name of a table's row whose run has further settings, or None.
      own: those settings, fields of `TrainConfig`.

    Raises:
      UsageError: for a scale, a seed or settings that cannot be used.
    """
    if name in CLASSICAL:
        return Cell(name, scale, workspace.runs / f"{name}_x{scale}", sets, degradation=workspace.degradation)
    from srnet.training.run import resolve

    preset, changes = run_settings(workspace.budget, name, scale, seed)
    if workspace.degradation != "bicubic":
        changes["degradation"] = workspace.degradation
    changes.update(own or {})
    config = TrainConfig(**{**preset_settings(preset, name), **changes})
    config, _ = resolve(config, workspace.data_root, fixed=("train_sets", "validation_set"))
    arguments = (f"--preset={preset}", *(f"--{field}={_as_flag(value)}" for field, value in changes.items()))
    folder = workspace.runs / f"{name}_x{scale}_{row or f'seed{seed}'}"
    return Cell(row or name, scale, folder, sets, arguments, config, config.seed, config.degradation)


def run_settings(budget: str, network: str, scale: int, seed: int) -> tuple[str, dict[str, Any]]:
    """Returns (preset, changes) of the run of one network: the preset of `srnet.train` and the fields it changes."""
    row = BUDGETS[budget]
    changes = {"variant": network, "scale": scale, **row["changes"], **row["networks"].get(network, {})}
    return row["preset"], {**changes, "seed": seed}


def _as_flag(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def is_trained(cell: Cell) -> bool:
    """Tells whether a cell's run has ended, after as many steps as its configuration has; True for a classical method.

    Raises:
      UsageError: if its folder holds another run, or one of more steps.
      DataError: if its folder cannot be read.
    """
    if cell.config is None:
        return True
    there, needed = check_run(cell.folder, cell.config), cell.config.total_steps
    if there is None:
        return False
    if there.total_steps > needed:
        held = f"{cell.folder} holds a run of {there.total_steps} steps"
        raise UsageError(f"{held}, the budget has {needed}: choose another --runs")
    done, recorded = steps_done(cell.run), recorded_steps(cell)  # in this order: training writes them in the other one
    if done == needed > recorded:
        raise DataError(f"{cell.run.metrics}: damaged (epochs are missing); delete {cell.folder} to train it again")
    return there.total_steps == needed == done == recorded and is_exported(cell.run)


def is_complete(cell: Cell) -> bool:
    """Tells whether a cell is trained and measured; False for one whose folder cannot be used."""
    try:
        return is_trained(cell) and not missing_sets(cell)
    except (UsageError, DataError):
        return False


def recorded_steps(cell: Cell) -> int:
    """Returns the steps of a cell's finished epochs; 0 for a classical method.

    Raises:
      DataError: if its metrics.jsonl is damaged.
    """
    return max((line["step"] for line in read_metrics(cell.run)), default=0)


def origin_of(cell: Cell) -> dict[str, Any]:
    """Returns started, command, commit and hardware of a run.

    Raises:
      DataError: if its run.json is missing or damaged.
    """
    return _read_fields(cell.run.origin, ("started", "command", "commit", "hardware"), cell.folder)


def run_of(cell: Cell) -> dict[str, Any]:
    """Returns what identifies the run that results of a cell are of: a dict of started and steps.

    A run that is extended keeps its start, so both are needed. They are None for a classical method.

    Raises:
      DataError: if its run.json is missing or damaged.
    """
    if cell.config is None:
        return {"started": None, "steps": None}
    return {"started": origin_of(cell)["started"], "steps": cell.config.total_steps}


def results_of(cell: Cell) -> dict[str, Any]:
    """Returns the results of a cell as it is now, without those of another run, degradation or number of images.

    Returns:
      A dict of run, degradation, `measurements` (a dict from sets to psnr, ssim, images and seconds), and `cost` (None,
      or a dict of parameters, macs, seconds_per_megapixel and hardware).

    Raises:
      DataError: if its run.json or its results are damaged.
    """
    now: dict[str, Any] = {"run": run_of(cell), "degradation": cell.degradation}
    fields = (*now, "measurements", "cost")
    found = _read_fields(cell.results, fields, cell.results) if cell.results.exists() else {}
    if not now.items() <= found.items():
        return {**now, "measurements": {}, "cost": None}
    kept = {n: each for n, each in found["measurements"].items() if cell.sets.get(n, each["images"]) == each["images"]}
    return {**found, "measurements": kept}


def missing_sets(cell: Cell) -> list[str]:
    """Returns the sets that a trained cell has yet to be measured on.

    Raises:
      DataError: if its run.json or its results are damaged.
    """
    measured = results_of(cell)["measurements"]
    return [name for name in cell.sets if name not in measured]


def add_results(cell: Cell, measurements: Mapping[str, Any], cost: Mapping[str, Any] | None = None) -> None:
    """Adds results to those of a cell; see `results_of`.

    Raises:
      DataError: if its results are damaged or cannot be written.
    """
    with locked(cell.folder):
        known = results_of(cell)
        measurements = {**known["measurements"], **measurements}
        write_json(cell.results, {**known, "measurements": measurements, "cost": cost or known["cost"]})


def steps_of(cells: Sequence[Cell]) -> tuple[int, int]:
    """Returns (done, total): the steps of finished epochs and measurements, and all steps of some cells."""
    done = total = 0
    for cell in cells:
        total += (cell.config.total_steps if cell.config else 0) + IMAGE_WORTH * sum(cell.sets.values())
        with contextlib.suppress(DataError):  # which the cell's task reports
            done += recorded_steps(cell)
            done += IMAGE_WORTH * sum(cell.sets.get(name, 0) for name in results_of(cell)["measurements"])
    return done, total


def report_failures(failed: Mapping[str, str]) -> int:
    """Prints a line for each cell that failed and returns the exit status.

    Args:
      failed: dict from names of cells to the reasons.
    """
    for name, why in failed.items():
        cli.complain(f"{name}: {why}")
    return 1 if failed else 0


def _read_fields(path: pathlib.Path, names: Sequence[str], remove: pathlib.Path) -> dict[str, Any]:
    found = read_json(path, dict)
    if not set(names) <= set(found):
        raise DataError(f"{path}: damaged (fields are missing); delete {remove} to make it again")
    return {name: found[name] for name in names}
