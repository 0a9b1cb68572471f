"""The Upscaler: kinds of pictures, transparency, tiles, the self-ensemble."""

import functools

import keras
import numpy as np
import PIL.Image
import pytest
import skimage.draw

from srnet import models
from srnet.errors import DataError, UsageError
from srnet.images.resize import imresize
from srnet.inference import transparency, upscaler
from srnet.inference.method import network_method
from srnet.inference.rgb import upscale_rgb
from srnet.pretrained.load import load
from tests.networks import bicubic_network, unclipped

Upscaler = functools.partial(upscaler.Upscaler, precision="float32")  # for exact comparisons
RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (21, 34, 3), np.uint8)


@pytest.fixture(scope="module")
def network():
    return unclipped(models.build("full", 2, filters=4))


@pytest.fixture(scope="module")
def plus():
    return load(2)


@pytest.fixture(scope="module")
def bicubic():
    return bicubic_network(3)


def test_greyscale_is_luma(network):
    sr = network_method(network)(RGB[..., 0].astype(np.float32))
    assert np.clip(sr, 0, 255).std() > 3
    assert np.abs(Upscaler(network)(RGB[..., 0]) - np.clip(sr, 0, 255)).max() <= 0.501


def test_colours_are_those_of_the_saved_model(network):
    differences = np.abs(Upscaler(network)(RGB).astype(int) - upscale_rgb(network, RGB[None])[0].numpy())
    assert differences.max() <= 1 and differences.mean() < 0.01  # a value between two grey levels may fall to either


@pytest.mark.parametrize("shape", [(14, 11), (14, 11, 1), (14, 11, 3)])
@pytest.mark.parametrize(("dtype", "peak"), [("uint8", 255), ("uint16", 65535), ("float32", 1), ("float64", 1)])
def test_depth_is_kept(bicubic, shape, dtype, peak):
    image = (RANDOM.uniform(0.2, 0.8, shape) * peak).astype(dtype)
    enlarged = Upscaler(bicubic)(image)
    assert (enlarged.dtype, enlarged.shape) == (image.dtype, (42, 33, *shape[2:]))
    planes = np.moveaxis(np.atleast_3d(image), -1, 0)
    expected = np.stack([imresize(plane.astype(np.float64), 3) for plane in planes], axis=-1).reshape(enlarged.shape)
    assert np.abs(enlarged.astype(np.float64) - expected).max() <= (1e-5 if peak == 1 else 0.51 if peak == 255 else 1)


def test_opaque_pictures_stay_opaque(network):
    opaque = np.full((*RGB.shape[:2], 1), 255, np.uint8)
    enlarged = Upscaler(network)(np.concatenate([RGB, opaque], axis=2))
    np.testing.assert_array_equal(enlarged[..., :3], Upscaler(network)(RGB))
    assert (enlarged[..., 3] == 255).all()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "CMYK", "P", "1"])
