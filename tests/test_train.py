"""`srnet.train` as a user runs it: help, usage, plugins."""

import os
import subprocess
import sys

import pytest

from srnet.training.config import NETWORKS
from srnet.training.losses import LOSSES
from tests import forked


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
        ("--epochs=0", "epochs 0 cannot be used: it must be at least 1"),
        ("--degradation=blur", "degradation 'blur' is unknown: " + KNOWN),
    ],
)
def test_wrong_usage_is_one_line_without_tensorflow(without_tensorflow, flag, message):
    result = _run(flag, PYTHONPATH=without_tensorflow)
    assert (result.returncode, result.stderr) == (2, f"error: {message}\n")


def test_a_missing_plugin_is_named():
    result = forked.run("srnet.train", "--plugin=no_such_module")
    assert result.returncode == 2
    assert result.stderr.startswith("error: --plugin=no_such_module: ") and result.stderr.count("\n") == 1
