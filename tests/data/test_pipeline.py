"""The order of patches, and batches from where a run stopped."""

import numpy as np
import pytest

from srnet.data.datasets import find_images
from srnet.data.order import patch_order
from srnet.data.patches import ensure_store
from srnet.data.pipeline import training_batches
from tests.patch_options import patch_options


@pytest.fixture
def store(picture_root, tmp_path):
    paths = find_images("tiny", picture_root)
    return ensure_store(tmp_path, "tiny", paths, patch_options())


def test_every_pass_takes_each_patch_once():
    order = np.concatenate([patch_order(10, 0, step, 4) for step in range(5)])
    assert sorted(order[:10]) == sorted(order[10:]) == list(range(10))
    assert list(order[:10]) != list(order[10:])
    assert list(order[:10]) != list(np.concatenate([patch_order(10, 1, step, 4) for step in range(5)])[:10])


def test_batches_are_the_patches_of_their_step(store):
    for step, (lr, hr) in enumerate(training_batches(store, 5, 7, 0, 4)):
        order = patch_order(len(store), 7, step, 5)
        assert lr.dtype == hr.dtype == "float32"
        np.testing.assert_array_equal(lr, store.lr.read(order))
        np.testing.assert_array_equal(hr, store.hr.read(order))
    assert step == 3


def test_a_later_start_gives_the_same_batches(store):
    whole = [hr.numpy() for _, hr in training_batches(store, 5, 7, 0, 30)]
    later = [hr.numpy() for _, hr in training_batches(store, 5, 7, 20, 30)]
    np.testing.assert_array_equal(whole[20:], later)


def test_shapes_are_static(store):
    lr, hr = training_batches(store, 5, 0, 0, 1).element_spec
    assert lr.shape == (5, 8, 8, 1) and hr.shape == (5, 16, 16, 1)