def test_pillow_images_come_out_as_such(bicubic, mode):
    image = PIL.Image.fromarray(RGB)
    image = PIL.Image.fromarray(RGB[..., 0].astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    image.info["icc_profile"] = b"a profile"
    enlarged = Upscaler(bicubic)(image)
    expected_mode = {"P": "RGB", "1": "L"}.get(mode, mode)
    assert (enlarged.mode, enlarged.size) == (expected_mode, (102, 63))
    assert enlarged.info["icc_profile"] == b"a profile"
    small = np.asarray(image.convert(expected_mode))
    if mode == "CMYK":
        expected = np.stack([Upscaler(bicubic)(small[..., i]) for i in range(4)], axis=-1)
    else:
        expected = Upscaler(bicubic)(small)
    np.testing.assert_array_equal(np.asarray(enlarged), expected)


def test_progress_is_the_share_of_pixels_done(bicubic):
    upscaler = Upscaler(bicubic, tile=12)
    for image in (RGB, PIL.Image.fromarray(RGB), PIL.Image.new("CMYK", (34, 21))):
        told = []
        upscaler(image, told.append)
        assert told[-1] == 1 and len(told) >= 6 and told == sorted(set(told))
    told = []
    Upscaler(bicubic, tile=10)(np.zeros((10, 20), np.uint8), told.append)
    assert told == [0.5, 1]


def test_pillow_images_without_a_range_are_refused(bicubic):
    with pytest.raises(DataError, match="32-bit samples .mode F. cannot be enlarged"):
        Upscaler(bicubic)(PIL.Image.new("F", (3, 3)))


@pytest.mark.parametrize("channels", [2, 4])
def test_hidden_colours_do_not_bleed(bicubic, channels):
    rows, columns = np.mgrid[:31, :31]
    alpha = np.where((rows - 15) ** 2 + (columns - 15) ** 2 < 100, 255, 0)
    image = np.stack([*(np.where(alpha, 200, 0) for _ in range(channels - 1)), alpha], axis=-1).astype(np.uint8)
    enlarged = Upscaler(bicubic, tile=10)(image)
    assert (enlarged[..., :-1] == 200).all()
    expected = np.clip(np.floor(imresize(alpha.astype(np.float64), 3) + 0.5), 0, 255)
    np.testing.assert_allclose(enlarged[..., -1], expected, atol=1)


def test_hidden_colours_are_the_nearest_ones_across_bands(monkeypatch):
    monkeypatch.setattr(transparency, "_BAND", 8)
    image = RANDOM.integers(1, 256, (50, 21, 4), np.uint8)
    image[..., 3] = RANDOM.uniform(size=(50, 21)) < 0.1
    replaced = transparency.replace_hidden_colors(image, 12)
    visible = np.argwhere(image[..., 3])
    assert 0 < len(visible) < 200
    for place in np.argwhere(image[..., 3] == 0):
        distances = ((visible - place) ** 2).sum(axis=1)
        nearest = visible[distances == distances.min()]
        assert any((replaced[tuple(place)][:3] == image[tuple(other)][:3]).all() for other in nearest)
    np.testing.assert_array_equal(replaced[image[..., 3] == 1], image[image[..., 3] == 1])


@pytest.mark.parametrize("scale", [2, 3])
def test_tiles_of_a_self_ensemble_make_the_whole(scale):
    network = unclipped(models.build("full", scale, filters=4))
    whole = Upscaler(network, tile=256, self_ensemble=True)(RGB)
    pieces = Upscaler(network, tile=8, self_ensemble=True)(RGB)
    assert whole.std() > 3
    assert np.abs(whole.astype(int) - pieces).max() <= 1


def test_the_self_ensemble_knows_no_direction(network):
    upscaler = Upscaler(network, self_ensemble=True)
    image = RANDOM.uniform(0.3, 0.7, (20, 34)).astype(np.float32)
    enlarged = upscaler(image)
    for turns, flip in ((1, False), (2, True), (3, False)):
        turned = np.rot90(image[::-1] if flip else image, turns)
        expected = np.rot90(enlarged[::-1] if flip else enlarged, turns)
        np.testing.assert_allclose(upscaler(turned), expected, atol=1e-4)
    assert np.abs(Upscaler(network)(image) - enlarged).max() > 1e-3


def test_networks_for_colours_take_greyscale():
    network = unclipped(models.build("full", 2, channels=3, filters=4))
    grey = RGB[..., 0]
    colours = network(np.repeat(grey[None, ..., None], 3, -1).astype(np.float32))[0].numpy()
    expected = np.clip(colours.mean(axis=-1), 0, 255)
    assert expected.std() > 3
    assert np.abs(Upscaler(network)(grey) - expected).max() <= 0.51


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4), np.int32), "int32"),
        (np.zeros((4, 4, 5), np.uint8), r"\(4, 4, 5\)"),
        (np.zeros((0, 4), np.uint8), r"\(0, 4\)"),
        (np.full((4, 4), 2.0), "from 2.0 to 2.0"),
        (np.full((4, 4), np.nan), r"not numbers \(NaN\)"),
        ([[1, 2], [3, 4]], "list cannot be enlarged"),
        (None, "NoneType cannot be enlarged"),
    ],
)
def test_other_arrays_are_refused(network, image, message):
    with pytest.raises(UsageError, match=message):
        Upscaler(network)(image)


