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

from experiments.steps.file import read_steps, write_steps
from srnet.json_files import write_json
from srnet.training.checkpoint_files import newest_checkpoint
from srnet.training.checkpoints import load_run
from srnet.training.config import TrainConfig
from srnet.training.loop import Interrupted
from srnet.training.recorder import Recorder
from srnet.training.run import run_training
from srnet.training.run_folder import Run, is_exported, read_metrics
from tests.tools.conftest import ROOT

FULL = TrainConfig(
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
    FULL, variant="vdsr", model_options={"filters": 4, "depth": 3}, optimizer="sgd", clip=1e-3, learning_rate=1e-2
)
ADAM = dataclasses.replace(VDSR, optimizer="adam", clip=0.0, learning_rate=1e-4)
EXPORT, TAKE, IMPORT = (f"{name}_steps.py" for name in ("export", "take", "import"))


@pytest.fixture
def begin(picture_root, tmp_path, monkeypatch, without_saved_models):
    """A callable (config, name) that trains a run and stops it after its first steps: the run folder."""

    def run(config, name="run", calls=1):
        stops = iter(range(calls - 1, -1, -1))

        def losses(self, values, step):
            if next(stops) == 0:
                os.kill(os.getpid(), signal.SIGINT)

        with monkeypatch.context() as patch:
            patch.setattr(Recorder, "add_losses", losses)
            with pytest.raises(Interrupted):
                run_training(config, tmp_path / name, picture_root, tmp_path / "cache")
        return tmp_path / name

    return run


@pytest.fixture
def call(call_tool, picture_root, tmp_path):
    """A callable (tool, *flags) that runs one of the three in its place: (exit status, output, error lines)."""
    images = f"--data_root={picture_root}"
    places = {
        EXPORT: [f"--run={tmp_path / 'run'}", f"--steps={tmp_path / 'steps' / 'run.npz'}"],
        TAKE: [f"--steps={tmp_path / 'steps' / 'run.npz'}", f"--output={tmp_path / 'taken'}", images],
        IMPORT: [f"--run={tmp_path / 'run'}", f"--taken={tmp_path / 'taken' / 'run.npz'}", images],
    }

    def run(tool, *given):
        cache = [f"--cache_dir={tmp_path / 'elsewhere'}"] if tool == TAKE else []
        status, output, errors = call_tool(tool, *places[tool], *cache, *given)
        return status, output, [line for line in errors.splitlines() if line.startswith("error: ")]

    return run


@pytest.fixture
def take_until(call, monkeypatch):
    """A callable that takes steps until a clock, which moves on by 1 with each look, is at a time."""

    def take(seconds):
        clock = iter(range(10**6))
        with monkeypatch.context() as patch:
            patch.setattr(time, "monotonic", lambda: next(clock))
            assert call(TAKE, f"--seconds={seconds}")[0] == 0

    return take


def _assert_equal_runs(run, whole, places):
    """Whether two runs are the same to rounding; the first has the lines of some epochs of the other."""
    lines, expected = read_metrics(run), read_metrics(whole)
    assert [line["step"] for line in lines] == [expected[place]["step"] for place in places]
    for line, place in zip(lines, places):
        for name in ("epoch", "learning_rate"):
            assert line[name] == expected[place][name]
        assert line["loss"] == pytest.approx(expected[place]["loss"], rel=1e-4)
        assert line["psnr"] == pytest.approx(expected[place]["psnr"], abs=1e-3)
    assert list(np.diff([line["seconds"] for line in lines]) > 0) == [True] * (len(lines) - 1)
    for which in ("last", "best"):
        ours, theirs = (load_run(each.folder, which)[0].get_weights() for each in (run, whole))
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-3 * max(np.abs(other).max(), 0.01))  # biases are small


@pytest.mark.parametrize(
    "config", [pytest.param(FULL, id="full", marks=pytest.mark.slow), pytest.param(VDSR, id="vdsr")]
)
def test_a_run_continued_elsewhere_ends_as_one_that_was_not(begin, call, picture_root, tmp_path, config):
    whole = run_training(config, tmp_path / "whole", picture_root, tmp_path / "cache")
    run = Run(begin(config))
    for tool in (EXPORT, TAKE):
        assert call(tool)[0] == 0
    status, output, _ = call(IMPORT)
    assert (status, output.splitlines()[-1].split(";")[0]) == (0, f"{run.folder}: at step 12 of 16")
    origin = json.loads(run.origin.read_text())
    assert [session["first_step"] for session in origin["sessions"]] == [0, 1]
    assert origin["sessions"][1]["hardware"] == {"gpus": []} and "JAX" in origin["sessions"][1]["taken_by"]
    assert call(IMPORT)[::2] == (1, [f"error: {run.folder} is at step 12, {tmp_path}/taken/run.npz begins at step 1"])
    assert json.loads(run.origin.read_text()) == origin
    assert is_exported(run_training(config, run.folder, picture_root, tmp_path / "cache"))
    _assert_equal_runs(run, whole, range(4))


