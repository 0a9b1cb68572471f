"""Comparison networks against SciPy's correlation in float64, with arrays as their authors publish them."""

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


def _official(random, out, into, size):
    """Weights (channels out, channels in, height, width) and a bias, as Caffe and PyTorch have them."""
    return random.normal(0, np.sqrt(1 / (into * size**2)), (out, into, size, size)), random.normal(0, 0.1, out)


def _convolve(x, weights, bias, groups=1):
    """x (H, W, channels in) by a kernel as Caffe and PyTorch have it."""
    pieces = zip(np.split(x, groups, axis=-1), np.split(weights, groups), np.split(bias, groups))
    return np.concatenate([_correlate(i, k.transpose(2, 3, 1, 0), b, "constant") for i, k, b in pieces], axis=-1)


def _enlarge(lr, scale):
    return np.stack([imresize(plane.astype(np.float64), scale) for plane in np.moveaxis(lr, -1, 0)], axis=-1)


@pytest.mark.parametrize("channels", [1, 3])
def test_drcn_with_published_arrays(channels):
    filters, recursions = 6, 3
    shapes = {"embed_1": (channels, filters), "output": (filters, channels)}
    shapes |= dict.fromkeys(("embed_2", "recurse", "reconstruct"), (filters, filters))
    random = np.random.default_rng(5)
    arrays = {
        name: (random.normal(0, (2 / 9 / into) ** 0.5, (3, 3, into, out)), random.normal(0, 0.1, out))
        for name, (into, out) in shapes.items()
    }
    shares = random.uniform(0, 1, recursions)
    lr = np.random.default_rng(0).uniform(0, 255, (7, 5, channels)).astype(np.float32)
    enlarged = _enlarge(lr, 2) / 255
    x = enlarged
    for name in ("embed_1", "embed_2"):
        x = np.maximum(_correlate(x, *arrays[name], "constant"), 0)
    images = []
    for _ in range(recursions):
        x = np.maximum(_correlate(x, *arrays["recurse"], "constant"), 0)
        details = np.maximum(_correlate(x, *arrays["reconstruct"], "constant"), 0)
        images.append(255 * (enlarged + _correlate(details, *arrays["output"], "constant")))
    model = models.build("drcn", 2, channels, filters=filters, recursions=recursions)
    models.load_published(model, {**arrays, "ensemble": [shares]})
    np.testing.assert_allclose(model(lr[None])[0], np.einsum("d,dhwc->hwc", shares, images), rtol=1e-5, atol=1e-3)
    made = keras.Model(model.input, model.intermediates)(lr[None])
    np.testing.assert_allclose(np.concatenate(made), images, rtol=1e-5, atol=1e-3)
    with pytest.raises(DataError, match="ensemble: expected an array shares in a list, not 2"):
        models.load_published(model, {**arrays, "ensemble": [shares, shares]})


