"""The configuration: the paper's values, files, refusals."""

import dataclasses

import pytest

from srnet.errors import DataError, UsageError
from srnet.json_files import write_json
from srnet.models import names
from srnet.training.config import NETWORKS, TrainConfig, changeable_settings, check_registered, load_config
from srnet.training.presets import PRESETS, preset_settings
from srnet.training.schedule import learning_rates


def test_defaults_are_the_papers():
    config = TrainConfig()
    assert (config.train_sets, config.patch, config.stride, config.orientations) == (("T91", "BSD200"), 64, 16, 4)
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


@pytest.mark.parametrize(
    ("augment", "before", "orientations"), [(False, 4, 1), (False, 8, 1), (True, 4, 4), (True, 8, 8)]
)
def test_augment_of_older_versions_becomes_orientations(tmp_path, augment, before, orientations):
    values = {**TrainConfig().to_json(), "augment": augment, "orientations": before}
    write_json(tmp_path / "config.json", values)
    assert load_config(tmp_path / "config.json") == TrainConfig(orientations=orientations)


def test_plus_of_older_versions_keeps_its_shape(tmp_path):
    config = TrainConfig(variant="plus", model_options={"blocks": 3})
    write_json(tmp_path / "config.json", {**config.to_json(), "augment": True})
    options = load_config(tmp_path / "config.json").model_options
    assert options == {"filters": 48, "blocks": 3, "depth": 2, "dilation_rates": [1, 1, 2, 4]}
    write_json(tmp_path / "config.json", config.to_json())
    assert load_config(tmp_path / "config.json") == config


def test_every_field_says_what_it_is_and_whether_it_decides_the_result():
    for field in dataclasses.fields(TrainConfig):
        assert field.metadata["help"].endswith("."), field.name
    how = {"epochs", "precision", "jit_compile", "strategy", "worker_timeout"}
    how |= {"deterministic", "skip_damaged", "store_limit", "vgg19"}
    assert set(changeable_settings(TrainConfig())) == how
    assert set(NETWORKS) == set(names())


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
        ({"orientations": 2}, "orientations 2 is unknown: choose one of 1, 4, 8"),
        ({"decay_rate": 1.5}, "decay_rate 1.5"),
        ({"clip": -1.0}, "clip -1.0"),
        ({"output_rate": 0.1}, "output_rate 0.1 cannot be used with adam, only with sgd"),
        ({"train_sets": ()}, "train_sets is empty"),
        ({"loss_weight": 0.0}, "loss_weight 0.0 cannot be used without perceptual or adversarial"),
        ({"epochs": 10**17}, "epochs 1000.* cannot be used: the run would have 1000.* steps"),
        ({"augment_scales": (1.0, 1.2)}, r"augment_scales \(1.0, 1.2\) .*: each must be above 0 and at most 1"),
        ({"augment_scales": ["half"]}, "augment_scales .*: expected a list of numbers"),
        ({"train_sets": [1]}, r"train_sets \[1\] cannot be used: expected a list of strings"),
        ({"learning_rate": "0.001"}, "learning_rate '0.001' cannot be used: expected a number"),
        ({"learning_rate": 10**400}, "learning_rate 1000.* cannot be used: expected a finite number"),
        ({"learning_rate": True}, "learning_rate True cannot be used: expected a number"),
        ({"augment_scales": (1.0, 1.0)}, "augment_scales 1.0,1.0 cannot be used"),
        ({"augment_scales": ()}, "augment_scales none"),
        ({"perceptual": 1, "channels": 3, "scale": 3, "patch": 17}, "patch 17 cannot .* perceptual: .* at least 16"),
        ({"average_decay": 1.0}, "average_decay 1.0"),
        ({"model_options": {"scale": 3}}, "model_options cannot have 'scale'"),
        ({"decay_rate": 0.0}, "decay_rate 0.0 cannot be used: it must be above 0 and at most 1"),
        ({"train_sets": "T91"}, "train_sets 'T91' cannot be used: expected a list"),
        ({"epochs": 2.5}, "epochs 2.5 cannot be used: expected an integer"),
        ({"jit_compile": "no"}, "jit_compile 'no' cannot be used: expected true or false"),
        ({"learning_rate": float("nan")}, "learning_rate nan cannot be used: expected a finite number"),
        ({"store_limit": float("inf")}, "store_limit inf cannot be used: expected a finite number"),
        ({"seed": 2**32}, "seed 4294967296 cannot be used: it must be at least 0 and at most 4294967295"),
    ],
)
def test_bad_values(changes, message):
    with pytest.raises(UsageError, match=message):
        TrainConfig(**changes)


