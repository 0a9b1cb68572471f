"""Cells: one method at one scale, its run and its measurements, in one folder.

`python -m srnet.train` makes the run, `python -m srnet.evaluate` the measurements, one file for each set.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from experiments.recipes.budgets import BUDGETS
from experiments.workspace import Workspace
from srnet.data.datasets import find_images
from srnet.errors import DataError, UsageError
from srnet.evaluation.classical import CLASSICAL
from srnet.evaluation.methods import named_method
from srnet.files import read_json, write_json
from srnet.inference.method import network_method
from srnet.training.checkpoints import load_run
from srnet.training.config import TrainConfig
from srnet.training.presets import preset_settings
from srnet.training.run import resolve
from srnet.training.run_folder import Run, check_run, is_exported, read_metrics, steps_done


@dataclasses.dataclass(frozen=True, eq=False)
class Cell:
    """One method at one scale.

    Attributes:
      method: name of a network or of a method of `srnet.evaluation.classical`, or of a table's row.
      scale: integer enlargement.
      folder: folder of its run and its measurements.
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
    def measured_as(self) -> str:
        """The method's name in its measurements."""
        return self.config.variant if self.config else self.method

    @property
    def run(self) -> Run:
        return Run(self.folder)

    @property
    def log(self) -> pathlib.Path:
        """The output of the newest command; locked while it runs."""
        return self.folder.with_suffix(".log")

    @property
    def cost(self) -> pathlib.Path:
        """The file of the method's cost."""
        return self.folder / "cost.json"

    def measurement(self, name: str) -> pathlib.Path:
        """The file of the measurement on one set."""
        return self.folder / f"evaluation_{name}.json"


def find_cell(workspace: Workspace, name: str, scale: int, sets: Mapping[str, int], seed: int = 0) -> Cell:
    """Returns the cell of a method.

    Args:
      workspace: `Workspace`.
      name: the method's or the network's name.
      scale: integer enlargement.
      sets: dict from names of sets to the number of their images.
      seed: seed of a network's run, at least 0.

    Raises:
      UsageError: for a scale or a seed that cannot be used.
    """
    if name in CLASSICAL:
        return Cell(name, scale, workspace.runs / f"{name}_x{scale}", sets, degradation=workspace.degradation)
    preset, changes = run_settings(workspace.budget, name, scale, seed)
    if workspace.degradation != "bicubic":
        changes["degradation"] = workspace.degradation
    folder = workspace.runs / f"{name}_x{scale}_seed{seed}"
    return trained_cell(name, preset, changes, folder, sets, workspace.data_root)


def run_settings(budget: str, network: str, scale: int, seed: int) -> tuple[str, dict[str, Any]]:
    """Returns (preset, changes) of the run of one network: the preset of `srnet.train` and the fields it changes.

    Args:
      budget: one of `BUDGETS`.
      network: name in `srnet.models`.
      scale: integer enlargement.
      seed: integer, at least 0.
    """
    row = BUDGETS[budget]
    changes = {"variant": network, "scale": scale, **row["changes"], **row["networks"].get(network, {})}
    return row["preset"], {**changes, "seed": seed}


def trained_cell(
    method: str,
    preset: str,
    changes: Mapping[str, Any],
    folder: pathlib.Path,
    sets: Mapping[str, int],
    data_root: str | None,
) -> Cell:
    """Returns the cell of a run.

    Args:
      method: the method's name in its records.
      preset: one of `srnet.training.presets.PRESETS`.
      changes: the fields of `TrainConfig` that differ from the preset, the variant, the scale and the seed among them.
      folder: the run folder.
      sets: dict from names of sets to the number of their images.
      data_root: folder with a folder for each set, or None.

    Raises:
      UsageError: for a configuration that cannot be used.
    """
    config = TrainConfig(**{**preset_settings(preset, changes["variant"]), **changes})
    config, _ = resolve(config, data_root, fixed=("train_sets", "validation_set"))
    arguments = (f"--preset={preset}", *(f"--{name}={_as_flag(value)}" for name, value in changes.items()))
    return Cell(method, config.scale, folder, sets, arguments, config, config.seed, config.degradation)