def test_a_name_is_no_network():
    lr = keras.Input((None, None, 1))
    with pytest.raises(UsageError, match="network 'twofold' cannot be used: it must have one input and one output"):
        Upscaler(keras.Model(lr, [keras.layers.UpSampling2D(2)(lr)] * 2, name="twofold"))
    with pytest.raises(UsageError, match="must be a functional Keras model, such as srnet.load returns, not str"):
        Upscaler("plus")


def test_hidden_colors_do_not_reach_far_through_a_mean_of_the_picture():
    lr = keras.Input((None, None, 3))
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True)(lr)
    model = keras.Model(lr, keras.layers.UpSampling2D(2)(keras.layers.Average()([lr, lr + 0 * lr, mean + 0 * lr])))
    rgba = np.random.default_rng(0).integers(0, 256, (700, 40, 4), np.uint8)
    rgba[..., 3] = 0
    rgba[:20, :, 3] = 255
    other = rgba.copy()
    other[20:, :, :3] = 255 - other[20:, :, :3]
    first, second = (Upscaler(model, precision="float32")(each) for each in (rgba, other))
    np.testing.assert_array_equal(first[:30], second[:30])


def test_a_model_without_a_graph_is_refused():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(UsageError, match="must be a functional Keras model, .* not Subclassed"):
        Upscaler(Subclassed(), margin=3)


def test_a_margin_below_the_reach_makes_no_seams(network):
    whole = Upscaler(network, tile=256)(RGB)
    assert whole.std() > 3
    assert np.abs(whole.astype(int) - Upscaler(network, tile=8, margin=1)(RGB)).max() <= 1


def test_a_tile_has_a_side(network):
    with pytest.raises(UsageError, match="tile 0 cannot be used: it must be at least 1"):
        Upscaler(network, tile=0)


def test_a_network_whose_reach_is_not_known_needs_a_margin():
    class Blur(keras.layers.Layer):  # 3x3, written in a way that the analysis cannot read
        def call(self, x):
            return keras.ops.average_pool(keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "symmetric"), 3, 1)

        def compute_output_shape(self, shape):
            return shape

    lr = keras.Input((None, None, 1))
    model = keras.Model(lr, keras.layers.UpSampling2D(2)(Blur()(lr)))
    with pytest.raises(UsageError, match="receptive field of layer .* is not known; in Python, pass srnet.Upscaler a"):
        Upscaler(model)
    pieces = Upscaler(model, tile=8, margin=1)(RGB[..., 0])
    np.testing.assert_array_equal(pieces, Upscaler(model, tile=64, margin=1)(RGB[..., 0]))
    with pytest.raises(UsageError, match="margin 0 cannot be used"):
        Upscaler(model, margin=0)


