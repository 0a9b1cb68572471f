"""Weights that come with srnet: cards, checks, what is shipped."""

import hashlib
import json

import keras
import numpy as np
import pytest

from srnet import models, pretrained
from srnet.benchmark import evaluate_sets, named_method
from srnet.errors import DataError, UsageError


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder with weights of a small network for scale 3."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    model = models.build("plus", 3, filters=4)
    model.save_weights(pretrained.weights_file("plus", 3))
    digest = hashlib.sha256(pretrained.weights_file("plus", 3).read_bytes()).hexdigest()
    card = {"network": "plus", "scale": 3, "channels": 1, "model_options": {"filters": 4}, "sha256": digest}
    card |= {"run": {}, "measurements": {}, "use": "", "limits": ""}
    pretrained.card_file("plus", 3).write_text(json.dumps(card))
    return model


def test_weights_load(shipped):
    (pretrained.FOLDER / ".plus_x4.host.1.partial.json").write_text("")  # what a killed writer leaves
    assert pretrained.names() == ("plus",) and pretrained.scales() == (3,)
    for ours, theirs in zip(pretrained.load(3).get_weights(), shipped.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_one_changed_byte_is_refused(shipped):
    path = pretrained.weights_file("plus", 3)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"plus_x3\.weights\.h5: not the weights that were shipped"):
        pretrained.load(3)
    path.unlink()
    with pytest.raises(DataError, match=r"plus_x3\.weights\.h5: cannot be read"):
        pretrained.load(3)


def test_what_is_not_there_is_named(shipped):
    with pytest.raises(UsageError, match="no trained plus for scale 2 comes with srnet; scales: 3"):
        pretrained.load(2)
    with pytest.raises(UsageError, match="no trained vdsr for scale 3 comes with srnet; scales: none"):
        pretrained.load(3, "vdsr")
    pretrained.card_file("plus", 3).write_text("{}")
    with pytest.raises(DataError, match=r"plus_x3\.json: damaged"):
        pretrained.load(3)


def test_keras_files(tmp_path):
    model = models.build("full", 2, filters=4)
    model.save(tmp_path / "x.keras")
    lr = np.zeros((1, 4, 4, 1), np.float32)
    np.testing.assert_array_equal(pretrained.load_file(tmp_path / "x.keras")(lr), model(lr))
    (tmp_path / "bad.keras").write_bytes((tmp_path / "x.keras").read_bytes()[:5000])
    flipped = bytearray((tmp_path / "x.keras").read_bytes())
    flipped[flipped.index(b"model.weights.h5") + 2000] ^= 1
    (tmp_path / "flipped.keras").write_bytes(flipped)
    for name in ("bad.keras", "flipped.keras", "none.keras"):
        with pytest.raises(DataError, match=f"{name}: not a network of srnet") as error:
            pretrained.load_file(tmp_path / name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: keras.layers.Conv2D(1, 3, padding="same")(x), "not a network from LR to HR pixels"),
        (lambda x: keras.layers.Conv2DTranspose(1, 3, (2, 1), "same")(x), "not a network from LR to HR pixels"),
        (
            lambda x: keras.layers.Conv2DTranspose(1, 3, 2, "same")(keras.layers.BatchNormalization()(x)),
            "cannot be used in tiles .the reach of a BatchNormalization layer is not known",
        ),
    ],
)
def test_keras_files_of_other_networks_are_refused(tmp_path, make, message):
    lr = keras.Input((None, None, 1))
    keras.Model(lr, make(lr)).save(tmp_path / "x.keras")
    with pytest.raises(DataError, match=message):
        pretrained.load_file(tmp_path / "x.keras")


def test_weights_come_with_srnet_for_each_scale_and_beat_bicubic():
    """Bounds: 2.5, 1.8 and 1.5 dB above the bicubic figures of the literature (33.66, 30.39 and 28.42 dB on Set5)."""
    for scale, least in ((2, 36.16), (3, 32.19), (4, 29.92)):
        known = pretrained.card(scale)
        assert known["measurements"]["Set5"]["psnr"] > least
        assert known["run"]["config"]["scale"] == scale and known["run"]["commit"]
        assert pretrained.load(scale).count_params() == known["parameters"]


@pytest.mark.parametrize(
    ("network", "scale"), [(name, scale) for name in pretrained.names() for scale in pretrained.scales(name)]
)
def test_cards_say_what_the_weights_reach(network, scale, data_root):
    (result,) = evaluate_sets(named_method(network, None, None), ["Set5"], [scale], data_root)
    figures = pretrained.card(scale, network)["measurements"]["Set5"]
    assert result["psnr"] == pytest.approx(figures["psnr"], abs=1e-3)
    assert result["ssim"] == pytest.approx(figures["ssim"], abs=1e-5)
