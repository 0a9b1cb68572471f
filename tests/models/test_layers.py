"""Shared layers against NumPy and MATLAB's imresize."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from srnet.data.resize import imresize
from srnet.models.layers import BicubicUpsampling, Conv2DTranspose, MirrorPad


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


@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("filters", [1, 3])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_transposed_convolution_is_kerass(stride, filters, activation):
    ours, theirs = (
        kind(filters, 3 * stride, stride, "same", activation=activation, bias_initializer="normal")
        for kind in (Conv2DTranspose, keras.layers.Conv2DTranspose)
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


def test_weights_of_kerass_transposed_convolution_fit(tmp_path):
    lr = keras.Input((None, None, 2))
    ours, theirs = (
        keras.Model(lr, kind(1, 6, 2, "same")(lr)) for kind in (Conv2DTranspose, keras.layers.Conv2DTranspose)
    )
    theirs.save_weights(tmp_path / "keras.weights.h5")
    ours.load_weights(tmp_path / "keras.weights.h5")
    for mine, keras_own in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_array_equal(mine, keras_own)
