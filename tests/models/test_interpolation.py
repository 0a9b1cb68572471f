"""Networks between two others."""

import keras
import numpy as np
import pytest

from srnet import models
from srnet.errors import UsageError


@pytest.mark.parametrize("name", ["esrgan_small", "plus", "drcn"])
def test_weights_lie_between(name):
    options = {"filters": 4} if name != "drcn" else {"filters": 4, "recursions": 2}
    first, second = (models.build(name, 2, **options) for _ in range(2))
    random = np.random.default_rng(0)
    for model in (first, second):
        model.set_weights([random.normal(0, 0.2, weight.shape) for weight in model.get_weights()])
    before = first.get_weights()
    between = models.interpolate(first, second, 0.25)
    for made, one, other in zip(between.get_weights(), before, second.get_weights(), strict=True):
        np.testing.assert_allclose(made, 0.75 * one + 0.25 * other, rtol=1e-5, atol=1e-7)
    assert all(map(np.array_equal, first.get_weights(), before))
    image = random.uniform(0, 255, (1, 7, 5, 1)).astype(np.float32)
    for share, expected in ((0, first), (1, second)):
        np.testing.assert_allclose(
            models.interpolate(first, second, share)(image), expected(image), rtol=1e-4, atol=1e-3
        )


def test_networks_may_have_begun_with_other_weights():
    first, second = (models.build("idn", 2, filters=16, initializer=name) for name in ("identity", "he"))
    made = models.interpolate(first, second, 0.5)
    for one, half, other in zip(first.get_weights(), made.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(half, (one + other) / 2, atol=1e-6)


def test_other_networks_and_shares_are_refused():
    first = models.build("vdsr", 2, filters=4)
    with pytest.raises(UsageError, match="networks vdsr and vdsr have different layers: give two of the same network"):
        models.interpolate(first, models.build("vdsr", 2, filters=5), 0.5)
    with pytest.raises(UsageError, match="share 1.5 cannot be used: it must be between 0 and 1"):
        models.interpolate(first, first, 1.5)
    with pytest.raises(UsageError, match="have different layers"):
        models.interpolate(models.build("srcnn", 2), models.build("srcnn", 3), 0.5)
    lr = keras.Input((None, None, 1))
    with pytest.raises(UsageError, match="have different layers"):
        models.interpolate(first, keras.Model(lr, keras.layers.Conv2D(1, 3)(lr)), 0.5)
