"""A+: enlargement against a loop written out, training against a ridge regression in closed form, its file."""

import itertools

import numpy as np
import PIL.Image
import pytest

from srnet.data.datasets import find_images
from srnet.errors import DataError, UsageError
from srnet.evaluation import aplus, methods, protocol
from srnet.evaluation.bicubic import make_bicubic
from srnet.images.resize import imresize


def _random_regressors(scale, features=5, anchors=7):
    random = np.random.default_rng(0)
    side = (3 * scale) ** 2
    anchor_rows = random.normal(size=(anchors, features))
    return aplus.Regressors(
        random.normal(size=(4 * side, features)).astype(np.float32) / side,
        (anchor_rows / np.linalg.norm(anchor_rows, axis=1, keepdims=True)).astype(np.float32),
        random.normal(size=(anchors, side, features)).astype(np.float32),
    )


@pytest.mark.parametrize("scale", [2, 3])
def test_enlarging_equals_a_loop_over_patches(scale):
    trained = _random_regressors(scale)
    lr = np.random.default_rng(1).uniform(0, 255, (5, 6)).astype(np.float32)
    enlarged = imresize(np.pad(lr.astype(np.float64), 2, mode="symmetric"), scale)
    height, width = enlarged.shape
    clamp = np.pad(enlarged, 2 * scale, mode="edge")

    def at(dy, dx):
        return clamp[2 * scale + dy : 2 * scale + dy + height, 2 * scale + dx : 2 * scale + dx + width]

    # An even gap centres a filter between two pixels; SciPy then leans to the left.
    low, high = -((scale + 1) // 2), scale - (scale + 1) // 2
    responses = [
        at(0, low) - at(0, high),
        at(low, 0) - at(high, 0),
        (at(0, -scale) + at(0, scale)) / 2 - enlarged,
        (at(-scale, 0) + at(scale, 0)) / 2 - enlarged,
    ]
    side = 3 * scale
    total, count = np.zeros_like(enlarged), np.zeros_like(enlarged)
    for y, x in itertools.product(range(0, height - side + 1, scale), range(0, width - side + 1, scale)):
        window = np.s_[y : y + side, x : x + side]
        feature = np.concatenate([response[window].ravel() for response in responses]) @ trained.projection
        anchor = np.argmax(np.abs(trained.anchors @ feature))
        total[window] += (trained.regressors[anchor] @ feature).reshape(side, side)
        count[window] += 1
    expected = (enlarged + total / np.maximum(count, 1))[2 * scale : -2 * scale, 2 * scale : -2 * scale]
    result = aplus.enlarge(trained, lr, scale)
    assert result.shape == (5 * scale, 6 * scale) and result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=0.05, rtol=1e-4)


def test_regression_is_ridge_regression():
    random = np.random.default_rng(0)
    lo = random.normal(size=(3, 400)).astype(np.float32)
    lo /= np.linalg.norm(lo, axis=0)
    hi = random.normal(size=(400, 4)).astype(np.float32)
    anchor = np.array([[1.0, 0.0, 0.0]], np.float32)

    class Silent:
        def update(self):
            pass

    (regressor,) = aplus._regress(anchor, lo, hi, 50, Silent())
    nearest = np.argsort(-np.abs(lo[0]))[:50]
    # Ridge regression is least squares with rows of sqrt(lambda) added.
    rows = np.concatenate([lo.T[nearest], np.sqrt(0.1) * np.eye(3)])
    expected = np.linalg.lstsq(rows, np.concatenate([hi[nearest], np.zeros((3, 4))]), rcond=None)[0].T
    np.testing.assert_allclose(regressor, expected, atol=1e-4)


@pytest.mark.slow
def test_trained_on_some_photographs_it_beats_bicubic_on_others():
    trained = aplus.train(find_images("skimage_train", None)[1:3], 2, anchors=64, max_samples=200_000)
    assert np.linalg.norm(trained.anchors, axis=1) == pytest.approx(1, abs=1e-4)
    paths = find_images("skimage_test", None)[1:2]
    (ours,) = protocol.evaluate(lambda lr: aplus.enlarge(trained, lr, 2), paths, 2)
    (theirs,) = protocol.evaluate(make_bicubic(2), paths, 2)
    assert ours.values["psnr"] > theirs.values["psnr"] + 0.5


def test_file_loads_back_and_damage_is_named(tmp_path):
    trained = _random_regressors(2)
    path = tmp_path / "aplus.npz"
    aplus.save(path, trained)
    loaded = aplus.load(path)
    np.testing.assert_array_equal(loaded.regressors, trained.regressors)
    encrypted = bytearray(path.read_bytes())
    encrypted[encrypted.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(encrypted)
    with pytest.raises(DataError, match=r"aplus\.npz: not a trained A\+ .*delete it"):
        aplus.load(path)
    aplus.save(path, trained)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"aplus\.npz: not a trained A\+ .*delete it"):
        aplus.load(path)
    shapes = {"projection": (4, 3), "anchors": (2, 3), "regressors": (2, 1, 4)}
    for content in ({"projection": (3,)}, shapes):
        np.savez(path, **{name: np.zeros(shape) for name, shape in content.items()})
        with pytest.raises(DataError, match=r"aplus\.npz"):
            aplus.load(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"aplus\.npz"):
        aplus.load(path)


def test_a_folder_for_what_it_learns_is_needed(picture_root):
    with pytest.raises(UsageError, match="aplus needs cache_dir"):
        methods.named_method("aplus", picture_root).at_scale(2)


def test_picture_too_small_to_learn_from_is_named(tmp_path):
    path = tmp_path / "small.png"
    PIL.Image.new("L", (9, 50)).save(path)
    with pytest.raises(DataError, match=r"small\.png: 9x50 is too small"):
        aplus.train([path], 2)


@pytest.mark.slow
def test_made_once_and_kept(picture_root, tmp_path, monkeypatch):
    (picture_root / "tiny").rename(picture_root / "T91")
    lr = np.zeros((4, 5), np.float32)
    assert aplus.make_aplus(2, picture_root, tmp_path / "cache")(lr).shape == (8, 10)
    monkeypatch.setattr(aplus, "train", None)
    assert aplus.make_aplus(2, picture_root, tmp_path / "cache")(lr).shape == (8, 10)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".npz"]


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "least"), [(2, 36.4), (4, 30.1)])
def test_set5_figures(data_root, tmp_path, scale, least):
    method = aplus.make_aplus(scale, data_root, tmp_path)
    scores = protocol.evaluate(method, find_images("Set5", data_root), scale)
    assert np.mean([score.values["psnr"] for score in scores]) >= least
