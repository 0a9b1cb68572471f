"""The training loop: epochs, validation, checkpoints at their ends, signals."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm

from srnet.data.pipeline import training_batches
from srnet.data.store import PatchStore
from srnet.errors import DataError
from srnet.files import reason, writing
from srnet.images.write import write_image
from srnet.inference.method import network_method
from srnet.progress import progress_bar
from srnet.training import checkpoints, schedule, validation
from srnet.training.config import TrainConfig
from srnet.training.run_folder import Run, append_metrics, forget_metrics_after
from srnet.training.step import RunSteps, State, build_network, make_run_steps

_REPORTED = 100  # steps whose mean loss TensorBoard gets


class Interrupted(Exception):
    """Ctrl-C or SIGTERM stopped the run, after its state was saved.

    Attributes:
      signal: number of the signal.
    """

    def __init__(self, signal_number: int, step: int) -> None:
        super().__init__(f"stopped at step {step}, saved")
        self.signal = signal_number


def train_epochs(
    config: TrainConfig,
    state: State,
    store: PatchStore,
    validation_paths: Sequence[Path],
    run: Run,
    strategy: tf.distribute.Strategy,
) -> None:
    """Trains a run from its newest checkpoint, or from the start, to its last epoch.

    Args:
      config: `TrainConfig`.
      state: what `step.new_state` gives for it.
      store: opened `PatchStore`.
      validation_paths: HR picture files measured after each epoch.
      run: `Run`, from `run_folder.open_run`.
      strategy: `tf.distribute.Strategy`.

    Raises:
      Interrupted: after Ctrl-C or SIGTERM; the state is saved.
      DataError: if the loss is no longer finite (the last good checkpoint stays), a checkpoint cannot be used, or the
        disk has no room.
    """
    last, best = checkpoints.managers(state, run)
    checkpoints.restore_newest(last)
    kept, ended = forget_metrics_after(run, state.step), state.step // config.steps_per_epoch
    if kept < ended:
        tqdm.tqdm.write(f"{run.metrics} has {kept} of the {ended} epochs until here; the others are lost")
    if state.step >= config.total_steps:
        tqdm.tqdm.write(f"{run.folder} is complete already")
        return
    if state.step:
        tqdm.tqdm.write(f"resuming from step {state.step}")

    run_steps = make_run_steps(config, state, strategy)
    batches = training_batches(store, config.batch_size, config.seed, state.step, config.total_steps)
    iterator = iter(strategy.experimental_distribute_dataset(batches))
    evaluated = build_network(config, "float32")
    method = network_method(evaluated)
    bar = progress_bar(config.total_steps, "training", "step", initial=state.step, smoothing=0.05)
    with stop_signal() as stopped, _summaries(run.tensorboard) as writer, bar as progress:

        def report_loss(step: int, loss: float) -> None:
            with writing(run.tensorboard), writer.as_default():
                tf.summary.scalar(f"loss of {_REPORTED} steps", loss, step=step)

        while state.step < config.total_steps:
            try:
                speed = train_epoch(config, state, run_steps, iterator, progress, stopped, report_loss)
            except tf.errors.OpError as error:
                if not store.failures:
                    raise
                raise DataError(f"{store.path}: {reason(store.failures[0])}") from error
            if speed is None:
                raise Interrupted(stopped[0], state.step)
            _check_weights(state, last)
            if state.step % config.steps_per_epoch:
                checkpoints.save(last, state.step)
                raise Interrupted(stopped[0], state.step)
            started = time.perf_counter()
            evaluated.set_weights(state.result.get_weights())
            how = (config.scale, config.channels, config.degradation)
            values = dict(validation.validate(method, validation_paths, *how))
            strip = validation.picture_strip(method, validation_paths[0], *how)
            state.seconds.assign_add(time.perf_counter() - started)
            line = _epoch_line(config, state, values, speed)
            _report(run, writer, line, strip)
            progress.write(_describe(config, line))
            state.loss_sum.assign(0.0)
            if values["psnr"] > state.best_psnr:
                state.best_psnr.assign(values["psnr"])
                checkpoints.save(best, state.step)
            append_metrics(run, line)
            checkpoints.save(last, state.step)


@contextlib.contextmanager
def _summaries(folder: Path) -> Iterator[tf.summary.SummaryWriter]:
    """Yields the writer of TensorBoard's events."""
    with writing(folder):
        writer = tf.summary.create_file_writer(str(folder))
    yield writer