def test_learning_rates():
    staircase = learning_rates(TrainConfig())
    rates = [float(staircase(step)) for step in (0, 19999, 20000, 40000, 99999)]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 2.5e-4, 1e-3 / 16])
    cooldown = learning_rates(dataclasses.replace(TrainConfig(), schedule="cooldown"))
    rates = [float(cooldown(step)) for step in (0, 75000, 87500, 100000)]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 0], abs=1e-9)
    cosine = learning_rates(dataclasses.replace(TrainConfig(), schedule="cosine"))
    rates = [float(cosine(step)) for step in (0, 25000, 50000, 100000)]
    assert rates == pytest.approx([1e-3, 5e-4 * (1 + 0.5**0.5), 5e-4, 0], abs=1e-9)


def test_each_network_has_its_papers_settings_at_the_papers_budget():
    assert preset_settings("paper", "full") == {}
    vdsr = TrainConfig(variant="vdsr", **preset_settings("paper", "vdsr"))
    assert (vdsr.optimizer, vdsr.learning_rate, vdsr.beta_1, vdsr.weight_decay) == ("sgd", 0.1, 0.9, 1e-4)
    assert (vdsr.decay_every, vdsr.decay_rate, vdsr.batch_size) == (20, 0.1, 64)
    srcnn = TrainConfig(variant="srcnn", **preset_settings("paper", "srcnn"))
    assert (srcnn.learning_rate, srcnn.learning_rate * srcnn.output_rate) == (1e-4, 1e-5)
    assert TrainConfig(variant="rednet", **preset_settings("paper", "rednet")).learning_rate == 1e-4
    idn = TrainConfig(variant="idn", **preset_settings("paper", "idn"))
    assert (idn.learning_rate, idn.batch_size, idn.patch // 2, idn.loss) == (1e-4, 64, 29, "mae")
    assert idn.weight_decay == pytest.approx(7.85e-6, rel=1e-2)
    rcan = TrainConfig(variant="rcan", **preset_settings("paper", "rcan"))
    assert (rcan.learning_rate, rcan.batch_size, rcan.patch // 2, rcan.loss) == (1e-4, 16, 48, "mae")
    assert rcan.decay_every * rcan.steps_per_epoch == 200_000


def test_short_presets_train_alike_but_for_networks_that_start_as_the_bicubic_enlargement():
    assert preset_settings("cpu", "full") == preset_settings("cpu", "vdsr") == PRESETS["cpu"]
    for network in ("srcnn", "rednet"):
        config = TrainConfig(variant=network, **preset_settings("quick", network))
        assert (config.initializer, config.learning_rate, config.optimizer) == ("identity", 5e-4, "adam")
        assert config.batch_size == PRESETS["quick"]["batch_size"]


def test_losses_and_degradations_are_checked_when_a_run_is_trained():
    check_registered(TrainConfig())
    for changes, message in (
        ({"loss": "l1"}, "loss 'l1' is unknown: choose one of mse, mae, euclidean"),
        ({"degradation": "fog"}, "degradation 'fog' is unknown: choose one of bicubic"),
    ):
        with pytest.raises(UsageError, match=message):
            check_registered(TrainConfig(**changes))  # which itself loads: a run may outlive its plugin


def test_options_of_an_older_plus_may_be_wrong(tmp_path):
    for wrong in ({"model_options": None}, {"model_options": "deep"}, {"learning_rate": 10**400}):
        write_json(tmp_path / "config.json", {**TrainConfig(variant="plus").to_json(), "augment": True, **wrong})
        with pytest.raises(DataError, match=r"config\.json: (model_options|learning_rate) .* cannot be used"):
            load_config(tmp_path / "config.json")
