"""The configuration: the paper's values, files, refusals."""

import dataclasses

import pytest

from srnet.errors import DataError, UsageError
from srnet.files import write_json
from srnet.training.config import PRESETS, TrainConfig, load_config
from srnet.training.schedule import learning_rates


def test_defaults_are_the_papers():
    config = TrainConfig()
    assert (config.train_sets, config.patch, config.stride, config.augment) == (("T91", "BSD200"), 64, 16, True)
    assert (config.batch_size, config.steps_per_epoch, config.epochs) == (32, 1000, 100)
    assert (config.learning_rate, config.schedule, config.decay_every) == (1e-3, "staircase", 20)
    assert (config.beta_1, config.beta_2, config.epsilon, config.weight_decay) == (0.9, 0.9999, 1e-8, 1e-3)
    assert PRESETS["paper"] == {}


@pytest.mark.parametrize("preset", PRESETS)
def test_file_loads_back(tmp_path, preset):
    config = TrainConfig(**PRESETS[preset], model_options={"dilation_rates": [1, 2]}, augment_scales=(1.0, 0.8))
    write_json(tmp_path / "config.json", config.to_json())
    assert load_config(tmp_path / "config.json") == config


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "config.json"
    write_json(path, {**TrainConfig().to_json(), "momentum": 0.9})
    with pytest.raises(DataError, match=r"config\.json: .*momentum"):
        load_config(path)
    for wrong in ({"scale": "two"}, {"augment_scales": ["half"]}):
        write_json(path, {**TrainConfig().to_json(), **wrong})
        with pytest.raises(DataError, match=r"config\.json"):
            load_config(path)


def test_fields_that_an_older_version_did_not_have_take_their_defaults(tmp_path):
    values = TrainConfig(scale=3, variant="vdsr").to_json()
    del values["initial_run"]
    write_json(tmp_path / "config.json", values)
    assert load_config(tmp_path / "config.json") == TrainConfig(scale=3, variant="vdsr")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs 0"),
        ({"learning_rate": -1.0}, "learning_rate -1.0"),
        ({"beta_2": 1.0}, "beta_2 1.0"),
        ({"precision": "float16"}, "choose one of float32, mixed_bfloat16"),
        ({"patch": 1}, "patch 1"),
        ({"seed": -1}, "seed -1"),
        ({"validation_images": -1}, "validation_images -1"),
        ({"optimizer": "adamw"}, "choose one of adam, sgd"),
        ({"orientations": 2}, "orientations 2 is unknown: choose one of 4, 8"),
        ({"loss": "l1"}, "choose one of mse, mae, euclidean"),
        ({"decay_rate": 1.5}, "decay_rate 1.5"),
        ({"clip": -1.0}, "clip -1.0"),
        ({"output_rate": 0.1}, "output_rate 0.1 cannot be used with adam, only with sgd"),
        ({"train_sets": ()}, "train_sets is empty"),
        ({"augment_scales": (1.0, 1.2)}, "augment_scales 1.0,1.2 cannot be used"),
        ({"augment_scales": (1.0, 1.0)}, "augment_scales 1.0,1.0 cannot be used"),
        ({"augment_scales": ()}, "augment_scales none"),
        ({"average_decay": 1.0}, "average_decay 1.0"),
        ({"model_options": {"scale": 3}}, "model_options cannot have 'scale'"),
    ],
)
def test_bad_values(changes, message):
    with pytest.raises(UsageError, match=message):
        TrainConfig(**changes)


def test_rates():
    staircase = learning_rates(TrainConfig())
    rates = [float(staircase(step)) for step in (0, 19999, 20000, 40000, 99999)]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 2.5e-4, 1e-3 / 16])
    cooldown = learning_rates(dataclasses.replace(TrainConfig(), schedule="cooldown"))
    rates = [float(cooldown(step)) for step in (0, 75000, 87500, 100000)]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 0], abs=1e-9)
    cosine = learning_rates(dataclasses.replace(TrainConfig(), schedule="cosine"))
    rates = [float(cosine(step)) for step in (0, 25000, 50000, 100000)]
    assert rates == pytest.approx([1e-3, 5e-4 * (1 + 0.5**0.5), 5e-4, 0], abs=1e-9)
