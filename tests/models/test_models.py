"""The networks: sizes pinned, values against NumPy, receptive fields against gradients."""

import csv
import math
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from srnet import models
from srnet.errors import UsageError
from srnet.images.resize import imresize
from srnet.models.analysis import alignment, largest_features, multiply_accumulates, reach, receptive_field
from srnet.models.hybrid import VARIANTS
from srnet.models.rules import UnboundedError

ROOT = pathlib.Path(__file__).resolve().parents[2]

# {name: {scale: (parameters, receptive field in LR pixels, None for the whole image)}}
EXPECTED = {
    "full": {2: (406913, 19), 3: (406913, 13), 4: (443841, 11), 8: (480769, 7)},
    "no_deconv": {2: (406913, 17), 3: (406913, 11), 4: (443841, 10), 8: (480769, 6)},
    "no_dilation": {2: (406913, 15), 3: (406913, 10), 4: (443841, 9), 8: (480769, 6)},
    "no_deconv_no_dilation": {2: (406913, 13), 3: (406913, 9), 4: (443841, 8), 8: (480769, 5)},
    "no_skips": {2: (406913, 19), 3: (406913, 13), 4: (443841, 11), 8: (480769, 7)},
    "local_only": {2: (406913, 19), 3: (406913, 13), 4: (443841, 11), 8: (480769, 7)},
    "long_only": {2: (406913, 19), 3: (406913, 13), 4: (443841, 11), 8: (480769, 7)},
    "plus": {2: (417633, 97), 3: (419073, 97), 4: (421089, 97), 8: (434913, 97)},
    "plus_small": {2: (54097, 51), 3: (54817, 51), 4: (55825, 51), 8: (62737, 51)},
    "srcnn": {2: (57281, 12), 3: (57281, 9), 4: (57281, 8), 8: (57281, 6)},
    "vdsr": {2: (665921, 24), 3: (665921, 17), 4: (665921, 14), 8: (665921, 9)},
    "rednet": {2: (4134785, 34), 3: (4134785, 24), 4: (4134785, 19), 8: (4134785, 12)},
    "drcn": {2: (1775121, 24), 3: (1775121, 17), 4: (1775121, 14), 8: (1775121, 9)},
    "idn": {2: (552769, 61), 3: (552769, 58), 4: (552769, 57), 8: (552769, 55)},
    "rcan": {2: (15442337, None), 4: (15590049, None), 8: (15737761, None)},
    "esrgan": {2: (16658753, 698), 3: (16658753, 697), 4: (16695681, 698)},
    "esrgan_small": {2: (568353, 98), 3: (568353, 97), 4: (577601, 98), 8: (586849, 98)},
    "rcan_small": {2: (1822289, None), 3: (2006929, None), 4: (1970001, None), 8: (2117713, None)},
}

# The full-size RCAN and ESRGAN take long to build; their small rows have the same layers.
QUICK = sorted(set(EXPECTED) - {"rcan", "esrgan"})
# One of each kind.
KINDS = sorted({*QUICK} - {*VARIANTS, "plus_small"} | {"full", "no_deconv"})


@pytest.mark.parametrize("name", KINDS)
def test_pixels_are_float32_and_channels_last_whatever_keras_is_set_to(name):
    keras.config.set_floatx("float16")
    keras.config.set_image_data_format("channels_first")
    try:
        model = models.build(name, 2)
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_image_data_format("channels_last")
    assert model.input.dtype == model.output.dtype == "float32"
    assert model.compute_output_shape((1, 8, 9, 1)) == (1, 16, 18, 1)


def test_every_network_is_in_the_table():
    assert set(models.names()) == set(EXPECTED)


