"""The learning rate over the steps of a run."""

import keras


def halving(learning_rate, halve_every, steps_per_epoch):
    """The rate of section 2.2.3: halved after every `halve_every` epochs.

    Args:
      learning_rate: initial rate.
      halve_every: epochs between two halvings.
      steps_per_epoch: steps of an epoch.

    Returns:
      A Keras learning rate schedule.
    """
    return keras.optimizers.schedules.ExponentialDecay(
        learning_rate, decay_steps=halve_every * steps_per_epoch, decay_rate=0.5, staircase=True
    )
