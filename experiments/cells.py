"""Cells: one method at one scale and seed, with its own run folder.

Importing this module does not import TensorFlow, which Dask's workers do not need.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from srnet import cli
from srnet.errors import DataError, UsageError
from srnet.json_files import read_json
from srnet.training.config import TrainConfig
from srnet.training.run_folder import Run, check_run, is_exported, read_metrics, steps_done


@dataclasses.dataclass(frozen=True, eq=False)
class Cell:
    """One method at one scale and seed.

    Attributes:
      method: name of a network, of a method of `srnet.evaluation.classical`, or of a table row.
      scale: integer scale.
      folder: its run folder.
      sets: dict from the names of the sets it is measured on to their number of images.
      train: arguments of `srnet.train`; empty for a classical method.
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
        """The output of the latest command; locked while the cell is trained or measured."""
        return self.folder.with_name(f"{self.name}.log")


def is_trained(cell: Cell) -> bool:
    """Returns whether a cell's run is complete, with all steps of its configuration; True for a classical method.

    Raises:
      UsageError: if its folder holds another run, or a longer one.
      DataError: if its folder cannot be read, or epochs are missing from its metrics.jsonl.
    """
    if cell.config is None:
        return True
    there, needed = check_run(cell.folder, cell.config), cell.config.total_steps
    if there is None:
        return False
    if there.total_steps > needed:
        held = f"{cell.folder} holds a run of {there.total_steps} steps"
        raise UsageError(f"{held}, the budget has {needed}: choose another --runs")
    done, recorded = steps_done(cell.run), recorded_steps(cell)  # in this order, the reverse of training's writes
    if done == needed > recorded:
        raise DataError(f"{cell.run.metrics}: damaged (epochs are missing); delete {cell.folder} to train it again")
    return there.total_steps == needed == done == recorded and is_exported(cell.run)


def recorded_steps(cell: Cell) -> int:
    """Returns the number of steps in a cell's finished epochs; 0 for a classical method.

    Raises:
      DataError: if its metrics.jsonl is damaged.
    """
    return max((line["step"] for line in read_metrics(cell.run)), default=0)


def origin_of(cell: Cell) -> dict[str, Any]:
    """Returns started, command, commit and hardware of a run, or of a classical method's measurements.

    Raises:
      DataError: if its run.json is missing or damaged.
    """
    found, names = read_json(cell.run.origin, dict), ("started", "command", "commit", "hardware")
    if not set(names) <= set(found):
        raise DataError(f"{cell.run.origin}: damaged (fields are missing); delete {cell.folder} to train it again")
    return {name: found[name] for name in names}


def run_of(cell: Cell) -> dict[str, Any]:
    """Returns the identity of the run behind a cell's results: a dict of started and steps.

    Extending a run keeps its start time, so both are needed. Both are None for a classical method.

    Raises:
      DataError: if its run.json is missing or damaged.
    """
    if cell.config is None:
        return {"started": None, "steps": None}
    return {"started": origin_of(cell)["started"], "steps": cell.config.total_steps}


def report_failures(failed: Mapping[str, str]) -> int:
    """Prints a line for each cell that failed and returns the exit status.

    Args:
      failed: dict from the names of failed cells to the reasons.
    """
    for name, why in failed.items():
        cli.complain(f"{name}: {why}")
    return 1 if failed else 0
