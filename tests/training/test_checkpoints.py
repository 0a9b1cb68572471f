"""Checkpoints: of another network, damaged, missing, and never of weights that are not finite."""

import os
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.lib.io import file_io

from srnet import durable
from srnet.errors import DataError, UsageError
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import model_method
from srnet.models import registry
from srnet.training import checkpoint_files, checkpoints, loop
from srnet.training.checkpoints import load_run
from srnet.training.run_folder import Run, read_metrics
from srnet.training.state import new_state


def test_checkpoint_of_another_network_is_refused(train):
    mine, other = train("mine"), train("other", model_options={"filters": 8})
    shutil.rmtree(mine.last)
    shutil.copytree(other.last, mine.last)
    with pytest.raises(DataError, match="checkpoint of another network"):
        train("mine", epochs=2)
    with pytest.raises(DataError, match="checkpoint of another network"):
        load_run(mine.folder)
    shallow = train("shallow", model_options={"filters": 4, "depth": 2})
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


def test_load_run_says_what_is_missing(train, tmp_path):
    with pytest.raises(DataError, match="no run there"):
        load_run(tmp_path / "nowhere")
    run = train()
    shutil.rmtree(run.last)
    with pytest.raises(DataError, match="no checkpoint yet"):
        load_run(run.folder)
    lost = r"no checkpoint that can be read, though metrics\.jsonl has 10 steps; put the checkpoints back"
    with pytest.raises(DataError, match=lost):
        train(epochs=3)
    assert len(read_metrics(run)) == 2


def test_only_the_last_and_the_best_checkpoint_can_be_loaded(tmp_path):
    with pytest.raises(UsageError, match="checkpoint 'bset' is unknown: choose last or best"):
        load_run(tmp_path, "bset")


def test_non_finite_loss_names_the_step_and_keeps_the_checkpoint(train, tmp_path, monkeypatch):
    make = loop.make_run_steps
    calls = []

    def make_failing(*arguments):
        run_steps = make(*arguments)

        def fail_at_step_eight(iterator, count):
            values = run_steps(iterator, tf.constant(1))
            calls.append(1)
            return values * (np.nan if len(calls) == 8 else 1.0)

        return fail_at_step_eight

    monkeypatch.setattr(loop, "make_run_steps", make_failing)
    with pytest.raises(DataError, match="loss is no longer finite at step 8"):
        train()
    run = Run(tmp_path / "run")
    assert [path.name for path in run.last.glob("step-*.index")] == ["step-5.index"]
    assert all(np.isfinite(weights).all() for weights in load_run(run.folder)[0].get_weights())


@pytest.mark.parametrize("which", ["model", pytest.param("discriminator", marks=pytest.mark.slow)])
def test_weights_spoilt_by_the_last_step_are_not_saved(train, tmp_path, monkeypatch, which):
    make = loop.make_run_steps

    def make_spoiling(config, state, strategy):
        run_steps = make(config, state, strategy)

        def spoil(iterator, count):
            values = run_steps(iterator, count)
            if state.step == 10:
                bias = getattr(state, which).trainable_variables[1]
                bias.assign(np.full(bias.shape, np.nan))
            return values

        return spoil

    monkeypatch.setattr(loop, "make_run_steps", make_spoiling)
    with pytest.raises(DataError, match="weights are no longer finite after step 10; last good checkpoint: .*step-5"):
        train(adversarial=1.0, discriminator_filters=2)
    assert [path.name for path in Run(tmp_path / "run").last.glob("step-*.index")] == ["step-5.index"]


def test_run_that_diverges_by_itself_stops(train, tmp_path):
    with pytest.raises(DataError, match="no longer finite at step"):
        train(learning_rate=1e30)
    assert not list((tmp_path / "run" / "checkpoints").glob("step-10*"))


