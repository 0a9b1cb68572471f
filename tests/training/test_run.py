"""Whole runs, small: they learn, and say what they do."""

import dataclasses
import json
import re
import subprocess
import sys
import types

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from srnet.data.pipeline import training_batches
from srnet.data.store import open_store
from srnet.errors import DataError, UsageError
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import model_method
from srnet.images.write import write_image
from srnet.json_files import write_json
from srnet.training import loop
from srnet.training.checkpoints import load_run
from srnet.training.config import TrainConfig
from srnet.training.run import resolve
from srnet.training.run_folder import Run, read_metrics


def test_a_run_learns_and_leaves_its_folder(train):
    run = train(epochs=6, steps_per_epoch=20)
    lines = read_metrics(run)
    assert [(line["epoch"], line["step"]) for line in lines] == [(n, 20 * n) for n in range(1, 7)]
    assert lines[-1]["loss"] < lines[0]["loss"] and lines[-1]["psnr"] > lines[0]["psnr"] + 1
    assert set(lines[0]) == {"epoch", "step", "loss", "psnr", "ssim", "learning_rate", "patches_per_second", "seconds"}
    assert json.loads(run.config.read_text())["batch_size"] == 4
    assert {"command", "commit", "versions", "hardware", "patches"} <= set(json.loads(run.origin.read_text()))
    assert sorted(path.name for path in run.last.glob("step-*.index")) == ["step-100.index", "step-120.index"]
    assert len(list(run.best.glob("step-*.index"))) == 1
    assert list(run.tensorboard.iterdir()) and run.preview.exists() and run.model.exists()
    assert (run.saved_model / "saved_model.pb").exists()


def test_lines_give_the_epochs_mean_loss_and_learning_rate(train, tmp_path):
    # With a vanishing learning rate the weights stay the same, so the saved ones are those of every step.
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


def test_pictures_smaller_than_a_patch_are_left_out(train, picture_root, capfd, tmp_path):
    PIL.Image.new("L", (15, 40)).save(picture_root / "tiny" / "small.png")
    with_small = train("with_small")
    assert "1 of 4 training images are skipped: they are smaller than a patch of 16x16" in capfd.readouterr().out
    (picture_root / "tiny" / "small.png").unlink()
    train("without")
    assert len(list((tmp_path / "cache").glob("*.h5"))) == 1
    assert read_metrics(with_small)[-1]["step"] == 10


def test_damaged_pictures_are_named_and_left_out_on_request(train, picture_root, capfd, tmp_path):
    picture = (picture_root / "tiny" / "b2.png").read_bytes()
    (picture_root / "tiny" / "cut.png").write_bytes(picture[: len(picture) // 2])
    with pytest.raises(DataError, match=r"tiny/cut\.png: "):
        train()
    run = train(skip_damaged=True)
    assert "skipped: " in (said := capfd.readouterr().out) and "tiny/cut.png" in said
    (picture_root / "tiny" / "cut.png").unlink()
    train(epochs=3)  # the same patches
    assert len(list((tmp_path / "cache").glob("*.h5"))) == 1 and read_metrics(run)[-1]["step"] == 15
    for path in (picture_root / "tiny").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="tiny: no training image can be read"):
        train("none", skip_damaged=True)


def test_unusable_validation_picture_is_said_before_training(train, picture_root, tmp_path):
    PIL.Image.new("RGB", (40, 12)).save(picture_root / "held_out" / "b.png")
    with pytest.raises(DataError, match=r"b\.png: 40x12 is too small to measure at x2"):
        train()
    assert not (tmp_path / "run").exists()


def test_missing_sets_fall_back_to_the_bundled_images_only_when_not_asked_for(small, picture_root):
    config, notes = resolve(TrainConfig(), None)
    assert (config.train_sets, config.validation_set) == (("skimage_train",), "skimage_test")
    assert len(notes) == 2 and "T91, BSD200 not found" in notes[0]
    assert resolve(TrainConfig(), picture_root)[0].train_sets == ("skimage_train",)
    assert resolve(TrainConfig(), picture_root, fixed=("data_root",))[0].train_sets == ("T91", "BSD200")
    asked = TrainConfig(train_sets=("mine",))
    assert resolve(asked, None, fixed=("train_sets",))[0].train_sets == ("mine",)
    assert resolve(small, picture_root) == (small, [])


def test_a_run_that_began_without_the_sets_keeps_those_it_has(tmp_path, picture_root):
    begun, _ = resolve(TrainConfig(), None, run_dir=tmp_path / "run")
    write_json(tmp_path / "run" / "config.json", begun.to_json())
    for name in ("T91", "BSD200", "BSDval50"):
        (picture_root / name).mkdir()
    settled, notes = resolve(TrainConfig(), picture_root, run_dir=tmp_path / "run")
    assert settled == begun
    assert notes == [
        f"{tmp_path}/run began so: training on the photographs of scikit-image",
        f"{tmp_path}/run began so: validating on held-out photographs of scikit-image",
    ]
    asked = resolve(TrainConfig(), picture_root, ("train_sets", "validation_set"), tmp_path / "run")[0]
    assert (asked.train_sets, asked.validation_set) == (("T91", "BSD200"), "BSDval50")


@pytest.mark.slow
def test_other_ways_to_compute(train):
    reference = read_metrics(train("reference"))[-1]
    for changes in ({"precision": "mixed_bfloat16"}, {"precision": "mixed_float16"}, {"jit_compile": True}):
        line = read_metrics(train("_".join(changes), **changes))[-1]
        assert line["loss"] == pytest.approx(reference["loss"], rel=0.1)


def test_rgb_networks_are_trained(train):
    run = train(channels=3)
    assert load_run(run.folder)[0].output_shape[-1] == 3
    losses = [line["loss"] for line in read_metrics(run)]
    assert losses[1] < losses[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compiled", "settings"), [("no", {}), ("jit", {}), ("no", {"optimizer": "sgd", "clip": 1e-4})]
)
def test_two_devices_train_as_one(small, picture_root, tmp_path, compiled, settings):
    """Mirrored over two logical CPU devices in a fresh process, as TensorFlow fixes its devices at start."""
    program = f"""
import sys
import types
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import dataclasses
from srnet.training import run
from srnet.training.config import load_config
from srnet.training.workers import Workers
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"][: int(sys.argv[2])])
run.start_workers = lambda config: Workers(strategy)
config = dataclasses.replace(load_config({str(tmp_path / "small.json")!r}), jit_compile=sys.argv[3] == "jit")
run.run_training(config, sys.argv[1], {str(picture_root)!r}, {str(tmp_path / "cache")!r})
"""
    config = dataclasses.replace(small, strategy="mirrored", average_decay=0.5, **settings)
    write_json(tmp_path / "small.json", config.to_json())
    results = []
    for devices in ("1", "2"):
        folder = tmp_path / devices
        command = [sys.executable, "-c", program, str(folder), devices, compiled]
        subprocess.run(command, check=True, capture_output=True)
        results.append([line["loss"] for line in read_metrics(Run(folder))])
    for one, other in zip(*(load_run(tmp_path / name)[0].get_weights() for name in ("1", "2"))):
        np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-4)
    assert results[1] == pytest.approx(results[0], rel=1e-3)


