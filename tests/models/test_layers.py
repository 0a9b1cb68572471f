"""Shared layers against NumPy and MATLAB's imresize."""

import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from srnet.images.resize import imresize
from srnet.models.layers import BicubicUpsampling, MirrorPad, NativeConv2D, PixelShuffle, SubPixelConv2DTranspose


@pytest.mark.parametrize(("height", "width", "multiple"), [(1, 3, 4), (5, 8, 4), (2, 1, 8), (6, 6, 1)])
def test_mirror_pad_is_numpys_symmetric(height, width, multiple):
    image = np.random.default_rng(0).uniform(size=(2, height, width, 3)).astype(np.float32)
    ends = [(0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)]
    np.testing.assert_array_equal(MirrorPad(multiple)(image), np.pad(image, ends, mode="symmetric"))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(1, 1), (2, 7), (12, 9)])
def test_bicubic_upsampling_is_imresize(scale, size):
    image = np.random.default_rng(0).uniform(0, 255, (*size, 2)).astype(np.float32)
    np.testing.assert_allclose(BicubicUpsampling(scale)(image[None])[0], imresize(image, scale), atol=1e-3)


def test_pixel_shuffle_moves_channels_into_blocks():
    features = np.random.default_rng(0).uniform(size=(2, 3, 4, 8)).astype(np.float32)
    shuffled = PixelShuffle(2)(features)
    assert shuffled.shape == PixelShuffle(2).compute_output_shape((2, 3, 4, 8)) == (2, 6, 8, 2)
    for row, column in np.ndindex(2, 2):
        first = 2 * (2 * row + column)
        np.testing.assert_array_equal(shuffled[:, row::2, column::2], features[..., first : first + 2])
    with pytest.raises(ValueError, match="takes a multiple of 9 channels, not 8"):
        PixelShuffle(3)(features)


def test_pixel_shuffle_saves_and_loads(tmp_path):
    lr = keras.Input((None, None, 4))
    keras.Model(lr, PixelShuffle(2)(lr)).save(tmp_path / "x.keras")
    features = np.random.default_rng(0).uniform(size=(1, 3, 4, 4)).astype(np.float32)
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "x.keras")(features), PixelShuffle(2)(features))


def _kerass(filters, stride, **arguments):
    return keras.layers.Conv2DTranspose(filters, 3 * stride, stride, "same", **arguments)


@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("filters", [1, 3])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_sub_pixel_convolution_is_kerass_transposed_one(stride, filters, activation):
    ours, theirs = (
        kind(filters, stride, activation=activation, bias_initializer="normal")
        for kind in (SubPixelConv2DTranspose, _kerass)
    )
    features = keras.random.normal((2, 5, 7, 6), seed=0)
    np.testing.assert_allclose(ours(features), _with_weights(theirs, features, ours)(features), atol=1e-5)
    # The gradients, too, of a loss in which every pixel has its own weight.
    weights = keras.random.normal((2, 5 * stride, 7 * stride, filters), seed=1)
    for mine, keras_own in zip(*(_gradients(layer, features, weights) for layer in (ours, theirs))):
        np.testing.assert_allclose(mine, keras_own, atol=1e-4)


def _with_weights(layer, features, other):
    layer.build(features.shape)
    layer.set_weights(other.get_weights())
    return layer


def _gradients(layer, features, weights):
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = tf.reduce_sum(weights * layer(features))
    return tape.gradient(loss, [features, *layer.trainable_variables])


@pytest.mark.parametrize("stride", [0, 1.5, (2, 2), True])
def test_sub_pixel_convolution_takes_one_stride(stride):
    with pytest.raises(ValueError, match="must be an integer of at least 1"):
        SubPixelConv2DTranspose(1, stride)


@pytest.mark.parametrize("name", ["kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias"])
def test_sub_pixel_convolution_takes_no_arguments_that_are_fixed(name):
    with pytest.raises(TypeError, match=name):
        SubPixelConv2DTranspose(1, 2, **{name: 1})


def test_weights_of_kerass_transposed_convolution_fit(tmp_path):
    """As srnet 0.1 stored the layer under Keras's name, this keeps its files of weights readable."""
    lr = keras.Input((None, None, 2))
    ours, theirs = (keras.Model(lr, kind(1, 2)(lr)) for kind in (SubPixelConv2DTranspose, _kerass))
    theirs.save_weights(tmp_path / "keras.weights.h5")
    ours.load_weights(tmp_path / "keras.weights.h5")
    for mine, keras_own in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_array_equal(mine, keras_own)


