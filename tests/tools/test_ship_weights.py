"""Weights put among those that come with srnet: what is shipped is the run, its figures and its history."""

import dataclasses

import numpy as np
import pytest
from absl.testing import flagsaver

from srnet import models, pretrained
from srnet.data.datasets import find_images
from srnet.metrics import evaluate
from srnet.training.config import TrainConfig
from srnet.training.runs import load_run
from srnet.training.session import run_training
from tools import ship_weights

SMALL = TrainConfig(
    variant="plus",
    train_sets=("tiny",),
    validation_set="held_out",
    model_options={"filters": 4, "blocks": 1},
    patch=16,
    batch_size=2,
    steps_per_epoch=2,
    epochs=2,
)


@pytest.fixture
def ship(picture_root, tmp_path, monkeypatch):
    """A callable that runs the tool on the set "held_out", with a folder of weights and a README of its own."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "weights")
    monkeypatch.setattr(ship_weights, "TEST_SETS", ("held_out",))
    monkeypatch.setattr(ship_weights, "README", tmp_path / "README.md")
    pretrained.FOLDER.mkdir()
    ship_weights.README.write_text("before\n<!-- weights -->\n\n\nafter\n")
    ship_weights.define_flags()

    def run(*arguments):
        with flagsaver.flagsaver():
            ship_weights.flags.FLAGS(["ship_weights.py", f"--data_root={picture_root}", *arguments])
            return ship_weights.main([])

    yield run
    for name in ("run", "data_root"):
        delattr(ship_weights.flags.FLAGS, name)


def _train(folder, picture_root, **changes):
    config = dataclasses.replace(SMALL, **changes)
    return run_training(config, folder, picture_root, folder.parent / "cache")


def test_a_run_is_shipped_and_all_are_measured_again(ship, picture_root, tmp_path):
    first = _train(tmp_path / "first", picture_root)
    ship(f"--run={first.folder}")
    second = _train(tmp_path / "second", picture_root, scale=3, initial_run="plus_x2")
    ship(f"--run={second.folder}")
    assert pretrained.scales() == (2, 3)
    trained = load_run(second.folder)[0]
    for ours, theirs in zip(pretrained.load(3).get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    card = pretrained.card(3)
    assert (card["run"]["steps"], card["run"]["initial"]["steps"]) == (4, 4)
    assert card["run"]["initial"]["started"] == pretrained.card(2)["run"]["started"]
    paths = find_images("held_out", picture_root)
    (score,) = evaluate(lambda lr: trained(lr[None, ..., None])[0, ..., 0].numpy(), paths, 3)
    assert card["measurements"]["held_out"]["psnr"] == pytest.approx(score.psnr, abs=1e-4)

    before = pretrained.card_file("plus", 3).read_text()
    text = ship_weights.README.read_text()
    pretrained.card_file("plus", 3).write_text(before.replace(str(card["measurements"]["held_out"]["psnr"]), "99.0"))
    ship()
    assert pretrained.card_file("plus", 3).read_text() == before
    assert ship_weights.README.read_text() == text
    assert text.startswith("before\n<!-- weights -->\n| scale |") and text.endswith("|\n\nafter\n")
    assert f"| x3 | `plus` | {models.build('plus', 3, filters=4, blocks=1).count_params():,} |" in text