@pytest.mark.slow
def test_a_run_may_go_there_twice(begin, call, take_until, picture_root, tmp_path):
    config = dataclasses.replace(ADAM, epochs=21, steps_per_epoch=2)  # the weights of each other epoch are kept
    whole = run_training(config, tmp_path / "whole", picture_root, tmp_path / "cache")
    run = Run(begin(config, calls=3))
    call(EXPORT)
    take_until(20)
    first = read_steps(tmp_path / "taken" / "run.npz", "losses")[1]
    assert call(IMPORT)[0] == 0
    reached = int(newest_checkpoint(run.last).name.split("-")[1])
    assert reached == 3 + len(first["losses"]) and 8 < reached < 30
    assert call(EXPORT)[0] == 0
    other = f"error: {tmp_path}/taken/run.npz holds other steps than {tmp_path}/steps/run.npz; choose another --output"
    assert call(TAKE)[::2] == (1, [other])
    assert call(TAKE, f"--output={tmp_path / 'second'}")[0] == 0
    assert call(IMPORT, f"--taken={tmp_path / 'second' / 'run.npz'}")[0] == 0
    run_training(config, run.folder, picture_root, tmp_path / "cache")
    kept = [line["epoch"] - 1 for line in read_metrics(run)]
    assert kept == [0, *range(1, 20, 2), 20]
    _assert_equal_runs(run, whole, kept)


def test_a_run_may_come_back_within_an_epoch(begin, call, take_until, picture_root, tmp_path):
    config = dataclasses.replace(VDSR, steps_per_epoch=130, epochs=2)
    whole = run_training(config, tmp_path / "whole", picture_root, tmp_path / "cache")
    run = Run(begin(config))
    call(EXPORT)
    take_until(5)
    assert call(IMPORT)[0] == 0
    assert newest_checkpoint(run.last).name == "step-101"
    run_training(config, run.folder, picture_root, tmp_path / "cache")
    _assert_equal_runs(run, whole, range(2))


def test_taking_is_resumed(begin, call, take_until, tmp_path):
    begin(ADAM)
    call(EXPORT)
    assert call(TAKE)[0] == 0
    once = read_steps((tmp_path / "taken" / "run.npz").rename(tmp_path / "once.npz"), "losses")[1]
    take_until(6)
    assert 0 < len(read_steps(tmp_path / "taken" / "run.npz", "losses")[1]["losses"]) < 11
    assert call(TAKE)[0] == 0
    twice = read_steps(tmp_path / "taken" / "run.npz", "losses")[1]
    assert once.keys() == twice.keys()
    for name in (name for name in once if "seconds" not in name):
        np.testing.assert_array_equal(once[name], twice[name])


@pytest.mark.slow
def test_an_import_that_was_killed_is_repeated(begin, call, picture_root, tmp_path, monkeypatch):
    whole = run_training(ADAM, tmp_path / "whole", picture_root, tmp_path / "cache")
    run = Run(begin(ADAM))
    call(EXPORT)
    call(TAKE)
    with monkeypatch.context() as patch:  # the last thing before the checkpoint
        patch.setattr("experiments.steps.importing.append_metrics", _append_then_fail(3))
        assert call(IMPORT)[::2] == (1, ["error: killed"])
    assert len(read_metrics(run)) == 3
    assert call(IMPORT)[0] == 0
    run_training(ADAM, run.folder, picture_root, tmp_path / "cache")
    _assert_equal_runs(run, whole, range(4))


def _append_then_fail(calls):
    from srnet.errors import DataError
    from srnet.training.run_folder import append_metrics

    left = iter(range(calls - 1, -1, -1))

    def append(run, line):
        append_metrics(run, line)
        if next(left) == 0:
            raise DataError("killed")

    return append


def test_it_needs_neither_tensorflow_nor_what_is_not_listed(begin, call, picture_root, tmp_path):
    begin(dataclasses.replace(ADAM, precision="mixed_bfloat16"))
    call(EXPORT)
    absent = "tensorflow keras tensorboard psutil pyvips matplotlib markdown distributed tf2onnx onnxruntime gradio"
    code = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys('{absent}'.split()));"
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    flags = [f"--steps={tmp_path / 'steps' / 'run.npz'}", f"--output={tmp_path}", f"--data_root={picture_root}"]
    tool = ROOT / "tools" / TAKE
    subprocess.run([sys.executable, "-c", code, tool, *flags, f"--cache_dir={tmp_path}"], check=True)
    about, arrays = read_steps(tmp_path / "run.npz", "losses")
    assert (about["platform"], len(arrays["losses"])) == ("cpu", 11)


