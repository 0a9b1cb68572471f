"""What changes during a run, and the steps on `tf.GradientTape` that change it."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from srnet.errors import UsageError
from srnet.models import build
from srnet.training import schedule
from srnet.training.config import TrainConfig
from srnet.training.losses import LOSSES

Step = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
RunSteps = Callable[[Any, tf.Tensor], tf.Tensor]


@dataclasses.dataclass
class State:
    """Everything that changes during a run, as TensorFlow objects in one checkpoint.

    Attributes:
      model: the network in the training precision.
      averaged: the same with the moving average of its weights; None where the configuration has none.
      optimizer: its iteration count is the step.
      loss_sum: sum of the losses of the epoch that has begun.
      best_psnr: best validation PSNR so far.
      seconds: wall time of the run so far, over all its sessions.
    """

    model: keras.Model
    averaged: keras.Model | None
    optimizer: keras.optimizers.Optimizer
    loss_sum: tf.Variable
    best_psnr: tf.Variable
    seconds: tf.Variable

    @property
    def step(self) -> int:
        return int(self.optimizer.iterations.numpy())

    @property
    def result(self) -> keras.Model:
        """The network that is measured and saved."""
        return self.averaged or self.model

    @property
    def variables(self) -> list[Any]:
        """Everything that a checkpoint holds."""
        averaged = self.averaged.variables if self.averaged else []
        numbers = [self.loss_sum, self.best_psnr, self.seconds]
        return [*self.model.variables, *averaged, *self.optimizer.variables, *numbers]

    @property
    def parts(self) -> dict[str, Any]:
        """The parts of a checkpoint, by name; `loss_scale` is one in mixed_float16 alone."""
        parts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            scale, steps = self.optimizer.dynamic_scale.value, self.optimizer.step_counter.value
            parts["optimizer"] = self.optimizer.inner_optimizer
            parts["loss_scale"] = tf.train.Checkpoint(scale=scale, steps=steps)
        return {name: part for name, part in parts.items() if part is not None}


def build_network(config: TrainConfig, dtype: str) -> keras.Model:
    """Builds the network that a configuration names, untrained.

    Args:
      config: `TrainConfig`.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16".

    Returns:
      A `keras.Model` from LR to HR pixels in [0, 255].

    Raises:
      UsageError: if the network, its scale or an option cannot be used.
    """
    options = dict(config.model_options)
    if config.initializer != "he":  # every network's default; a registered one may know no other
        options["initializer"] = config.initializer
    return build(config.variant, config.scale, config.channels, dtype, **options)


def new_state(config: TrainConfig, strategy: tf.distribute.Strategy) -> State:
    """Builds the trained and the averaged network, and the optimizer.

    Args:
      config: `TrainConfig`.
      strategy: `tf.distribute.Strategy`.

    Raises:
      UsageError: if the network, its scale or an option cannot be used, or it has no trainable weights.
    """
    with strategy.scope():
        model = build_network(config, config.precision)
        if not model.trainable_variables:
            raise UsageError(f"network {config.variant} has no trainable weights")
        if config.supervision and not getattr(model, "intermediates", None):
            raise UsageError(f"--supervision={config.supervision}: network {config.variant} has no intermediate images")
        averaged = build_network(config, config.precision) if config.average_decay else None
        optimizer = make_optimizer(config)
        optimizer.build(model.trainable_variables)
        numbers = {"loss_sum": 0.0, "best_psnr": -np.inf, "seconds": 0.0}
        variables = {name: tf.Variable(value, dtype=tf.float64) for name, value in numbers.items()}
        return State(model, averaged, optimizer, **variables)


def make_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    """Returns the Keras optimizer that a configuration names, not built; it scales the loss in mixed_float16.

    Args:
      config: `TrainConfig`.
    """
    rates, betas = schedule.learning_rates(config), {"beta_1": config.beta_1, "beta_2": config.beta_2}
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rates, momentum=config.beta_1)
    else:
        optimizer = keras.optimizers.Adam(rates, **betas, epsilon=config.epsilon)
    return keras.optimizers.LossScaleOptimizer(optimizer) if config.precision == "mixed_float16" else optimizer


def reconstruction_loss(name: str, hr: tf.Tensor, sr: tf.Tensor, global_batch_size: int) -> tf.Tensor:
    """Returns one device's share of the loss, before the penalty on the weights.

    Args:
      name: one of `LOSSES`.
      hr: float32 (n, H, W, c) in [0, 255], the patches of this device.
      sr: the network's result, of the same shape.
      global_batch_size: patches over all devices, so that the devices' shares add up to the mean.
    """
    errors = LOSSES[name](hr, sr)
    return tf.reduce_sum(errors) / tf.cast(global_batch_size * tf.size(errors[0]), tf.float32)


def weight_penalty(model: keras.Model, weight_decay: float) -> tf.Tensor:
    """Returns weight_decay / 2 times the sum of the squared kernels; biases are free.

    Args:
      model: Keras model.
      weight_decay: beta of section 2.2.1.
    """
    kernels = [variable for variable in model.trainable_variables if variable.name.endswith("kernel")]
    return weight_decay * sum((tf.nn.l2_loss(kernel) for kernel in kernels), tf.constant(0.0))


def make_step(config: TrainConfig, model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Step:
    """Returns the training step of one device.

    Args:
      config: `TrainConfig`.
      model: the network.
      optimizer: its optimizer, built.

    Returns:
      A callable from an (lr, hr) batch to its share of the loss; it updates the weights.
    """

    images = keras.Model(model.input, [model.output, *model.intermediates]) if config.supervision else None

    @tf.function(jit_compile=config.jit_compile)
    def gradients_of(lr: tf.Tensor, hr: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            made = images(lr, training=True) if images else [model(lr, training=True)]
            loss, *others = (reconstruction_loss(config.loss, hr, sr, config.batch_size) for sr in made)
            if others:
                done = tf.cast(optimizer.iterations, tf.float32) / config.total_steps
                share = config.supervision * tf.maximum(1.0 - done, 0.0)
                loss = (1.0 - share) * loss + share * sum(others) / len(others)
            if config.weight_decay:
                replicas = tf.distribute.get_strategy().num_replicas_in_sync
                loss += weight_penalty(model, config.weight_decay) / replicas
            scaled = optimizer.scale_loss(loss)
        return loss, tape.gradient(scaled, model.trainable_variables)

    last = [layer for layer in model.layers if layer.trainable_variables][-1]
    of_last = {id(variable) for variable in last.trainable_variables}
    slowed = [config.output_rate != 1 and id(variable) in of_last for variable in model.trainable_variables]

    def step(lr: tf.Tensor, hr: tf.Tensor) -> tf.Tensor:
        loss, gradients = gradients_of(lr, hr)
        overflow = _overflow(gradients) if config.precision == "mixed_float16" else None
        if config.clip:
            # Each device's share is clipped, so that their sum stays within the bound.
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            bound = optimizer.scale_loss(config.clip / optimizer.learning_rate / replicas)
            gradients = [tf.clip_by_value(gradient, -bound, bound) for gradient in gradients]
        gradients = [gradient * config.output_rate if slow else gradient for gradient, slow in zip(gradients, slowed)]
        if overflow is not None:  # Keras looks at the gradients of the first device alone
            gradients = [tf.where(overflow, np.nan, gradient) for gradient in gradients]
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    return step


def _overflow(gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Whether a gradient on any device is not finite."""
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
    replica = tf.distribute.get_replica_context()
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, 1.0 - tf.cast(finite, tf.float32)) > 0


