"""What changes during a run, and the steps on `tf.GradientTape` that change it."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from srnet.training import losses, runs, schedule


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
    def step(self):
        return int(self.optimizer.iterations.numpy())

    @property
    def result(self):
        """The network that is measured and saved."""
        return self.averaged or self.model

    def checkpoint(self):
        parts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return tf.train.Checkpoint(**{name: part for name, part in parts.items() if part is not None})


def new_state(config, strategy):
    """Builds the network and its optimiser, untrained.

    Args:
      config: `TrainConfig`.
      strategy: `tf.distribute.Strategy`.
    """
    with strategy.scope():
        model = runs.build_network(config, config.precision)
        optimizer = make_optimizer(config)
        optimizer.build(model.trainable_variables)
        return State(
            model,
            runs.build_network(config, config.precision) if config.average_decay else None,
            optimizer,
            loss_sum=tf.Variable(0.0, dtype=tf.float64),
            best_psnr=tf.Variable(-np.inf, dtype=tf.float64),
            seconds=tf.Variable(0.0, dtype=tf.float64),
        )


def make_optimizer(config):
    """Returns the Keras optimiser that a configuration names, not built.

    Args:
      config: `TrainConfig`.
    """
    rates = schedule.learning_rates(config)
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(rates, momentum=config.beta_1)
    return keras.optimizers.Adam(rates, beta_1=config.beta_1, beta_2=config.beta_2, epsilon=config.epsilon)


def make_step(config, model, optimizer):
    """Returns the training step of one device.

    Args:
      config: `TrainConfig`.
      model: the network.
      optimizer: its optimiser, built.

    Returns:
      A callable from an (lr, hr) batch to its share of the loss; it updates the weights.
    """

    @tf.function(jit_compile=config.jit_compile)
    def gradients_of(lr, hr):
        with tf.GradientTape() as tape:
            error = losses.reconstruction_loss(config.loss, hr, model(lr, training=True), config.batch_size)
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            loss = error + losses.weight_penalty(model, config.weight_decay) / replicas
        return loss, tape.gradient(loss, model.trainable_variables)

    of_output = {id(variable) for variable in model.get_layer("output").trainable_variables}
    slowed = [config.output_rate != 1 and id(variable) in of_output for variable in model.trainable_variables]

    def step(lr, hr):
        loss, gradients = gradients_of(lr, hr)
        if config.clip:
            # A share of each device is clipped, so that their sum keeps within the bound.
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            bound = config.clip / optimizer.learning_rate / replicas
            gradients = [tf.clip_by_value(gradient, -bound, bound) for gradient in gradients]
        gradients = [gradient * config.output_rate if slow else gradient for gradient, slow in zip(gradients, slowed)]
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    return step


def make_run_steps(config, state, strategy):
    """Makes the loop over the steps between two validations.

    Args:
      config: `TrainConfig`.
      state: `State`, which each step changes.
      strategy: `tf.distribute.Strategy`.

    Returns:
      A compiled callable (iterator, count) that takes `count` steps and returns their losses, float32 (count,).
    """
    step = make_step(config, state.model, state.optimizer)
    pairs = list(zip(state.averaged.weights, state.model.weights)) if state.averaged else ()

    @tf.function
    def run_steps(iterator, count):
        values = tf.TensorArray(tf.float32, count)
        for i in tf.range(count):
            shares = strategy.run(step, args=next(iterator))
            values = values.write(i, strategy.reduce(tf.distribute.ReduceOp.SUM, shares, axis=None))
            for average, weight in pairs:
                average.assign(config.average_decay * average + (1 - config.average_decay) * weight)
        return values.stack()

    return run_steps
