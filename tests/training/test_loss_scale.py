"""Training in mixed_float16: the loss is scaled, and a step whose gradients overflow changes no weight."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from srnet.errors import DataError
from srnet.training import step
from srnet.training.config import TrainConfig
from srnet.training.recorder import Recorder
from srnet.training.run_folder import Run
from srnet.training.state import new_state

CONFIG = TrainConfig(model_options={"filters": 4}, patch=16, stride=8, batch_size=4, precision="mixed_float16")


def _batches(lr, hr):
    return iter(tf.data.Dataset.from_tensors((lr, hr)).repeat())


@pytest.fixture
def batch():
    random = np.random.default_rng(0)
    return tuple(tf.constant(random.uniform(0, 255, (4, side, side, 1)).astype(np.float32)) for side in (8, 16))


def _state(scale, **changes):
    config = TrainConfig(**{**CONFIG.to_json(), **changes})
    keras.utils.set_random_seed(0)
    state = new_state(config, tf.distribute.get_strategy())
    state.optimizer.dynamic_scale.assign(scale)
    return config, state


def test_steps_that_overflow_are_left_out_and_counted(batch):
    config, state = _state(2.0**60)
    before = state.model.get_weights()
    run_steps = step.make_run_steps(config, state, tf.distribute.get_strategy())
    losses = run_steps(_batches(*batch), tf.constant(3)).numpy()
    assert np.isfinite(losses).all() and len(set(losses[:, 0])) == 1
    assert state.step == 3
    for one, other in zip(before, state.model.get_weights()):
        np.testing.assert_array_equal(one, other)
    assert state.optimizer.dynamic_scale.numpy() == 2.0**57
    run_steps(_batches(*batch), tf.constant(60))
    assert state.step == 63 and state.optimizer.dynamic_scale.numpy() < 2.0**50
    after = state.model.get_weights()
    assert all(np.isfinite(weights).all() for weights in after)
    assert any((one != other).any() for one, other in zip(before, after))


@pytest.mark.parametrize("changes", [{"output_rate": 0.1}, {"clip": 1e-6}])
def test_the_scale_changes_no_update(batch, changes):
    """Steps of SGD, which are as large as the gradients, at two scales at which nothing overflows."""
    updates = []
    for scale in (0.125, 1.0):
        config, state = _state(scale, optimizer="sgd", learning_rate=1e-6, weight_decay=0.0, **changes)
        before = state.model.get_weights()
        step.make_run_steps(config, state, tf.distribute.get_strategy())(_batches(*batch), tf.constant(1))
        assert state.optimizer.dynamic_scale.numpy() == scale
        after = state.model.get_weights()
        updates.append(np.concatenate([(one - other).ravel() for one, other in zip(before, after)]))
    assert np.linalg.norm(updates[0]) > 0
    assert np.linalg.norm(updates[0] - updates[1]) < 0.05 * np.linalg.norm(updates[0])
    if "clip" in changes:
        assert np.abs(updates[0]).max() == pytest.approx(changes["clip"], rel=0.1)


def test_a_scale_that_falls_for_ever_is_an_error():
    """Where gradients are no numbers at any scale; the weights stay finite, as no step changes them."""
    config, state = _state(2.0**-30)
    recorder = Recorder(config, state, Run(Path("unused")))
    with pytest.raises(DataError, match="the gradients are not finite in float16 at step 0: use float32"):
        recorder.check_weights()


@pytest.mark.slow
def test_an_overflow_on_one_device_leaves_the_step_out_on_all():
    program = """
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from srnet.training import step
from srnet.training.state import new_state
from srnet.training.config import TrainConfig
settings = {"patch": 16, "stride": 8, "batch_size": 4, "precision": "mixed_float16", "model_options": {"filters": 4}}
config = TrainConfig(optimizer="sgd", learning_rate=1e-6, **settings)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
state = new_state(config, strategy)
lr, hr = np.full((4, 8, 8, 1), 100, np.float32), np.full((4, 16, 16, 1), 100, np.float32)
hr[2:] = 1e30  # on the second device alone
dataset = tf.data.Dataset.from_tensors((lr, hr)).repeat()
before = state.model.get_weights()
step.make_run_steps(config, state, strategy)(iter(strategy.experimental_distribute_dataset(dataset)), tf.constant(2))
assert state.step == 2, state.step
for one, other in zip(before, state.model.get_weights()):
    np.testing.assert_array_equal(one, other)
hr[2:] = 100
dataset = tf.data.Dataset.from_tensors((lr, hr)).repeat()
one_device = tf.distribute.get_strategy()
alone = new_state(config, one_device)
alone.model.set_weights(before)
for each, own in ((state, strategy), (alone, one_device)):
    each.optimizer.dynamic_scale.assign(0.25)
    batches = iter(own.experimental_distribute_dataset(dataset))
    losses = step.make_run_steps(config, each, own)(batches, tf.constant(3)).numpy()
    assert losses[-1] < losses[0]
def update(each):
    return np.concatenate([(new - old).ravel() for new, old in zip(each.model.get_weights(), before)])
one, other = update(alone), update(state)
assert np.linalg.norm(one - other) < 0.05 * np.linalg.norm(one)
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