def make_run_steps(config: TrainConfig, state: State, strategy: tf.distribute.Strategy) -> RunSteps:
    """Makes the loop over the steps between two validations.

    The average of the weights is the mean of those after each step so far, until the run is long enough for the
    moving average: the decay at step t = 1, 2, ... is min(average_decay, (t - 1) / t). The initial weights are not in
    it.

    Args:
      config: `TrainConfig`.
      state: `State`, which each step changes.
      strategy: `tf.distribute.Strategy`.

    Returns:
      A compiled callable (iterator, count) that takes `count` steps and returns their losses, float32 (count,).
    """
    step = make_step(config, state.model, state.optimizer)
    pairs = list(zip(state.averaged.weights, state.model.weights)) if state.averaged else []

    @tf.function
    def run_steps(iterator: Any, count: tf.Tensor) -> tf.Tensor:
        values = tf.TensorArray(tf.float32, count)
        first = tf.cast(state.optimizer.iterations, tf.int32)
        for i in tf.range(count):
            shares = strategy.run(step, args=next(iterator))
            if config.precision == "mixed_float16":  # a step that is left out is a step, too
                state.optimizer.iterations.assign(first + i + 1)
            values = values.write(i, strategy.reduce(tf.distribute.ReduceOp.SUM, shares, axis=None))
            if pairs:
                done = tf.cast(state.optimizer.iterations, tf.float32)
                decay = tf.minimum(config.average_decay, (done - 1.0) / done)
                for average, weight in pairs:
                    average.assign(decay * average + (1.0 - decay) * weight)
        return values.stack()

    return run_steps
