"""`srnet.train` as a user runs it: help, usage, plugins."""

import json
import os
import subprocess
import sys

import pytest

from srnet.training.config import NETWORKS
from srnet.training.losses import LOSSES
from srnet.training.run_folder import Run, read_metrics
from tests import forked

PLUGIN = """
import keras

from srnet.data import degradation
from srnet.models import register
from srnet.training import losses


def build_nearest(options, scale, channels, dtype, name):
    lr = keras.Input((None, None, channels))
    x = keras.layers.UpSampling2D(scale, dtype=dtype)(lr)
    hr = keras.layers.Conv2D(channels, 3, padding="same", dtype="float32")(x)
    return keras.Model(lr, hr, name=name)


register("nearest", build_nearest)
losses.register("fourth", lambda hr, sr: (hr - sr) ** 4)
degradation.register("nearest", lambda hr, scale, random: hr[::scale, ::scale])
"""


def _run(*arguments, options=(), **environment):
    command = [sys.executable, *options, "-m", "srnet.train", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


KNOWN = "choose one of bicubic, noise, photo, photo_clean, photo_jpeg, or a chain such as blur0.8+noise5-25+jpeg40"


@pytest.fixture
def without_tensorflow(tmp_path):
    """A PYTHONPATH on which importing TensorFlow or Keras fails."""
    for name in ("tensorflow", "keras"):
        (tmp_path / "broken" / name).mkdir(parents=True)
        (tmp_path / "broken" / name / "__init__.py").write_text("raise RuntimeError('imported')")
    return str(tmp_path / "broken")


@pytest.mark.parametrize("options", [[], ["-OO"]])
def test_help_comes_from_the_fields_without_tensorflow(without_tensorflow, options):
    result = _run("--help", options=options, PYTHONPATH=without_tensorflow)
    assert result.returncode == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "--schedule: <staircase|cooldown|cosine>: Learning rate over the run: staircase (2.2.3);" in text
    assert "--orientations: <1|4|8>: " in text and "--precision: <float32|mixed_bfloat16|mixed_float16|auto>: " in text
    assert "--[no]jit_compile: " in text
    factor = "--decay_rate: Factor by which staircase multiplies the learning rate (2.2.3)."
    assert f"{factor} It must be above 0 and at most 1. Paper preset: 0.5." in text
    for name in (*NETWORKS, *LOSSES, "bicubic"):
        assert name in text


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--preset=large", "flag --preset=large: value should be one of <paper|cpu|quick|adversarial>"),
        ("--orientations=2", "flag --orientations=2: value should be one of <1|4|8>"),
        ("--initial_run=", "--initial_run is empty"),
        ("--epochs=0", "epochs 0 cannot be used: it must be at least 1"),
        ("--loss=l1", "loss 'l1' is unknown: choose one of mse, mae, euclidean, psnr"),
        ("--degradation=blur", "degradation 'blur' is unknown: " + KNOWN),
        ("--degradation=noise9-1", "9-1 is not a range: it must go from a smaller to a larger value"),
        ("--degradation=jpeg0", "jpeg0-0: the quality must be from 1 to 100"),
        ("--degradation=jpeg9+jpeg10", "degradation jpeg9+jpeg10: jpeg is given twice"),
        ("--augment_scales=1,half", "--augment_scales: expected numbers separated by commas, not 1,half"),
        ("--model_options=[1]", "--model_options: expected a JSON object, not [1]"),
    ],
)
def test_wrong_usage_is_one_line_without_tensorflow(without_tensorflow, flag, message):
    result = _run(flag, PYTHONPATH=without_tensorflow)
    assert (result.returncode, result.stderr) == (2, f"error: {message}\n")


def test_a_plugin_brings_a_network_a_loss_and_a_degradation(picture_root, tmp_path):
    (tmp_path / "my_plugin.py").write_text(PLUGIN)
    common = [f"--data_root={picture_root}", "--train_sets=tiny", "--validation_set=held_out", "--epochs=1"]
    common += ["--patch=16", "--stride=8", "--batch_size=4", "--steps_per_epoch=5", f"--cache_dir={tmp_path / 'cache'}"]
    mine = ["--plugin=my_plugin", "--variant=nearest", "--loss=fourth", "--degradation=nearest"]
    result = _run(*common, *mine, f"--run_dir={tmp_path / 'run'}", PYTHONPATH=str(tmp_path))
    assert result.returncode == 0, result.stderr
    run = Run(tmp_path / "run")
    assert read_metrics(run)[-1]["step"] == 5 and run.model.exists() and run.saved_model.is_dir()
    assert {"variant": "nearest", "loss": "fourth"}.items() <= json.loads(run.config.read_text()).items()
    assert "--plugin=my_plugin" in json.loads(run.origin.read_text())["command"]


def test_a_missing_plugin_is_named():
    result = forked.run("srnet.train", "--plugin=no_such_module")
    assert result.returncode == 2
    assert result.stderr.startswith("error: --plugin=no_such_module: ") and result.stderr.count("\n") == 1
