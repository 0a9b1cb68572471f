"""The learning rate over the steps of a run."""

from typing import Any

import keras

from srnet.training.config import TrainConfig

COOLDOWN_SHARE = 0.25  # of the run


class Cooldown(keras.optimizers.schedules.LearningRateSchedule):
    """A constant learning rate that falls linearly to 0 over the last quarter of the run.

    Reference: A. Haegele et al. Scaling laws and compute-optimal training beyond fixed training durations. 2024.

    Args:
      learning_rate: the constant learning rate.
      total_steps: steps of the run.
    """

    def __init__(self, learning_rate: float, total_steps: int) -> None:
        self.learning_rate = learning_rate
        self.total_steps = total_steps

    def __call__(self, step: Any) -> Any:
        left = 1.0 - keras.ops.cast(step, "float32") / self.total_steps
        return self.learning_rate * keras.ops.minimum(left / COOLDOWN_SHARE, 1.0)


def learning_rates(config: TrainConfig) -> keras.optimizers.schedules.LearningRateSchedule:
    """Returns the schedule that a configuration names.

    "staircase" is section 2.2.3, which halves the learning rate every 20 epochs. "cooldown" and "cosine" suit short
    runs.

    Args:
      config: `TrainConfig`.

    Returns:
      A Keras learning rate schedule, called with the zero-based step.
    """
    if config.schedule == "cooldown":
        return Cooldown(config.learning_rate, config.total_steps)
    if config.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(config.learning_rate, config.total_steps)
    interval = config.decay_every * config.steps_per_epoch
    return keras.optimizers.schedules.ExponentialDecay(
        config.learning_rate, interval, config.decay_rate, staircase=True
    )


def change_note(before: TrainConfig, config: TrainConfig) -> str | None:
    """Returns a note if a new number of epochs changes the learning rate or supervision of the steps left, else None.

    Args:
      before: `TrainConfig` of the run so far.
      config: `TrainConfig` to resume it with.
    """
    changed = {} if config.schedule == "staircase" else {config.schedule: "the learning rate"}
    if config.supervision:
        changed["supervision"] = "the weight of the intermediate outputs"
    if not changed or config.epochs == before.epochs:
        return None
    return "; ".join(
        f"{name} depends on the length of the run: from here on, {what} follows a run of {config.epochs} epochs, not "
        f"{before.epochs}"
        for name, what in changed.items()
    )
