"""Tiles against whole pictures."""

import numpy as np
import pytest
import tensorflow as tf

from srnet import models
from srnet.inference import network_method
from srnet.models.hybrid import VARIANTS
from srnet.models.receptive_field import alignment, reach
from srnet.tiles import enlarge_in_tiles

IMAGE = np.random.default_rng(0).uniform(0, 255, (61, 83)).astype(np.float32)


def _in_tiles(model, scale, image, tile):
    return enlarge_in_tiles(network_method(model), image, scale, tile, reach(model), alignment(model))


@pytest.mark.parametrize("name", [*VARIANTS, "plus", "srcnn", "vdsr", "rednet"])
def test_tiles_make_the_whole(name):
    model = models.build(name, 2, filters=(4, 4) if name == "srcnn" else 4)
    whole = network_method(model)(IMAGE)
    for tile in (7, 32, 100):
        np.testing.assert_allclose(_in_tiles(model, 2, IMAGE, tile), whole, atol=1e-4 * np.ptp(whole))


@pytest.mark.parametrize(("scale", "multiple"), [(2, 2), (3, 4), (4, 1), (8, 1)])
def test_tiles_begin_where_the_network_repeats(scale, multiple):
    model = models.build("full", scale, filters=4)
    assert alignment(model) == multiple
    whole = network_method(model)(IMAGE[:33, :46])
    np.testing.assert_allclose(_in_tiles(model, scale, IMAGE[:33, :46], 9), whole, atol=1e-4 * np.ptp(whole))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (9, 9)])
def test_small_pictures(size):
    model = models.build("full", 2, filters=4)
    image = IMAGE[: size[0], : size[1]]
    whole = network_method(model)(image)
    np.testing.assert_allclose(_in_tiles(model, 2, image, 8), whole, atol=1e-4 * np.ptp(whole))


def test_colours_and_dtype_stay():
    image = np.random.default_rng(0).integers(0, 256, (20, 31, 3), np.uint8)
    enlarged = enlarge_in_tiles(lambda crop: crop.repeat(3, 0).repeat(3, 1), image, 3, 8, 2)
    assert enlarged.dtype == np.uint8
    np.testing.assert_array_equal(enlarged, image.repeat(3, 0).repeat(3, 1))


def test_tiles_are_quartered_when_memory_is_short():
    asked, done = [], []

    def enlarge(crop):
        asked.append(crop.shape)
        if crop.size > 400:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return crop.repeat(2, 0).repeat(2, 1)

    enlarged = enlarge_in_tiles(enlarge, IMAGE, 2, 64, 1, progress=done.append)
    np.testing.assert_array_equal(enlarged, IMAGE.repeat(2, 0).repeat(2, 1))
    assert sum(done) == IMAGE.size
    assert sum(height * width > 400 for height, width in asked) == 2  # 64 and 32 are too large, tried once each
    with pytest.raises(tf.errors.ResourceExhaustedError):
        enlarge_in_tiles(lambda crop: enlarge(np.zeros((21, 20))), IMAGE, 2, 64, 1)
