"""Copies of networks that compute in 16 bits."""

import keras
import numpy as np
import pytest
import skimage.data
import tensorflow as tf

import srnet
from srnet import models
from srnet.errors import UsageError
from srnet.images.resize import imresize
from srnet.inference.method import network_method
from srnet.inference.upscaler import Upscaler
from srnet.models.mixed_precision import _AsConvolution, with_precision
from srnet.precision import resolve_precision
from srnet.pretrained import cards

PHOTO = skimage.data.astronaut()[:192, 120:312].astype(np.float64)


def _psnr(model, scale):
    channels = model.input_shape[-1]
    hr = PHOTO if channels == 3 else PHOTO[..., 1]
    lr = np.stack([imresize(plane, 1 / scale) for plane in np.moveaxis(np.atleast_3d(hr), -1, 0)], axis=-1)
    sr = network_method(model)(lr.reshape(*lr.shape[:2], *hr.shape[2:]).astype(np.float32))
    return 10 * np.log10(255**2 / np.mean((np.clip(sr, 0, 255) - hr)[8:-8, 8:-8] ** 2))


@pytest.mark.parametrize("precision", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("network", "scale"),
    [
        pytest.param(name, scale, marks=pytest.mark.slow if scale > 2 else ())
        for name in cards.names()
        for scale in cards.scales(name)
    ],
)
def test_16_bits_cost_no_quality(network, scale, precision):
    model = srnet.load(scale, network)
    copied = with_precision(model, precision)
    reduced = [layer for layer in copied.layers if layer.compute_dtype != "float32"]
    assert sum(layer.count_params() for layer in reduced) > 0.9 * model.count_params()
    assert (copied.input.dtype, copied.output.dtype) == ("float32", "float32")
    assert abs(_psnr(copied, scale) - _psnr(model, scale)) < 0.02


@pytest.mark.parametrize(("network", "scale"), [("plus", 4), ("photo", 2), ("full", 2), ("full", 4)])
def test_pictures_of_any_width(network, scale):
    """oneDNN returns unwritten memory for inputs no wider than the stride: on AMX, in bfloat16."""
    model = srnet.load(scale, network)
    whole, copied = network_method(model), network_method(with_precision(model, "mixed_bfloat16"))
    for size in ((1, 1), (1, 150), (150, 1), (41, 2), (60, 3), (3, 37), (64, 4), (90, 5)):
        lr = np.random.default_rng(0).uniform(0, 255, (*size, 3) if network == "photo" else size).astype(np.float32)
        assert np.abs(copied(lr) - whole(lr)).max() < 8


def test_weights_are_those_of_the_network():
    model = models.build("vdsr", 2, filters=4)
    for layer in with_precision(model, "mixed_bfloat16").layers:
        assert layer.variable_dtype == "float32"
        for copied, own in zip(layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(copied, own)


def test_float32_is_the_network_itself():
    model = models.build("vdsr", 2, filters=4)
    assert with_precision(model, "float32") is model


def test_nested_and_shared_layers_are_copied():
    inner_input = keras.Input((None, None, 4))
    inner = keras.Model(inner_input, keras.layers.Conv2D(4, 3, padding="same", name="inner")(inner_input))
    shared = keras.layers.Conv2D(4, 3, padding="same", name="shared")
    lr = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(4, 3, padding="same", name="first")(lr)
    x = keras.ops.relu(shared(shared(inner(x))))
    x = keras.layers.Conv2D(4, 3, padding="same", name="last")(x)
    model = keras.Model(lr, models.layers.PixelShuffle(2)(x))
    copied = with_precision(model, "mixed_bfloat16")
    nested = next(layer for layer in copied.layers if isinstance(layer, keras.Model))
    dtypes = {layer.name: layer.compute_dtype for layer in [*copied.layers, *nested.layers]}
    assert [dtypes[name] for name in ("first", "inner", "shared", "last")] == [
        *("float32", "bfloat16", "bfloat16", "float32")
    ]
    image = np.random.default_rng(0).uniform(0, 255, (1, 9, 12, 1)).astype(np.float32)
    expected = model(image).numpy()
    difference = np.abs(copied(image).numpy() - expected).max()
    assert 0 < difference < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize(("padding", "use_bias"), [("same", True), ("valid", True), ("same", False)])
@pytest.mark.parametrize(
    ("kernel_size", "strides"), [(3, 2), (4, 2), (9, 3), (2, 3), (3, 1), (5, 4), (1, 1), (3, (1, 2))]
)
@pytest.mark.parametrize("activation", ["relu", "softmax"])
def test_transposed_convolutions_computed_as_convolutions(kernel_size, strides, padding, use_bias, activation):
    own = keras.layers.Conv2DTranspose(3, kernel_size, strides, padding, activation=activation, use_bias=use_bias)
    features = np.random.default_rng(0).normal(size=(2, 5, 70, 4)).astype(np.float32)
    own.build(features.shape)
    own.set_weights([np.random.default_rng(1).normal(size=weight.shape) for weight in own.get_weights()])
    expected = own(features)
    copied = _AsConvolution.from_config(own.get_config())
    copied.build(features.shape)
    copied.set_weights(own.get_weights())
    np.testing.assert_allclose(copied(features), expected, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (9, 12)])
