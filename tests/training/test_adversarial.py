"""ESRGAN's second stage: its networks and losses against NumPy and Keras's own VGG19, its steps, its runs."""

import dataclasses
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from srnet.errors import DataError, UsageError
from srnet.training import perceptual, run
from srnet.training.config import TrainConfig
from srnet.training.discriminator import build_discriminator, relativistic_losses
from srnet.training.presets import preset_settings
from srnet.training.run_folder import read_metrics
from srnet.training.state import loss_names, new_state
from srnet.training.step import make_step

RGB = {"variant": "esrgan_small", "model_options": {"blocks": 1, "filters": 4, "growth": 2}, "channels": 3}
ADVERSARIAL = {"adversarial": 0.5, "discriminator_filters": 2, "loss": "mae", "weight_decay": 0.0}
PARTS = ("reconstruction_loss", "perceptual_loss", "adversarial_loss", "discriminator_loss")


@pytest.fixture(scope="module")
def small_features():
    """In the place of VGG19, whose 20 million weights take long: two channels, the first of them red."""
    rgb = keras.Input((None, None, 3))
    kernel = np.array([[1, 0.5], [0, 0.2], [0, -0.7]], np.float32)[None, None]
    layer = keras.layers.Conv2D(2, 1, use_bias=False, activation="relu")
    model = keras.Model(rgb, layer(rgb))
    layer.set_weights([kernel])
    model.trainable = False
    return model


def test_discriminator_has_the_parameters_of_its_authors():
    config = TrainConfig(**preset_settings("adversarial", "esrgan"), scale=4, precision="float32")
    # What the training log of its authors' code prints: xinntao/BasicSR, Discriminator_VGG_128.
    assert build_discriminator(config).count_params() == 14_499_401


def test_discriminator_against_numpy():
    config = TrainConfig(**RGB, **ADVERSARIAL, patch=50)
    model = build_discriminator(config)
    random = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(random.normal(0, 0.3, variable.shape) + (variable.name == "gamma"))
    patches = random.uniform(0, 255, (4, 50, 50, 3)).astype(np.float32)

    def leaky(x):
        return np.where(x > 0, x, 0.2 * x)

    x = patches.astype(np.float64) / 255
    for number in range(10):
        kernel, *bias = (weight.numpy().astype(np.float64) for weight in model.get_layer(f"conv_{number}").weights)
        size, stride = (3, 1) if number % 2 == 0 else (4, 2)
        assert kernel.shape == (size, size, x.shape[3], 2 * (1, 1, 2, 2, 4, 4, 8, 8, 8, 8)[number])
        rows, columns = (-(-side // stride) for side in x.shape[1:3])
        missing = (rows - 1) * stride + size - x.shape[1]
        before = missing // 2
        x = np.pad(x, ((0, 0), (before, missing - before), (before, missing - before), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))[:, ::stride, ::stride]
        x = np.einsum("nijckl,klcf->nijf", windows[:, :rows, :columns], kernel) + sum(bias)
        if number:
            gamma, beta = (weight.numpy() for weight in model.get_layer(f"norm_{number}").weights)
            x = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5) * gamma + beta
        x = leaky(x)
    assert x.shape == (4, 2, 2, 16)
    (dense, dense_bias), (last, last_bias) = (
        [weight.numpy() for weight in model.get_layer(name).weights] for name in ("dense", "logits")
    )
    expected = leaky(x.reshape(4, -1) @ dense + dense_bias) @ last + last_bias
    np.testing.assert_allclose(model(patches, training=True), expected, rtol=1e-3, atol=1e-3)


def test_relativistic_losses_are_those_of_the_paper():
    real, fake = np.random.default_rng(0).normal(0, 2, (2, 5, 1))

    def looks_real(one, others):  # D_Ra of section 3.2
        return 1 / (1 + np.exp(-(one - others.mean())))

    of_discriminator = -np.mean(np.log(looks_real(real, fake))) - np.mean(np.log(1 - looks_real(fake, real)))
    of_network = -np.mean(np.log(1 - looks_real(real, fake))) - np.mean(np.log(looks_real(fake, real)))
    network, discriminator = relativistic_losses(tf.constant(real), tf.constant(fake))
    assert float(network) == pytest.approx(of_network / 2) and float(discriminator) == pytest.approx(
        of_discriminator / 2
    )


def test_features_are_those_of_keras_before_activation(tmp_path, capsys):
    weights = perceptual.read_weights("random")
    assert "for tests only" in capsys.readouterr().out
    keras.config.set_floatx("float16")
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        features = perceptual.build_features(weights)
        assert keras.config.image_data_format() == "channels_first"
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_image_data_format("channels_last")
        keras.config.set_dtype_policy("float32")
    assert not features.trainable_variables
    vgg = keras.applications.VGG19(include_top=False, weights=None)
    vgg.set_weights(weights)
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 48, 32, 3)).astype(np.float32)
    ours = features(pixels).numpy()
    expected = keras.Model(vgg.input, vgg.get_layer("block5_conv4").output)(
        keras.applications.vgg19.preprocess_input(pixels.copy())
    )
    assert ours.shape == (1, 3, 2, 512) and ours.min() < 0
    np.testing.assert_allclose(np.maximum(12.75 * ours, 0), expected, rtol=1e-4, atol=1e-3)

    vgg.save_weights(tmp_path / "vgg.weights.h5")
    for one, other in zip(perceptual.read_weights(str(tmp_path / "vgg.weights.h5")), weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("file", "message"),
    [("missing.h5", "no such file"), ("text.h5", "not the weights of VGG19"), ("other.weights.h5", "not the weights")],
)
def test_weights_of_vgg19_that_cannot_be_had_are_named(file, message, tmp_path, recwarn):
    (tmp_path / "text.h5").write_text("no weights")
    lr = keras.Input((None, None, 3))
    keras.Model(lr, keras.layers.Conv2D(2, 3)(lr)).save_weights(tmp_path / "other.weights.h5")
    recwarn.clear()
    with pytest.raises(DataError, match=rf"{file}: {message}.*--vgg19") as error:
        perceptual.read_weights(str(tmp_path / file))
    assert "\n" not in str(error.value) and not list(recwarn)


