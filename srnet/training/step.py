"""Training steps with `tf.GradientTape`, which update the state of a run."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from srnet.training.config import TrainConfig
from srnet.training.discriminator import relativistic_losses
from srnet.training.losses import LOSSES
from srnet.training.state import State, loss_names

Step = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
RunSteps = Callable[[Any, tf.Tensor], tf.Tensor]


def reconstruction_loss(name: str, hr: tf.Tensor, sr: tf.Tensor, global_batch_size: int) -> tf.Tensor:
    """Returns one device's share of the loss, before the penalty on the weights.

    Args:
      name: one of `LOSSES`.
      hr: float32 (n, H, W, c) in [0, 255], the patches of this device.
      sr: the network's result, of the same shape.
      global_batch_size: patches over all devices, so that the devices' shares add up to the mean.
    """
    errors = LOSSES[name](hr, sr)
    return tf.reduce_sum(errors) / (global_batch_size * tf.cast(tf.size(errors[0]), tf.float32))


def weight_penalty(model: keras.Model, weight_decay: float) -> tf.Tensor:
    """Returns weight_decay / 2 times the sum of the squared kernels; biases are not penalized.

    Args:
      model: Keras model.
      weight_decay: beta of section 2.2.1.
    """
    kernels = [variable for variable in model.trainable_variables if variable.name.endswith("kernel")]
    return weight_decay * sum((tf.nn.l2_loss(kernel) for kernel in kernels), tf.constant(0.0))


def make_step(config: TrainConfig, state: State) -> Step:
    """Returns the training step of one device.

    Args:
      config: `TrainConfig`.
      state: `State`.

    Returns:
      A callable from an (lr, hr) batch to its shares of the losses, float32, in the order of `loss_names`; it updates
      the weights.
    """
    losses_of, clip_and_scale = make_losses(config, state), make_clipping(config, state)
    discriminator, discriminator_optimizer = state.discriminator, state.discriminator_optimizer

    @tf.function(jit_compile=config.jit_compile)
    def gradients_of(lr: tf.Tensor, hr: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
        with tf.GradientTape(persistent=True) as tape:
            losses = losses_of(lr, hr)
            scaled = state.optimizer.scale_loss(losses[0])
        gradients = tape.gradient(scaled, state.model.trainable_variables)
        own = tape.gradient(losses[-1], discriminator.trainable_variables) if discriminator else []
        return tf.stack(losses), gradients, own

    def step(lr: tf.Tensor, hr: tf.Tensor) -> tf.Tensor:
        losses, gradients, own = gradients_of(lr, hr)
        state.optimizer.apply_gradients(zip(clip_and_scale(gradients), state.model.trainable_variables))
        if discriminator and discriminator_optimizer:
            discriminator_optimizer.apply_gradients(zip(own, discriminator.trainable_variables))
        return losses

    return step


def make_losses(config: TrainConfig, state: State) -> Callable[[tf.Tensor, tf.Tensor], list[tf.Tensor]]:
    """Returns a callable from a device's (lr, hr) batch to its shares of the losses, in the order of `loss_names`.

    Args:
      config: `TrainConfig`.
      state: `State`.
    """
    model = state.model
    images = keras.Model(model.input, [model.output, *model.intermediates]) if config.supervision else None

    def losses_of(lr: tf.Tensor, hr: tf.Tensor) -> list[tf.Tensor]:
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        made = images(lr, training=True) if images else [model(lr, training=True)]
        loss, *others = (reconstruction_loss(config.loss, hr, sr, config.batch_size) for sr in made)
        if others:
            done = tf.cast(state.optimizer.iterations, tf.float32) / config.total_steps
            share = config.supervision * tf.maximum(1.0 - done, 0.0)
            loss = (1.0 - share) * loss + share * sum(others) / len(others)
        parts = [loss]
        loss = config.loss_weight * loss
        if state.features:
            parts.append(tf.reduce_mean(abs(state.features(made[0]) - state.features(hr))) / replicas)
            loss += config.perceptual * parts[-1]
        if state.discriminator:
            real, fake = (state.discriminator(patches, training=True) for patches in (hr, made[0]))
            adversarial, discriminating = (of / replicas for of in relativistic_losses(real, fake))
            parts += [adversarial, discriminating]
            loss += config.adversarial * adversarial
        for own in (images or model).losses:  # of a custom network's regularizers
            loss += tf.cast(own, tf.float32) / replicas
        if config.weight_decay:
            loss += weight_penalty(model, config.weight_decay) / replicas
        return [loss, *parts] if len(parts) > 1 else [loss]

    return losses_of


def make_clipping(config: TrainConfig, state: State) -> Callable[[list[tf.Tensor]], list[tf.Tensor]]:
    """Returns a callable that clips the network's gradients, summed over devices, and scales those of its last layer.

    Args:
      config: `TrainConfig`.
      state: `State`.
    """
    model, optimizer = state.model, state.optimizer
    last = [layer for layer in model.layers if layer.trainable_variables][-1]
    of_last = {id(variable) for variable in last.trainable_variables}
    slowed = [config.output_rate != 1 and id(variable) in of_last for variable in model.trainable_variables]

    def clip_and_scale(gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        overflow = _overflow(gradients) if state.loss_scale is not None else None
        if config.clip:
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            if replicas > 1:  # clip the sum, as one device does; Keras adds up the devices' shares of the result
                gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
            bound = optimizer.scale_loss(config.clip / optimizer.learning_rate)
            gradients = [tf.clip_by_value(gradient, -bound, bound) / replicas for gradient in gradients]
        gradients = [gradient * config.output_rate if slow else gradient for gradient, slow in zip(gradients, slowed)]
        if overflow is not None:  # Keras checks only the first device's gradients
            gradients = [tf.where(overflow, np.nan, gradient) for gradient in gradients]
        return gradients

    return clip_and_scale


def _overflow(gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Whether a gradient on any device is not finite."""
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
    replica = tf.distribute.get_replica_context()
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, 1.0 - tf.cast(finite, tf.float32)) > 0


def make_run_steps(config: TrainConfig, state: State, strategy: tf.distribute.Strategy) -> RunSteps:
    """Makes the loop over the steps between two validations.

    The averaged weights are the plain mean over the steps so far until the run is long enough for the moving average:
    the decay at step t = 1, 2, ... is min(average_decay, (t - 1) / t). The initial weights are not included.

    Args:
      config: `TrainConfig`.
      state: `State`, which each step changes.
      strategy: `tf.distribute.Strategy`.

    Returns:
      A compiled callable (iterator, count) that takes `count` steps and returns their losses, float32 (count, k), the k
      of each in the order of `loss_names`.
    """
    step = make_step(config, state)
    pairs = list(zip(state.averaged.weights, state.model.weights)) if state.averaged else []

    @tf.function
    def run_steps(iterator: Any, count: tf.Tensor) -> tf.Tensor:
        values = tf.TensorArray(tf.float32, count, element_shape=(len(loss_names(config)),))
        first = tf.cast(state.optimizer.iterations, tf.int32)
        for i in tf.range(count):
            shares = strategy.run(step, args=next(iterator))
            if state.loss_scale is not None:  # a step skipped for overflow counts, too
                state.optimizer.iterations.assign(first + i + 1)
            values = values.write(i, strategy.reduce(tf.distribute.ReduceOp.SUM, shares, axis=None))
            if pairs:
                done = tf.cast(state.optimizer.iterations, tf.float32)
                decay = tf.minimum(config.average_decay, (done - 1.0) / done)
                for average, weight in pairs:
                    average.assign(decay * average + (1.0 - decay) * weight)
        return values.stack()

    return run_steps