def test_skips_around_transposed_convolutions(size):
    lr = keras.Input((None, None, 1))
    x = first = keras.layers.Conv2D(4, 3, padding="same")(lr)
    x = keras.layers.Conv2D(4, 3, 2, padding="same")(models.layers.MirrorPad(2)(x))
    x = keras.layers.Conv2DTranspose(4, 3, 2, padding="same")(x)
    x = keras.layers.Add()([x, models.layers.MirrorPad(2)(first)])
    model = keras.Model(lr, keras.layers.Conv2D(1, 3, padding="same")(x))
    image = np.random.default_rng(0).uniform(0, 255, (2, *size, 1)).astype(np.float32)
    expected = model(image).numpy()
    difference = np.abs(with_precision(model, "mixed_bfloat16")(image).numpy() - expected).max()
    assert 0 < difference < 0.02 * np.abs(expected).max()


def test_sums_that_broadcast():
    lr = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(4, 3, padding="same")(lr)
    wide = keras.layers.Conv2DTranspose(4, 3, 2, padding="same")(x)
    wide = keras.layers.Add()([wide, keras.layers.GlobalAveragePooling2D(keepdims=True)(x)])
    model = keras.Model(lr, keras.layers.Conv2D(1, 3, padding="same")(wide))
    image = np.random.default_rng(0).uniform(0, 255, (2, 9, 12, 1)).astype(np.float32)
    expected = model(image).numpy()
    difference = np.abs(with_precision(model, "mixed_bfloat16")(image).numpy() - expected).max()
    assert 0 < difference < 0.03 * np.abs(expected).max()


class Halve(keras.layers.Layer):
    """A layer that srnet does not know, and that computes in float32 alone."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * tf.cast(self.factor, tf.float32)

    def receptive_window(self):
        return models.windows.Window()


def _halving(factor):
    lr = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(8, 3, padding="same")(lr)
    x = Halve(factor)(x)
    return keras.Model(lr, models.layers.PixelShuffle(2)(keras.layers.Conv2D(4, 3, padding="same")(x)))


def test_unknown_layers_stay_in_float32():
    model = _halving(0.5)
    image = np.full((6, 7), 0.5, np.float32)
    expected = Upscaler(model, precision="float32")(image)
    np.testing.assert_allclose(Upscaler(model, precision="mixed_bfloat16")(image), expected, atol=0.02)


def test_what_cannot_be_copied_is_used_as_it_is(monkeypatch):
    monkeypatch.setattr(
        "srnet.inference.upscaler.resolve_precision", lambda precision: precision.replace("auto", "mixed_bfloat16")
    )
    model = _halving(tf.constant(0.5))  # which no configuration holds
    image = np.full((6, 7), 0.5, np.float32)
    np.testing.assert_array_equal(Upscaler(model)(image), Upscaler(model, precision="float32")(image))
    with pytest.raises(UsageError, match="cannot be copied .*: only precision float32 can be used"):
        Upscaler(model, precision="mixed_bfloat16")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [([(9, 0)], "mixed_bfloat16"), ([(8, 0), (7, 5)], "mixed_float16"), ([(6, 1)], "float32")],
)
def test_auto_on_gpus(monkeypatch, capabilities, expected):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: capabilities)
    details = lambda capability: {"compute_capability": capability}  # noqa: E731
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details)
    assert resolve_precision("auto") == expected
    assert resolve_precision("float32") == "float32"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("sse avx512_bf16 amx", "mixed_bfloat16"), ("sse avx512f", "float32"), (None, "float32")],
)
def test_auto_on_processors(monkeypatch, tmp_path, flags, expected):
    if flags:
        (tmp_path / "cpuinfo").write_text(f"model name: x\nflags: {flags}\n")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    monkeypatch.setattr("srnet.precision._CPU_INFO", tmp_path / "cpuinfo")
    assert resolve_precision("auto") == expected


def test_unknown_precisions_are_refused():
    with pytest.raises(UsageError, match="precision 'bf16' is unknown: choose one of float32, mixed_bfloat16"):
        Upscaler(models.build("plus", 2, filters=4), precision="bf16")
