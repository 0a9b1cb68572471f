"""The state of a run: networks, optimizers and running totals."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from srnet.errors import UsageError
from srnet.models import build
from srnet.training import schedule
from srnet.training.config import TrainConfig
from srnet.training.discriminator import build_discriminator
from srnet.training.perceptual import build_features


@dataclasses.dataclass
class State:
    """The networks of a run and what trains them; a checkpoint holds all of it that changes.

    Attributes:
      model: the network in the training precision.
      averaged: the same network with the moving average of its weights; None if the configuration has none.
      optimizer: its iteration count is the step.
      loss_sums: sums over the steps of the current epoch, by the names of `loss_names`.
      best_psnr: best validation PSNR so far.
      seconds: wall time of the run so far, over all its sessions.
      discriminator: None if the configuration has none.
      discriminator_optimizer: likewise.
      features: VGG19, if the configuration has a perceptual loss; it never changes, so checkpoints omit it.
    """

    model: keras.Model
    averaged: keras.Model | None
    optimizer: keras.optimizers.Optimizer
    loss_sums: dict[str, tf.Variable]
    best_psnr: tf.Variable
    seconds: tf.Variable
    discriminator: keras.Model | None = None
    discriminator_optimizer: keras.optimizers.Optimizer | None = None
    features: keras.Model | None = None

    @property
    def step(self) -> int:
        return int(self.optimizer.iterations.numpy())

    @property
    def loss_scale(self) -> keras.Variable | None:
        """The factor of the loss in mixed_float16; None in other precisions."""
        return getattr(self.optimizer, "dynamic_scale", None)

    @property
    def result(self) -> keras.Model:
        """The network that is evaluated and saved."""
        return self.averaged or self.model

    @property
    def variables(self) -> list[Any]:
        """Everything that a checkpoint holds."""
        parts = (self.model, self.averaged, self.optimizer, self.discriminator, self.discriminator_optimizer)
        numbers = [*self.loss_sums.values(), self.best_psnr, self.seconds]
        return [variable for part in parts if part is not None for variable in part.variables] + numbers

    @property
    def parts(self) -> dict[str, Any]:
        """The parts of a checkpoint, by name; `loss_scale` only in mixed_float16."""
        parts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del parts["features"]
        parts |= {f"{name}_sum": total for name, total in parts.pop("loss_sums").items()}
        if self.loss_scale is not None:
            scale, steps = self.loss_scale.value, self.optimizer.step_counter.value
            parts["optimizer"] = self.optimizer.inner_optimizer
            parts["loss_scale"] = tf.train.Checkpoint(scale=scale, steps=steps)
        for name in ("model", "averaged", "discriminator"):
            if parts[name] is not None:
                parts |= network_parts(name, parts[name])
        return {name: part for name, part in parts.items() if part is not None}


def network_parts(name: str, model: keras.Model) -> dict[str, Any]:
    """Returns the parts of a checkpoint that hold a network: the network, and what TensorFlow does not find in it.

    TensorFlow finds neither layers that a custom layer keeps in a list nor the states of random layers.

    Args:
      name: of the part.
      model: the network.
    """
    found = {id(each) for each in tf.train.TrackableView(model).descendants()}
    rest = [variable for variable in model.variables if id(variable) not in found]
    return {name: model, f"{name}_rest": rest} if rest else {name: model}


def build_network(config: TrainConfig, dtype: str) -> keras.Model:
    """Builds the untrained network that a configuration names.

    Args:
      config: `TrainConfig`.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16".

    Returns:
      A `keras.Model` from LR to HR pixels in [0, 255].

    Raises:
      UsageError: if the network, its scale or an option is invalid.
    """
    options = dict(config.model_options)
    if config.initializer != "he":  # "he" is every network's default; a registered one may have no other
        options["initializer"] = config.initializer
    return build(config.variant, config.scale, config.channels, dtype, **options)


def new_state(config: TrainConfig, strategy: tf.distribute.Strategy, vgg19: Sequence[np.ndarray] = ()) -> State:
    """Builds the state that a configuration needs: networks and optimizers, untrained.

    Args:
      config: `TrainConfig`.
      strategy: `tf.distribute.Strategy`.
      vgg19: what `perceptual.read_weights` returns; needed for a perceptual loss.

    Raises:
      UsageError: if the network, its scale or an option is invalid, or the network has no trainable weights, or none
        of the intermediate outputs that supervision needs.
    """
    with strategy.scope():
        model = build_network(config, config.precision)
        if not model.trainable_variables:
            raise UsageError(f"network {config.variant} has no trainable weights")
        if config.supervision and not getattr(model, "intermediates", None):
            raise UsageError(
                f"--supervision={config.supervision}: network {config.variant} has no intermediate outputs"
            )
        averaged = build_network(config, config.precision) if config.average_decay else None
        optimizer = _make_optimizer(config)
        optimizer.build(model.trainable_variables)
        sums = {name: tf.Variable(0.0, dtype=tf.float64) for name in loss_names(config)}
        best_psnr, seconds = (tf.Variable(value, dtype=tf.float64) for value in (-np.inf, 0.0))
        state = State(model, averaged, optimizer, sums, best_psnr, seconds)
        if config.adversarial:
            state.discriminator = build_discriminator(config)
            state.discriminator_optimizer = _make_optimizer(config)
            state.discriminator_optimizer.build(state.discriminator.trainable_variables)
        if config.perceptual:
            state.features = build_features(vgg19)
        return state


def loss_names(config: TrainConfig) -> tuple[str, ...]:
    """Returns the names of the losses that a step returns: "loss", which is minimized, then its unweighted parts.

    With a discriminator, the last one is the loss that the discriminator minimizes.

    Args:
      config: `TrainConfig`.
    """
    parts = ["perceptual_loss"] if config.perceptual else []
    parts += ["adversarial_loss", "discriminator_loss"] if config.adversarial else []
    return ("loss", "reconstruction_loss", *parts) if parts else ("loss",)


def _make_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    """The Keras optimizer that a configuration names, not yet built; in mixed_float16, it scales the loss."""
    rates, betas = schedule.learning_rates(config), {"beta_1": config.beta_1, "beta_2": config.beta_2}
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rates, momentum=config.beta_1)
    else:
        optimizer = keras.optimizers.Adam(rates, **betas, epsilon=config.epsilon)
    return keras.optimizers.LossScaleOptimizer(optimizer) if config.precision == "mixed_float16" else optimizer
