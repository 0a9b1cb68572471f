"""Times training steps and the data pipeline."""

import dataclasses
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
import tqdm

from experiments.benchmarks.process import new_process
from experiments.benchmarks.pytorch_step import prepare_pytorch, time_pytorch
from srnet.data.pipeline import distributed_batches, training_batches
from srnet.data.store import PatchStore
from srnet.training import loop, step
from srnet.training.config import TrainConfig
from srnet.training.state import State, new_state
from srnet.training.workers import start_workers

_WARM_UP = 50  # batches, so that prefetched ones do not count


class StepSeconds(NamedTuple):
    """Median seconds of a step.

    Attributes:
      bare: of the compiled step on one constant batch.
      xla: of the same step, its forward and backward pass compiled with XLA.
      real: of the training loop's step.
      pytorch: of a step in PyTorch; None without PyTorch.
    """

    bare: float
    xla: float
    real: float
    pytorch: float | None


def time_steps(config: TrainConfig, store: PatchStore) -> StepSeconds:
    """Times steps of each kind, which take turns, after a warm-up epoch.

    Args:
      config: its number of epochs is the number of rounds and one more, its steps per epoch those of a round.
      store: the patch store.
    """
    if not importlib.util.find_spec("torch"):
        return _time_steps(config, store, None)
    with new_process() as process:
        process.submit(prepare_pytorch, config).result()
        return _time_steps(config, store, lambda: process.submit(time_pytorch, config.steps_per_epoch).result())


def _time_steps(config: TrainConfig, store: PatchStore, time_other: Callable[[], float] | None) -> StepSeconds:
    workers = start_workers(config)
    state = new_state(config, workers.strategy)
    time_bare = _bare_step_timer(config, store, state)
    time_xla = _bare_step_timer(dataclasses.replace(config, jit_compile=True), store, state)
    run_steps = step.make_run_steps(config, state, workers.strategy)
    steps = 2 * config.total_steps  # so that reading ahead goes on in the last round
    iterator = distributed_batches(workers.strategy, store, config.batch_size, config.seed, 0, steps)
    bare, xla, real, other = [], [], [], []
    with tqdm.tqdm(total=config.total_steps, unit="step") as progress:
        for _ in range(config.epochs):
            bare.append(time_bare(config.steps_per_epoch))
            xla.append(time_xla(config.steps_per_epoch))
            started = time.perf_counter()
            loop.train_epoch(config, state, run_steps, iterator, workers, [], progress, lambda losses, step: None)
            real.append((time.perf_counter() - started) / config.steps_per_epoch)
            other += [time_other()] if time_other else []
    pytorch = statistics.median(other[1:]) if other else None
    return StepSeconds(statistics.median(bare[1:]), statistics.median(xla[1:]), statistics.median(real[1:]), pytorch)


def bare_step_seconds(config: TrainConfig, store: PatchStore, steps: int) -> float:
    """Returns the mean seconds of the compiled training step on one constant batch, after a first step.

    Args:
      config: `TrainConfig`.
      store: the patch store.
      steps: number of timed steps.
    """
    time_bare = _bare_step_timer(config, store, new_state(config, tf.distribute.get_strategy()))
    time_bare(1)
    return time_bare(steps)


def _bare_step_timer(config: TrainConfig, store: PatchStore, state: State) -> Callable[[int], float]:
    """A callable that takes a number of steps on one constant batch, and returns the seconds per step."""
    take = tf.function(step.make_step(config, state))
    batch = next(iter(training_batches(store, config.batch_size, config.seed, 0, 1)))

    def seconds_per_step(steps: int) -> float:
        started = time.perf_counter()
        for _ in range(steps):
            take(*batch)
        state.optimizer.iterations.numpy()  # wait for the device
        return (time.perf_counter() - started) / steps

    return seconds_per_step


def pipeline_speed(config: TrainConfig, store: PatchStore, batches: int) -> float:
    """Returns the patches per second that the data pipeline delivers without training.

    Args:
      config: `TrainConfig`.
      store: the patch store.
      batches: number of timed batches.
    """
    delivered = iter(training_batches(store, config.batch_size, config.seed, 0, batches + _WARM_UP))
    for _ in range(_WARM_UP):
        next(delivered)
    started = time.perf_counter()
    for _ in range(batches):
        next(delivered)
    return config.batch_size * batches / (time.perf_counter() - started)
