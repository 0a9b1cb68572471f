"""Optimizers and gradients, step by step, against the update rules written out."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from srnet.errors import UsageError
from srnet.training.config import TrainConfig
from srnet.training.state import new_state
from srnet.training.step import make_losses, make_run_steps, make_step

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
    step = make_step(config, state)
    step(lr, hr)
    after = [variable.numpy() for variable in state.model.trainable_variables]
    return state, step, before, gradients, after


@pytest.mark.parametrize("loss", ["mse", "euclidean"])
def test_sgd_moves_against_the_gradient(loss):
    config = dataclasses.replace(SMALL, loss=loss, weight_decay=500.0, learning_rate=1e-6)
    _, _, before, gradients, after = _step_once(config)
    for old, gradient, new in zip(before, gradients, after):
        np.testing.assert_allclose(new, old - 1e-6 * gradient, rtol=1e-5, atol=1e-7)


def test_regularizers_of_a_custom_network_count(monkeypatch):
    state = new_state(SMALL, tf.distribute.get_strategy())
    (plain,) = make_losses(SMALL, state)(*_batch())
    layer = state.model.get_layer("map")
    layer.kernel.regularizer = keras.regularizers.L2(0.5)
    (loss,) = make_losses(SMALL, state)(*_batch())
    expected = 0.5 * np.sum(layer.kernel.numpy().astype(np.float64) ** 2)
    assert float(loss - plain) == pytest.approx(expected, rel=1e-3) and expected > 0.01


def test_sgd_has_momentum():
    config = dataclasses.replace(SMALL, loss="euclidean", beta_1=0.9, learning_rate=1e-3)
    state, step, before, first, after = _step_once(config)
    lr, hr = _batch()
    second = _gradients(config, state.model, lr, hr)
    step(lr, hr)
    for old, one, other, variable in zip(after, first, second, state.model.trainable_variables):
        np.testing.assert_allclose(variable.numpy(), old - 1e-3 * (0.9 * one + other), rtol=1e-4, atol=1e-6)


def test_clipping_keeps_each_value_within_clip_over_learning_rate():
    config = dataclasses.replace(SMALL, clip=1e-3, learning_rate=1e-2)
    _, _, before, gradients, after = _step_once(config)
    assert max(np.abs(gradient).max() for gradient in gradients) > 0.1
    for old, gradient, new in zip(before, gradients, after):
        np.testing.assert_allclose(new, old - 1e-2 * np.clip(gradient, -0.1, 0.1), rtol=1e-4, atol=1e-6)


def test_last_layer_may_have_a_smaller_learning_rate():
    config = dataclasses.replace(SMALL, loss="euclidean", output_rate=0.1)
    state, _, before, gradients, after = _step_once(config)
    last = {id(variable) for variable in state.model.get_layer("output").trainable_variables}
    assert len(last) == 2
    for variable, old, gradient, new in zip(state.model.trainable_variables, before, gradients, after):
        factor = 0.1 if id(variable) in last else 1.0
        np.testing.assert_allclose(new, old - 1e-2 * factor * gradient, rtol=1e-4, atol=1e-6)


def test_share_of_intermediate_images_falls_to_nothing():
    config = dataclasses.replace(
        SMALL,
        variant="drcn",
        model_options={"filters": 3, "recursions": 2},
        learning_rate=1e-9,
        supervision=0.8,
        epochs=2,
        steps_per_epoch=2,
    )
    state = new_state(config, tf.distribute.get_strategy())
    for number, variable in enumerate(state.model.trainable_variables):  # recursions begin as the identity
        variable.assign(tf.random.stateless_normal(variable.shape, (0, number), stddev=0.2))
    lr, hr = _batch()
    step = make_step(config, state)
    images = keras.Model(state.model.input, [state.model.output, *state.model.intermediates])
    for share in (0.8, 0.6, 0.4, 0.2, 0.0, 0.0):
        result, *others = (np.mean(np.square(np.float64(hr) - np.float64(image))) for image in images(lr))
        assert result != pytest.approx(np.mean(others), rel=1e-3)
        expected = (1 - share) * result + share * np.mean(others)
        assert float(step(lr, hr)[0]) == pytest.approx(expected, rel=1e-5)


def test_supervision_needs_intermediate_images():
    with pytest.raises(UsageError, match="--supervision=0.5: network srcnn has no intermediate outputs"):
        new_state(dataclasses.replace(SMALL, supervision=0.5), tf.distribute.get_strategy())


@pytest.mark.parametrize("calls", [[1] * 8, [3, 5]])
def test_average_of_the_weights_begins_as_their_mean(calls):
    config = dataclasses.replace(SMALL, loss="euclidean", learning_rate=1e-3, average_decay=0.75)
    strategy = tf.distribute.get_strategy()
    state, followed = new_state(config, strategy), new_state(config, strategy)
    followed.model.set_weights(state.model.get_weights())
    run_steps, one_step = (make_run_steps(config, each, strategy) for each in (state, followed))
    batches = [iter(tf.data.Dataset.from_tensors(_batch()).repeat()) for _ in range(2)]
    history = []
    for _ in range(8):
        one_step(batches[0], tf.constant(1))
        history.append(np.concatenate([weights.ravel() for weights in followed.model.get_weights()]))
    for count in calls:
        run_steps(batches[1], tf.constant(count))
    average = np.concatenate([weights.ravel() for weights in state.averaged.get_weights()])
    # The mean of the first four, as 3/4 is what the fourth leaves to those before it; from there the moving average.
    expected = np.mean(history[:4], axis=0)
    for weights in history[4:]:
        expected = 0.75 * expected + 0.25 * weights
    np.testing.assert_allclose(average, expected, rtol=1e-4, atol=1e-7)
    assert np.abs(average - history[-1]).max() > 1e-5
    assert state.result is state.averaged
