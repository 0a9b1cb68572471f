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


@pytest.fixture
def train(small, picture_root, tmp_path, without_saved_models):
    """Trains the small run with some fields changed, and returns the `Run`."""

    def train_small(folder="run", **changes):
        config = dataclasses.replace(small, **changes)
        return run.run_training(config, tmp_path / folder, picture_root, tmp_path / "cache")

    return train_small
