"""The analysis of networks against what their outputs depend on, for every layer that it knows."""

import keras
import numpy as np
import pytest

from srnet.models import rules
from srnet.models.analysis import (
    alignment,
    largest_features,
    multiply_accumulates,
    reach,
    receptive_field,
    scale_of,
)
from srnet.models.layers import (
    BicubicUpsampling,
    CropToScale,
    EdgePad,
    MirrorPad,
    PixelShuffle,
    SubPixelConv2DTranspose,
    WeightedSum,
)
from srnet.models.windows import Window

layers, ops = keras.layers, keras.ops
_SIDE, _CENTER = 48, 24


def _conv(filters=4, kernel_size=3, **arguments):
    return layers.Conv2D(filters, kernel_size, **{"padding": "same", **arguments})


def _network(*parts, scale=2):
    """A network of layers, or functions of a feature map, between a convolution and a pixel shuffle."""
    lr = keras.Input((None, None, 1))
    x = _conv()(lr)
    for part in parts:
        x = part(x)
    return keras.Model(lr, PixelShuffle(scale)(_conv(scale**2)(x)))


def _measured(model):
    """The receptive field and the reach, from the outputs that change when a row or a column of pixels changes."""
    random = np.random.default_rng(0)
    for variable in model.weights:
        if "seed" not in variable.name:
            variable.assign(random.uniform(0.1, 1, variable.shape))  # positive: nothing cancels, no ReLU closes
    scale, period = scale_of(model), alignment(model)
    fields, reaches = [], []
    for axis in (1, 2):
        images = np.ones((_SIDE + 1, _SIDE, _SIDE, 1), np.float32)
        np.moveaxis(images, axis, 1)[np.arange(_SIDE), np.arange(_SIDE)] = 100
        outputs = np.moveaxis(model(images, training=False).numpy(), axis, 1)[:, :, scale * _CENTER]
        depends = np.any(outputs[:-1] != outputs[-1], axis=-1)  # (LR index, HR index)
        for pixel in range(scale * _CENTER, scale * (_CENTER + period)):
            touched = np.flatnonzero(depends[:, pixel])
            if touched.size:
                fields.append(touched[-1] - touched[0] + 1)
                reaches.append(max(pixel // scale - touched[0], touched[-1] - pixel // scale))
    return max(fields), max(reaches)


def _merged(layer):
    return lambda x: layer([_conv(kernel_size=(1, 5))(x), x])


def _shared(x):
    convolution = _conv()
    return convolution(layers.ReLU()(convolution(x)))


def _nested_twice(x):
    inner = keras.Input((None, None, 4))
    block = keras.Model(inner, layers.Add()([_conv()(_conv()(inner)), inner]))
    return block(block(x))


def _sequential(x):
    return keras.Sequential([keras.Input((None, None, 4)), _conv(), _conv(kernel_size=5)])(x)


def _cropped(x):
    return CropToScale(1)([MirrorPad(4)(x), x])


def _weighted(x):
    return WeightedSum()([x, _conv()(x), _conv(kernel_size=5)(x)])


def _u_net(x):
    down = _conv(strides=2)(x)
    deep = SubPixelConv2DTranspose(4, 2)(_conv(strides=2)(down))
    return ops.add(layers.UpSampling2D(2)(_conv()(ops.concatenate([deep, down], axis=-1))), x)


class Blur(layers.Layer):
    """A layer from outside that declares what it reads."""

    def call(self, inputs):
        return ops.average_pool(inputs, (5, 5), strides=1, padding="same")

    def receptive_window(self):
        return Window(5, before=2)


NETWORKS = {
    "1x1": [_conv(kernel_size=1)],
    "wide kernel": [_conv(kernel_size=(3, 7))],
    "tall even kernel": [_conv(kernel_size=(6, 2))],
    "dilated": [_conv(kernel_size=(3, 5), dilation_rate=(3, 2))],
    "grouped": [_conv(groups=2, kernel_size=5)],
    "activation by name": [_conv(activation="softmax")],
    "activation layer": [_conv(activation=layers.LeakyReLU())],
    "valid": [layers.ZeroPadding2D(((2, 1), (0, 4))), _conv(kernel_size=(4, 5), padding="valid")],
    "valid, shifted": [layers.ZeroPadding2D(((0, 2), (2, 0))), _conv(padding="valid")],
    "cropped": [layers.ZeroPadding2D(3), layers.Cropping2D(((6, 0), (1, 5)))],
    "strided": [_conv(strides=2, kernel_size=5), layers.Conv2DTranspose(4, 4, 2, "same")],
    "strided unevenly": [_conv(strides=(3, 1)), layers.Conv2DTranspose(4, (5, 3), (3, 1), "same")],
    "transposed, valid": [layers.Conv2DTranspose(4, 3, 2), layers.Cropping2D(((1, 0), (0, 1))), _conv(strides=2)],
    "transposed with gaps": [_conv(strides=3), layers.Conv2DTranspose(4, 1, 3, "same")],
    "sub-pixel": [SubPixelConv2DTranspose(4, 3), layers.AveragePooling2D(3)],
    "depthwise": [layers.DepthwiseConv2D((3, 5), padding="same", depth_multiplier=2)],
    "separable": [layers.SeparableConv2D(4, (5, 3), padding="same", dilation_rate=2)],
    "max pooling": [layers.MaxPooling2D((2, 3)), layers.UpSampling2D((2, 3))],
    "average pooling": [layers.AveragePooling2D(5, strides=2, padding="same"), layers.UpSampling2D(2)],
    "pooling, stride 1": [layers.MaxPooling2D((3, 4), strides=1, padding="same")],
    **{
        f"{kind} x{scale}": [layers.UpSampling2D(scale, interpolation=kind), layers.AveragePooling2D(scale)]
        for kind in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
        for scale in (2, 3)
    },
    "pixel shuffle": [_conv(36), PixelShuffle(3), layers.MaxPooling2D(3)],
    "own bicubic x2": [BicubicUpsampling(2), layers.AveragePooling2D(2)],
    "own bicubic x3": [BicubicUpsampling(3), layers.AveragePooling2D(3)],
    "edge pad": [EdgePad(2), _conv(kernel_size=5, padding="valid")],
    "mirror pad": [_cropped],
    "dense": [layers.Dense(3)],
    **{
        type(layer).__name__: [layer]
        for layer in (
            layers.Activation("gelu"),
            layers.ReLU(),
            layers.LeakyReLU(),
            layers.PReLU(shared_axes=[1, 2]),
            layers.ELU(),
            layers.Softmax(),
            layers.Identity(),
            layers.Rescaling(2.0, offset=1.0),
            layers.Normalization(mean=1.0, variance=2.0),
            layers.BatchNormalization(),
            layers.LayerNormalization(),
            layers.RMSNormalization(),
            layers.UnitNormalization(),
            layers.Dropout(0.5),
            layers.SpatialDropout2D(0.5),
            layers.AlphaDropout(0.5),
            layers.GaussianDropout(0.5),
            layers.GaussianNoise(0.5),
            layers.ActivityRegularization(),
        )
    },
    **{
        type(layer).__name__: [_merged(layer)]
        for layer in (
            layers.Add(),
            layers.Subtract(),
            layers.Multiply(),
            layers.Average(),
            layers.Maximum(),
            layers.Concatenate(),
        )
    },
    "Minimum": [lambda x: layers.Minimum()([_conv(kernel_size=(1, 5))(x), 1000 * x])],
    "operators": [lambda x: 2 * _conv(kernel_size=5)(x) + x / 3 - 1],
    "operations": [lambda x: ops.clip(ops.relu(ops.multiply(x, ops.sqrt(_conv()(x)))), 0, 1e9)],
    "activation functions": [keras.activations.relu, keras.activations.silu],
    "operations along channels": [lambda x: ops.softmax(ops.concatenate([x, _conv()(x)], axis=-1))],
    "shared layer": [_shared],
    "nested model twice": [_nested_twice],
    "sequential model": [_sequential],
    "U-Net": [_u_net],
    "weighted sum": [_weighted],
    "declared window": [Blur()],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_reach_is_what_outputs_depend_on(name):
    model = _network(*NETWORKS[name])
    assert (receptive_field(model), reach(model)) == _measured(model)


def test_every_layer_in_the_table_is_tested():
    tested = {type(step) for name in NETWORKS for step in _network(*NETWORKS[name]).layers}
    unbounded = {layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, layers.GroupNormalization}
    assert set(rules._LAYERS) == tested & set(rules._LAYERS) | unbounded


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_scale(scale):
    assert scale_of(_network(scale=scale)) == scale


def test_alignment_takes_both_axes():
    strides = (2, 3)
    assert alignment(_network(_conv(strides=strides), layers.UpSampling2D(strides))) == 6


class Unknown(layers.Layer):
    def call(self, inputs):
        return inputs


class OtherConv2D(layers.Conv2D):
    def call(self, inputs):
        return ops.flip(super().call(inputs), axis=1)


def _attention(x):
    weights = layers.Reshape((1, 1, 4))(layers.Dense(4)(layers.GlobalAveragePooling2D(name="mean")(x)))
    return layers.Multiply()([x, weights])


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Unknown(name="u"), r"the receptive field of layer 'u' \(Unknown\) is not known"),
        (OtherConv2D(4, 3, padding="same", name="o"), r"layer 'o' \(OtherConv2D\) is not known"),
        (_conv(activation=lambda x: x[:, ::-1], name="a"), r"'a' \(Conv2D\) is not known: its activation is not"),
        (layers.Conv2DTranspose(4, 3, 2, "same", output_padding=1, name="t"), "'t' .* it has an output_padding"),
        (layers.Permute((2, 1, 3), name="p"), r"layer 'p' \(Permute\) is not known"),
        (lambda x: ops.flip(x, axis=1), r"operation 'flip\w*' \(Flip\) is not known"),
        (lambda x: x + ops.mean(x, axis=(1, 2), keepdims=True), r"operation 'mean\w*' \(Mean\) is not known"),
        (_attention, r"layer 'mean' \(GlobalAveragePooling2D\) is unbounded: it depends on the whole image"),
        (layers.GroupNormalization(2, name="g"), r"layer 'g' \(GroupNormalization\) is unbounded"),
        (layers.Softmax(axis=1, name="s"), r"layer 's' \(Softmax\) is unbounded: it works along axis 1, not -1"),
        (layers.Concatenate(axis=1, name="c"), "layer 'c' .* works along axis 1, not -1"),
    ],
)
def test_what_is_not_known_is_named(part, message):
    model = _network((lambda x: part([x, x])) if isinstance(part, layers.Concatenate) else part)
    for function in (receptive_field, reach):
        with pytest.raises(TypeError, match=message) as error:
            function(model)
        assert "\n" not in str(error.value)


