"""The PyTorch twins, where PyTorch is installed."""

import keras
import numpy as np
import pytest

from srnet import models
from tests.networks import randomize

torch = pytest.importorskip("torch")
torch_twin = pytest.importorskip("experiments.benchmarks.torch_twin")


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("name", ["plus", "full", "no_deconv", "vdsr", "srcnn", "rednet"])
def test_twins_compute_the_same(name, scale):
    model = randomize(models.build(name, scale))
    random = np.random.default_rng(0)
    lr = random.uniform(0, 255, (2, 24, 36, 1)).astype(np.float32)
    with torch.inference_mode():
        made = torch_twin.TorchTwin(model)(torch.from_numpy(lr).permute(0, 3, 1, 2))
    expected = model(lr).numpy()
    np.testing.assert_allclose(made.permute(0, 2, 3, 1).numpy(), expected, atol=1e-4 * np.abs(expected).max())


def test_what_has_no_twin_is_named():
    lr = keras.Input((None, None, 1))
    with pytest.raises(TypeError, match="layer 'up_sampling2d.*' .* has no PyTorch counterpart"):
        torch_twin.TorchTwin(keras.Model(lr, keras.layers.UpSampling2D(2)(lr)))
