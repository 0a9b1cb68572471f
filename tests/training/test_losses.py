"""The loss against NumPy."""

import numpy as np
import pytest

from srnet.models import build
from srnet.training import losses


@pytest.mark.parametrize(("kind", "of"), [("mse", np.square), ("mae", np.abs)])
def test_error_is_the_mean_and_adds_up_over_devices(kind, of):
    random = np.random.default_rng(0)
    hr, sr = random.uniform(0, 255, (2, 6, 5, 4, 1)).astype(np.float32)
    expected = np.mean(of(hr.astype(np.float64) - sr))
    assert float(losses.reconstruction_loss(kind, hr, sr, 6)) == pytest.approx(expected, rel=1e-5)
    shares = [float(losses.reconstruction_loss(kind, hr[part], sr[part], 6)) for part in (slice(0, 2), slice(2, 6))]
    assert sum(shares) == pytest.approx(expected, rel=1e-5)


def test_euclidean_loss_is_half_a_patchs_squared_error_in_units_of_one():
    random = np.random.default_rng(0)
    hr, sr = random.uniform(0, 255, (2, 6, 5, 4, 1)).astype(np.float32)
    expected = np.mean([0.5 * np.sum(((a.astype(np.float64) - b) / 255) ** 2) for a, b in zip(hr, sr)])
    assert float(losses.reconstruction_loss("euclidean", hr, sr, 6)) == pytest.approx(expected, rel=1e-5)


def test_penalty_is_half_beta_times_the_squared_kernels_without_biases():
    model = build("full", 2, filters=4)
    for variable in model.trainable_variables:
        if variable.name == "bias":
            variable.assign(variable + 1.0)
    kernels = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    assert len(kernels) == 13
    expected = 0.01 / 2 * sum((kernel.astype(np.float64) ** 2).sum() for kernel in kernels)
    assert float(losses.weight_penalty(model, 0.01)) == pytest.approx(expected, rel=1e-5)