def _check_weights(state: State, last: tf.train.CheckpointManager) -> None:
    """A loss is that of the weights before its step, so the weights after the last step need their own look."""
    if not all(np.isfinite(weights).all() for weights in state.model.get_weights()):
        kept = last.latest_checkpoint or "there is none yet"
        raise DataError(f"the weights are no longer finite after step {state.step}; last good checkpoint: {kept}")


def train_epoch(
    config: TrainConfig,
    state: State,
    run_steps: RunSteps,
    iterator: Iterator[Any],
    progress: tqdm.tqdm,
    stopped: list[int],
    report_loss: Callable[[int, float], None],
) -> float | None:
    """Takes the rest of an epoch's steps, about a second's worth at a call; a signal ends it early.

    The bar shows the loss of the newest steps.

    Args:
      config: `TrainConfig`.
      state: `State`; its loss sum and seconds grow.
      run_steps: what `make_run_steps` gives.
      iterator: iterator over (lr, hr) batches.
      progress: tqdm bar, moved on by each step.
      stopped: list that is not empty once a signal has come.
      report_loss: callable that is told (step, mean loss) after each hundred steps.

    Returns:
      Patches trained on per second; None if a signal had come before the first step.

    Raises:
      DataError: if a loss is not finite.
    """
    first = state.step
    left = config.steps_per_epoch - first % config.steps_per_epoch
    count, done, seconds = 1, 0, 0.0
    recent: list[float] = []
    while done < left and not stopped:
        count = min(count, left - done)
        started = time.perf_counter()
        values = run_steps(iterator, tf.constant(count)).numpy()
        elapsed = time.perf_counter() - started
        state.seconds.assign_add(elapsed)
        if not np.isfinite(values).all():
            step = first + done + int(np.argmin(np.isfinite(values))) + 1
            raise DataError(f"the loss is no longer finite at step {step}; earlier checkpoints are kept")
        state.loss_sum.assign_add(values.sum(dtype=np.float64))
        recent += values.tolist()
        while len(recent) >= _REPORTED:
            report_loss(first + done + len(values) - len(recent) + _REPORTED, float(np.mean(recent[:_REPORTED])))
            del recent[:_REPORTED]
        progress.set_postfix_str(f"loss {values.mean():.4g}", refresh=False)
        done += len(values)
        seconds += elapsed
        progress.update(len(values))
        count = max(1, min(2 * count, int(count / elapsed)))
    return done * config.batch_size / seconds if done else None


def _epoch_line(config: TrainConfig, state: State, values: dict[str, float], speed: float) -> dict[str, Any]:
    return {
        "epoch": state.step // config.steps_per_epoch,
        "step": state.step,
        "loss": state.loss_sum.numpy() / config.steps_per_epoch,
        **values,
        "learning_rate": float(schedule.learning_rates(config)(state.step - 1)),
        "images_per_second": speed,
        "seconds": state.seconds.numpy(),
    }


def _describe(config: TrainConfig, line: dict[str, Any]) -> str:
    place = f"epoch {line['epoch']}/{config.epochs}, step {line['step']}/{config.total_steps}"
    return f"{place}: loss {line['loss']:.2f}, {config.validation_set} {line['psnr']:.2f} dB, SSIM {line['ssim']:.4f}"


def _report(run: Run, writer: tf.summary.SummaryWriter, line: dict[str, Any], strip: np.ndarray) -> None:
    with writing(run.tensorboard), writer.as_default(step=line["step"]):
        for name in ("loss", "psnr", "ssim", "learning_rate", "images_per_second"):
            tf.summary.scalar(name, line[name])
        tf.summary.image("LR, bicubic, SR, HR", strip[None])
        writer.flush()
    write_image(run.preview, strip)


@contextlib.contextmanager
def stop_signal() -> Iterator[list[int]]:
    """Yields a list that receives the number of the first SIGINT or SIGTERM; a second one acts as usual.

    A signal that is ignored stays so, as SIGINT is in the background of a shell. Other threads receive no signals.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
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
