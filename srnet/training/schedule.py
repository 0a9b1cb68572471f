"""The learning rate over the steps of a run."""

import keras


def learning_rates(config):
    """Returns the schedule that a configuration names.

    "halving" is section 2.2.3: the rate is halved after every `halve_every` epochs. "cosine" falls to 0 over the whole
    run along half a cosine (Loshchilov, Hutter 2017, without restarts), which suits short runs.

    Args:
      config: `TrainConfig`.

    Returns:
      A Keras learning rate schedule, from the zero-based step.
    """
    if config.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(config.learning_rate, config.total_steps)
    interval = config.halve_every * config.steps_per_epoch
    return keras.optimizers.schedules.ExponentialDecay(config.learning_rate, interval, decay_rate=0.5, staircase=True)