def test_one_that_fails_does_not_stop_the_others(begin, call, tmp_path):
    begin(dataclasses.replace(ADAM, learning_rate=1e30))
    call(EXPORT)
    steps = tmp_path / "steps"
    about, arrays = read_steps(steps / "run.npz", "compiled")
    write_steps(steps / "other.npz", {**about, "patches": "x"}, arrays)
    (steps / "cut.npz").write_bytes((steps / "run.npz").read_bytes()[:-100])
    write_steps(steps / "damaged.npz", about, {**arrays, "compiled": arrays["compiled"][:100]})
    foreign = {**about["run"], "config": {**about["run"]["config"], "degradation": "mine"}}
    write_steps(steps / "foreign.npz", {**about, "run": foreign}, arrays)
    good = begin(ADAM, "good")
    assert call(EXPORT, f"--run={good}", f"--steps={steps / 'good.npz'}")[0] == 0
    names = ("run", "other", "cut", "damaged", "foreign", "good")
    status, _, errors = call(TAKE, f"--steps={','.join(str(steps / f'{name}.npz') for name in names)}")
    assert status == 1 and len(errors) == 5
    assert f"{steps}/run.npz: the loss is no longer finite at step " in errors[0]
    assert errors[1] == "error: tiny: these are not the training images of the run"
    assert f"{steps}/cut.npz: not a readable steps file" in errors[2]
    assert f"{steps}/damaged.npz: JAX" in errors[3]
    assert "'mine' is unknown" in errors[4]
    assert sorted(path.name for path in (tmp_path / "taken").iterdir()) == ["good.npz"]


def test_what_is_not_of_this_run(begin, call, picture_root, tmp_path):
    run = Run(begin(ADAM))
    call(EXPORT)
    assert call(TAKE, "--seconds=0")[0] == 0
    assert not (tmp_path / "taken").exists() and not (tmp_path / "elsewhere").exists()  # nothing was read
    assert call(TAKE)[0] == 0
    exported, taken = tmp_path / "steps" / "run.npz", tmp_path / "taken" / "run.npz"
    wrong = "the wrong kind of steps file (it has no"
    assert call(TAKE, f"--steps={taken}")[::2] == (1, [f"error: {taken}: {wrong} 'compiled')"])
    assert call(IMPORT, f"--taken={exported}")[::2] == (1, [f"error: {exported}: {wrong} 'losses')"])
    write_json(run.config, {**ADAM.to_json(), "epochs": 5, "strategy": "mirrored"})
    message = f"error: {taken}: its configuration differs from that of {run.folder} in epochs, strategy"
    assert call(IMPORT)[::2] == (1, [message])
    write_json(run.config, ADAM.to_json())
    write_json(run.origin, {**json.loads(run.origin.read_text()), "started": "before"})
    assert call(IMPORT)[::2] == (1, [f"error: {taken} holds the steps of another run than {run.folder}"])
    assert read_metrics(run) == []
    shutil.rmtree(picture_root)
    assert call(TAKE)[::2] == (0, [])  # all steps are taken


def test_two_files_of_one_name(call, tmp_path):
    twice = f"--steps=a/x.npz,{tmp_path}/x.npz"
    assert call(TAKE, twice)[::2] == (2, [f"error: {twice}: two files have one name"])


def test_runs_that_cannot_be_exported(begin, call, picture_root, tmp_path):
    def error(config, calls=1):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        begin(config, calls=calls)
        status, _, errors = call(EXPORT)
        assert (status, not (tmp_path / "steps").exists()) == (1, True)
        return errors[0].removeprefix(f"error: {tmp_path}/run: ")

    averaged = dataclasses.replace(ADAM, average_decay=0.9)
    assert error(averaged) == "it trains with average_decay 0.9, which cannot be exported"
    assert error(dataclasses.replace(ADAM, epochs=1)) == "only the last epoch is left; finish it with srnet.train"
    begin(ADAM, "other")
    shutil.rmtree(Run(tmp_path / "other").last)
    status, _, errors = call(EXPORT, f"--run={tmp_path / 'other'}")
    assert (status, "no steps yet" in errors[0]) == (1, True)


@pytest.mark.parametrize("tool", [EXPORT, TAKE])
def test_jax_is_asked_for(call, monkeypatch, tool):
    monkeypatch.setitem(sys.modules, "jax", None)
    status, _, errors = call(tool)
    assert (status, errors[0].startswith("error: this tool needs ")) == (2, True)