def test_weights_of_vgg19_that_cannot_be_fetched_are_asked_for(monkeypatch):
    def fail(*arguments, **options):
        raise Exception("URL fetch failure on https://storage.example/vgg19.h5: None -- unknown host")

    monkeypatch.setattr(keras.applications, "VGG19", fail)
    with pytest.raises(
        DataError, match="cannot be fetched .*https://storage.example/vgg19.h5.*; give its path with --vgg19"
    ):
        perceptual.read_weights("imagenet")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"perceptual": 1.0}, "perceptual 1.0 cannot be used with channels 1: use channels 3"),
        ({"adversarial": 1.0, "precision": "mixed_float16"}, "mixed_float16 cannot be used with adversarial"),
        ({"adversarial": -1.0}, "adversarial -1.0 cannot be used: it must be at least 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        TrainConfig(**changes)


def test_what_is_settled_for_an_adversarial_run(monkeypatch):
    monkeypatch.setattr(run, "resolve_precision", lambda precision: "mixed_float16")
    config = TrainConfig(precision="auto", adversarial=1.0)
    settled, notes = run.resolve(config, None)
    assert settled.precision == "float32" and any("random weights; --initial_run" in note for note in notes)
    _, notes = run.resolve(dataclasses.replace(config, initial_run="plus_x2"), None)
    assert not any("random weights" in note for note in notes)
    assert run.resolve(dataclasses.replace(config, adversarial=0.0), None)[0].precision == "mixed_float16"


@pytest.mark.parametrize(("perceptual_weight", "adversarial_weight"), [(0.7, 0.5), (0.0, 0.5), (0.7, 0.0), (0.0, 0.0)])
def test_a_step_moves_against_the_gradients(perceptual_weight, adversarial_weight, small_features, monkeypatch):
    monkeypatch.setattr("srnet.training.state.build_features", lambda weights: small_features)
    weights = {"loss_weight": 0.3, "perceptual": perceptual_weight, "adversarial": adversarial_weight}
    optimizer = {"optimizer": "sgd", "beta_1": 0.0, "learning_rate": 1e-3}
    config = TrainConfig(**RGB, **{**ADVERSARIAL, **weights}, **optimizer, patch=32, batch_size=3)
    state = new_state(config, tf.distribute.get_strategy())
    random = np.random.default_rng(0)
    lr, hr = (tf.constant(random.uniform(0, 255, (3, side, side, 3)).astype(np.float32)) for side in (16, 32))
    own = state.discriminator.trainable_variables if adversarial_weight else []
    with tf.GradientTape(persistent=True) as tape:
        sr = state.model(lr)
        parts = {"reconstruction_loss": tf.reduce_mean(abs(hr - sr))}
        loss = 0.3 * parts["reconstruction_loss"]
        if perceptual_weight:
            parts["perceptual_loss"] = tf.reduce_mean(abs(small_features(hr) - small_features(sr)))
            loss += 0.7 * parts["perceptual_loss"]
        if adversarial_weight:
            both = relativistic_losses(state.discriminator(hr), state.discriminator(sr))
            parts["adversarial_loss"], parts["discriminator_loss"] = both
            loss += 0.5 * parts["adversarial_loss"]
    expected = {"loss": loss, **(parts if len(parts) > 1 else {})}
    assert tuple(expected) == loss_names(config)
    variables = [*state.model.trainable_variables, *own]
    gradients = tape.gradient(loss, state.model.trainable_variables)
    if own:
        gradients += tape.gradient(parts["discriminator_loss"], own)
        assert max(np.abs(gradient).max() for gradient in gradients[-len(own) :]) > 1e-3
    before = [variable.numpy() for variable in variables]
    losses = make_step(config, state)(lr, hr)
    np.testing.assert_allclose(losses, list(expected.values()), rtol=1e-5)
    for variable, old, gradient in zip(variables, before, gradients, strict=True):
        np.testing.assert_allclose(variable.numpy(), old - 1e-3 * gradient.numpy(), rtol=1e-4, atol=1e-7)
    assert state.step == 1


def test_a_run_records_the_losses_of_both(train, small_features, monkeypatch):
    monkeypatch.setattr("srnet.training.state.build_features", lambda weights: small_features)
    files = {"imagenet": 1, "copy.h5": 1, "other.h5": 2}
    monkeypatch.setattr(perceptual, "read_weights", lambda name: [np.float32(files[name])])
    changes = {**RGB, **ADVERSARIAL, "loss_weight": 0.3, "perceptual": 0.7, "patch": 32, "steps_per_epoch": 60}
    trained = train(**changes)
    saved = tf.train.load_checkpoint(str(trained.last)).get_variable_to_shape_map()
    assert sum("discriminator" in name for name in saved) > 40  # with its optimizer
    first, last = read_metrics(trained)
    for line in (first, last):
        reconstruction, perceptual_loss, adversarial, discriminator = (line[name] for name in PARTS)
        assert line["loss"] == pytest.approx(0.3 * reconstruction + 0.7 * perceptual_loss + 0.5 * adversarial, rel=1e-5)
        assert min(adversarial, discriminator) > 0
    assert last["discriminator_loss"] < np.log(2)  # what it has where it knows nothing
    (events,) = trained.tensorboard.glob("events*")
    shown = {
        (value.tag, event.step)
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
    }
    assert {(name, step) for name in ("loss", *PARTS) for step in (60, 120)} <= shown
    assert {(f"{name} of 100 steps", 100) for name in ("loss", *PARTS)} <= shown
    train(**changes, vgg19="copy.h5")
    with pytest.raises(UsageError, match="holds a run with other weights of VGG19"):
        train(**changes, vgg19="other.h5")


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"precision": "mixed_bfloat16"}, {"jit_compile": True}])
def test_other_ways_to_compute(train, how):
    changes = {**RGB, **ADVERSARIAL, "patch": 32, "steps_per_epoch": 20}
    reference, other = (read_metrics(train(name, **changes, **more)) for name, more in (("one", {}), ("other", how)))
    for name in ("loss", "adversarial_loss", "discriminator_loss"):
        assert other[0][name] == pytest.approx(reference[0][name], rel=0.1)


