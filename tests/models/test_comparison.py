"""SRCNN, VDSR and RED-Net against SciPy's correlation in float64, with arrays as their authors publish them."""

import keras
import numpy as np
import pytest
import scipy.ndimage

from srnet import models
from srnet.errors import DataError, UsageError
from srnet.images.resize import imresize

LR = np.random.default_rng(0).uniform(0, 255, (11, 14)).astype(np.float32)


def _correlate(x, kernel, bias, mode):
    """x (H, W, channels in), kernel (h, w, channels in, channels out): "same" correlation in float64."""
    planes = [
        sum(
            scipy.ndimage.correlate(x[..., i], kernel[..., i, o].astype(np.float64), mode=mode, cval=0.0)
            for i in range(x.shape[-1])
        )
        + bias[o]
        for o in range(kernel.shape[-1])
    ]
    return np.stack(planes, axis=-1)


def _random_arrays(shapes):
    random = np.random.default_rng(1)
    deviations = [np.sqrt(2 / np.prod(shape[:3])) for shape in shapes[:-1]] + [np.sqrt(0.1 / np.prod(shapes[-1][:3]))]
    return [
        (random.normal(0, deviation, shape), random.normal(0, 0.01, shape[3]))
        for deviation, shape in zip(deviations, shapes)
    ]


def _chain(x, arrays, mode):
    for kernel, bias in arrays[:-1]:
        x = np.maximum(_correlate(x, kernel, bias, mode), 0)
    return _correlate(x, *arrays[-1], mode)


@pytest.mark.parametrize("scale", [2, 3])
def test_vdsr_with_published_arrays(scale):
    arrays = _random_arrays([(3, 3, 1, 64)] + 18 * [(3, 3, 64, 64)] + [(3, 3, 64, 1)])
    model = models.build("vdsr", scale)
    models.load_published(model, arrays)
    enlarged = imresize(LR.astype(np.float64), scale)[..., None] / 255
    expected = 255 * (enlarged + _chain(enlarged, arrays, "constant"))
    assert np.abs(expected - 255 * enlarged).max() > 10
    np.testing.assert_allclose(model(LR[None, ..., None])[0], expected, atol=1e-3)


@pytest.mark.parametrize("sizes", [(9, 5, 5), (9, 1, 5)])
def test_srcnn_with_published_arrays(sizes):
    shapes = [(sizes[0],) * 2 + (1, 64), (sizes[1],) * 2 + (64, 32), (sizes[2],) * 2 + (32, 1)]
    arrays = _random_arrays(shapes)
    model = models.build("srcnn", 3, kernel_sizes=sizes)
    models.load_published(model, arrays)
    enlarged = imresize(LR.astype(np.float64), 3)[..., None] / 255
    np.testing.assert_allclose(model(LR[None, ..., None])[0], 255 * _chain(enlarged, arrays, "nearest"), atol=1e-3)


def test_rednet_equals_its_equations():
    keras.utils.set_random_seed(1)
    model = models.build("rednet", 2, filters=4, depth=5)
    x = enlarged = imresize(LR.astype(np.float64), 2)[..., None] / 255

    def weights(name):
        kernel, bias = (weight.numpy() for weight in model.get_layer(name).weights)
        # A transposed convolution of stride 1 correlates with the kernel turned around.
        return (kernel if name.startswith("conv") else kernel[::-1, ::-1].swapaxes(2, 3)), bias

    features = []
    for i in range(1, 6):
        x = np.maximum(_correlate(x, *weights(f"conv_{i}"), "constant"), 0)
        features.append(x)
    for i, mirrored in ((1, features[3]), (2, 0), (3, features[1]), (4, 0)):
        x = np.maximum(_correlate(x, *weights(f"deconv_{i}"), "constant") + mirrored, 0)
    expected = 255 * (enlarged + _correlate(x, *weights("output"), "constant"))
    np.testing.assert_allclose(model(LR[None, ..., None])[0], expected, rtol=1e-4, atol=1e-2)


def test_rednet_of_thirty_layers_skips_seven_times():
    names = [layer.name for layer in models.build("rednet", 2, filters=2).layers if layer.name.startswith("skip")]
    assert names == [f"skip_{i}" for i in (1, 3, 5, 7, 9, 11, 13)]


def test_arrays_of_other_shapes_are_refused_whole():
    model = models.build("srcnn", 2)
    before = model.get_weights()
    arrays = _random_arrays([(9, 9, 1, 64), (5, 5, 64, 32), (5, 5, 32, 2)])
    with pytest.raises(DataError, match=r"convolution 3 of 3, kernel: shape \(5, 5, 32, 2\).* \(5, 5, 32, 1\)"):
        models.load_published(model, arrays)
    with pytest.raises(DataError, match="srcnn has 3 convolutions, not 2"):
        models.load_published(model, arrays[:2])
    good = _random_arrays([(9, 9, 1, 64), (5, 5, 64, 32), (5, 5, 32, 1)])
    with pytest.raises(DataError, match="convolution 2 of 3: expected a pair of arrays"):
        models.load_published(model, [good[0], good[1][0], good[2]])
    with pytest.raises(DataError, match="convolution 3 of 3: expected a pair of arrays"):
        models.load_published(model, [good[0], good[1], None])
    good[1][1][3] = np.nan
    with pytest.raises(DataError, match="convolution 2 of 3, bias: not all values are finite"):
        models.load_published(model, iter(good))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))


def test_networks_of_other_layers_take_no_published_arrays():
    with pytest.raises(UsageError, match="network rednet is not a chain of convolutions"):
        models.load_published(models.build("rednet", 2, filters=2, depth=2), [])


@pytest.mark.parametrize(
    ("name", "options"),
    [("srcnn", {}), ("srcnn", {"kernel_sizes": (9, 1, 5)}), ("srcnn", {"channels": 3}), ("rednet", {"filters": 8})],
)
def test_identity_starts_as_the_bicubic_enlargement(name, options):
    model = models.build(name, 3, initializer="identity", **options)
    lr = np.random.default_rng(0).uniform(60, 200, (11, 14, model.input_shape[-1])).astype(np.float32)
    expected = np.stack([imresize(plane.astype(np.float64), 3) for plane in np.moveaxis(lr, -1, 0)], axis=-1)
    np.testing.assert_allclose(model(lr[None])[0], expected, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_identity_leaves_other_filters_blind_to_brightness(channels):
    kernel = models.build("srcnn", 2, channels, initializer="identity").get_layer("extract").kernel.numpy()
    np.testing.assert_allclose(kernel.sum((0, 1))[:, channels:], 0, atol=1e-5)
    assert np.std(kernel[..., channels:]) == pytest.approx(np.sqrt(2 / (81 * channels)), rel=0.03)


def test_identity_keeps_the_size_of_features():
    model = models.build("rednet", 2, initializer="identity", filters=32)
    names = [f"relu_{i}" for i in range(1, 15)]
    features = keras.Model(model.input, [model.get_layer(name).output for name in names])(LR[None, ..., None])
    sizes = [float(np.sqrt(np.mean(np.square(each)))) for each in features]
    assert max(sizes) < 5 * min(sizes)


def test_identity_saves_and_loads(tmp_path):
    model = models.build("srcnn", 2, initializer="identity")
    model.save(tmp_path / "x.keras")
    np.testing.assert_array_equal(
        keras.models.load_model(tmp_path / "x.keras")(LR[None, ..., None]), model(LR[None, ..., None])
    )
