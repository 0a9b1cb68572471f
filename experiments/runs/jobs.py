"""Jobs: one method at one scale and seed, with its own run folder."""

import dataclasses
import pathlib
from collections.abc import Mapping

from srnet.errors import UsageError
from srnet.training.config import TrainConfig
from srnet.training.run_folder import Run, check_run, is_exported, steps_done


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """One method at one scale and seed.

    Attributes:
      method: name of a network, of a method of `srnet.evaluation.classical`, or of a table row.
      scale: integer scale.
      run: its run folder.
      sets: dict from the names of the sets it is measured on to their number of images.
      train: arguments of `srnet.train`; empty for a classical method.
      config: the run's `TrainConfig`; None for a classical method.
      seed: seed of the run.
    """

    method: str
    scale: int
    run: Run
    sets: Mapping[str, int]
    train: tuple[str, ...] = ()
    config: TrainConfig | None = None
    seed: int = 0

    @property
    def name(self) -> str:
        return self.run.folder.name

    @property
    def log(self) -> pathlib.Path:
        """The output of the latest command; locked while the job is trained or measured."""
        return self.run.folder.with_name(f"{self.name}.log")


def is_trained(job: Job) -> bool:
    """Returns whether a job's run has all steps of its configuration and is exported; True for a classical method.

    Args:
      job: the job.

    Raises:
      UsageError: if its folder holds another run, or one of another length.
      DataError: if its folder cannot be read.
    """
    if job.config is None:
        return True
    there, needed = check_run(job.run, job.config), job.config.total_steps
    if there and there.total_steps != needed:
        held = f"{job.run.folder} holds a run of {there.total_steps} steps"
        raise UsageError(f"{held}, but the budget needs {needed}: choose another --runs")
    return steps_done(job.run) == needed and is_exported(job.run)