@pytest.mark.parametrize(("batch_size", "devices"), [(4, 3), (2, 4)])
def test_a_batch_that_cannot_be_divided_among_the_devices(train, monkeypatch, batch_size, devices):
    strategy = types.SimpleNamespace(num_replicas_in_sync=devices)
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: strategy)
    message = f"batch_size {batch_size} cannot be used: it must be a multiple of {devices}, the number of devices"
    with pytest.raises(UsageError, match=message):
        train(strategy="mirrored", batch_size=batch_size)


def test_a_full_disk_is_said_of_the_file_that_did_not_fit(train, tmp_path, monkeypatch):
    def fail(path):
        raise tf.errors.ResourceExhaustedError(None, None, f"{path}; No space left on device [Op:SaveV2]")

    with monkeypatch.context() as patch:
        patch.setattr(loop.tf.summary, "scalar", lambda *arguments, **options: fail("events"))
        with pytest.raises(DataError, match=r"tensorboard: cannot be written \(No space left on device\)$"):
            train()
    assert (tmp_path / "run" / "checkpoints" / "step-5.index").exists()  # the epoch is not lost
    with monkeypatch.context() as patch:
        patch.setattr(tf.train.CheckpointManager, "save", lambda *arguments, **options: fail("step-5"))
        with pytest.raises(DataError, match=r"checkpoints.*: cannot be written \(No space left on device\)$"):
            train()
    assert len(read_metrics(train())) == 2


def test_a_device_without_memory_is_one_line(train, monkeypatch):
    def run_steps(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(loop, "make_run_steps", lambda *arguments: run_steps)
    with pytest.raises(DataError, match="^out of memory in the steps after 0; use a smaller --batch_size or --patch$"):
        train()


def test_a_validation_image_too_large_for_memory_is_named_before_training(train, monkeypatch):
    def too_large(lr):
        raise MemoryError("not enough memory")

    monkeypatch.setattr(loop, "network_method", lambda model: too_large)
    monkeypatch.setattr(loop, "train_epoch", lambda *arguments: pytest.fail("trained"))
    with pytest.raises(DataError, match=r"a\.png: not enough memory to enlarge 20x18 at x2 in one piece"):
        train()


def test_validation_uses_the_degradation_of_the_run(train, picture_root):
    run = train(degradation="jpeg10")
    model, _ = load_run(run.folder)
    method = model_method("vdsr", {2: lambda: model})
    clean, degraded = evaluate_sets(method, ["held_out"], [2], picture_root, degradations=["bicubic", "jpeg10"])
    psnr = read_metrics(run)[-1]["psnr"]
    assert psnr == pytest.approx(degraded["psnr"], abs=1e-3) != pytest.approx(clean["psnr"], abs=1e-3)


def test_validation_on_a_flat_picture(train, picture_root):
    write_image(picture_root / "flat" / "one.png", np.zeros((40, 40), np.uint8))
    run = train(validation_set="flat", validation_images=0, learning_rate=1e-20)  # biases stay 0, and black is black
    lines = [json.loads(line, parse_constant=pytest.fail) for line in run.metrics.read_text().splitlines()]
    assert [line["psnr"] for line in lines] == [None, None]
    assert [line["psnr"] for line in read_metrics(run)] == [np.inf, np.inf]


def test_the_loss_is_shown_while_an_epoch_lasts(train, capsys, monkeypatch):
    monkeypatch.setenv("TQDM_MININTERVAL", "0")  # of the lines in a log
    run = train(steps_per_epoch=230, epochs=1)
    (events,) = run.tensorboard.glob("events*")
    losses = {}
    for event in tf.compat.v1.train.summary_iterator(str(events)):
        for value in event.summary.value:
            if value.tag in ("loss", "loss of 100 steps"):
                losses[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    assert set(losses) == {("loss of 100 steps", 100), ("loss of 100 steps", 200), ("loss", 230)}
    assert losses["loss of 100 steps", 100] > losses["loss of 100 steps", 200]
    said, shown = capsys.readouterr()
    assert re.search(r"training: \d+/230 .*, loss \d", shown) and re.search(r"cutting \d+ patches into .* GB\)", said)
