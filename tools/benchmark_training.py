"""Measures how much of a training step is computation, and how long the same step takes in PyTorch.

python tools/benchmark_training.py
python tools/benchmark_training.py --variant=plus --patch=96 --precision=mixed_bfloat16

It times, interleaved, a bare compiled training step on one constant batch, without and with XLA, the step of
`srnet.train` (reading, shuffling, loss bookkeeping, progress bar) and, if PyTorch is installed, a step of the same
network there, in its own process; then the data pipeline alone. It prints medians over the rounds and their ratios;
compare ratios, since seconds depend on the machine. PyTorch: pip install -e '.[benchmark]'.
"""

import pathlib
import sys
import tempfile

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from srnet import cli
from srnet.training.config import TrainConfig

_BATCHES = 2000  # of the pipeline alone


def define_flags() -> None:
    shared_flags.define_training_flags()
    flags.DEFINE_integer("scale", 2, "Scale.")
    flags.DEFINE_string("cache_dir", None, "Folder of patch stores. Default: a temporary one.")
    flags.DEFINE_integer("rounds", 7, "Timed rounds of each kind of step.", lower_bound=1)
    flags.DEFINE_integer("steps", 40, "Steps per round.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    cli.import_tensorflow()
    from experiments.benchmarks.training import pipeline_speed, time_steps
    from srnet.training.data import training_patches
    from srnet.training.run import set_seeds

    config = TrainConfig(
        variant=values.variant,
        scale=values.scale,
        batch_size=values.batch_size,
        patch=values.patch,
        precision=values.precision,
        train_sets=tuple(values.train_sets),
        steps_per_epoch=values.steps,
        epochs=values.rounds + 1,
    )
    set_seeds(config)
    with tempfile.TemporaryDirectory() as folder:
        store = training_patches(config, values.data_root, values.cache_dir or folder)
        bare, xla, real, pytorch = time_steps(config, store)
        pipeline = pipeline_speed(config, store, _BATCHES)
    needed = config.batch_size / real
    print(f"bare step on a constant batch   {bare:.4f} s")
    print(f"the same with --jit_compile     {xla:.4f} s, {xla / bare:.3f} times the bare step")
    print(f"step of srnet.train             {real:.4f} s, {real / bare:.3f} times the bare step")
    if pytorch:
        print(f"step in PyTorch                 {pytorch:.4f} s, {pytorch / bare:.3f} times the bare step")
    print(f"pipeline alone                  {pipeline:.0f} patches/s, {pipeline / needed:.0f} times what a step needs")


if __name__ == "__main__":
    cli.run(main, define_flags)