def _interpolated(image, peak, scale=3):
    """The weighted mean of float64: enlarged colors times opacity, divided by the enlarged opacity."""
    values = image.astype(np.float64) / peak
    alpha = imresize(values[..., -1], scale)
    colors = [imresize(values[..., i] * values[..., -1], scale) for i in range(image.shape[2] - 1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        weighted = np.stack([color / alpha for color in colors], axis=-1)
    return np.clip(np.nan_to_num(weighted), 0, 1), np.clip(alpha, 0, 1)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize(("dtype", "peak"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
def test_colours_count_as_much_as_they_are_seen(bicubic, channels, dtype, peak):
    image = RANDOM.uniform(0.2, 0.8, (17, 23, channels))
    image[..., -1] *= RANDOM.uniform(size=(17, 23)) < 0.7  # the others are hidden
    image[:, :9, -1] = 1
    image[4:9, 4:9, -1] = 1 / 255
    image = np.floor(image * peak + 0.5).astype(dtype) if dtype != "float32" else image.astype(dtype)
    enlarged = Upscaler(bicubic, tile=10)(image) / peak
    colors, alpha = _interpolated(image, peak)
    seen = (alpha > 0.05)[..., None]
    assert np.abs((enlarged[..., :-1] - colors) * seen).max() <= (0.51 / 255 if dtype == "uint8" else 1e-4)
    over_white = enlarged[..., :-1] * enlarged[..., -1:] + 1 - enlarged[..., -1:]
    expected = np.where(seen, colors, 0) * alpha[..., None] + 1 - alpha[..., None]
    assert np.abs((over_white - expected) * seen).max() <= (1.1 / 255 if dtype == "uint8" else 2e-4)


@pytest.mark.parametrize("name", ["bicubic", "plus"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_hardly_seen_does_not_tint_an_edge(request, name, dtype):
    peak = np.iinfo(dtype).max
    edges = []
    for alpha in (0, peak // 255):
        image = np.empty((16, 16, 4), dtype)
        image[:, :8] = (peak, 0, 0, peak)
        image[:, 8:] = (0, peak, 0, alpha)
        enlarged = Upscaler(request.getfixturevalue(name))(image) / peak
        edges.append(enlarged[..., :3] * enlarged[..., 3:] + 1 - enlarged[..., 3:])
    # 0.24 where colors are interpolated as they are
    assert np.abs(edges[0] - edges[1]).max() <= (0.02 if name == "bicubic" else 0.04)


def test_transparency_is_enlarged_by_the_network(network):
    rows, columns = np.mgrid[:31, :31]
    alpha = (np.clip(12.5 - np.hypot(rows - 15, columns - 15), 0, 1) * 255).astype(np.uint8)
    image = np.dstack([np.full_like(alpha, 200), alpha])
    enlarged = Upscaler(network)(image)[..., 1]
    by_network = Upscaler(network)(alpha)
    assert by_network.std() > 3
    rows, columns = np.mgrid[:62, :62]
    from_edge = np.hypot(rows - 30.5, columns - 30.5) / 2 - 12
    near = np.abs(from_edge) < 1
    assert (enlarged[near] == by_network[near]).all()
    assert (enlarged[from_edge > 4] == 0).all() and (enlarged[from_edge < -4] == 255).all()


def test_edges_of_transparency_are_sharper_than_by_interpolation(plus):
    disc = skimage.draw.disk((64, 64), 40, shape=(128, 128))
    alpha = np.zeros((128, 128), np.uint8)
    alpha[disc] = 255
    lr = np.clip(np.floor(imresize(alpha, 0.5) + 0.5), 0, 255).astype(np.uint8)
    enlarged = Upscaler(plus)(np.dstack([np.full_like(lr, 90), lr]))[..., 1]
    errors = [np.square(each - alpha.astype(float)).mean() for each in (enlarged, np.clip(imresize(lr, 2), 0, 255))]
    assert errors[0] < 0.5 * errors[1]


def test_gray_pictures_in_color_are_not_tinted():
    upscaler = Upscaler(unclipped(models.build("full", 2, channels=3, filters=4)))
    gray, alpha = RGB[..., :1], RGB[..., 1:2]
    expected = upscaler(gray)
    assert expected.std() > 3
    np.testing.assert_array_equal(upscaler(np.repeat(gray, 3, axis=2)), np.repeat(expected, 3, axis=2))
    with_alpha = upscaler(np.concatenate([gray, gray, gray, alpha], axis=2))
    assert (with_alpha[..., :1] == with_alpha[..., :3]).all()
    np.testing.assert_array_equal(with_alpha[..., 2:], upscaler(np.concatenate([gray, alpha], axis=2)))


def test_a_pillow_image_without_pixels_is_refused(bicubic):
    with pytest.raises(UsageError, match="a Pillow image of 0x5 pixels cannot be enlarged"):
        Upscaler(bicubic)(PIL.Image.new("RGB", (0, 5)))
