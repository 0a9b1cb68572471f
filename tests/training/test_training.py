"""Whole runs, small: they learn, stop, go on exactly, and refuse what is not theirs."""

import dataclasses
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from srnet import pretrained
from srnet.data.patches import open_store
from srnet.data.pipeline import training_batches
from srnet.errors import DataError, UsageError
from srnet.training import runs, trainer, validation
from srnet.training.config import TrainConfig, load_config
from srnet.training.runs import Run, load_run, read_metrics
from srnet.training.session import resolve, run_training

SMALL = TrainConfig(
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
def train(picture_root, tmp_path):
    def run(folder="run", **changes):
        config = dataclasses.replace(SMALL, **changes)
        return run_training(config, tmp_path / folder, picture_root, tmp_path / "cache")

    return run


def test_a_run_learns_and_leaves_its_folder(train):
    run = train(epochs=6, steps_per_epoch=20)
    lines = read_metrics(run)
    assert [(line["epoch"], line["step"]) for line in lines] == [(n, 20 * n) for n in range(1, 7)]
    assert lines[-1]["loss"] < lines[0]["loss"] and lines[-1]["psnr"] > lines[0]["psnr"] + 1
    assert set(lines[0]) == {"epoch", "step", "loss", "psnr", "ssim", "learning_rate", "images_per_second", "seconds"}
    assert json.loads(run.config.read_text())["batch_size"] == 4
    assert {"command", "commit", "versions", "hardware", "patches"} <= set(json.loads(run.origin.read_text()))
    assert sorted(path.name for path in run.last.glob("step-*.index")) == ["step-100.index", "step-120.index"]
    assert len(list(run.best.glob("step-*.index"))) == 1
    assert list(run.tensorboard.iterdir()) and run.preview.exists() and run.model.exists()
    assert (run.saved_model / "saved_model.pb").exists()


def test_lines_give_the_epochs_mean_loss_and_its_rate(train, tmp_path):
    # With a vanishing rate the weights stand still, so the saved ones are those of every step.
    run = train(decay_every=1, learning_rate=1e-20, weight_decay=0.5)
    lines = read_metrics(run)
    assert [line["learning_rate"] for line in lines] == pytest.approx([1e-20, 5e-21], rel=1e-3)
    model, config = load_run(run.folder)
    (store,) = (tmp_path / "cache").glob("*.h5")
    batches = list(training_batches(open_store(store), config.batch_size, config.seed, 0, 10))
    errors = [np.mean((model(lr).numpy().astype(np.float64) - hr.numpy()) ** 2) for lr, hr in batches]
    kernels = [variable.numpy() for variable in model.weights if variable.name == "kernel"]
    penalty = 0.25 * sum((kernel.astype(np.float64) ** 2).sum() for kernel in kernels)
    expected = [np.mean(errors[:5]) + penalty, np.mean(errors[5:]) + penalty]
    assert [line["loss"] for line in lines] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("changes", [{}, {"average_decay": 0.8}])
def test_interrupted_run_goes_on_to_the_same_weights(train, monkeypatch, changes):
    whole = train("whole", **changes)
    validate = validation.validate

    def stop_then_validate(*arguments):
        signal.raise_signal(signal.SIGTERM)
        return validate(*arguments)

    monkeypatch.setattr(validation, "validate", stop_then_validate)
    with pytest.raises(trainer.Interrupted, match="step 5") as stop:
        train("stopped", **changes)
    assert stop.value.signal == signal.SIGTERM
    monkeypatch.setattr(validation, "validate", validate)
    stopped = train("stopped", **changes)
    for one, other in zip(load_run(whole.folder)[0].get_weights(), load_run(stopped.folder)[0].get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert [line["step"] for line in read_metrics(stopped)] == [5, 10]


def test_a_run_begins_with_the_weights_of_another(train):
    options = {"variant": "plus", "model_options": {"filters": 4, "blocks": 1}, "learning_rate": 1e-20}
    first = train("first", **{**options, "learning_rate": 1e-3})
    begun = train("begun", scale=4, initial_run=str(first.folder), **options)
    initial = json.loads(begun.origin.read_text())["initial"]
    origin = json.loads(first.origin.read_text())
    assert (initial["steps"], initial["started"]) == (read_metrics(first)[-1]["step"], origin["started"])
    averaged = train("averaged", scale=4, initial_run=str(first.folder), average_decay=0.5, **options)
    for model in (load_run(begun.folder)[0], load_run(averaged.folder)[0]):
        for weight, trained in zip(model.weights, load_run(first.folder)[0].weights, strict=True):
            if weight.path.startswith("output/"):
                assert np.abs(weight).max() < 1e-15
            else:
                np.testing.assert_allclose(weight, trained, rtol=1e-6, atol=1e-15)
    shutil.rmtree(first.folder)  # a run that has begun needs it no more
    train("begun", scale=4, initial_run=str(first.folder), **options)


def test_a_run_begins_with_a_file_or_with_weights_that_come_with_srnet(train):
    one_step = {"steps_per_epoch": 1, "epochs": 1, "batch_size": 1, "learning_rate": 1e-20}
    options = {"variant": "plus", "scale": 4, "model_options": {}, **one_step}
    first = train("first", initial_run="plus_x2", **options)
    assert json.loads(first.origin.read_text())["initial"]["commit"] == pretrained.card(2)["run"]["commit"]
    second = train("second", initial_run=str(first.model), **options)
    shipped = {weight.path: weight.numpy() for weight in pretrained.load(2).weights}
    for run in (first, second):
        for weight in load_run(run.folder)[0].weights:
            if not weight.path.startswith("output/"):
                np.testing.assert_allclose(weight, shipped[weight.path], atol=1e-15)


def test_a_run_that_has_no_checkpoint_yet_goes_on_with_the_same_first_weights(train):
    options = {"variant": "plus", "model_options": {"filters": 4, "blocks": 1}}
    first = train("first", **options)
    begun = train("begun", initial_run=str(first.model), **options)
    shutil.rmtree(begun.last)
    train("begun", initial_run=str(first.model), **options)
    shutil.rmtree(begun.last)
    first.model.write_bytes(train("other", seed=1, **options).model.read_bytes())
    with pytest.raises(UsageError, match="begun holds a run that began with other weights"):
        train("begun", initial_run=str(first.model), **options)


def test_weights_to_begin_with_must_fit(train, tmp_path):
    first = train("first")
    with pytest.raises(UsageError, match="first: no layer of full there fits vdsr$"):
        train(variant="vdsr", initial_run=str(first.folder), model_options={"filters": 3, "depth": 3})
    with pytest.raises(DataError, match="nowhere: no run there"):
        train(initial_run=str(tmp_path / "nowhere"))
    assert not (tmp_path / "run").exists()


def test_pictures_smaller_than_a_patch_are_left_out(train, picture_root, capfd, tmp_path):
    PIL.Image.new("L", (15, 40)).save(picture_root / "tiny" / "small.png")
    with_small = train("with_small")
    assert "1 of 4 training pictures are left out: they are smaller than a patch of 16x16" in capfd.readouterr().out
    (picture_root / "tiny" / "small.png").unlink()
    train("without")
    assert len(list((tmp_path / "cache").glob("*.h5"))) == 1
    assert read_metrics(with_small)[-1]["step"] == 10


def test_signal_within_an_epoch_saves_that_step(train, monkeypatch):
    make = trainer.make_run_steps

    def make_stopping(*arguments):
        run_steps = make(*arguments)

        def stop_after_first_call(iterator, count):
            signal.raise_signal(signal.SIGINT)
            return run_steps(iterator, tf.constant(2))

        return stop_after_first_call

    monkeypatch.setattr(trainer, "make_run_steps", make_stopping)
    with pytest.raises(trainer.Interrupted, match="stopped at step 2"):
        train()
    monkeypatch.setattr(trainer, "make_run_steps", make)
    lines, whole = read_metrics(train()), read_metrics(train("whole"))
    assert [line["step"] for line in lines] == [5, 10]
    assert [line["loss"] for line in lines] == pytest.approx([line["loss"] for line in whole], rel=1e-3)


def test_signal_before_the_first_step_stops_too(train, monkeypatch):
    write = tf.summary.create_file_writer

    def signal_and_write(*arguments):
        signal.raise_signal(signal.SIGTERM)
        return write(*arguments)

    monkeypatch.setattr(tf.summary, "create_file_writer", signal_and_write)
    with pytest.raises(trainer.Interrupted, match="stopped at step 0"):
        train()
    monkeypatch.setattr(tf.summary, "create_file_writer", write)
    assert [line["step"] for line in read_metrics(train())] == [5, 10]


def test_finished_run_is_not_trained_again(train):
    run = train()
    stamp = run.metrics.read_text()
    assert read_metrics(train()) and run.metrics.read_text() == stamp


def test_best_score_survives_a_resume(train, monkeypatch):
    scores = iter([30.0, 20.0, 25.0])
    monkeypatch.setattr(validation, "validate", lambda *a: iter([("psnr", next(scores)), ("ssim", 0.5)]))
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


def test_another_configuration_is_refused_with_the_difference(train):
    train()
    with pytest.raises(UsageError, match=r"another run, of learning_rate 0\.001, not 0\.002: choose another --run_dir"):
        train(learning_rate=0.002)


def test_other_images_are_refused(train, picture_root):
    train()
    PIL.Image.new("RGB", (50, 50)).save(picture_root / "tiny" / "new.png")
    with pytest.raises(UsageError, match="other training images"):
        train(epochs=2)


def test_a_folder_in_use_is_not_written_to(train, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match="in use and holds no run"):
        train()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_a_run_in_training_is_left_alone(train, tmp_path):
    run = train()
    patches = json.loads(run.origin.read_text())["patches"]
    refused = pytest.raises(UsageError, match="another process is training this run")
    with runs.open_run(run.folder, load_config(run.config), patches), refused:
        train()
    assert train() == run


def test_a_run_killed_in_its_first_moments_can_begin_again(train, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (".lock", "run.json", ".config.somewhere.12345.partial.json"):
        (folder / name).write_text("")
    assert len(read_metrics(train())) == 2


def test_unusable_validation_picture_is_said_before_training(train, picture_root, tmp_path):
    PIL.Image.new("RGB", (40, 12)).save(picture_root / "held_out" / "b.png")
    with pytest.raises(DataError, match=r"b\.png: 40x12 is too small to measure at x2"):
        train()
    assert not (tmp_path / "run").exists()


def test_checkpoint_of_another_network_is_refused(train):
    mine, other = train("mine"), train("other", model_options={"filters": 8})
    shutil.rmtree(mine.last)
    shutil.copytree(other.last, mine.last)
    with pytest.raises(DataError, match="checkpoint of another network"):
        train("mine", epochs=2)
    with pytest.raises(DataError, match="checkpoint of another network"):
        load_run(mine.folder)
    shallow = train("shallow", model_options={"filters": 4, "depth": 1})
    shutil.rmtree(mine.last)
    shutil.copytree(shallow.last, mine.last)
    with pytest.raises(DataError, match="checkpoint of another network"):
        load_run(mine.folder)


def test_damaged_checkpoint_is_named(train):
    run = train()
    for file in run.last.glob("*.data*"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="step-10: damaged"):
        load_run(run.folder)


def test_non_finite_loss_names_the_step_and_keeps_the_checkpoint(train, tmp_path, monkeypatch):
    make = trainer.make_run_steps
    calls = []

    def make_failing(*arguments):
        run_steps = make(*arguments)

        def fail_at_step_eight(iterator, count):
            values = run_steps(iterator, tf.constant(1))
            calls.append(1)
            return values * (np.nan if len(calls) == 8 else 1.0)

        return fail_at_step_eight

    monkeypatch.setattr(trainer, "make_run_steps", make_failing)
    with pytest.raises(DataError, match="loss is no longer finite at step 8"):
        train()
    run = Run(tmp_path / "run")
    assert [path.name for path in run.last.glob("step-*.index")] == ["step-5.index"]
    assert all(np.isfinite(weights).all() for weights in load_run(run.folder)[0].get_weights())


def test_weights_spoilt_by_the_last_step_are_not_saved(train, tmp_path, monkeypatch):
    make = trainer.make_run_steps

    def make_spoiling(config, state, strategy):
        run_steps = make(config, state, strategy)

        def spoil(iterator, count):
            values = run_steps(iterator, count)
            if state.step == 10:
                state.model.get_layer("extract_1").bias.assign([np.nan] * 4)
            return values

        return spoil

    monkeypatch.setattr(trainer, "make_run_steps", make_spoiling)
    with pytest.raises(DataError, match="weights are no longer finite after step 10; last good checkpoint: .*step-5"):
        train()
    assert [path.name for path in Run(tmp_path / "run").last.glob("step-*.index")] == ["step-5.index"]


def test_run_that_diverges_by_itself_stops(train, tmp_path):
    with pytest.raises(DataError, match="no longer finite at step"):
        train(learning_rate=1e30)
    assert not list((tmp_path / "run" / "checkpoints").glob("step-10*"))


def test_load_run_says_what_is_missing(train, tmp_path):
    with pytest.raises(DataError, match="no run there"):
        load_run(tmp_path / "nowhere")
    run = train()
    shutil.rmtree(run.last)
    with pytest.raises(DataError, match="no checkpoint yet"):
        load_run(run.folder)


def test_metrics_cut_short_by_a_crash_are_mended(tmp_path):
    run = Run(tmp_path)
    run.metrics.write_text('{"step": 5}\n{"step": 10}\n{"step": 1')
    assert read_metrics(run) == [{"step": 5}, {"step": 10}]
    runs.forget_metrics_after(run, 5)
    assert run.metrics.read_text() == '{"step": 5}\n'


def test_missing_sets_fall_back_to_the_embedded_images_only_when_not_asked_for(picture_root):
    config, notes = resolve(TrainConfig(), None)
    assert (config.train_sets, config.validation_set) == (("skimage_train",), "skimage_test")
    assert len(notes) == 2 and "T91, BSD200 not found" in notes[0]
    assert resolve(TrainConfig(), picture_root, fixed=("data_root",))[0].train_sets == ("T91", "BSD200")
    asked = TrainConfig(train_sets=("mine",))
    assert resolve(asked, None, fixed=("train_sets",))[0].train_sets == ("mine",)
    assert resolve(SMALL, picture_root) == (SMALL, [])


@pytest.mark.parametrize("changes", [{"precision": "mixed_bfloat16"}, {"jit_compile": True}, {"channels": 3}])
def test_other_ways_to_run(train, changes):
    line = read_metrics(train(**changes))[-1]
    reference = read_metrics(train("reference", channels=changes.get("channels", 1)))[-1]
    assert line["loss"] == pytest.approx(reference["loss"], rel=0.1)


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


def test_killed_run_ends_with_the_same_bits(picture_root, tmp_path):
    more = ("--steps_per_epoch=40", "--epochs=20")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(_command(picture_root, tmp_path, whole, *more), check=True, capture_output=True)
    assert _kill_and_resume(_command(picture_root, tmp_path, killed, *more), killed, [0.05]) == 1
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


def test_two_devices_train_as_one(picture_root, tmp_path):
    """Mirrored over two logical CPU devices in a fresh process, as TensorFlow fixes its devices at start."""
    program = f"""
import pathlib, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import dataclasses
from srnet.training import trainer
from srnet.training.session import run_training
from test_training import SMALL
trainer.make_strategy = lambda config: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"][: int(sys.argv[2])])
config = dataclasses.replace(SMALL, strategy="mirrored", jit_compile=sys.argv[3] == "jit", average_decay=0.5)
run_training(config, sys.argv[1], {str(picture_root)!r}, {str(tmp_path / "cache")!r})
"""
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parent)}
    results = []
    for devices, compiled in (("1", "no"), ("2", "no"), ("2", "jit")):
        folder = tmp_path / f"{devices}_{compiled}"
        command = [sys.executable, "-c", program, str(folder), devices, compiled]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        results.append([line["loss"] for line in read_metrics(Run(folder))])
    for one, other in zip(_weights(tmp_path / "1_no"), _weights(tmp_path / "2_no")):
        np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-4)
    assert results[1] == pytest.approx(results[0], rel=1e-3)
    assert results[2] == pytest.approx(results[0], rel=1e-3)
