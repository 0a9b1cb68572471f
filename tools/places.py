"""The flags that the tools share, and how they end."""

import os
import pathlib
import sys

from absl import flags

from experiments.budgets import BUDGETS
from srnet import commands
from srnet.benchmark import method_of_run, named_method
from srnet.classical import METHODS
from srnet.data.datasets import find_images
from srnet.errors import DataError, UsageError
from srnet.files import reason
from tools import cells, records


def define_flags():
    """Defines --preset and the flags that say where images, runs and results are."""
    flags.DEFINE_enum("preset", "cpu", list(BUDGETS), "The paper's budget, or a smaller one.")
    flags.DEFINE_string("runs", None, "Folder of the run folders; the project's runs/experiments_PRESET unless given.")
    flags.DEFINE_string("output", str(cells.ROOT / "experiments" / "results"), "Folder of the results.")
    commands.define_folder_flags()


def define_job_flag():
    """Defines --jobs."""
    flags.DEFINE_integer("jobs", 1, "Commands at a time.", lower_bound=1)


def define_method_flag():
    """Defines --methods."""
    flags.DEFINE_list("methods", None, "Methods; all of Table 2 that the budget has unless given.")


def methods():
    """Returns the names of the methods of --methods.

    Raises:
      UsageError: for one that Table 2 does not have.
    """
    known = BUDGETS[flags.FLAGS.preset]["methods"]
    for name in flags.FLAGS.methods or ():
        if name not in known:
            raise UsageError(f"--methods: {name!r} is none of the {flags.FLAGS.preset} budget's: {', '.join(known)}")
    return tuple(dict.fromkeys(flags.FLAGS.methods or known))


def integers(name):
    """Returns the different integers of a list flag, in order.

    Args:
      name: the flag.

    Raises:
      UsageError: if one is no integer.
    """
    return tuple(dict.fromkeys(commands.integers(f"--{name}", flags.FLAGS[name].value)))


def runs_folder():
    """Returns the folder of the run folders."""
    return flags.FLAGS.runs or cells.ROOT / "runs" / f"experiments_{flags.FLAGS.preset}"


def scales():
    """Returns the different scales of --scales.

    Raises:
      UsageError: if one is no integer of at least 2.
    """
    found = integers("scales")
    if min(found, default=0) < 2:
        raise UsageError(f"--scales={','.join(flags.FLAGS.scales)}: scales are integers of at least 2")
    return found


def results_file(prefix=""):
    """Returns the file of the records of the budget of the flags; its folder is made when missing.

    Args:
      prefix: what its name begins with, before the budget's.

    Raises:
      DataError: if that folder cannot be made or written.
    """
    folder = pathlib.Path(flags.FLAGS.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        problem = None if os.access(folder, os.W_OK) else "permission denied"
    except OSError as error:
        problem = reason(error)
    if problem:
        raise DataError(f"--output={folder}: cannot be written ({problem})")
    return folder / f"{prefix}{flags.FLAGS.preset}.jsonl"


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


def method_of(cell):
    """Returns a complete cell as a method: a callable from LR luma to SR luma.

    Args:
      cell: `tools.cells.Cell`.
    """
    if cell.config:
        return method_of_run(cell.folder).at_scale(cell.scale)
    return named_method(cell.method, flags.FLAGS.data_root, flags.FLAGS.cache_dir).at_scale(cell.scale)


def check_training_sets(table):
    """Checks that the training images of some cells can be found.

    Args:
      table: list of `tools.cells.Cell`.

    Raises:
      DataError: if a set cannot.
    """
    for name in {name for cell in table if cell.config for name in cell.config.train_sets}:
        find_images(name, flags.FLAGS.data_root)


def complete(table, prefix, write, then=lambda table: []):
    """Makes what is missing of some cells, and their results, also when it is stopped.

    Args:
      table: list of `tools.cells.Cell`.
      prefix: what the name of the records' file begins with.
      write: a callable that makes tables and figures of (all the file's records, the file).
      then: a callable that does more for the complete cells and returns a list of (cell, why) that failed.

    Returns:
      The exit status; a line is printed for each failed cell.
    """
    values = flags.FLAGS
    check_training_sets(table)
    path = results_file(prefix)
    records.read_records(path)
    failed = []
    try:
        failed += cells.make(table, values.jobs, values.data_root, values.cache_dir)
        failed += then(table)
    finally:
        found, broken = records.collect(table, values.preset)
        failed += broken
        write(records.update_records(path, found), path)
    return report_failures(failed)


def report_failures(failed):
    """Prints a line for each failed cell and returns the exit status.

    Args:
      failed: list of (cell, why).
    """
    for cell, why in failed:
        print(f"error: {cell.name}: {why}", file=sys.stderr)
    return 1 if failed else 0
