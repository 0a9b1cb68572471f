"""The flags that the tools share, and how they end."""

import pathlib
import sys

from absl import flags

from experiments.budgets import BUDGETS
from srnet import commands
from srnet.classical import METHODS
from srnet.data.datasets import find_images
from tools import cells


def define_flags():
    """Defines --preset, --jobs and the flags that say where images, runs and results are."""
    flags.DEFINE_enum("preset", "cpu", list(BUDGETS), "The paper's budget, or a smaller one.")
    flags.DEFINE_integer("jobs", 1, "Commands at a time.", lower_bound=1)
    flags.DEFINE_string("runs", None, "Folder of the run folders; runs/experiments_PRESET unless given.")
    flags.DEFINE_string("output", str(cells.ROOT / "experiments" / "results"), "Folder of the results.")
    commands.define_folder_flags()


def runs_folder():
    """Returns the folder of the run folders."""
    return flags.FLAGS.runs or f"runs/experiments_{flags.FLAGS.preset}"


def results_file():
    """Returns the file of the records of the budget of the flags."""
    return pathlib.Path(flags.FLAGS.output) / f"{flags.FLAGS.preset}.jsonl"


def find_cell(name, scale, sets, seed=0):
    """Returns the cell of a method at the budget of the flags.

    Args:
      name: the method's or the network's name.
      scale: integer enlargement.
      sets: dict from names of sets to the number of their images.
      seed: seed of a network's run.
    """
    values, runs = flags.FLAGS, runs_folder()
    if name in METHODS:
        return cells.classical_cell(name, scale, runs, sets)
    return cells.network_cell(values.preset, name, scale, seed, runs, sets, values.data_root)


def check_training_sets(table):
    """Raises a DataError unless the training images of some cells can be found."""
    for name in {name for cell in table if cell.config for name in cell.config.train_sets}:
        find_images(name, flags.FLAGS.data_root)


def report_failures(failed):
    """Prints a line for each failed cell and returns the exit status.

    Args:
      failed: list of (cell, reason).
    """
    for cell, reason in failed:
        print(f"error: {cell.name}: {reason}", file=sys.stderr)
    return 1 if failed else 0
