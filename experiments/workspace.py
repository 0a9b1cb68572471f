"""Where an experiment reads and writes."""

import dataclasses
import os
import pathlib

from srnet.errors import DataError
from srnet.files import reason

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "experiments" / "results"


@dataclasses.dataclass(frozen=True)
class Workspace:
    """The budget and the folders of an experiment.

    Attributes:
      budget: one of `experiments.recipes.budgets.BUDGETS`.
      runs: folder of the run folders.
      results: folder of records, tables and figures.
      data_root: folder with a folder for each image set, or None.
      cache_dir: folder of patch stores and trained A+.
      jobs: number of concurrent jobs on this machine.
      degradation: how the LR images of training and measuring are made.
      scheduler: address of the Dask scheduler that runs the jobs; None for this machine.
    """

    budget: str
    runs: pathlib.Path
    results: pathlib.Path
    data_root: str | None
    cache_dir: str
    jobs: int = 1
    degradation: str = "bicubic"
    scheduler: str | None = None

    def results_file(self, prefix: str = "") -> pathlib.Path:
        """Returns the file of the budget's records.

        Args:
          prefix: prefix of the file's name, before the budget's name.
        """
        suffix = "" if self.degradation == "bicubic" else f"_{self.degradation}"
        return self.results / f"{prefix}{self.budget}{suffix}.jsonl"

    def make_results_folder(self) -> None:
        """Creates the results folder, so that an unusable one is reported before hours of training.

        Raises:
          DataError: if it cannot be created or written.
        """
        try:
            self.results.mkdir(parents=True, exist_ok=True)
            problem = None if os.access(self.results, os.W_OK) else "permission denied"
        except OSError as error:
            problem = reason(error)
        if problem:
            raise DataError(f"--output={self.results}: cannot be written ({problem})")
