"""Runs that are stopped, killed, resumed and extended."""

import dataclasses
import random
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from srnet.json_files import read_json
from srnet.training import loop, validation
from srnet.training import run as run_module
from srnet.training.checkpoints import load_run
from srnet.training.config import changeable_settings, load_config
from srnet.training.run_folder import Run, read_metrics
from srnet.training.schedule import learning_rates


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"average_decay": 0.8}, marks=pytest.mark.slow),
        {"variant": "drcn", "model_options": {"filters": 3, "recursions": 2}, "supervision": 1.0},
        pytest.param({"adversarial": 1.0, "discriminator_filters": 2, "average_decay": 0.8}, marks=pytest.mark.slow),
        pytest.param({"precision": "mixed_float16"}, marks=pytest.mark.slow),
    ],
)
def test_interrupted_run_resumes_to_the_same_weights(train, monkeypatch, changes):
    whole = train("whole", **changes)
    validate = validation.validate

    def stop_then_validate(*arguments):
        signal.raise_signal(signal.SIGHUP)
        return validate(*arguments)

    monkeypatch.setattr(validation, "validate", stop_then_validate)
    with pytest.raises(loop.Interrupted, match="step 5") as stop:
        train("stopped", **changes)
    assert stop.value.signal == signal.SIGHUP
    monkeypatch.setattr(validation, "validate", validate)
    stopped = train("stopped", **changes)
    for one, other in zip(load_run(whole.folder)[0].get_weights(), load_run(stopped.folder)[0].get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert [line["step"] for line in read_metrics(stopped)] == [5, 10]


def test_signal_within_an_epoch_saves_that_step(train, monkeypatch):
    make = loop.make_run_steps

    def make_stopping(*arguments):
        run_steps = make(*arguments)

        def stop_after_first_call(iterator, count):
            signal.raise_signal(signal.SIGINT)
            return run_steps(iterator, tf.constant(2))

        return stop_after_first_call

    monkeypatch.setattr(loop, "make_run_steps", make_stopping)
    with pytest.raises(loop.Interrupted, match="stopped at step 2"):
        train()
    monkeypatch.setattr(loop, "make_run_steps", make)
    lines, whole = read_metrics(train()), read_metrics(train("whole"))
    assert [line["step"] for line in lines] == [5, 10]
    assert [line["loss"] for line in lines] == pytest.approx([line["loss"] for line in whole], rel=1e-3)


def test_signal_before_the_first_step_stops_too(train, monkeypatch):
    train_epoch = loop.train_epoch

    def signal_and_train(*arguments):
        signal.raise_signal(signal.SIGTERM)
        return train_epoch(*arguments)

    monkeypatch.setattr(loop, "train_epoch", signal_and_train)
    with pytest.raises(loop.Interrupted, match="stopped before the first step"):
        train()
    monkeypatch.setattr(loop, "train_epoch", train_epoch)
    assert [line["step"] for line in read_metrics(train())] == [5, 10]


def test_finished_run_is_not_trained_again(train):
    run = train()
    stamp = run.metrics.read_text()
    assert read_metrics(train()) and run.metrics.read_text() == stamp


def test_best_score_survives_a_resume(train, monkeypatch):
    scores = iter([30.0, 20.0, 25.0])
    monkeypatch.setattr(validation, "validate", lambda *a: {"psnr": next(scores), "ssim": 0.5})
    first = train(epochs=3)
    assert [path.name for path in first.best.glob("*.index")] == ["step-5.index"]
    best, last = (load_run(first.folder, which)[0].get_weights() for which in ("best", "last"))
    assert not np.array_equal(best[0], last[0])
    # Forget the last epoch: the resumed run must still know that 30 was reached.
    for file in first.last.glob("step-15*"):
        file.unlink()
    state = first.last / "checkpoint"
    state.write_text('model_checkpoint_path: "step-10"\nall_model_checkpoint_paths: "step-10"\n')
    scores = iter([25.0])
    train(epochs=3)
    assert [path.name for path in first.best.glob("*.index")] == ["step-5.index"]
    assert [line["psnr"] for line in read_metrics(first)] == [30.0, 20.0, 25.0]


def _command(picture_root, tmp_path, run_dir, *more):
    command = [sys.executable, "-m", "srnet.train", f"--run_dir={run_dir}", f"--cache_dir={tmp_path / 'cache'}"]
    command += [f"--data_root={picture_root}", "--train_sets=tiny", "--validation_set=held_out", "--deterministic"]
    return [*command, '--model_options={"filters": 4}', "--patch=16", "--stride=8", "--batch_size=4", *more]


def _weights(run_dir):
    return load_run(run_dir)[0].get_weights()


def _kill_and_resume(command, run_dir, delays):
    kills = 0
    for delay in delays:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seen = len(read_metrics(Run(run_dir)))
        while process.poll() is None and len(read_metrics(Run(run_dir))) <= seen:
            time.sleep(0.01)
        time.sleep(delay)
        kills += process.poll() is None
        process.kill()
        process.wait()
    subprocess.run(command, check=True, capture_output=True)
    return kills


@pytest.mark.slow
def test_killed_run_of_degraded_patches_ends_with_the_same_bits(picture_root, tmp_path):
    more = ("--steps_per_epoch=40", "--epochs=6", "--degradation=photo", "--channels=3", "--loss=psnr")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(_command(picture_root, tmp_path, whole, *more), check=True, capture_output=True)
    assert _kill_and_resume(_command(picture_root, tmp_path / "own", killed, *more), killed, [0.05]) == 1
    for one, other in zip(_weights(whole), _weights(killed)):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_run_killed_five_times_ends_with_the_same_bits(picture_root, tmp_path, precision):
    more = ("--steps_per_epoch=100", "--epochs=30", f"--precision={precision}")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(_command(picture_root, tmp_path, whole, *more), check=True, capture_output=True)
    delays = [random.uniform(0, 1) for _ in range(5)]
    print("killed after", delays)
    assert _kill_and_resume(_command(picture_root, tmp_path, killed, *more), killed, delays) == 5
    for one, other in zip(_weights(whole), _weights(killed)):
        np.testing.assert_array_equal(one, other)
    steps = [line["step"] for line in read_metrics(Run(killed))]
    assert steps == list(range(100, 3001, 100))


@pytest.mark.slow
def test_killed_run_with_a_discriminator_ends_with_the_same_bits(picture_root, tmp_path):
    network = ("--variant=esrgan_small", "--channels=3", '--model_options={"blocks": 1, "filters": 4, "growth": 2}')
    losses = ("--adversarial=5e-3", "--perceptual=1", "--vgg19=random", "--discriminator_filters=2", "--patch=32")
    more = (*network, *losses, "--steps_per_epoch=3", "--epochs=5")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(_command(picture_root, tmp_path, whole, *more), check=True, capture_output=True)
    assert _kill_and_resume(_command(picture_root, tmp_path, killed, *more), killed, [0.05]) == 1
    ends = [tf.train.load_checkpoint(str(Run(folder).last)) for folder in (whole, killed)]
    timed = ("seconds", "_CHECKPOINTABLE", "save_counter")
    names = {name for name in ends[0].get_variable_to_shape_map() if not name.startswith(timed)}
    assert sum("discriminator" in name for name in names) > 40
    for name in names:
        np.testing.assert_array_equal(*(end.get_tensor(name) for end in ends), err_msg=name)


def _same_weights(one, other):
    for weights, others in zip(_weights(one.folder), _weights(other.folder), strict=True):
        np.testing.assert_allclose(weights, others, rtol=1e-3, atol=1e-5)


def test_an_extended_run_is_the_longer_run(train):
    whole = train("whole", epochs=4, decay_every=1)
    extended = train("extended", epochs=2, decay_every=1)
    stamp = extended.model.stat().st_mtime_ns
    assert train("extended", epochs=4, decay_every=1) == extended
    _same_weights(whole, extended)
    assert extended.model.stat().st_mtime_ns > stamp
    lines, expected = read_metrics(extended), read_metrics(whole)
    for name in ("epoch", "step", "learning_rate"):
        assert [line[name] for line in lines] == [line[name] for line in expected]
    assert [line["loss"] for line in lines] == pytest.approx([line["loss"] for line in expected], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["cooldown", pytest.param("cosine", marks=pytest.mark.slow)])
def test_extension_says_what_becomes_of_a_schedule_that_depends_on_the_length(train, capfd, schedule):
    train(schedule=schedule)
    run = train(schedule=schedule, epochs=4)
    printed = capfd.readouterr().out
    assert f"{schedule} depends on the length of the run: from here on, the learning rate follows a run of 4" in printed
    assert "resuming from step 10" in printed
    schedule_of_four = learning_rates(dataclasses.replace(load_config(run.config), epochs=4))
    rates = [line["learning_rate"] for line in read_metrics(run)]
    assert rates[2:] == pytest.approx([float(schedule_of_four(step)) for step in (14, 19)])
    train("staircase")
    capfd.readouterr()
    train("staircase", epochs=3)
    assert "depends on the length" not in capfd.readouterr().out


def test_fewer_epochs_than_are_done_change_nothing(train, capfd):
    run = train(epochs=3)
    files = [path for path in run.folder.rglob("*") if path.is_file() and path.name != ".lock"]
    stamps = {path: path.stat().st_mtime_ns for path in files}
    train(epochs=1, precision="mixed_bfloat16")
    assert f"{run.folder} is complete already" in capfd.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*") if path in stamps} == stamps
    assert load_config(run.config).epochs == 3


def test_a_complete_run_without_its_export_is_exported(train):
    run = train()
    run.model.unlink()
    train()
    assert run.model.exists()


def test_an_earlier_export_is_replaced_after_a_copy(train, tmp_path, monkeypatch):
    earlier = train(epochs=1).model.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "export", lambda run: None)  # as if killed before it
        stopped = train(epochs=2)
    assert stopped.model.read_bytes() == earlier
    shutil.copytree(stopped.folder, tmp_path / "copied", copy_function=shutil.copyfile)  # every file is new
    copied = train("copied", epochs=2)
    assert keras.models.load_model(copied.model).get_weights()[0] == pytest.approx(_weights(copied.folder)[0])


