"""The training step as a function, against the step that changes variables."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.steps.stateless import stateless_step, step_variables
from srnet.errors import DataError
from srnet.training.config import TrainConfig
from srnet.training.state import new_state
from srnet.training.step import make_step

SMALL = TrainConfig(
    variant="srcnn", model_options={"filters": [2, 2]}, batch_size=2, steps_per_epoch=2, epochs=2, learning_rate=1e-4
)
SGD = dataclasses.replace(SMALL, optimizer="sgd", learning_rate=1e-8, decay_every=1)


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        dataclasses.replace(SMALL, schedule="cooldown", loss="mae"),
        dataclasses.replace(SGD, output_rate=0.1, clip=1e-6),
        dataclasses.replace(SGD, beta_1=0.0),
        dataclasses.replace(SMALL, variant="drcn", model_options={"filters": 3, "recursions": 2}, supervision=0.8),
    ],
    ids=["adam", "cooldown", "momentum", "no-momentum", "supervision"],
)
def test_steps_are_those_of_training(config):
    state = new_state(config, tf.distribute.get_strategy())
    variables, function = step_variables(config, state), stateless_step(config, state)
    random = np.random.default_rng(0)
    lr, hr = (tf.constant(random.uniform(0, 255, (2, side, side, 1)), tf.float32) for side in (6, 12))
    values, losses = [tf.identity(variable.value) for variable in variables], []
    first = [value.numpy() for value in values]
    for _ in range(3):
        values, loss = function(values, lr, hr)
        losses.append(float(loss))
    for before, variable in zip(first, variables):
        np.testing.assert_array_equal(variable.numpy(), before)
    step = make_step(config, state)
    assert losses == pytest.approx([float(step(lr, hr)[0]) for _ in range(3)], rel=1e-5)
    for before, value, variable in zip(first, values, variables):
        change = np.abs(variable.numpy() - before).max()
        np.testing.assert_allclose(value.numpy(), variable.numpy(), atol=1e-3 * change, err_msg=variable.path)
    assert state.step == values[len(state.model.trainable_variables)] == 3


def test_losses_of_layers_count_in_both():
    state = new_state(SMALL, tf.distribute.get_strategy())
    plain = stateless_step(SMALL, state)
    random = np.random.default_rng(0)
    lr, hr = (tf.constant(random.uniform(0, 255, (2, side, side, 1)), tf.float32) for side in (6, 12))
    values = [tf.identity(variable.value) for variable in step_variables(SMALL, state)]
    without = float(plain(values, lr, hr)[1])
    layer = state.model.get_layer("map")
    layer.activity_regularizer = keras.regularizers.L2(1e3)
    layer.kernel.regularizer = keras.regularizers.L2(1e3)
    loss = float(stateless_step(SMALL, state)(values, lr, hr)[1])
    assert loss == pytest.approx(float(make_step(SMALL, state)(lr, hr)[0]), rel=1e-5)
    assert loss - without > 1e3 * np.sum(layer.kernel.numpy() ** 2) + 1e-2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"average_decay": 0.9}, "average_decay 0.9, which cannot be exported"),
        ({"adversarial": 0.1}, "adversarial 0.1, which cannot be exported"),
        ({"precision": "mixed_float16"}, "export needs float32 or mixed_bfloat16"),
    ],
)
def test_what_has_no_such_step(changes, message):
    config = dataclasses.replace(SMALL, **changes)
    with pytest.raises(DataError, match=message):
        stateless_step(config, new_state(config, tf.distribute.get_strategy()))
