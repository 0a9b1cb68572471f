"""The training step as a function of its state, for programs that keep the state elsewhere, such as in JAX."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from srnet.errors import DataError
from srnet.training.config import TrainConfig
from srnet.training.state import State
from srnet.training.step import make_clipping, make_losses

Values = list[tf.Tensor]
StatelessStep = Callable[[Values, tf.Tensor, tf.Tensor], tuple[Values, tf.Tensor]]


def step_variables(config: TrainConfig, state: State) -> list[Any]:
    """Returns the variables that a training step changes: the weights, then those of the optimizer.

    Args:
      config: `TrainConfig`.
      state: `State`.

    Raises:
      DataError: if the step changes more (an averaged network, a discriminator, a loss scale, non-trainable weights),
        or has a perceptual loss.
    """
    for name in ("average_decay", "adversarial", "perceptual"):
        if value := getattr(config, name):
            raise DataError(f"it trains with {name} {value}, which cannot be exported")
    if config.precision == "mixed_float16":
        raise DataError("it trains in mixed_float16; export needs float32 or mixed_bfloat16")
    if state.model.non_trainable_variables:
        raise DataError(f"network {config.variant} has weights that are not trained")
    return [*state.model.trainable_variables, *state.optimizer.variables]


def stateless_step(config: TrainConfig, state: State) -> StatelessStep:
    """Returns the training step as a function of the values of `step_variables`.

    Args:
      config: `TrainConfig`.
      state: `State` on one device.

    Returns:
      A callable (values, lr, hr) -> (values, loss), which changes no variable.

    Raises:
      DataError: as `step_variables`.
    """
    variables, optimizer = step_variables(config, state), state.optimizer
    losses_of, clip_and_scale = make_losses(config, state), make_clipping(config, state)
    count = len(state.model.trainable_variables)

    def step(values: Sequence[tf.Tensor], lr: tf.Tensor, hr: tf.Tensor) -> tuple[Values, tf.Tensor]:
        weights, (done, *moments) = list(values[:count]), values[count:]
        with keras.StatelessScope(state_mapping=list(zip(variables, values)), collect_losses=True):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                loss = losses_of(lr, hr)[0]
            gradients = clip_and_scale(tape.gradient(loss, weights))
            rate = optimizer.learning_rate
        weights, moments = _updated(config, weights, gradients, moments, rate, tf.cast(done + 1, tf.float32))
        return [*weights, done + 1, *moments], loss

    return step


def _updated(
    config: TrainConfig, weights: Values, gradients: Values, moments: Values, rate: tf.Tensor, step: tf.Tensor
) -> tuple[Values, Values]:
    """The weights and moments after the update of `keras.optimizers`, whose own code changes its variables."""
    if config.optimizer == "sgd":
        moments = [config.beta_1 * moment - rate * each for moment, each in zip(moments, gradients)]
        changes = moments or [-rate * each for each in gradients]  # without momentum there are no moments
        return [weight + change for weight, change in zip(weights, changes)], moments
    firsts = [first + (each - first) * (1 - config.beta_1) for first, each in zip(moments[::2], gradients)]
    seconds = [second + (each * each - second) * (1 - config.beta_2) for second, each in zip(moments[1::2], gradients)]
    rate *= tf.sqrt(1 - config.beta_2**step) / (1 - config.beta_1**step)
    weights = [w - rate * m / (tf.sqrt(v) + config.epsilon) for w, m, v in zip(weights, firsts, seconds)]
    return weights, [moment for pair in zip(firsts, seconds) for moment in pair]
