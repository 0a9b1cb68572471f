"""Weights that come with srnet: cards, checks, what is shipped."""

import numpy as np
import pytest

from srnet.errors import DataError, UsageError
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import named_method
from srnet.pretrained import cards
from srnet.pretrained.load import load
from tests.networks import ship_network


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder with weights of a small network for scale 3."""
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    return ship_network(tmp_path, "plus", 3, filters=4)


def test_weights_load(shipped):
    (cards.FOLDER / ".plus_x4.host.1.partial.json").write_text("")  # what a killed writer leaves
    (cards.FOLDER / "plus_x4 (copy).json").write_text("")
    assert cards.names() == ("plus",) and cards.scales() == (3,)
    for ours, theirs in zip(load(3).get_weights(), shipped.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_one_changed_byte_is_refused(shipped):
    path = cards.weights_file(3, "plus")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"plus_x3\.weights\.h5: not the bundled weights"):
        load(3)
    path.unlink()
    with pytest.raises(DataError, match=r"plus_x3\.weights\.h5: cannot be read"):
        load(3)


def test_what_is_not_there_is_named(shipped):
    with pytest.raises(UsageError, match="no pretrained plus for scale 2; scales: 3"):
        load(2)
    with pytest.raises(UsageError, match="no pretrained network 'vdsr': choose one of plus"):
        load(3, "vdsr")
    with pytest.raises(UsageError, match="scale 'plus' cannot be used: the scale comes first"):
        load("plus", 3)
    cards.card_file(3, "plus").write_text("{}")
    with pytest.raises(DataError, match=r"plus_x3\.json: damaged"):
        load(3)


@pytest.mark.parametrize("name", [pytest.param("full", marks=pytest.mark.slow), "plus", "plus_small"])
def test_pretrained_networks_beat_bicubic_interpolation(name):
    methods = (named_method(each) for each in (name, "bicubic"))
    ours, theirs = (evaluate_sets(method, ["skimage_test"], [4], None)[0]["psnr"] for method in methods)
    assert ours > theirs + 0.7


def test_cards_say_that_the_networks_beat_bicubic_interpolation():
    """Bounds: 2.5, 1.8 and 1.5 dB above the bicubic figures of the literature (33.66, 30.39 and 28.42 dB on Set5)."""
    for scale, least in ((2, 36.16), (3, 32.19), (4, 29.92)):
        known = cards.card(scale)
        assert known["measurements"]["Set5"]["psnr"] > least
        assert known["run"]["config"]["scale"] == scale and known["run"]["commit"]
        assert load(scale).count_params() == known["parameters"]


@pytest.mark.parametrize("scale", [pytest.param(2, marks=pytest.mark.slow), 4])
def test_photo_removes_compression_and_noise(scale):
    degradations = ["jpeg50", "noise10", "bicubic"]
    photo, plus = (
        evaluate_sets(named_method(name), ["skimage_test"], [scale], None, degradations=degradations)
        for name in ("photo", "plus")
    )
    gains = [one["psnr"] - other["psnr"] for one, other in zip(photo, plus, strict=True)]
    assert gains[0] > 0.5 and gains[1] > 1 and gains[2] > -0.5


@pytest.mark.parametrize(
    ("network", "scale"),
    [
        pytest.param(name, scale, marks=pytest.mark.slow if scale > 2 else ())
        for name in cards.names()
        for scale in cards.scales(name)
    ],
)
def test_cards_say_what_the_weights_reach(network, scale, data_root):
    (result,) = evaluate_sets(named_method(network, None, None), ["Set5"], [scale], data_root)
    figures = cards.card(scale, network)["measurements"]["Set5"]
    assert result["psnr"] == pytest.approx(figures["psnr"], abs=1e-3)
    assert result["ssim"] == pytest.approx(figures["ssim"], abs=1e-5)