@pytest.mark.slow
def test_two_devices_take_the_step_of_one():
    """Where both have the same patches: a device has the discriminator's statistics of its own patches."""
    program = """
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from srnet.training.config import TrainConfig
from srnet.training.state import new_state
from srnet.training.step import make_run_steps
small = {"variant": "esrgan_small", "model_options": {"blocks": 1, "filters": 4, "growth": 2}, "channels": 3}
losses = {"loss": "mae", "loss_weight": 1 / 255, "adversarial": 0.5, "discriminator_filters": 2, "weight_decay": 0.0}
config = TrainConfig(**small, **losses, patch=32, batch_size=4, optimizer="sgd", beta_1=0.0, learning_rate=1e-3)
lr, hr = (np.random.default_rng(0).uniform(0, 255, (2, side, side, 3)).astype(np.float32) for side in (16, 32))
dataset = tf.data.Dataset.from_tensors((np.concatenate([lr, lr]), np.concatenate([hr, hr]))).repeat()
one, two = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
states = [new_state(config, strategy) for strategy in (one, two)]
for name in ("model", "discriminator"):
    getattr(states[1], name).set_weights(getattr(states[0], name).get_weights())
before = [weights for name in ("model", "discriminator") for weights in getattr(states[0], name).get_weights()]
found = []
for state, strategy in zip(states, (one, two)):
    batches = iter(strategy.experimental_distribute_dataset(dataset))
    losses = make_run_steps(config, state, strategy)(batches, tf.constant(3)).numpy()
    after = [weights for name in ("model", "discriminator") for weights in getattr(state, name).get_weights()]
    moves = np.concatenate([(now - then).ravel() for now, then in zip(after, before)])
    assert np.isfinite(losses).all() and np.isfinite(moves).all() and np.abs(moves).max() > 1e-4
    found.append((losses, moves))
np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-3)
assert np.linalg.norm(found[0][1] - found[1][1]) < 1e-2 * np.linalg.norm(found[0][1])
"""
    subprocess.run([sys.executable, "-c", program], check=True)
