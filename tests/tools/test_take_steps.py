"""Steps taken by JAX, put into their run, and finished by training, against a run of training alone."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from srnet.training.checkpoints import load_run
from srnet.training.config import TrainConfig
from srnet.training.loop import Interrupted
from srnet.training.recorder import Recorder
from srnet.training.run import run_training
from srnet.training.run_folder import Run, is_exported, read_metrics
from tests.tools.conftest import ROOT

SMALL = TrainConfig(
    train_sets=("tiny",),
    validation_set="held_out",
    model_options={"filters": 4},
    patch=16,
    batch_size=2,
    steps_per_epoch=4,
    epochs=4,
    decay_every=1,
    learning_rate=1e-4,
)
VDSR = dataclasses.replace(
    SMALL, variant="vdsr", model_options={"filters": 4, "depth": 3}, optimizer="sgd", clip=1e-3, learning_rate=1e-2
)
EXPORT, TAKE, IMPORT = (f"{name}_steps.py" for name in ("export", "take", "import"))


@pytest.fixture
def begin(picture_root, tmp_path, monkeypatch):
    """A callable (config, name) that begins a run and stops it after its first step: the run folder."""

    def run(config, name):
        with monkeypatch.context() as patch:
            patch.setattr(Recorder, "losses", lambda self, values, step: os.kill(os.getpid(), signal.SIGINT))
            with pytest.raises(Interrupted):
                run_training(config, tmp_path / name, picture_root, tmp_path / "cache")
        return tmp_path / name

    return run


@pytest.fixture
def take(call_tool, picture_root, tmp_path):
    """A callable that runs tools/take_steps.py with further flags."""
    places = (f"--output={tmp_path / 'taken'}", f"--data_root={picture_root}", f"--cache_dir={tmp_path / 'elsewhere'}")
    return lambda *names: call_tool(TAKE, *places, *names)


@pytest.mark.parametrize("config", [SMALL, VDSR], ids=["full", "vdsr"])
def test_a_run_continued_elsewhere_ends_as_one_that_was_not(begin, take, call_tool, picture_root, tmp_path, config):
    whole = run_training(config, tmp_path / "whole", picture_root, tmp_path / "cache")
    folder = begin(config, "run")
    steps, taken = tmp_path / "steps" / "run", tmp_path / "taken" / "run"
    assert call_tool(EXPORT, f"--run={folder}", f"--steps={steps}", "--steps_per_call=3")[0] == 0
    assert take(f"--steps={steps}")[0] == 0
    arguments = [f"--run={folder}", f"--taken={taken}", f"--data_root={picture_root}"]
    status, output, _ = call_tool(IMPORT, *arguments)
    assert (status, output.splitlines()[-1].split(";")[0]) == (0, f"{folder}: at step 12 of 16")
    known = json.loads(Run(folder).origin.read_text())
    for place in (known, known["sessions"][-1]):
        assert place["hardware"]["gpus"] == ["cpu"]
        assert place["hardware"]["steps_by"].startswith("JAX ")
    run = run_training(config, folder, picture_root, tmp_path / "cache")
    assert is_exported(run)
    for line, expected in zip(read_metrics(run), read_metrics(whole), strict=True):
        for name in ("epoch", "step", "learning_rate"):
            assert line[name] == expected[name]
        assert line["loss"] == pytest.approx(expected["loss"], rel=1e-4)
        assert line["psnr"] == pytest.approx(expected["psnr"], abs=1e-3)
    for ours, theirs in zip(load_run(folder)[0].get_weights(), load_run(whole.folder)[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3 * np.abs(theirs).max())
    status, _, errors = call_tool(IMPORT, *arguments)
    assert (status, errors) == (1, f"error: {folder} is at step 16, {taken} begins at step 1\n")


def test_taking_is_resumed(begin, take, call_tool, tmp_path, monkeypatch):
    folder = begin(SMALL, "run")
    for name in ("once", "twice"):
        call_tool(EXPORT, f"--run={folder}", f"--steps={tmp_path / name}", "--steps_per_call=2")
    assert take(f"--steps={tmp_path / 'once'}")[0] == 0
    clock = iter(range(10**6))
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: next(clock))
        assert take(f"--steps={tmp_path / 'twice'}", "--seconds=12")[0] == 0
    halfway = json.loads((tmp_path / "taken" / "twice" / "taken.json").read_text())["step"]
    assert 1 < halfway < 12
    assert take(f"--steps={tmp_path / 'twice'}")[0] == 0
    once, twice = (np.load(tmp_path / "taken" / name / "state.npz") for name in ("once", "twice"))
    for name in set(once.files) - {"seconds"}:
        np.testing.assert_array_equal(once[name], twice[name])


def test_it_needs_no_tensorflow(begin, call_tool, picture_root, tmp_path):
    call_tool(EXPORT, f"--run={begin(SMALL, 'run')}", f"--steps={tmp_path / 'steps'}")
    tool, output = ROOT / "tools" / TAKE, tmp_path / "taken"
    flags = [f"--steps={tmp_path / 'steps'}", f"--output={output}", f"--data_root={picture_root}"]
    code = (
        "import runpy, sys; sys.modules.update(dict.fromkeys(['tensorflow', 'keras']));"
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    subprocess.run([sys.executable, "-c", code, tool, *flags, f"--cache_dir={tmp_path}"], check=True)
    assert (output / "steps" / "weights_12.npz").exists()


def test_other_images_are_refused(begin, take, call_tool, picture_root, tmp_path):
    call_tool(EXPORT, f"--run={begin(SMALL, 'run')}", f"--steps={tmp_path / 'steps'}")
    (picture_root / "tiny" / "grey.png").unlink()
    message = f"error: {picture_root}: these training images are not those of the run\n"
    status, _, errors = take(f"--steps={tmp_path / 'steps'}")
    assert (status, errors.splitlines(keepends=True)[-1]) == (1, message)


def test_a_run_that_has_not_begun(begin, call_tool, tmp_path):
    folder = begin(SMALL, "run")
    shutil.rmtree(Run(folder).last)
    status, _, errors = call_tool(EXPORT, f"--run={folder}", f"--steps={tmp_path / 'steps'}")
    assert (status, not (tmp_path / "steps").exists()) == (1, True)
    assert errors == f"error: {folder}: no step is done yet; begin the run by srnet.train, and stop it by Ctrl-C\n"


def test_steps_of_another_run(begin, take, call_tool, tmp_path):
    call_tool(EXPORT, f"--run={begin(SMALL, 'run')}", f"--steps={tmp_path / 'steps' / 'run'}")
    take(f"--steps={tmp_path / 'steps' / 'run'}")
    other = begin(dataclasses.replace(SMALL, seed=1), "other")
    taken = tmp_path / "taken" / "run"
    status, _, errors = call_tool(IMPORT, f"--run={other}", f"--taken={taken}")
    assert (status, errors) == (1, f"error: {taken} holds the steps of another run than {other}\n")


@pytest.mark.parametrize("tool", [EXPORT, TAKE])
def test_jax_is_asked_for(call_tool, monkeypatch, tmp_path, tool):
    monkeypatch.setitem(sys.modules, "jax", None)
    flags = {EXPORT: ["--run=x", "--steps=y"], TAKE: ["--steps=x", "--output=y"]}[tool]
    status, _, errors = call_tool(tool, *flags)
    assert (status, errors.startswith("error: this tool needs JAX: pip install")) == (2, True)
