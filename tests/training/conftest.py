"""What the tests of training share: a small run, on the pictures of `picture_root`."""

import dataclasses

import pytest

from srnet.training import run
from srnet.training.config import TrainConfig


@pytest.fixture(scope="session")
def small():
    """The configuration of the small run: two epochs of five steps, of a network that is built and traced quickly."""
    return TrainConfig(
        train_sets=("tiny",),
        validation_set="held_out",
        variant="vdsr",
        model_options={"filters": 4, "depth": 3},
        patch=16,
        stride=8,
        batch_size=4,
        steps_per_epoch=5,
        epochs=2,
    )


def _write_empty_export(model, path):
    path.mkdir(exist_ok=True)
    (path / "saved_model.pb").touch()


@pytest.fixture
def train(small, picture_root, tmp_path, monkeypatch):
    """Trains the small run with some fields changed, and returns the `Run`.

    Its SavedModel, which takes seconds to write, is empty; the tests of the commands look at real ones.
    """
    monkeypatch.setattr(run, "export_saved_model", _write_empty_export)

    def train_small(folder="run", **changes):
        config = dataclasses.replace(small, **changes)
        return run.run_training(config, tmp_path / folder, picture_root, tmp_path / "cache")

    return train_small