def test_a_lost_or_damaged_list_is_made_again(train, small, capsys):
    run = train()
    listed = run.last / "checkpoint"
    whole = listed.read_text()
    for text in ("", "model_checkpoint_pa", 'model_checkpoint_path: "step-10"\n\0\0', "\xff", whole[:-20], None):
        if text is None:
            listed.unlink()
        else:
            listed.write_text(text, encoding="latin-1")
        last, _ = checkpoints.checkpoint_managers(new_state(small, tf.distribute.get_strategy()), run)
        assert "checkpoint is lost or damaged: step-10 is the newest checkpoint there" in "".join(capsys.readouterr())
        assert [path.rsplit("/")[-1] for path in last.checkpoints] == ["step-5", "step-10"]
    listed.unlink()
    train(epochs=3)
    assert [line["loss"] for line in read_metrics(run)] == [line["loss"] for line in read_metrics(train("w", epochs=3))]
    assert sorted(path.name for path in run.last.glob("*.index")) == ["step-10.index", "step-15.index"]


def test_a_list_is_used_only_if_tensorflow_can_read_it(train):
    """Whatever single bit of it is damaged; else TensorFlow would begin the run anew."""
    folder = train().last
    whole = (folder / "checkpoint").read_bytes()
    for place in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        (folder / "checkpoint").write_bytes(damaged)
        listed = checkpoint_files.listed_checkpoint(folder)
        if listed:
            state = tf.train.get_checkpoint_state(folder)
            assert state and state.model_checkpoint_path.rsplit("/")[-1] == listed.name


