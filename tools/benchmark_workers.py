"""Compares several workers on this machine with one process that has the same cores.

python tools/benchmark_workers.py --workers=2

It alternately trains with one process on these cores, and with workers that share them equally and communicate over the
loopback interface. It prints the median steps per second of each, without the first epoch of a run, and their ratio.
"""

import os
import pathlib
import statistics
import sys
import tempfile

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.benchmarks.workers import patches_per_second
from srnet import cli
from srnet.errors import UsageError

_EPOCHS = 3


def define_flags() -> None:
    shared_flags.define_training_flags()
    flags.DEFINE_integer("workers", 2, "Number of workers.", lower_bound=2)
    flags.DEFINE_integer("rounds", 3, "Runs of each kind.", lower_bound=1)
    flags.DEFINE_integer("steps", 40, "Steps per epoch.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    if not sys.platform.startswith("linux"):
        raise UsageError("this tool needs Linux, where it can give each process its cores")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < values.workers:
        raise UsageError(f"--workers={values.workers}: this machine has {len(cores)} cores; one for each is needed")
    if values.batch_size % values.workers:
        raise UsageError(f"--batch_size={values.batch_size}: use a multiple of the {values.workers} workers")
    shared = len(cores) // values.workers
    own = [cores[number * shared :][:shared] for number in range(values.workers)]
    alone, together = [], []
    with tempfile.TemporaryDirectory() as cache:
        training = _training(cache)
        for _ in range(values.rounds):
            alone.append(patches_per_second([cores[: shared * values.workers]], training) / values.batch_size)
            together.append(patches_per_second(own, training) / values.batch_size)
    one, several = statistics.median(alone), statistics.median(together)
    print(f"one process of {shared * values.workers} cores    {one:.2f} steps/s")
    print(f"{values.workers} workers of {shared} cores each   {several:.2f} steps/s, {several / one:.3f} times as many")


def _training(cache: str) -> list[str]:
    """The flags of srnet.train."""
    values = flags.FLAGS
    training = [f"--{name}={values[name].value}" for name in ("variant", "batch_size", "patch", "precision")]
    training += [f"--train_sets={','.join(values.train_sets)}", "--validation_set=skimage_test"]
    training += ["--validation_images=1", f"--steps_per_epoch={values.steps}", f"--epochs={_EPOCHS}"]
    training += [f"--data_root={values.data_root}"] if values.data_root else []
    return [*training, f"--cache_dir={cache}"]


if __name__ == "__main__":
    cli.run(main, define_flags)
