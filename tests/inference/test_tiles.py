"""Tiles against whole pictures."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import srnet
from srnet import models
from srnet.inference import upscaler
from srnet.inference.method import network_method
from srnet.inference.tile_size import fitting_tile, tile_margin
from srnet.inference.tiles import Tile, round_up
from srnet.models.analysis import alignment, reach
from srnet.models.hybrid import VARIANTS
from tests.networks import unclipped

Upscaler = functools.partial(upscaler.Upscaler, precision="float32")  # for exact comparisons
SAME_REACH = sorted({*VARIANTS} - {"full", "no_deconv", "no_dilation"})  # as one of these three
IMAGE = np.random.default_rng(0).uniform(0.2, 0.8, (61, 83)).astype(np.float32)


def _whole(model, image):
    return np.clip(network_method(model)(255 * image) / 255, 0, 1)


@pytest.mark.parametrize(
    "name",
    [
        *("full", "no_deconv", "no_dilation", "plus", "drcn", "idn", "esrgan_small"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in (*SAME_REACH, "srcnn", "vdsr", "rednet")),
    ],
)
def test_tiles_make_the_whole(name):
    small = {"plus": {"blocks": 3}, "esrgan_small": {"blocks": 1}, "idn": {"blocks": 1}, "drcn": {"recursions": 3}}
    filters = {"srcnn": (4, 4), "idn": 16}.get(name, 4)
    model = unclipped(models.build(name, 2, filters=filters, **small.get(name, {})))
    whole = _whole(model, IMAGE)
    assert np.std(whole) > 0.01
    for tile in (7, 32, 100):
        np.testing.assert_allclose(Upscaler(model, tile=tile)(IMAGE), whole, atol=1e-4)


def test_what_depends_on_the_whole_picture_has_no_tiles(monkeypatch):
    model = unclipped(models.build("rcan", 2, groups=1, blocks=2, filters=4, reduction=2))
    whole = _whole(model, IMAGE)
    np.testing.assert_allclose(Upscaler(model, tile=16)(IMAGE), whole, atol=1e-4)
    assert np.abs(Upscaler(model, tile=16, margin=8)(IMAGE) - whole).max() > 5e-4

    def fail(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "no memory")

    one = Upscaler(model)
    monkeypatch.setattr(one, "_enlarge_crop", fail)
    with pytest.raises(MemoryError, match="not enough memory for the whole picture, which this network needs"):
        one(IMAGE)
    monkeypatch.setattr(upscaler, "free_memory", lambda: 2**20)
    with pytest.raises(MemoryError, match=r"which this network needs: 0.0 GiB in one piece, 0.0 are free"):
        one(IMAGE)


@pytest.mark.parametrize("network", ["plus", "full"])
def test_tiles_make_the_whole_in_bfloat16(network):
    whole, tiles = (
        upscaler.Upscaler(srnet.load(2, network), tile=tile, precision="mixed_bfloat16")(IMAGE) for tile in (100, 16)
    )
    assert np.abs(whole - tiles).max() < 1 / 255  # sums in another order are rounded otherwise


@pytest.mark.parametrize(("scale", "multiple"), [(2, 2), (3, 4), (4, 1), (8, 1)])
def test_tiles_begin_where_the_network_repeats(scale, multiple):
    model = unclipped(models.build("full", scale, filters=4))
    assert alignment(model) == multiple
    whole = _whole(model, IMAGE[:33, :46])
    np.testing.assert_allclose(Upscaler(model, tile=9)(IMAGE[:33, :46]), whole, atol=1e-4)


def test_small_pictures():
    model = unclipped(models.build("full", 2, filters=4))
    enlarge = Upscaler(model, tile=8)
    for height, width in ((1, 1), (1, 40), (40, 1), (9, 9)):
        image = IMAGE[:height, :width]
        np.testing.assert_allclose(enlarge(image), _whole(model, image), atol=1e-4)


@pytest.mark.parametrize("shape", [(20, 31, 3), (1, 1), (40, 7)])
@pytest.mark.parametrize(("side", "margin", "multiple"), [(8, 2, 4), (7, 0, 1), (64, 5, 2), (4, 30, 4)])
def test_the_windows_cover_a_picture_once(shape, side, margin, multiple):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    output, times = np.zeros((3 * shape[0], 3 * shape[1], *shape[2:]), np.uint8), np.zeros((3 * shape[0], 3 * shape[1]))
    tiles = Tile(0, 0, *shape[:2], margin).split(side, multiple)
    for tile in tiles:
        assert tile.top % multiple == tile.left % multiple == 0
        assert tile.split(side, multiple) == [tile]
        crop = image[tile.crop]
        assert crop.shape[0] * crop.shape[1] <= (side + 2 * margin) ** 2
        output[tile.target(3)] = crop.repeat(3, 0).repeat(3, 1)[tile.inner(3)]
        times[tile.target(3)] += 1
    np.testing.assert_array_equal(output, image.repeat(3, 0).repeat(3, 1))
    assert (times == 1).all() and sum(tile.area for tile in tiles) == image.shape[0] * image.shape[1]


@pytest.mark.parametrize("size", [(321, 481), (600, 1000), (4000, 6000), (50, 5000)])
def test_tiles_compute_less_twice_than_squares_do(size):
    tiles = Tile(0, 0, *size, 28).split(424, 4)
    sides = [(rows.indices(size[0]), columns.indices(size[1])) for rows, columns in (tile.crop for tile in tiles)]
    computed = sum((bottom - top) * (right - left) for (top, bottom, _), (left, right, _) in sides)
    rows, columns = (-(-side // 424) for side in size)
    assert computed <= (size[0] + 56 * (rows - 1)) * (size[1] + 56 * (columns - 1))
    assert len(tiles) <= rows * columns


def test_no_other_grid_computes_less():
    random = np.random.default_rng(0)
    for height, width, margin, side in random.integers((1, 1, 0, 1), (200, 200, 30, 60), (100, 4)).tolist():
        found = Tile(0, 0, height, width, margin).split(side, 1)
        rows, columns = len({tile.top for tile in found}), len({tile.left for tile in found})
        grids = [(m, n) for m in range(1, height + 1) for n in range(1, width + 1)]
        fits = [
            (height + 2 * margin * (m - 1)) * (width + 2 * margin * (n - 1))
            for m, n in grids
            if (-(-height // m) + 2 * margin) * (-(-width // n) + 2 * margin) <= (side + 2 * margin) ** 2
        ]
        assert (height + 2 * margin * (rows - 1)) * (width + 2 * margin * (columns - 1)) == min(fits)


def test_a_long_strip_is_split_without_trying_every_width(monkeypatch):
    tried = []
    monkeypatch.setattr("srnet.inference.tiles.round_up", lambda *sizes: tried.append(sizes) or round_up(*sizes))
    Tile(0, 0, 1, 4_000_000, 48).split(256, 2)
    assert len(tried) < 100


def test_tiles_are_quartered_when_memory_is_short(monkeypatch):
    asked, told = [], []

    def enlarge(crop, *_):
        asked.append(crop.shape)
        if crop.size > limit:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return crop.repeat(2, 0).repeat(2, 1)

    lr = keras.Input((None, None, 1))
    upscaler = Upscaler(keras.Model(lr, keras.layers.UpSampling2D(2)(lr)), tile=64)
    monkeypatch.setattr(upscaler, "_enlarge_crop", enlarge)
    limit = 400
    np.testing.assert_array_equal(upscaler(IMAGE, told.append), IMAGE.repeat(2, 0).repeat(2, 1))
    assert told[-1] == 1
    assert sum(height * width > 400 for height, width in asked) == 2  # 64 and 32 are too large, tried once each
    limit = 0
    with pytest.raises(MemoryError, match="smallest tile"):
        upscaler(IMAGE)


def test_a_margin_that_takes_too_much_memory_is_limited():
    """A network that adds what is 60 pixels to the left, and what is 70, with more and with fewer features."""

    def network(features):
        lr = keras.Input((None, None, 3))
        kernels = np.zeros((2, 3, 3, 3, 3), np.float32)
        kernels[:, 1, 1] = np.eye(3)
        kernels[0, 1, 0] = kernels[1, 1, 0] = np.eye(3) / 4
        x = lr
        for kernel, rate in zip(kernels, (60, 10)):
            layer = keras.layers.Conv2D(3, 3, padding="same", dilation_rate=rate, use_bias=False)
            x = layer(x)
            layer.set_weights([kernel])
        wide = keras.layers.Conv2D(features, 1, use_bias=False, kernel_initializer="zeros")(x)
        x = keras.layers.Add()([x, keras.layers.Conv2D(3, 1, use_bias=False)(wide)])
        return keras.Model(lr, keras.layers.UpSampling2D(2)(x))

    picture = np.random.default_rng(0).uniform(0.1, 0.4, (6, 230, 3)).astype(np.float32)
    wide, narrow = network(1000), network(8)
    assert reach(wide) == reach(narrow) == 70
    assert (tile_margin(wide), tile_margin(narrow)) == (64, 70)
    whole = Upscaler(narrow, tile=400)(picture)
    for model, options in ((narrow, {}), (wide, {"margin": 70})):
        np.testing.assert_allclose(Upscaler(model, tile=20, **options)(picture), whole, atol=1e-5)
    limited = Upscaler(wide, tile=20)(picture)
    assert np.abs(limited - whole).max() > 0.01  # 1/16 of what is 70 pixels away
    # Not 1, of which each would compute 129x129 pixels.
    assert fitting_tile(models.build("esrgan", 4, blocks=1), 64) == 128