@keras.saving.register_keras_serializable()
class _Listed(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.inner = [keras.layers.Conv2D(4, 3, padding="same"), keras.layers.Conv2D(4, 3, padding="same")]

    def build(self, shape):
        for layer in self.inner:
            layer.build(shape)

    def call(self, x):
        return self.inner[1](self.inner[0](x))

    def compute_output_shape(self, shape):
        return shape


def _build_listed(options, scale, channels, dtype, name):
    lr = keras.Input((None, None, channels))
    x = keras.layers.SpatialDropout2D(0.5)(_Listed()(keras.layers.Conv2D(4, 3, padding="same")(lr)))
    return keras.Model(lr, keras.layers.Conv2DTranspose(channels, scale, scale)(x), name=name)


def test_layers_in_lists_and_random_layers_are_resumed(train, picture_root, monkeypatch):
    monkeypatch.setattr(registry, "_networks", dict(registry._networks))
    registry.register("listed", _build_listed)
    changes = {"variant": "listed", "model_options": {}, "average_decay": 0.9, "deterministic": True}
    train("stopped", epochs=1, **changes)
    stopped, whole = train("stopped", **changes), train("whole", **changes)
    assert [line["loss"] for line in read_metrics(stopped)] == [line["loss"] for line in read_metrics(whole)]
    for one, other in zip(load_run(stopped.folder)[0].weights, load_run(whole.folder)[0].weights, strict=True):
        np.testing.assert_array_equal(one, other)
    method = model_method("listed", {2: lambda: load_run(whole.folder)[0]})
    (score,) = evaluate_sets(method, ["held_out"], [2], picture_root)
    assert score["psnr"] == pytest.approx(read_metrics(whole)[-1]["psnr"], abs=1e-3)


def test_a_kill_before_the_first_checkpoint_costs_the_epoch_alone(train):
    run, expected = train(epochs=1), read_metrics(train("whole"))
    for file in [*run.last.glob("step-*"), run.last / "checkpoint"]:
        file.unlink()
    train()
    assert [line["loss"] for line in read_metrics(run)] == [line["loss"] for line in expected]


@pytest.mark.parametrize(
    ("file", "size"),
    [
        pytest.param("index", 0, marks=pytest.mark.slow),
        ("data-00000-of-00001", 100),
        pytest.param("index", 100, marks=pytest.mark.slow),
        pytest.param("data-00000-of-00001", 0, marks=pytest.mark.slow),
    ],
)
def test_a_checkpoint_whose_writing_did_not_end_is_not_used(train, capsys, file, size):
    """TensorFlow writes both files in their place, and the list after them; a power loss may empty either."""
    run, expected = train(epochs=1), read_metrics(train("whole"))
    (run.last / "checkpoint").unlink()
    os.truncate(run.last / f"step-5.{file}", size)
    train(epochs=2)
    assert "resuming" not in "".join(capsys.readouterr())
    assert [line["loss"] for line in read_metrics(run)] == [line["loss"] for line in expected]
    (run.last / "checkpoint").unlink()
    os.truncate(run.last / f"step-10.{file}", size)
    train(epochs=2)
    assert "step-5 is the newest checkpoint there\nresuming from step 5\n" in "".join(capsys.readouterr())
    assert [line["loss"] for line in read_metrics(run)] == [line["loss"] for line in expected]
    (run.last / "checkpoint").unlink()
    for number in (5, 10):
        os.truncate(run.last / f"step-{number}.{file}", size)
    metrics = run.metrics.read_text()
    with pytest.raises(DataError, match=r"no checkpoint that can be read, though metrics\.jsonl has 10 steps"):
        train(epochs=3)
    assert run.metrics.read_text() == metrics


def test_a_damaged_newest_checkpoint_offers_the_older_one(train, capsys):
    run, expected = train(), read_metrics(train("whole", epochs=3))
    for file in run.last.glob("step-10.data*"):
        file.write_bytes(bytes(file.stat().st_size))
    with pytest.raises(DataError, match=r"step-10: damaged.*; to resume from step-5, delete .*step-10\.index$"):
        train(epochs=3)
    (run.last / "step-10.index").unlink()
    train(epochs=3)
    assert "resuming from step 5" in "".join(capsys.readouterr())
    assert [line["loss"] for line in read_metrics(run)] == [line["loss"] for line in expected]


def test_older_checkpoints_are_removed_when_the_new_one_is_on_the_disk(train, monkeypatch):
    synced, removed = [], []
    sync, remove = durable.sync, file_io.delete_file
    monkeypatch.setattr(durable, "sync", lambda path: (synced.append(path.name), sync(path)))
    monkeypatch.setattr(
        file_io, "delete_file", lambda path: (removed.append((path.rsplit("/")[-1], list(synced))), remove(path))
    )
    train(epochs=4)
    of_step_5 = [at_the_time for name, at_the_time in removed if name == "step-5.index"]
    assert of_step_5
    for at_the_time in of_step_5:
        assert {"step-10.index", "step-10.data-00000-of-00001", "checkpoints"} <= set(at_the_time)


def test_what_a_killed_process_left_of_a_checkpoint_is_removed(train):
    run = train()
    (run.last / "step-15_temp").mkdir()
    (run.last / "step-15_temp" / "part-00000-of-00001").touch()
    (run.best / "checkpoint.tmp0123").touch()
    train(epochs=3)
    assert not [path.name for path in run.last.rglob("*") if "temp" in path.name or "tmp" in path.name]


def test_lost_epochs_are_said(train, capsys):
    run = train()
    run.metrics.write_text(run.metrics.read_text().split("\n")[1] + "\n")
    for epochs in (2, 3):
        train(epochs=epochs)
        assert "metrics.jsonl has lines for only 1 of the 2 epochs so far" in "".join(capsys.readouterr())


def test_best_is_read_again_when_it_was_replaced_meanwhile(train, monkeypatch):
    run = train()
    expected = load_run(run.folder, "best")[0].get_weights()
    newest, calls = checkpoint_files.newest_checkpoint, []

    def replaced_at_first(folder):
        calls.append(folder)
        return folder / "step-1" if len(calls) == 1 else newest(folder)

    monkeypatch.setattr(checkpoint_files, "newest_checkpoint", replaced_at_first)
    model, _ = load_run(run.folder, "best")
    assert len(calls) > 1
    for ours, theirs in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