def _as_flag(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def is_trained(cell: Cell) -> bool:
    """Tells whether a cell's run has ended, after as many steps as its configuration has; True for a classical method.

    Args:
      cell: `Cell`.

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
    done, lines = steps_done(cell.run), epochs_of(cell)  # in this order: training writes them in the other one
    recorded = lines[-1]["step"] if lines else 0
    if done == needed > recorded:
        raise DataError(f"{cell.run.metrics}: damaged (epochs are missing); delete {cell.folder} to train it again")
    return there.total_steps == needed == done == recorded and is_exported(cell.run)


def epochs_of(cell: Cell) -> list[dict[str, Any]]:
    """Returns the lines of a run's metrics.jsonl.

    Args:
      cell: `Cell` of a network.

    Raises:
      DataError: if the file is damaged.
    """
    remedy = f"delete {cell.folder} to train it again"
    try:
        lines = read_metrics(cell.run)
    except DataError as error:
        raise DataError(f"{error}; {remedy}") from error
    if not all({"epoch", "step", "psnr", "ssim", "seconds"} <= set(line) for line in lines):
        raise DataError(f"{cell.run.metrics}: damaged (fields are missing); {remedy}")
    return lines


def run_of(cell: Cell) -> dict[str, Any]:
    """Returns what identifies the run that results of a trained cell are of: a dict of started and steps.

    A run that is extended keeps its start, so both are needed. They are None for a classical method.

    Args:
      cell: `Cell`.

    Raises:
      DataError: if the run's origin cannot be read.
    """
    if cell.config is None:
        return {"started": None, "steps": None}
    return {"started": _origin(cell)["started"], "steps": cell.config.total_steps}


def is_of_run(cell: Cell, known: Mapping[str, Any]) -> bool:
    """Tells whether a result is of a trained cell's run as it is now.

    Args:
      cell: `Cell`.
      known: dict of the result's started and steps; those that a result of srnet 0.1 lacks are those of the run before
        it was first extended.

    Raises:
      DataError: if the run's origin cannot be read.
    """
    now = run_of(cell)
    if cell.config is None:
        return True
    sessions = _origin(cell).get("sessions") or [{"epochs": cell.config.epochs}]
    first = {**now, "steps": sessions[0]["epochs"] * cell.config.steps_per_epoch}
    return {name: known.get(name, first[name]) for name in now} == now


def _origin(cell: Cell) -> dict[str, Any]:
    found = read_json(cell.run.origin)
    if not isinstance(found, dict) or "started" not in found:
        raise DataError(f"{cell.run.origin}: damaged; delete {cell.folder} to train it again")
    return found


def measured(cell: Cell, name: str) -> dict[str, Any] | None:
    """Returns a trained cell's measurement on one set, or None where there is none of the run and the set as they are.

    Args:
      cell: `Cell`.
      name: the set.

    Raises:
      DataError: if the file there cannot be used.
    """
    path = cell.measurement(name)
    if not path.exists():
        return None
    found = read_json(path)
    record = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
    fields = ("method", "set", "scale", "psnr", "ssim", "images", "seconds")
    if not set(fields) <= set(record):
        raise DataError(f"{path}: not a measurement of this srnet version; delete it to measure again")
    if (record["method"], record["set"], record["scale"]) != (cell.measured_as, name, cell.scale):
        raise DataError(f"{path}: of {record['method']} on {record['set']}; delete it to measure again")
    alike = (record["images"], record.get("degradation", "bicubic")) == (cell.sets[name], cell.degradation)
    current = alike and is_of_run(cell, record.get("run", {}))
    return record if current else None


def sign(cell: Cell, name: str) -> None:
    """Notes in a new measurement of a cell which run it is of; `srnet.evaluate` does not say it.

    Args:
      cell: `Cell`.
      name: the set.

    Raises:
      DataError: if the file cannot be read or written.
    """
    path = cell.measurement(name)
    write_json(path, [{**record, "run": run_of(cell)} for record in read_json(path)])


def cost_of(cell: Cell) -> dict[str, Any] | None:
    """Returns what a trained cell's method costs, or None where it has not been measured of the run as it is now.

    Args:
      cell: `Cell`.

    Returns:
      A dict of parameters, macs, seconds_per_megapixel and hardware.

    Raises:
      DataError: if the file there is damaged.
    """
    if not cell.cost.exists():
        return None
    found, fields = read_json(cell.cost), ("parameters", "macs", "seconds_per_megapixel", "hardware")
    if not isinstance(found, dict) or not set(fields) <= set(found):
        raise DataError(f"{cell.cost}: damaged; delete it to make it again")
    return {name: found[name] for name in fields} if is_of_run(cell, found.get("run", {})) else None


def is_complete(cell: Cell) -> bool:
    """Tells whether a cell is trained and measured; False for one whose folder cannot be used.

    Args:
      cell: `Cell`.
    """
    try:
        return is_trained(cell) and all(measured(cell, name) for name in cell.sets)
    except (UsageError, DataError):
        return False


def method_of(cell: Cell, workspace: Workspace) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a complete cell as a method: a callable from LR luma to SR luma, float32 in [0, 255].

    Args:
      cell: `Cell`.
      workspace: `Workspace`.
    """
    if cell.config:
        return network_method(load_run(cell.folder)[0])
    return named_method(cell.method, workspace.data_root, workspace.cache_dir).at_scale(cell.scale)


def check_training_sets(cells: list[Cell], data_root: str | None) -> None:
    """Checks that the training images of some cells can be found.

    Args:
      cells: list of `Cell`.
      data_root: folder with a folder for each set, or None.

    Raises:
      DataError: if a set cannot be found.
    """
    for name in {name for cell in cells if cell.config for name in cell.config.train_sets}:
        find_images(name, data_root)
