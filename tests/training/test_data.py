"""The training data of a run."""

import json
import shutil

from srnet.data.datasets import find_images
from srnet.data.patches import describe
from srnet.training.config import TrainConfig
from srnet.training.data import training_patches
from tests.patch_options import patch_options


def test_patches_are_cut_by_the_settings_of_the_run(picture_root, tmp_path):
    settings = {"orientations": 8, "augment_scales": (1.0, 0.7), "degradation": "noise10", "seed": 5}
    config = TrainConfig(train_sets=("tiny",), scale=3, channels=3, patch=16, stride=8, **settings)
    store = training_patches(config, picture_root, tmp_path)
    expected = describe(
        find_images("tiny", picture_root), patch_options(scale=3, channels=3, patch=15, stride=6, **settings)
    )
    assert store.description == json.loads(json.dumps(expected))


def test_a_run_may_have_many_sets(picture_root, tmp_path):
    names = [f"a set of photographs {number}" for number in range(20)]
    for name in names:
        shutil.copytree(picture_root / "tiny", picture_root / name)
    config = TrainConfig(train_sets=tuple(names), scale=2, patch=32, stride=32)
    assert len(training_patches(config, picture_root, tmp_path).path.name) < 60
