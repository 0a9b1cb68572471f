"""Flags shared by the tools. This module imports neither TensorFlow nor matplotlib, so --help is fast."""

import pathlib
import re

from absl import flags

from experiments.recipes.budgets import BUDGETS
from experiments.workspace import RESULTS, ROOT, Workspace
from srnet import cli
from srnet.errors import UsageError
from srnet.training.config import NETWORKS


def define_flags() -> None:
    """Defines --budget and the flags for the folders of images, caches, runs and results."""
    define_budget_flag()
    text = "Folder of the run folders. Default: runs/experiments_BUDGET[_DEGRADATION] in the project."
    flags.DEFINE_string("runs", None, text)
    flags.DEFINE_string("output", str(RESULTS), "Folder of the results.")
    cli.define_folder_flags()


def define_budget_flag() -> None:
    """Defines --budget and its older name, --preset."""
    flags.DEFINE_enum("budget", "cpu", list(BUDGETS), "Training budget: the paper's, or a smaller one.")
    flags.DEFINE_alias("preset", "budget")


def define_job_flags() -> None:
    """Defines --jobs and --scheduler."""
    flags.DEFINE_integer("jobs", 1, "Number of concurrent jobs on this machine.", lower_bound=1)
    text = "Address of a Dask scheduler, such as tcp://HOST:8786; its workers run the jobs instead of this machine."
    flags.DEFINE_string("scheduler", None, text)


def define_methods_flag() -> None:
    """Defines --methods."""
    flags.DEFINE_list("methods", None, "Methods of Table 2. Default: all methods of the budget.")


def define_seeds_flag(of_several: str) -> None:
    """Defines --seeds.

    Args:
      of_several: how results of several seeds are shown.
    """
    flags.DEFINE_list("seeds", ["0"], f"Seeds of the runs. With several, {of_several}.")


def define_training_flags() -> None:
    """Defines the flags of a training step that is timed, from --variant to --data_root."""
    flags.DEFINE_enum("variant", "full", NETWORKS, "Network.")
    flags.DEFINE_integer("batch_size", 16, "Patches per step.")
    flags.DEFINE_integer("patch", 48, "Side of an HR patch in pixels.")
    flags.DEFINE_enum("precision", "float32", ("float32", "mixed_bfloat16"), "Precision of the computation.")
    flags.DEFINE_list("train_sets", "skimage_train", "Sets that the patches come from.")
    cli.define_data_root_flag()


def workspace() -> Workspace:
    """Returns the workspace that the flags describe.

    Raises:
      UsageError: if --scheduler is not an address.
    """
    values = flags.FLAGS
    jobs, scheduler = (values.jobs, values.scheduler) if "jobs" in values else (1, None)
    if scheduler is not None and not re.fullmatch(r"((tcp|tls|wss?)://)?([^\s/:]+|\[[\da-f:]+\]):\d+", scheduler, re.I):
        raise UsageError(f"--scheduler={scheduler}: expected HOST:PORT, such as tcp://10.0.0.1:8786")
    degradation = values.degradation if "degradation" in values else "bicubic"
    own = values.budget if degradation == "bicubic" else f"{values.budget}_{degradation}"
    # Absolute, since workers elsewhere have another working directory.
    runs = pathlib.Path(values.runs or ROOT / "runs" / f"experiments_{own}").absolute()
    data_root = values.data_root and str(pathlib.Path(values.data_root).absolute())
    cache = str(pathlib.Path(values.cache_dir).absolute())
    return Workspace(values.budget, runs, pathlib.Path(values.output), data_root, cache, jobs, degradation, scheduler)


def methods() -> tuple[str, ...]:
    """Returns the methods of --methods, without duplicates.

    Raises:
      UsageError: for a method that the budget does not have.
    """
    return choices("methods", BUDGETS[flags.FLAGS.budget]["methods"])


def choices(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the values of a list flag, without duplicates; all known values if the flag is not given.

    Args:
      name: the flag.
      known: the values that it may have.

    Raises:
      UsageError: for an unknown value.
    """
    given = flags.FLAGS[name].value
    for value in given or ():
        if value not in known:
            raise UsageError(f"--{name}: {value!r} is unknown: choose from {', '.join(known)}")
    return tuple(dict.fromkeys(given or known))


def integers(name: str) -> tuple[int, ...]:
    """Returns the integers of a list flag, without duplicates.

    Args:
      name: the flag; it has a default.

    Raises:
      UsageError: if a value is not an integer.
    """
    return tuple(dict.fromkeys(cli.integers(f"--{name}", flags.FLAGS[name].value) or ()))


def scales() -> tuple[int, ...]:
    """Returns the scales of --scales, without duplicates.

    Raises:
      UsageError: if one is not an integer of at least 2.
    """
    found = integers("scales")
    if min(found) < 2:
        raise UsageError(f"--scales={','.join(flags.FLAGS.scales)}: scales are integers of at least 2")
    return found