@pytest.mark.parametrize(("scale", "channels"), [(2, 1), (3, 1), (4, 3)])
def test_idn_with_published_arrays(scale, channels):
    """As its authors' Caffe files and MATLAB program compute it, beyond the first rows and columns, which they lack."""
    random, lr = np.random.default_rng(2), np.random.default_rng(0).uniform(0, 255, (7, 5, channels)).astype(np.float32)
    q = 8  # a quarter of the filters
    arrays = {"conv1": _official(random, 4 * q, channels, 3), "conv2": _official(random, 4 * q, 4 * q, 3)}
    for k in range(2):
        shapes = [(3 * q, 4 * q), (2 * q, 3 * q // 4), (4 * q, 2 * q), (4 * q, 3 * q), (3 * q, q), (5 * q, 3 * q)]
        arrays |= {f"conv{k + 3}_{i}": _official(random, *shape, 3) for i, shape in enumerate(shapes, 1)}
        arrays[f"down{k + 1}"] = _official(random, 4 * q, 5 * q, 1)
    arrays["upsample"] = random.normal(0, 0.01, (4 * q, channels, 17, 17)), random.normal(0, 0.1, channels)

    def conv(x, name, groups=1):
        x = _convolve(x, *arrays[name], groups)
        return np.maximum(x, 0.05 * x)

    x = conv(conv(lr / 255.0, "conv1"), "conv2")
    for k in range(2):
        name = f"conv{k + 3}_"
        inner = conv(conv(conv(x, name + "1"), name + "2", 4), name + "3")
        kept, inner = inner[..., :q], inner[..., q:]
        inner = conv(conv(conv(inner, name + "4"), name + "5", 4), name + "6")
        x = conv(np.concatenate([x, kept], axis=-1) + inner, f"down{k + 1}")
    height, width = lr.shape[:2]
    spread = np.zeros((scale * (height - 1) + 17, scale * (width - 1) + 17, channels))
    for row, column in np.ndindex(height, width):
        place = slice(scale * row, scale * row + 17), slice(scale * column, scale * column + 17)
        spread[place] += np.einsum("i,iohw->hwo", x[row, column], arrays["upsample"][0])
    made = spread[8:-8, 8:-8] + arrays["upsample"][1]
    rest = slice(scale - 1, None)
    expected = 255 * made + _enlarge(lr, scale)[rest, rest]

    model = models.build("idn", scale, channels, blocks=2, filters=4 * q)
    models.load_published(model, arrays)
    assert np.abs(made).max() > 0.05
    np.testing.assert_allclose(model(lr[None])[0][rest, rest], expected, atol=1e-3)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_rcan_with_published_arrays(scale):
    random, lr = np.random.default_rng(3), np.random.default_rng(0).uniform(0, 255, (6, 5, 3)).astype(np.float32)
    filters, fewer, groups, blocks = 8, 2, 2, 2
    arrays = {}

    def make(name, out, into, size=3):
        arrays[f"{name}.weight"], arrays[f"{name}.bias"] = _official(random, out, into, size)

    def conv(x, name):
        return _convolve(x, arrays[f"{name}.weight"], arrays[f"{name}.bias"])

    stages = [3] if scale == 3 else [2] * (scale // 2)
    make("head.0", filters, 3)
    for g in range(groups):
        for b in range(blocks):
            block = f"body.{g}.body.{b}.body."
            make(block + "0", filters, filters)
            make(block + "2", filters, filters)
            make(block + "3.conv_du.0", fewer, filters, 1)
            make(block + "3.conv_du.2", filters, fewer, 1)
        make(f"body.{g}.body.{blocks}", filters, filters)
    make(f"body.{groups}", filters, filters)
    for i, stage in enumerate(stages):
        make(f"tail.0.{2 * i}", filters * stage**2, filters)
    make("tail.1", 3, filters)
    mean = 255 * np.array([0.4488, 0.4371, 0.4040])
    arrays["sub_mean.weight"], arrays["sub_mean.bias"] = np.eye(3)[..., None, None], -mean

    x = head = conv(lr - mean, "head.0")
    for g in range(groups):
        start = x
        for b in range(blocks):
            block = f"body.{g}.body.{b}.body."
            inner = conv(np.maximum(conv(x, block + "0"), 0), block + "2")
            weight = np.maximum(conv(inner.mean((0, 1), keepdims=True), block + "3.conv_du.0"), 0)
            x = x + inner / (1 + np.exp(-conv(weight, block + "3.conv_du.2")))
        x = start + conv(x, f"body.{g}.body.{blocks}")
    x = head + conv(x, f"body.{groups}")
    for i, stage in enumerate(stages):
        x = conv(x, f"tail.0.{2 * i}")
        height, width = x.shape[:2]
        x = x.reshape(height, width, filters, stage, stage).transpose(0, 3, 1, 4, 2)
        x = x.reshape(height * stage, width * stage, filters)
    expected = conv(x, "tail.1") + mean

    model = models.build("rcan", scale, 3, groups=groups, blocks=blocks, filters=filters, reduction=4)
    models.load_published(model, arrays)
    np.testing.assert_allclose(model(lr[None])[0], expected, rtol=1e-5, atol=1e-3)
    with pytest.raises(DataError, match=r"sub_mean.bias: .* the network subtracts \(114.444"):
        models.load_published(model, {**arrays, "sub_mean.bias": mean})
    with pytest.raises(DataError, match=r"body.0.body.0.body.0.weight and 3 more missing among the arrays"):
        models.load_published(
            model,
            {
                k: v
                for k, v in arrays.items()
                if not k.startswith("body.0.body.0.body.0") and not k.startswith("tail.1")
            },
        )


@pytest.mark.parametrize("basicsr", [False, True])
@pytest.mark.parametrize(("scale", "channels"), [(2, 1), (3, 3), (4, 3)])
def test_esrgan_with_published_arrays(scale, channels, basicsr):
    random = np.random.default_rng(4)
    lr = np.random.default_rng(0).uniform(0, 255, (6, 5, channels)).astype(np.float32)
    filters, growth, blocks = 6, 3, 2
    stages = [3] if scale == 3 else [2] * (scale // 2)
    where = "body.{}.rdb{}.conv{}" if basicsr else "RRDB_trunk.{}.RDB{}.conv{}"
    body, up, hr = ("conv_body", "conv_up", "conv_hr") if basicsr else ("trunk_conv", "upconv", "HRconv")
    arrays = {}

    def conv(x, name, out):
        kernel, bias = _official(random, out, x.shape[-1], 3)
        arrays[f"{name}.weight"], arrays[f"{name}.bias"] = kernel, bias
        return _convolve(x, kernel, bias)

    def leaky(x):
        return np.maximum(x, 0.2 * x)

    x = first = conv(lr / 255.0, "conv_first", filters)
    for b in range(blocks):
        start = x
        for d in (1, 2, 3):
            features = x
            for c in (1, 2, 3, 4):
                made = leaky(conv(features, where.format(b, d, c), growth))
                features = np.concatenate([features, made], axis=-1)
            x = x + 0.2 * conv(features, where.format(b, d, 5), filters)
        x = start + 0.2 * x
    x = first + conv(x, body, filters)
    for i, stage in enumerate(stages, 1):
        x = leaky(conv(x.repeat(stage, 0).repeat(stage, 1), f"{up}{i}", filters))
    expected = 255 * conv(leaky(conv(x, hr, filters)), "conv_last", channels)

    model = models.build("esrgan", scale, channels, blocks=blocks, filters=filters, growth=growth)
    models.load_published(model, arrays)
    np.testing.assert_allclose(model(lr[None])[0], expected, rtol=1e-5, atol=1e-3)


def test_arrays_of_a_larger_network_are_refused():
    random, small = np.random.default_rng(0), {"filters": 4, "growth": 2}
    names = [f"body.{b}.rdb{d}.conv{c}" for b in range(2) for d in (1, 2, 3) for c in (1, 2, 3, 4, 5)]
    names += ["conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    arrays = {f"{name}.{part}": random.normal(size=1) for name in names for part in ("weight", "bias")}
    with pytest.raises(DataError, match=r"body.1.rdb1.conv1.weight and 29 more not used by this network"):
        models.load_published(models.build("esrgan", 4, 3, blocks=1, **small), arrays)
    with pytest.raises(DataError, match="conv_up2.weight and 1 more not used by this network"):
        models.load_published(models.build("esrgan", 2, 3, blocks=2, **small), arrays)
    with pytest.raises(DataError, match=r"conv_first, kernel: shape \(1,\)"):
        models.load_published(models.build("esrgan", 4, 3, blocks=2, **small), arrays)
    with pytest.raises(UsageError, match="network vdsr takes a list of .kernel, bias. pairs, not a dict"):
        models.load_published(models.build("vdsr", 2, filters=2), arrays)


def test_named_arrays_of_other_kinds_are_refused():
    model = models.build("idn", 2, blocks=0, filters=16)
    with pytest.raises(UsageError, match="network idn takes its arrays by name: give a dict"):
        models.load_published(model, [])
    arrays = {layer.name: (np.zeros(1), np.zeros(1)) for layer in model.layers if layer.weights}
    with pytest.raises(DataError, match=r"conv1, kernel: shape \(1,\), the network's is \(3, 3, 1, 16\)"):
        models.load_published(model, arrays)
    for wrong in (None, (), [np.zeros(1)], (np.zeros(1), 0, 0)):
        with pytest.raises(DataError, match="conv1: expected a pair of arrays"):
            models.load_published(model, {**arrays, "conv1": wrong})


def test_networks_of_other_layers_take_no_published_arrays():
    with pytest.raises(UsageError, match="network rednet has no published weights: load_published supports srcnn"):
        models.load_published(models.build("rednet", 2, filters=2, depth=2), [])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(("srcnn", options) for options in ({}, {"kernel_sizes": (9, 1, 5)}, {"channels": 3})),
        ("rednet", {"filters": 8}),
        ("idn", {"filters": 16}),
        ("idn", {"filters": 16, "channels": 3}),
    ],
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


def test_fewer_filters_than_channels_pass_what_they_can():
    model = models.build("srcnn", 2, 3, initializer="identity", filters=(2, 8))
    center = model.get_layer("extract").kernel.numpy()[4, 4]
    np.testing.assert_array_equal(center, [[1, 0], [0, 1], [0, 0]])


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