def _written_by_srnet_0_1(path, **arguments):
    """Saves a model with the transposed convolution as srnet 0.1 did; returns the model."""
    lr = keras.Input((None, None, 1))
    model = keras.Model(lr, keras.layers.Conv2DTranspose(1, name="output", **arguments)(lr))
    model.save(path.with_suffix(".new.keras"))
    # srnet 0.1's class had the configuration and the weights of Keras's, and differed in these two entries.
    ours = {"module": "srnet.models.layers", "registered_name": "srnet>Conv2DTranspose"}
    with zipfile.ZipFile(path.with_suffix(".new.keras")) as source, zipfile.ZipFile(path, "w") as written:
        for name in source.namelist():
            data = source.read(name)
            if name == "config.json":
                config = json.loads(data)
                (layer,) = (each for each in config["config"]["layers"] if each["name"] == "output")
                assert layer["class_name"] == "Conv2DTranspose"
                layer.update(ours)
                data = json.dumps(config).encode()
            written.writestr(name, data)
    return model


def test_keras_files_of_srnet_0_1_load(tmp_path):
    theirs = _written_by_srnet_0_1(
        tmp_path / "x.keras", kernel_size=9, strides=3, padding="same", bias_initializer="normal", activation="relu"
    )
    ours = keras.models.load_model(tmp_path / "x.keras")
    assert type(ours.get_layer("output")) is SubPixelConv2DTranspose
    image = keras.random.normal((1, 5, 4, 1), seed=0)
    np.testing.assert_allclose(ours(image), theirs(image), atol=1e-5)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"kernel_size": 4}, r"kernel_size \[4, 4\] cannot be used: it must be 6"),
        ({"kernel_size": (6, 3)}, r"kernel_size \[6, 3\] cannot be used"),
        ({"strides": (2, 1)}, r"strides \[2, 1\] cannot be used: it must be 2"),
        ({"padding": "valid"}, "padding 'valid' cannot be used: it must be 'same'"),
        ({"use_bias": False}, "use_bias False cannot be used: it must be True"),
    ],
)
def test_keras_files_of_srnet_0_1_with_other_transposed_convolutions_are_refused(tmp_path, other, message):
    _written_by_srnet_0_1(tmp_path / "x.keras", **{"kernel_size": 6, "strides": 2, "padding": "same", **other})
    with pytest.raises(ValueError, match=message):
        keras.models.load_model(tmp_path / "x.keras")


def test_sub_pixel_convolution_saves_and_loads(tmp_path):
    lr = keras.Input((None, None, 1))
    layer = SubPixelConv2DTranspose(
        2, 2, activation="relu", kernel_initializer="ones", kernel_regularizer="l2", dtype="mixed_bfloat16", name="x"
    )
    keras.Model(lr, layer(lr)).save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras").get_layer("x")
    assert loaded.get_config() == layer.get_config()
    assert loaded.compute_dtype == "bfloat16"


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("kernel_size", "rate"), [(3, 1), (3, 2), (3, 4), (2, 3), (5, (2, 3))])
def test_dilated_convolution_is_kerass(kernel_size, rate, padding):
    own = NativeConv2D(3, kernel_size, padding=padding, dilation_rate=rate, activation="relu")
    kerass = keras.layers.Conv2D(3, kernel_size, padding=padding, dilation_rate=rate, activation="relu")
    features = tf.constant(np.random.default_rng(0).normal(size=(2, 19, 22, 4)), tf.float32)
    results = []
    for layer in (own, kerass):
        layer.build(features.shape)
        layer.set_weights([np.random.default_rng(1).normal(size=each.shape) for each in layer.weights])
        with tf.GradientTape() as tape:
            made = layer(features)
            loss = tf.reduce_sum(made**2)
        results.append([made, *tape.gradient(loss, layer.trainable_variables)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


_WITHOUT_ONEDNN = """
import numpy as np, tensorflow as tf
from srnet.models.layers import NativeConv2D, _has_dilated_gradient
layer = NativeConv2D(2, 3, padding="same", dilation_rate=2)

@tf.function
def gradient(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    return tape.gradient(loss, layer.kernel)

layer.build((None, None, None, 1))
assert not _has_dilated_gradient()
assert np.abs(gradient(tf.ones((1, 9, 9, 1)))).max() > 0
"""


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="a GPU has the gradient")
def test_dilated_convolution_has_a_gradient_without_onednn():
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    subprocess.run([sys.executable, "-c", _WITHOUT_ONEDNN], check=True, capture_output=True, env=environment)
