"""What the tests of training share: a small run, on the pictures of `picture_root`."""

import dataclasses

import pytest

from srnet.training.config import TrainConfig
from srnet.training.run import run_training


@pytest.fixture(scope="session")
def small():
    """The configuration of the small run: two epochs of five steps."""
    return TrainConfig(
        train_sets=("tiny",),
        validation_set="held_out",
        model_options={"filters": 4},
        patch=16,
        stride=8,
        batch_size=4,
        steps_per_epoch=5,
        epochs=2,
    )


@pytest.fixture
def train(small, picture_root, tmp_path):
    """Trains the small run with some fields changed, and returns the `Run`."""

    def run(folder="run", **changes):
        config = dataclasses.replace(small, **changes)
        return run_training(config, tmp_path / folder, picture_root, tmp_path / "cache")

    return run