@pytest.mark.slow
def test_resuming_with_another_way_to_compute_is_recorded(train):
    run = train(epochs=1)
    first = read_json(run.origin)
    changes = {"precision": "mixed_bfloat16", "jit_compile": True, "strategy": "mirrored"}
    train(epochs=2, **changes)
    there = read_json(run.origin)
    sessions = there.pop("sessions")
    assert there == {**{name: value for name, value in first.items() if name != "sessions"}, "exported": 10}
    assert sessions[0] == first["sessions"][0] and len(sessions) == 2
    origin = {"started", "command", "commit", "versions", "hardware"}
    more = {"first_step", "workers", *changeable_settings(load_config(run.config))}
    assert set(sessions[0]) == set(sessions[1]) == origin | more
    assert all(sessions[0][name] == there[name] for name in origin)
    assert [(each["first_step"], each["epochs"]) for each in sessions] == [(0, 1), (5, 2)]
    assert {name: sessions[1][name] for name in changes} == changes
    config = load_config(run.config)
    assert {name: getattr(config, name) for name in changes} == changes and config.epochs == 2
    train(epochs=3)
    assert [each["precision"] for each in read_json(run.origin)["sessions"]][2:] == ["float32"]
    assert len(read_metrics(run)) == 3
    # One precision and one after the other come to about the same.
    assert read_metrics(run)[-1]["loss"] == pytest.approx(read_metrics(train("plain", epochs=3))[-1]["loss"], rel=0.1)


@pytest.mark.slow
def test_resuming_with_and_without_a_loss_scale(train):
    first = train(epochs=1)
    for epochs, precision in ((6, "mixed_float16"), (7, "float32"), (8, "mixed_float16")):
        train(epochs=epochs, precision=precision)
    lines = read_metrics(first)
    assert [line["step"] for line in lines] == list(range(5, 45, 5))
    assert lines[-1]["loss"] < lines[0]["loss"]
