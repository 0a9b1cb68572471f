"""What needs a GPU: `python -m pytest -m gpu` on a machine that has one."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from srnet.training.checkpoints import load_run
from srnet.training.run_folder import Run, read_metrics

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not list(pathlib.Path("/dev").glob("nvidia[0-9]*")), reason="needs an NVIDIA GPU"),
]


def _command(picture_root, tmp_path, name, *flags):
    command = [sys.executable, "-m", "srnet.train", f"--run_dir={tmp_path / name}", f"--cache_dir={tmp_path / 'cache'}"]
    command += [f"--data_root={picture_root}", "--train_sets=tiny", "--validation_set=held_out", "--patch=16"]
    return [*command, "--stride=8", "--batch_size=4", "--steps_per_epoch=50", "--epochs=2", *flags]


def _train(picture_root, tmp_path, name, *flags, **environment):
    command = _command(picture_root, tmp_path, name, *flags)
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})
    return Run(tmp_path / name)


@pytest.fixture
def on_cpu(picture_root, tmp_path):
    """The same run without a GPU."""
    return _train(picture_root, tmp_path, "on_cpu", CUDA_VISIBLE_DEVICES="-1")


@pytest.mark.parametrize(
    ("flags", "tolerance"),
    [
        ((), 0.02),
        (("--jit_compile",), 0.02),
        (("--strategy=mirrored",), 0.02),
        (("--precision=mixed_bfloat16",), 0.1),
        (("--precision=mixed_float16",), 0.05),
        (("--precision=auto",), 0.1),
    ],
)
def test_training_as_on_the_processor(picture_root, tmp_path, on_cpu, flags, tolerance):
    run = _train(picture_root, tmp_path, "run", *flags)
    expected = [line["loss"] for line in read_metrics(on_cpu)]
    assert [line["loss"] for line in read_metrics(run)] == pytest.approx(expected, rel=tolerance)
    assert all(np.isfinite(weights).all() for weights in load_run(run.folder)[0].get_weights())


@pytest.mark.parametrize("more", ["--jit_compile", "--precision=mixed_bfloat16", "--strategy=mirrored"])
def test_adversarial_training_as_on_the_processor(picture_root, tmp_path, more):
    flags = ("--adversarial=0.1", "--discriminator_filters=4", "--loss=mae", "--epochs=1", more)
    expected = read_metrics(_train(picture_root, tmp_path, "alone", *flags[:-1], CUDA_VISIBLE_DEVICES="-1"))
    found = read_metrics(_train(picture_root, tmp_path, "run", *flags))
    for name in ("loss", "adversarial_loss", "discriminator_loss"):
        assert found[0][name] == pytest.approx(expected[0][name], rel=0.2)


def test_two_runs_share_a_card(picture_root, tmp_path):
    commands = [_command(picture_root, tmp_path, name) for name in ("one", "two")]
    runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in commands]
    assert [run.wait() for run in runs] == [0, 0]