def test_normalization_over_space_is_unbounded():
    lr = keras.Input((8, 8, 4))
    with pytest.raises(TypeError, match=r"is unbounded: it works along axis \[1, 2, 3\], not -1"):
        reach(keras.Model(lr, layers.LayerNormalization(axis=[1, 2, 3])(lr)))


def test_models_of_other_kinds_are_refused():
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(TypeError, match="network 'own' are not known: it is not a functional Keras model"):
        reach(Own(name="own"))
    with pytest.raises(TypeError, match=r"layer 'own' \(Own\) is not known"):
        reach(_network(Own(name="own")))
    inputs = [keras.Input((None, None, 1)) for _ in range(2)]
    with pytest.raises(TypeError, match="network 'two' has 2 inputs and 1 outputs, not 1"):
        reach(keras.Model(inputs, layers.Add()(inputs), name="two"))


@pytest.mark.parametrize(
    ("parts", "multiple", "features"),
    [
        ([_attention, _conv(64, strides=2), layers.UpSampling2D(2)], 2, 64),
        ([_conv(strides=2), Unknown(), layers.UpSampling2D(2, interpolation="bilinear")], 2, 4),
        ([layers.Lambda(lambda x: ops.average_pool(x, 2)), layers.UpSampling2D(2)], 2, 4),
    ],
)
def test_alignment_and_features_where_the_reach_is_not_known(parts, multiple, features):
    model = _network(*parts)
    assert alignment(model) == multiple
    assert largest_features(model) == features