def _listed():
    """The cells of the table of all networks in docs/networks.md, by name."""
    text = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8").split("## All networks")[1]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): [cell.strip() for cell in row[2:]] for row in rows if len(row) == 7}


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in ("rcan", "esrgan"))])
def test_parameters_and_receptive_field(name):
    listed = _listed()[name]
    assert listed[4] == ("whole image" if EXPECTED[name][2][1] is None else "{0}x{0}".format(EXPECTED[name][2][1]))
    for scale, (parameters, field) in EXPECTED[name].items():
        model = models.build(name, scale)
        assert model.count_params() == parameters
        if scale in (2, 4):
            cost = multiply_accumulates(model, 720 // scale, 1280 // scale) / 1e9
            assert (listed[scale // 4], listed[2 + scale // 4]) == (f"{parameters:,}", f"{cost:.1f}")
        if field:
            assert receptive_field(model) == field
        else:
            with pytest.raises(UnboundedError, match="it depends on the whole image"):
                receptive_field(model)


# All in experiments/literature.csv: Kim et al. 2016 (without biases), Hui et al. 2018, Zhang et al. 2018.
@pytest.mark.parametrize(
    ("name", "channels", "thousands"),
    [
        ("drcn", 1, (1774, 1774, 1774)),
        ("idn", 1, (553, 553, 553)),
        pytest.param("rcan", 3, (15444, 15629, 15592), marks=pytest.mark.slow),
    ],
)
def test_parameters_are_the_published_ones(name, channels, thousands):
    for scale, expected in zip((2, 3, 4), thousands):
        model = models.build(name, scale, channels)
        counted = [weight for weight in model.weights if name != "drcn" or weight.name == "kernel"]
        assert abs(sum(math.prod(weight.shape) for weight in counted) / 1000 - expected) < 1
    with (ROOT / "experiments/literature.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == name.upper()]
    assert {(int(row["scale"]), row["parameters"]) for row in rows} == {
        (scale, f"{count}K") for scale, count in zip((2, 3, 4), thousands)
    }


# Y. Zhang, H. Wang, C. Qin, Y. Fu (ASSL), NeurIPS 2021, table 3: for an output of 1280x720.
@pytest.mark.parametrize(("name", "billions"), [("srcnn", 52.7), ("vdsr", 612.6), ("drcn", 17974.3)])
@pytest.mark.parametrize("scale", [2, 4])
def test_multiply_accumulates_are_the_published_ones(name, billions, scale):
    cost = multiply_accumulates(models.build(name, scale), 720 // scale, 1280 // scale)
    assert round(cost / 1e9, 1) == billions


@pytest.mark.parametrize(
    ("name", "scale", "multiple", "features", "cost"),
    [
        ("full", 2, 2, 256.0, 87_647_332_864),
        ("full", 3, 4, 576.0, 199_316_901_888),
        ("plus", 2, 4, 32.0, 30_323_930_112),
        ("rednet", 4, 1, 2048.0, 5_108_450_586_624),
        ("idn", 2, 1, 80.0, 42_588_228_480),
        ("rcan_small", 4, 1, 1024.0, 185_948_822_464),
    ],
)
def test_alignment_features_and_cost(name, scale, multiple, features, cost):
    model = models.build(name, scale)
    assert alignment(model) == multiple
    assert largest_features(model) == features
    assert multiply_accumulates(model, 181, 427) == cost


def test_parameters_follow_from_the_paper():
    conv = 3 * 3 * 64 * 64 + 64
    first_deconv = 3 * 3 * 1 * 64 + 64
    # 2 of feature extraction, 4 of the encoder-decoder, 4 dilated and 1 linear convolution, and the 1x1 output.
    assert models.build("full", 2).count_params() == first_deconv + 11 * conv + 65
    assert models.build("full", 8).count_params() == first_deconv + 13 * conv + 65


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("full", {"filters": 2}),
        ("no_deconv", {"filters": 2}),
        ("no_dilation", {"filters": 2}),
        ("plus", {"filters": 2, "blocks": 1, "depth": 1}),
        ("plus", {"filters": 2, "blocks": 1, "depth": 0}),
        ("srcnn", {"filters": [2, 2]}),
        ("vdsr", {"filters": 2, "depth": 5}),
        ("rednet", {"filters": 2, "depth": 4}),
        ("drcn", {"filters": 2, "recursions": 2}),
        ("idn", {"filters": 16, "blocks": 1}),
        ("esrgan", {"filters": 2, "blocks": 1, "growth": 1}),
    ],
)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_receptive_field_is_where_the_gradient_is(name, options, scale):
    model = models.build(name, scale, **options)
    for variable in model.trainable_variables:
        # Positive weights keep every ReLU open and let nothing cancel.
        variable.assign(tf.fill(variable.shape, 0.0 if variable.name == "bias" else 0.1))
    side = 4 * 12 + 1
    centre = side // 2
    image = tf.ones((1, side, side, 1))
    sizes, reaches = [], []
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(image)
        result = model(image)
        period = range(scale * (centre - centre % 4), scale * (centre - centre % 4 + 4))
        pixels = [(pixel, result[0, pixel, pixel, 0]) for pixel in period]
    for pixel, value in pixels:
        touched = np.flatnonzero(tf.reduce_sum(tape.gradient(value, image), axis=(0, 2, 3)))
        sizes.append(touched[-1] - touched[0] + 1)
        reaches.append(max(pixel // scale - touched[0], touched[-1] - pixel // scale))
    assert receptive_field(model) == max(sizes)
    assert reach(model) == max(reaches)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("scale", [2, 3])
def test_largest_features_are_those_that_are_made(name, scale):
    model = models.build(name, scale)
    features = keras.Model(model.input, [layer.output for layer in model.layers[1:]])
    made = max(math.prod(shape) for shape in features.compute_output_shape((1, 600, 600, 1)))
    assert largest_features(model) == pytest.approx(made / 600**2, rel=0.02)  # SRCNN's border counts


@pytest.mark.parametrize("name", [*KINDS, "rednet_identity"])
def test_no_two_layers_begin_with_the_same_weights(name):
    model = models.build("rednet", 2, initializer="identity") if name == "rednet_identity" else models.build(name, 2)
    kernels = {}
    for weight in model.weights:
        if weight.name == "kernel" and np.std(weight) > 0:
            kernels.setdefault(tuple(weight.shape), []).append(weight.numpy().tobytes())
    assert kernels and all(len(set(each)) == len(each) for each in kernels.values())


def _convolve(x, kernel, bias, stride=1, rate=1):
    """TensorFlow's "same" convolution in float64."""
    size = (kernel.shape[0] - 1) * rate + 1
    out = -(-np.array(x.shape[:2]) // stride)
    total = np.maximum((out - 1) * stride + size - x.shape[:2], 0)
    x = np.pad(x, [(total[0] // 2, size), (total[1] // 2, size), (0, 0)])
    result = np.zeros((*out, kernel.shape[3])) + bias
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            rows = slice(i * rate, i * rate + out[0] * stride, stride)
            columns = slice(j * rate, j * rate + out[1] * stride, stride)
            result += x[rows, columns] @ kernel[i, j]
    return result


def _deconvolve(x, kernel, bias, stride):
    """The transpose of `_convolve`, from the small to the large size."""
    size = kernel.shape[0]
    before = max(size - stride, 0) // 2
    height, width = (side * stride for side in x.shape[:2])
    result = np.zeros((height + size + stride, width + size + stride, kernel.shape[2]))
    for i in range(size):
        for j in range(size):
            result[i : i + height : stride, j : j + width : stride] += x @ kernel[i, j].T
    return result[before : before + height, before : before + width] + bias


def _reference(model, lr, scale, encoder_decoder=True, rates=(1, 1, 2, 4), local=True, long=True):
    """The paper's equations (5) to (11), written once more."""

    def weights(name):
        return [w.numpy().astype(np.float64) for w in model.get_layer(name).weights]

    def relu(x):
        return np.maximum(x, 0)

    height, width = lr.shape[:2]
    multiple = max(1, 4 // np.gcd(4, scale)) if encoder_decoder else 1
    x = np.pad(lr.astype(np.float64), [(0, -height % multiple), (0, -width % multiple), (0, 0)], mode="symmetric")
    for i, stride in enumerate({2: [2], 3: [3], 4: [2, 2]}[scale], 1):
        x = _deconvolve(x, *weights(f"upsample_{i}"), stride)
    x = relu(_convolve(x, *weights("extract_1")))
    f1 = x = relu(_convolve(x, *weights("extract_2")))
    for i in (1, 2):
        x = relu(_convolve(x, *weights(f"encode_{i}"), stride=2 if encoder_decoder else 1))
    for i in (1, 2):
        x = relu(
            _deconvolve(x, *weights(f"decode_{i}"), 2) if encoder_decoder else _convolve(x, *weights(f"decode_{i}"))
        )
    x = x + f1 if local else x
    for i, rate in enumerate(rates, 1):
        x = relu(_convolve(x, *weights(f"reconstruct_{i}"), rate=rate))
    x = _convolve(x, *weights("reconstruct_5"))
    x = x + f1 if long else x
    x = _convolve(x, *weights("output"))
    return x[: scale * height, : scale * width]


@pytest.mark.parametrize(
    ("name", "scale", "variant"),
    [
        ("full", 2, {}),
        ("full", 3, {}),
        ("full", 4, {}),
        ("no_deconv", 2, {"encoder_decoder": False}),
        ("no_dilation", 2, {"rates": (1, 1, 1, 1)}),
        ("no_deconv_no_dilation", 4, {"encoder_decoder": False, "rates": (1, 1, 1, 1)}),
        ("no_skips", 2, {"local": False, "long": False}),
        ("local_only", 2, {"long": False}),
        ("long_only", 2, {"local": False}),
    ],
)
def test_network_equals_float64_reference(name, scale, variant):
    keras.utils.set_random_seed(1)
    model = models.build(name, scale, filters=8)
    for variable in model.trainable_variables:
        if variable.name == "bias":
            variable.assign(tf.random.normal(variable.shape))
    for size in ((1, 1), (7, 10)):
        lr = np.random.default_rng(0).uniform(0, 255, (*size, 1)).astype(np.float32)
        expected = _reference(model, lr, scale, **variant)
        np.testing.assert_allclose(model(lr[None])[0], expected, rtol=1e-4, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size(scale, channels):
    model = models.build("full", scale, channels, filters=4)
    for height, width in ((1, 1), (1, 6), (5, 3), (8, 8)):
        assert model(np.zeros((2, height, width, channels))).shape == (2, scale * height, scale * width, channels)


def test_initializers():
    he, paper = (models.build("full", 2, initializer=name).get_layer("extract_2") for name in ("he", "paper"))
    assert np.std(he.kernel) == pytest.approx(np.sqrt(2 / (9 * 64)), rel=0.03)
    assert np.std(paper.kernel) == pytest.approx(0.001, rel=0.03)
    assert not np.any(he.bias) and not np.any(paper.bias)


def test_bfloat16_keeps_weights_and_output_in_float32():
    model = models.build("full", 2, dtype="mixed_bfloat16", filters=4)
    assert model(np.zeros((1, 4, 4, 1))).dtype == tf.float32
    assert {variable.dtype for variable in model.weights} == {"float32"}
    assert model.get_layer("extract_1").compute_dtype == "bfloat16"


def test_saved_file_loads_back(tmp_path):
    model = models.build("full", 2, filters=4)
    model.save(tmp_path / "x.keras")
    lr = np.random.default_rng(0).uniform(0, 255, (1, 5, 7, 1))
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "x.keras")(lr), model(lr))


def test_plus_without_its_encoder_decoder_has_four_convolutions_less():
    conv = 3 * 3 * 32 * 32 + 32
    whole, without = (models.build("plus", 2, depth=depth).count_params() for depth in (2, 0))
    assert whole - without == 4 * conv


def test_plus_adds_the_bicubic_enlargement_unless_told_not_to():
    lr = np.random.default_rng(0).uniform(0, 255, (1, 7, 9, 1)).astype(np.float32)
    whole, without = (models.build("plus", 2, filters=4, bicubic=added) for added in (True, False))
    without.set_weights(whole.get_weights())
    enlarged = imresize(lr[0, ..., 0], 2)
    np.testing.assert_allclose((whole(lr) - without(lr))[0, ..., 0], enlarged, atol=1e-3)


def test_single_upsampling_is_one_layer_of_the_scale():
    model = models.build("full", 4, upsampling="single", filters=4)
    assert model.get_layer("upsample_1").strides == (4, 4)
    assert model(np.zeros((1, 3, 3, 1))).shape == (1, 12, 12, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "fuller"}, "network 'fuller' is unknown: choose one of full, "),
        ({"scale": 5}, "scale 5 is not supported"),
        ({"scale": 1}, "at least 2"),
        ({"channels": 2}, "channels 2"),
        ({"dilation": 2}, "has no option 'dilation'"),
        ({"depth": 0}, "depth 0"),
        ({"depth": 1.5}, "depth 1.5 cannot be used: expected an integer"),
        ({"encoder_decoder": "no"}, "expected true or false"),
        ({"dilation_rates": [1, 2.5]}, r"dilation_rates \[1, 2.5\] cannot be used: expected a list of integers"),
        ({"dilation_rates": 2}, "dilation_rates 2 cannot be used: expected a list of integers"),
        ({"dilation_rates": (1, 0)}, r"dilation_rates \(1, 0\) cannot be used: each must be at least 1"),
        ({"name": "srcnn", "kernel_sizes": [9, 4, 5]}, "three odd integers"),
        ({"name": "vdsr", "depth": 1}, "depth 1"),
        ({"name": "rednet", "skip_every": 0}, "skip_every 0"),
        ({"name": "srcnn", "scale": 1}, "at least 2"),
        ({"initializer": "xavier"}, "'xavier' is unknown: choose one of he, paper"),
        ({"name": "srcnn", "initializer": "xavier"}, "'xavier' is unknown: choose one of he, paper, identity"),
        ({"name": "vdsr", "initializer": "identity"}, "'identity' is unknown: choose one of he, paper"),
        ({"upsampling": "nearest"}, "'nearest' is unknown: choose one of cascade, single"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(UsageError, match=message):
        models.build(**{"name": "full", "scale": 2, **arguments})
