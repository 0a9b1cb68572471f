"""What the first worker of a run writes during training: checkpoints, metrics, events, a preview, messages."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from srnet.errors import DataError
from srnet.files import writing
from srnet.images.write import write_image
from srnet.progress import say
from srnet.training import checkpoints
from srnet.training.config import TrainConfig
from srnet.training.run_folder import Run, append_metrics, drop_metrics_after
from srnet.training.state import State

_SMALLEST_SCALE = 2.0**-20  # loss scale below which gradients are not overflowing but NaN
_LOSSES = 100  # steps averaged for each loss in TensorBoard


class Recorder:
    """Writes the files of a run folder during training, on the first worker alone.

    Args:
      config: `TrainConfig`.
      state: what `state.new_state` returns for it.
      run: `Run`, opened by `run_folder.open_run`.
    """

    def __init__(self, config: TrainConfig, state: State, run: Run) -> None:
        self._config, self._state, self._run = config, state, run
        self._losses: list[list[float]] = []  # of the latest steps, not yet written to TensorBoard
        self._writer: tf.summary.SummaryWriter | None = None
        self._last: tf.train.CheckpointManager
        self._best: tf.train.CheckpointManager

    def resume(self) -> None:
        """Restores the newest checkpoint, if any, and drops the metrics of epochs after it.

        Raises:
          DataError: if a checkpoint or the metrics cannot be used.
        """
        self._last, self._best = checkpoints.checkpoint_managers(self._state, self._run)
        checkpoints.restore_newest(self._state, self._last)
        step = self._state.step
        kept, ended = drop_metrics_after(self._run, step), step // self._config.steps_per_epoch
        if kept < ended:
            say(f"{self._run.metrics} has lines for only {kept} of the {ended} epochs so far")
        if step >= self._config.total_steps:
            say(f"{self._run.folder} is complete already")
        elif step:
            say(f"resuming from step {step}")

    def add_losses(self, values: np.ndarray, step: int) -> None:
        """Writes the mean losses of every hundred steps to TensorBoard.

        Args:
          values: float32 (n, k), the losses of the n latest steps, by `loss_names`.
          step: number of steps done.

        Raises:
          DataError: if the events cannot be written.
        """
        self._losses += values.tolist()
        while len(self._losses) >= _LOSSES:
            means = np.mean(self._losses[:_LOSSES], axis=0)
            del self._losses[:_LOSSES]
            with self._events(step - len(self._losses)):
                for name, mean in zip(self._state.loss_sums, means):
                    tf.summary.scalar(f"{name} of {_LOSSES} steps", mean)

    def check_weights(self) -> None:
        """Checks the weights after the last step, whose loss is that of the weights before it.

        Raises:
          DataError: if they are not finite.
        """
        networks = filter(None, (self._state.model, self._state.discriminator))
        if not all(np.isfinite(weights).all() for network in networks for weights in network.get_weights()):
            step, kept = self._state.step, self._last.latest_checkpoint or "none yet"
            raise DataError(f"the weights are no longer finite after step {step}; last good checkpoint: {kept}")
        scale = self._state.loss_scale
        if scale is not None and scale.numpy() < _SMALLEST_SCALE:
            raise DataError(f"the gradients are not finite in float16 at step {self._state.step}: use float32")

    def end_epoch(self, line: dict[str, Any], strip: np.ndarray) -> None:
        """Records an epoch that has ended, and saves a checkpoint.

        Args:
          line: its numbers, for metrics.jsonl.
          strip: uint8 (H, W, 3), what `validation.picture_strip` returns.

        Raises:
          DataError: if something cannot be written.
        """
        if line["psnr"] > self._state.best_psnr:
            self._state.best_psnr.assign(line["psnr"])
            checkpoints.save(self._best, self._state.step)
        append_metrics(self._run, line)
        checkpoints.save(self._last, self._state.step)
        say(_describe(self._config, line))
        with self._events(line["step"]) as writer:
            for name in (*self._state.loss_sums, "psnr", "ssim", "learning_rate", "patches_per_second"):
                tf.summary.scalar(name, line[name])
            tf.summary.image("LR, bicubic, SR, HR", strip[None])
            writer.flush()
        write_image(self._run.preview, strip)

    def save(self) -> None:
        """Saves a checkpoint within an epoch.

        Raises:
          DataError: if it cannot be written.
        """
        checkpoints.save(self._last, self._state.step)

    @contextlib.contextmanager
    def _events(self, step: int) -> Iterator[tf.summary.SummaryWriter]:
        """Yields the TensorBoard event writer, which is created at first use."""
        with writing(self._run.tensorboard):
            if self._writer is None:
                self._writer = tf.summary.create_file_writer(str(self._run.tensorboard))
            with self._writer.as_default(step=step):
                yield self._writer


def _describe(config: TrainConfig, line: dict[str, Any]) -> str:
    place = f"epoch {line['epoch']}/{config.epochs}, step {line['step']}/{config.total_steps}"
    return f"{place}: loss {line['loss']:.4g}, {config.validation_set} {line['psnr']:.2f} dB, SSIM {line['ssim']:.4f}"
