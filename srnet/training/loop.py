"""The training loop: epochs, validation after each, signals."""

import contextlib
import functools
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm

from srnet.data.pipeline import distributed_batches
from srnet.data.store import PatchStore
from srnet.errors import DataError
from srnet.files import reason
from srnet.inference.method import network_method
from srnet.progress import progress_bar
from srnet.training import schedule, validation
from srnet.training.config import TrainConfig
from srnet.training.recorder import Recorder
from srnet.training.run_folder import Run
from srnet.training.state import State, build_network
from srnet.training.step import RunSteps, make_run_steps
from srnet.training.workers import Workers


class Interrupted(Exception):
    """Ctrl-C, SIGTERM or SIGHUP stopped the run, after its state was saved.

    Attributes:
      signal: number of the signal.
    """

    def __init__(self, signal_number: int, step: int) -> None:
        super().__init__(f"stopped at step {step}, saved" if step else "stopped before the first step")
        self.signal = signal_number


def train_epochs(
    config: TrainConfig,
    state: State,
    store: PatchStore,
    validation_paths: Sequence[Path],
    run: Run,
    workers: Workers,
) -> None:
    """Trains a run from its newest checkpoint, or from the start, to its last epoch.

    Args:
      config: `TrainConfig`.
      state: what `state.new_state` returns for it.
      store: opened `PatchStore`.
      validation_paths: HR image files to evaluate after each epoch.
      run: `Run`, opened on the first worker by `run_folder.open_run`.
      workers: `Workers`.

    Raises:
      Interrupted: after Ctrl-C, SIGTERM or SIGHUP to one of the workers; the state is saved.
      DataError: if the loss is no longer finite (the last good checkpoint is kept), a checkpoint cannot be used, the
        disk is full, or another worker has ended.
    """
    recorder = Recorder(config, state, run)
    workers.from_first(recorder.resume)
    workers.broadcast(state.variables)
    if state.step >= config.total_steps:
        return

    run_steps = make_run_steps(config, state, workers.strategy)
    iterator = distributed_batches(
        workers.strategy, store, config.batch_size, config.seed, state.step, config.total_steps
    )
    evaluated = build_network(config, "float32")
    method = network_method(evaluated)
    validation.enlarge_largest(method, validation_paths, config, workers)
    report = recorder.add_losses if workers.is_first else None
    options = {"initial": state.step, "smoothing": 0.05, "disable": not workers.is_first}
    with stop_signal() as stopped, progress_bar(config.total_steps, "training", "step", **options) as progress:
        while state.step < config.total_steps:
            try:
                speed, stop = train_epoch(config, state, run_steps, iterator, workers, stopped, progress, report)
            except (tf.errors.OpError, DataError) as error:
                if store.failures:
                    raise DataError(f"{store.path}: {reason(store.failures[0])}") from error
                if isinstance(error, tf.errors.ResourceExhaustedError):
                    full = f"out of memory in the steps after {state.step}"
                    raise DataError(f"{full}; use a smaller --batch_size or --patch") from error
                raise
            if speed is None:
                raise Interrupted(stop, state.step)
            workers.from_first(recorder.check_weights)
            if state.step % config.steps_per_epoch:
                workers.from_first(recorder.save)
                raise Interrupted(stop, state.step)
            started = time.perf_counter()
            evaluated.set_weights(state.result.get_weights())
            values = validation.validate(method, validation_paths, config, workers)
            strip = validation.picture_strip(method, validation_paths[0], config)
            state.seconds.assign_add(time.perf_counter() - started)
            line = epoch_line(config, state, values, speed)
            for total in state.loss_sums.values():
                total.assign(0.0)
            workers.from_first(functools.partial(recorder.end_epoch, line, strip))


def train_epoch(
    config: TrainConfig,
    state: State,
    run_steps: RunSteps,
    iterator: Iterator[Any],
    workers: Workers,
    stopped: list[int],
    progress: tqdm.tqdm,
    report: Callable[[np.ndarray, int], None] | None,
) -> tuple[float | None, int]:
    """Runs an epoch's remaining steps, about a second's worth per call; a signal to any worker ends it early.

    The bar shows the loss of the latest steps.

    Args:
      config: `TrainConfig`.
      state: `State`; its loss sums and seconds are updated.
      run_steps: what `make_run_steps` returns.
      iterator: iterator over (lr, hr) batches.
      workers: `Workers`.
      stopped: list that is non-empty once a signal has arrived.
      progress: tqdm bar, advanced by each step.
      report: callable that receives (losses of the latest steps, steps done) after each call, or None.

    Returns:
      (speed, signal): patches trained on per second, None if a signal arrived before the first step; the number of
      the signal, 0 if none arrived.

    Raises:
      DataError: if a loss is not finite, or another worker has ended.
    """
    first = state.step
    left = config.steps_per_epoch - first % config.steps_per_epoch
    count, done, seconds = 1, 0, 0.0
    while done < left:
        plans = workers.gather([min(count, left - done), *stopped[:1]])
        signals = [number for _, *number in plans]
        if any(signals):
            break
        started = time.perf_counter()
        with workers.detect_lost_workers():
            values = run_steps(iterator, tf.constant(plans[0][0])).numpy()
        elapsed = time.perf_counter() - started
        state.seconds.assign_add(elapsed)
        if not np.isfinite(values).all():
            step = first + done + int(np.argmin(np.isfinite(values).all(axis=1))) + 1
            raise DataError(f"the loss is no longer finite at step {step}; earlier checkpoints are kept")
        for total, added in zip(state.loss_sums.values(), values.sum(axis=0, dtype=np.float64)):
            total.assign_add(added)
        done += len(values)
        seconds += elapsed
        if report:
            report(values, first + done)
        progress.set_postfix_str(f"loss {values[:, 0].mean():.4g}", refresh=False)
        progress.update(len(values))
        count = max(1, min(2 * len(values), int(len(values) / elapsed)))
    return (done * config.batch_size / seconds if done else None), max(sum(signals, []), default=0)


def epoch_line(config: TrainConfig, state: State, values: dict[str, float], speed: float) -> dict[str, Any]:
    """Returns the metrics.jsonl line of the epoch that has just ended.

    Args:
      config: `TrainConfig`.
      state: `State`.
      values: dict of psnr and ssim.
      speed: patches trained on per second.
    """
    return {
        "epoch": state.step // config.steps_per_epoch,
        "step": state.step,
        **{name: total.numpy() / config.steps_per_epoch for name, total in state.loss_sums.items()},
        **values,
        "learning_rate": float(schedule.learning_rates(config)(state.step - 1)),
        "patches_per_second": speed,
        "seconds": state.seconds.numpy(),
    }


@contextlib.contextmanager
def stop_signal() -> Iterator[list[int]]:
    """Yields a list that receives the number of the first SIGINT, SIGTERM or SIGHUP; a second one acts as usual.

    Ignored signals stay ignored, as SIGINT is in shell background jobs. Outside the main thread, no signal is received.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    usual = {number: handler for number, handler in handlers.items() if handler is not signal.SIG_IGN}

    def receive(number: int, frame: Any) -> None:
        received.append(number)
        for each, handler in usual.items():
            signal.signal(each, handler)

    for number in usual:
        signal.signal(number, receive)
    try:
        yield received
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
