"""Weights put among the pretrained ones: they are the run's, with its measurements and its history."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from experiments import weights
from experiments.documentation import read_tables
from experiments.workspace import ROOT
from srnet import models
from srnet.data.datasets import find_images
from srnet.errors import DataError
from srnet.evaluation.protocol import evaluate
from srnet.json_files import write_json
from srnet.pretrained import cards
from srnet.pretrained.load import load
from srnet.training import run as training_run
from srnet.training.checkpoints import load_run
from srnet.training.config import TrainConfig

SMALL = TrainConfig(
    variant="plus",
    train_sets=("tiny",),
    validation_set="held_out",
    model_options={"filters": 4, "blocks": 1, "depth": 0},
    patch=16,
    batch_size=2,
    steps_per_epoch=2,
    epochs=1,
)


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    """A folder of weights, pages and a test set of the test's own; runs are not exported, which takes long."""
    monkeypatch.setattr(training_run, "export", lambda run: None)
    monkeypatch.setattr(cards, "FOLDER", tmp_path / "weights")
    monkeypatch.setattr(weights, "TEST_SETS", ("held_out",))
    monkeypatch.setattr(weights, "NETWORKS_PAGE", tmp_path / "networks.md")
    cards.FOLDER.mkdir()
    monkeypatch.setattr(weights, "README", tmp_path / "README.md")
    monkeypatch.setattr(weights, "describe_readme", lambda *_: "of three networks at x4")
    weights.NETWORKS_PAGE.write_text(
        "before\n<!-- weights -->\n<!-- end -->\n<!-- published -->\n<!-- end -->\nafter\n"
    )
    weights.README.write_text("<!-- x4 -->\n<!-- end -->\n")


@pytest.mark.parametrize("lost", ["all lines", "the last line"])
def test_weights_of_no_epoch_are_refused(picture_root, tmp_path, lost):
    run = _train(tmp_path / "run", picture_root, epochs=2)
    lines = run.metrics.read_text().splitlines(keepends=True)
    run.metrics.write_text("" if lost == "all lines" else lines[0])
    with pytest.raises(DataError, match=r"metrics\.jsonl: no line for the last checkpoint; train the run to the end"):
        weights.ship(run, picture_root)
    assert not any(cards.FOLDER.iterdir())


def test_a_name_without_a_run_measures_nothing():
    tool = [sys.executable, str(ROOT / "tools" / "ship_weights.py"), "--name=photo"]
    done = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: --name needs --run\n")


def _train(folder, picture_root, **changes):
    config = dataclasses.replace(SMALL, **changes)
    return training_run.run_training(config, folder, picture_root, folder.parent / "cache")


def test_a_run_is_shipped_and_all_are_measured_again(picture_root, tmp_path):
    weights.ship(_train(tmp_path / "first", picture_root), picture_root)
    second = _train(tmp_path / "second", picture_root, scale=3, initial_run="plus_x2")
    weights.ship(second, picture_root)
    assert cards.scales() == (2, 3)
    trained = load_run(second.folder)[0]
    for ours, theirs in zip(load(3).get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    card = cards.card(3)
    assert (card["run"]["steps"], card["run"]["initial"]["steps"]) == (2, 2)
    assert card["run"]["initial"]["started"] == cards.card(2)["run"]["started"]
    paths = find_images("held_out", picture_root)
    (score,) = evaluate(lambda lr: trained(lr[None, ..., None])[0, ..., 0].numpy(), paths, 3)
    assert card["measurements"]["held_out"]["psnr"] == pytest.approx(score.values["psnr"], abs=1e-4)

    assert weights.write_network_tables() == [weights.NETWORKS_PAGE, weights.README]
    text = weights.NETWORKS_PAGE.read_text()
    assert weights.README.read_text() == "<!-- x4 -->\nof three networks at x4\n<!-- end -->\n"
    table, compared = read_tables(weights.NETWORKS_PAGE).values()
    assert text.startswith(f"before\n<!-- weights -->\n{table}<!-- end -->\n") and table.startswith("| scale |")
    assert "| x3 | VDSR | 665,921 | 611.6 | 33.66 |" in compared and "x4" not in compared
    assert f"| x3 | `plus` | {models.build('plus', 3, filters=4, blocks=1, depth=0).count_params():,} |" in table
    before = cards.card_file(3, "plus").read_text()
    assert card["training_images"] == {"tiny": "not known"}
    wrong = {**card["measurements"]["held_out"], "psnr": 99.0}
    write_json(cards.card_file(3, "plus"), {**card, "measurements": {"held_out": wrong}})
    weights.measure_again(picture_root)
    assert cards.card_file(3, "plus").read_text() == before
    assert weights.write_network_tables() == [] and weights.NETWORKS_PAGE.read_text() == text