@pytest.mark.parametrize(
    ("parts", "channels", "cost"),
    [
        ([_conv(8, (3, 5))], 8, 15 * 4 * 8),
        ([_conv(6, groups=2)], 6, 9 * 2 * 6),
        ([_conv(8, strides=2), layers.UpSampling2D(2)], 8, 9 * 4 * 8 / 4),
        ([layers.DepthwiseConv2D(5, padding="same", depth_multiplier=2)], 8, 25 * 8),
        ([layers.SeparableConv2D(8, 3, padding="same")], 8, 9 * 4 + 4 * 8),
        ([layers.Dense(8)], 8, 4 * 8),
        ([layers.Conv2DTranspose(8, 4, 2, "same"), layers.MaxPooling2D(2)], 8, 16 * 4 * 8),
        ([SubPixelConv2DTranspose(8, 2), layers.MaxPooling2D(2)], 8, 36 * 4 * 8),
        ([layers.BatchNormalization(), layers.PReLU(shared_axes=[1, 2])], 4, 0),
        ([_shared], 4, 2 * 9 * 4 * 4),
        ([_nested_twice], 4, 4 * 9 * 4 * 4),
        ([_attention], 4, 4 * 4 / 120),
    ],
)
def test_multiply_accumulates(parts, channels, cost):
    """`cost` is for one LR pixel and for `parts` alone, which end in `channels`."""
    first, last = 9 * 4, 9 * channels * 4
    assert multiply_accumulates(_network(*parts), 10, 12) == pytest.approx(120 * (first + cost + last))


class Scale(layers.Layer):
    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs * self.factor


def test_cost_of_unknown_layers_with_weights_is_not_guessed():
    assert multiply_accumulates(_network(Unknown()), 10, 12) == multiply_accumulates(_network(), 10, 12)
    with pytest.raises(TypeError, match=r"the multiply-accumulates of layer 's' \(Scale\) are not known"):
        multiply_accumulates(_network(Scale(name="s")), 10, 12)
