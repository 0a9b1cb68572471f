"""Measures how much of a training step is computation, and how long the same step takes in PyTorch.

python tools/benchmark_training.py
python tools/benchmark_training.py --variant=plus --patch=96 --precision=mixed_bfloat16

It times, interleaved, a bare compiled training step on one constant batch, the step of `srnet.train` (reading,
shuffling, loss bookkeeping, progress bar) and, if PyTorch is installed, a step of the same network there, in its own
process; then the data pipeline alone. It prints medians over the rounds and their ratios; compare ratios, since seconds
depend on the machine. PyTorch: pip install -e '.[benchmark]'.
"""

import concurrent.futures
import contextlib
import importlib.util
import multiprocessing
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli
from srnet.training.config import NETWORKS

if TYPE_CHECKING:
    from srnet.data.store import PatchStore
    from srnet.training.config import TrainConfig


def define_flags() -> None:
    flags.DEFINE_enum("variant", "full", NETWORKS, "Network.")
    flags.DEFINE_integer("scale", 2, "Scale.")
    flags.DEFINE_integer("batch_size", 16, "Patches per step.")
    flags.DEFINE_integer("patch", 48, "Side of an HR patch in pixels.")
    flags.DEFINE_enum("precision", "float32", ("float32", "mixed_bfloat16"), "Precision of the computation.")
    flags.DEFINE_list("train_sets", "skimage_train", "Sets that the patches come from.")
    cli.define_data_root_flag()
    flags.DEFINE_string("cache_dir", None, "Folder of patch stores. Default: a temporary one.")
    flags.DEFINE_integer("rounds", 7, "Timed rounds of each kind of step.", lower_bound=1)
    flags.DEFINE_integer("steps", 40, "Steps per round.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    cli.import_tensorflow()
    from srnet.training import run
    from srnet.training.config import TrainConfig
    from srnet.training.data import training_patches

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
    run.set_seeds(config)
    with tempfile.TemporaryDirectory() as folder:
        store = training_patches(config, values.data_root, values.cache_dir or folder)
        with _pytorch(config) as time_pytorch:
            bare, real, other = _time_steps(config, store, time_pytorch)
        pipeline = _time_pipeline(config, store)
    needed = config.batch_size / real
    print(f"bare step on a constant batch   {bare:.4f} s")
    print(f"step of srnet.train             {real:.4f} s, {real / bare:.3f} times the bare step")
    if other:
        print(f"step in PyTorch                 {other:.4f} s, {other / bare:.3f} times the bare step")
    print(f"pipeline alone                  {pipeline:.0f} patches/s, {pipeline / needed:.0f} times what a step needs")


@contextlib.contextmanager
def _pytorch(config: "TrainConfig") -> Iterator[Callable[[], float] | None]:
    """Yields a callable that takes an epoch's steps in PyTorch and returns seconds per step; None without PyTorch."""
    if not importlib.util.find_spec("torch"):
        yield None
        return
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        process.submit(prepare_pytorch, config).result()
        yield lambda: process.submit(time_pytorch, config.steps_per_epoch).result()


_pytorch_step: Callable[[], None] = lambda: None  # noqa: E731


def prepare_pytorch(config: "TrainConfig") -> None:
    """Prepares a training step in PyTorch in this process.

    Args:
      config: `TrainConfig`; its loss is replaced by mean squared error, its schedule by a constant learning rate.
    """
    global _pytorch_step
    import torch._dynamo  # with Triton, which crashes if it is imported after TensorFlow

    cli.import_tensorflow()

    from experiments.torch_twin import TorchTwin
    from srnet.training.state import build_network

    network = TorchTwin(build_network(config, "float32")).train()
    optimizer = torch.optim.Adam(network.parameters(), config.learning_rate)
    side = config.patch // config.scale
    lr, hr = (
        255 * torch.rand(config.batch_size, config.channels, each, each).contiguous(memory_format=torch.channels_last)
        for each in (side, side * config.scale)
    )

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=config.precision != "float32"):
            sr = network(lr)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(sr.float(), hr).backward()
        optimizer.step()

    _pytorch_step = step


def time_pytorch(steps: int) -> float:
    """Returns the seconds per step of the training step that `prepare_pytorch` prepared.

    Args:
      steps: number of steps to take.
    """
    started = time.perf_counter()
    for _ in range(steps):
        _pytorch_step()
    return (time.perf_counter() - started) / steps


def _time_steps(
    config: "TrainConfig", store: "PatchStore", time_other: Callable[[], float] | None
) -> tuple[float, float, float | None]:
    """Median seconds of a bare step, a step of the training loop and one in PyTorch, after a warm-up round."""
    import tensorflow as tf
    import tqdm

    from srnet.data.pipeline import distributed_batches, training_batches
    from srnet.training import loop, step
    from srnet.training.state import new_state
    from srnet.training.workers import start_workers

    workers = start_workers(config)
    state = new_state(config, workers.strategy)
    bare_step = tf.function(step.make_step(config, state))
    run_steps = step.make_run_steps(config, state, workers.strategy)
    constant = next(iter(training_batches(store, config.batch_size, config.seed, 0, 1)))
    steps = 2 * config.total_steps
    iterator = distributed_batches(workers.strategy, store, config.batch_size, config.seed, 0, steps)
    bare, real, other = [], [], []
    with tqdm.tqdm(total=config.total_steps, unit="step") as progress:
        for _ in range(config.epochs):
            started = time.perf_counter()
            for _ in range(config.steps_per_epoch):
                bare_step(*constant)
            state.optimizer.iterations.numpy()
            bare.append((time.perf_counter() - started) / config.steps_per_epoch)
            started = time.perf_counter()
            loop.train_epoch(config, state, run_steps, iterator, workers, [], progress, lambda losses, step: None)
            real.append((time.perf_counter() - started) / config.steps_per_epoch)
            other += [time_other()] if time_other else []
    medians = (statistics.median(bare[1:]), statistics.median(real[1:]))
    return *medians, statistics.median(other[1:]) if other else None


def _time_pipeline(config: "TrainConfig", store: "PatchStore") -> float:
    """Patches per second that the pipeline delivers without training."""
    from srnet.data.pipeline import training_batches

    count = 2000
    batches = iter(training_batches(store, config.batch_size, config.seed, 0, count + 100))
    for _ in range(100):
        next(batches)
    started = time.perf_counter()
    for _ in range(count):
        next(batches)
    return config.batch_size * count / (time.perf_counter() - started)


if __name__ == "__main__":
    cli.run(main, define_flags)
