"""Optimisers and gradients, step by step, against the update rules written out."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from srnet.training.config import PRESETS, TrainConfig, preset_settings
from srnet.training.steps import make_run_steps, make_step, new_state

SMALL = TrainConfig(
    variant="srcnn",
    model_options={"filters": [2, 2]},
    batch_size=2,
    optimizer="sgd",
    learning_rate=1e-2,
    weight_decay=0.0,
)


def _batch():
    random = np.random.default_rng(0)
    lr = random.uniform(0, 255, (2, 6, 6, 1)).astype(np.float32)
    return tf.constant(lr), tf.constant(random.uniform(0, 255, (2, 12, 12, 1)).astype(np.float32))


def _gradients(config, model, lr, hr):
    """Of the loss written out here, in float64."""
    with tf.GradientTape() as tape:
        errors = tf.square(tf.cast(hr, tf.float64) - tf.cast(model(lr), tf.float64))
        halves = tf.reduce_sum(errors, axis=(1, 2, 3)) / 2 / 255**2
        loss = tf.reduce_mean(halves if config.loss == "euclidean" else errors)
        for variable in model.trainable_variables:
            if variable.name == "kernel":
                loss += config.weight_decay / 2 * tf.reduce_sum(tf.cast(variable.value, tf.float64) ** 2)
    return [gradient.numpy() for gradient in tape.gradient(loss, model.trainable_variables)]


def _step_once(config):
    """Weights before, gradients, and weights after one step."""
    state = new_state(config, tf.distribute.get_strategy())
    lr, hr = _batch()
    before = [variable.numpy() for variable in state.model.trainable_variables]
    gradients = _gradients(config, state.model, lr, hr)
    step = make_step(config, state.model, state.optimizer)
    step(lr, hr)
    after = [variable.numpy() for variable in state.model.trainable_variables]
    return state, step, before, gradients, after


@pytest.mark.parametrize("loss", ["mse", "euclidean"])
def test_sgd_moves_against_the_gradient(loss):
    config = dataclasses.replace(SMALL, loss=loss, weight_decay=0.5, learning_rate=1e-6)
    _, _, before, gradients, after = _step_once(config)
    for old, gradient, new in zip(before, gradients, after):
        np.testing.assert_allclose(new, old - 1e-6 * gradient, rtol=1e-5, atol=1e-7)


def test_sgd_has_momentum():
    config = dataclasses.replace(SMALL, loss="euclidean", beta_1=0.9, learning_rate=1e-3)
    state, step, before, first, after = _step_once(config)
    lr, hr = _batch()
    second = _gradients(config, state.model, lr, hr)
    step(lr, hr)
    for old, one, other, variable in zip(after, first, second, state.model.trainable_variables):
        np.testing.assert_allclose(variable.numpy(), old - 1e-3 * (0.9 * one + other), rtol=1e-4, atol=1e-6)


def test_clipping_keeps_each_value_within_clip_over_rate():
    config = dataclasses.replace(SMALL, clip=1e-3, learning_rate=1e-2)
    _, _, before, gradients, after = _step_once(config)
    assert max(np.abs(gradient).max() for gradient in gradients) > 0.1
    for old, gradient, new in zip(before, gradients, after):
        np.testing.assert_allclose(new, old - 1e-2 * np.clip(gradient, -0.1, 0.1), rtol=1e-4, atol=1e-6)


def test_last_layer_may_learn_more_slowly():
    config = dataclasses.replace(SMALL, loss="euclidean", output_rate=0.1)
    state, _, before, gradients, after = _step_once(config)
    last = {id(variable) for variable in state.model.get_layer("output").trainable_variables}
    assert len(last) == 2
    for variable, old, gradient, new in zip(state.model.trainable_variables, before, gradients, after):
        factor = 0.1 if id(variable) in last else 1.0
        np.testing.assert_allclose(new, old - 1e-2 * factor * gradient, rtol=1e-4, atol=1e-6)


def test_average_of_the_weights_follows_them():
    config = dataclasses.replace(SMALL, loss="euclidean", learning_rate=1e-3, average_decay=0.75)
    strategy = tf.distribute.get_strategy()
    state = new_state(config, strategy)
    state.averaged.set_weights(state.model.get_weights())
    run_steps = make_run_steps(config, state, strategy)
    batches = iter(tf.data.Dataset.from_tensors(_batch()).repeat())
    expected = state.model.get_weights()
    for _ in range(3):
        run_steps(batches, tf.constant(1))
        expected = [0.75 * average + 0.25 * weight for average, weight in zip(expected, state.model.get_weights())]
    for average, weight, value in zip(state.averaged.get_weights(), state.model.get_weights(), expected):
        np.testing.assert_allclose(average, value, rtol=1e-5, atol=1e-8)
        assert not np.array_equal(average, weight)
    assert state.result is state.averaged


def test_each_network_has_its_papers_settings_at_the_papers_budget():
    assert preset_settings("paper", "full") == {}
    vdsr = TrainConfig(variant="vdsr", **preset_settings("paper", "vdsr"))
    assert (vdsr.optimizer, vdsr.learning_rate, vdsr.beta_1, vdsr.weight_decay) == ("sgd", 0.1, 0.9, 1e-4)
    assert (vdsr.decay_every, vdsr.decay_rate, vdsr.batch_size) == (20, 0.1, 64)
    srcnn = TrainConfig(variant="srcnn", **preset_settings("paper", "srcnn"))
    assert (srcnn.learning_rate, srcnn.learning_rate * srcnn.output_rate) == (1e-4, 1e-5)
    assert TrainConfig(variant="rednet", **preset_settings("paper", "rednet")).learning_rate == 1e-4


def test_short_presets_train_alike_but_for_networks_that_start_as_the_bicubic_enlargement():
    assert preset_settings("cpu", "full") == preset_settings("cpu", "vdsr") == PRESETS["cpu"]
    for network in ("srcnn", "rednet"):
        config = TrainConfig(variant=network, **preset_settings("quick", network))
        assert (config.initializer, config.learning_rate, config.optimizer) == ("identity", 5e-4, "adam")
        assert config.batch_size == PRESETS["quick"]["batch_size"]
