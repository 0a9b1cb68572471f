"""The losses against NumPy, and one from outside."""

import types

import numpy as np
import pytest
import tensorflow as tf

from srnet.errors import UsageError
from srnet.models import build
from srnet.training import losses
from srnet.training.config import TrainConfig, check_registered
from srnet.training.run_folder import read_metrics
from srnet.training.step import reconstruction_loss, weight_penalty


@pytest.fixture
def patches():
    return np.random.default_rng(0).uniform(0, 255, (2, 6, 5, 4, 1)).astype(np.float32)


@pytest.mark.parametrize(("name", "of"), [("mse", np.square), ("mae", np.abs)])
def test_error_is_the_mean_and_adds_up_over_devices(name, of, patches):
    hr, sr = patches
    expected = np.mean(of(hr.astype(np.float64) - sr))
    assert float(reconstruction_loss(name, hr, sr, 6)) == pytest.approx(expected, rel=1e-5)
    shares = [float(reconstruction_loss(name, hr[part], sr[part], 6)) for part in (slice(0, 2), slice(2, 6))]
    assert sum(shares) == pytest.approx(expected, rel=1e-5)


def test_euclidean_loss_is_half_a_patchs_squared_error_in_units_of_one(patches):
    hr, sr = patches
    expected = np.mean([0.5 * np.sum(((a.astype(np.float64) - b) / 255) ** 2) for a, b in zip(hr, sr)])
    assert float(reconstruction_loss("euclidean", hr, sr, 6)) == pytest.approx(expected, rel=1e-5)


def test_psnr_loss_is_a_patchs_squared_error_in_decibels(patches):
    hr, sr = patches
    errors = [np.mean((a.astype(np.float64) - b) ** 2) for a, b in zip(hr, sr)]
    assert float(reconstruction_loss("psnr", hr, sr, 6)) == pytest.approx(np.mean(10 * np.log10(np.add(errors, 1))))


def test_penalty_is_half_beta_times_the_squared_kernels_without_biases():
    model = build("full", 2, filters=4)
    for variable in model.trainable_variables:
        if variable.name == "bias":
            variable.assign(variable + 1.0)
    kernels = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    assert len(kernels) == 13
    expected = 0.01 / 2 * sum((kernel.astype(np.float64) ** 2).sum() for kernel in kernels)
    assert float(weight_penalty(model, 0.01)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("of", "found"),
    [
        (lambda hr, sr: tf.reduce_mean(abs(hr - sr)), r"float32 \(\)"),
        (lambda hr, sr: tf.reduce_mean(abs(hr - sr), axis=0), r"float32 \(16, 16, 1\)"),
        (lambda hr, sr: None, "NoneType"),
        (lambda hr, sr: tf.cast(hr - sr, tf.float64), r"float64 \(2, 16, 16, 1\)"),
    ],
)
def test_a_loss_without_an_error_for_each_patch_is_refused(train, monkeypatch, of, found):
    monkeypatch.setitem(losses.LOSSES, "wrong", of)
    with pytest.raises(UsageError, match=f"loss 'wrong' returned {found} for 2 patches"):
        train(loss="wrong")


@pytest.mark.parametrize("each", ["pixel", "patch"])
def test_a_registered_loss_trains(train, patches, each):
    def half(hr, sr):
        errors = tf.square(hr - sr) / 2
        return errors if each == "pixel" else tf.reduce_mean(errors, axis=(1, 2, 3))

    half.__qualname__ = "half"  # as in a module
    with pytest.raises(UsageError, match="loss 'half' is unknown"):
        check_registered(TrainConfig(loss="half"))
    losses.register("half", half)
    try:
        hr, sr = patches
        mse = float(reconstruction_loss("mse", hr, sr, 6))
        assert float(reconstruction_loss("half", hr, sr, 6)) == pytest.approx(mse / 2, rel=1e-5)
        lines, usual = (read_metrics(train(name, loss=name, weight_decay=0.0)) for name in ("half", "mse"))
        assert lines[0]["loss"] == pytest.approx(usual[0]["loss"] / 2, rel=0.05)
        reloaded = types.FunctionType(half.__code__, globals(), closure=half.__closure__)
        reloaded.__qualname__ = half.__qualname__
        losses.register("half", reloaded)  # as a cell of a notebook that runs again
        assert losses.LOSSES["half"] is reloaded
        with pytest.raises(UsageError, match="loss 'half' is registered already"):
            losses.register("half", losses.mse)
    finally:
        del losses.LOSSES["half"]
