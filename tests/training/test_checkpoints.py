"""Checkpoints: of another network, damaged, missing, and never of weights that are not finite."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from srnet.errors import DataError
from srnet.training import loop
from srnet.training.checkpoints import load_run
from srnet.training.run_folder import Run


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


def test_load_run_says_what_is_missing(train, tmp_path):
    with pytest.raises(DataError, match="no run there"):
        load_run(tmp_path / "nowhere")
    run = train()
    shutil.rmtree(run.last)
    with pytest.raises(DataError, match="no checkpoint yet"):
        load_run(run.folder)


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


def test_weights_spoilt_by_the_last_step_are_not_saved(train, tmp_path, monkeypatch):
    make = loop.make_run_steps

    def make_spoiling(config, state, strategy):
        run_steps = make(config, state, strategy)

        def spoil(iterator, count):
            values = run_steps(iterator, count)
            if state.step == 10:
                state.model.get_layer("extract_1").bias.assign([np.nan] * 4)
            return values

        return spoil

    monkeypatch.setattr(loop, "make_run_steps", make_spoiling)
    with pytest.raises(DataError, match="weights are no longer finite after step 10; last good checkpoint: .*step-5"):
        train()
    assert [path.name for path in Run(tmp_path / "run").last.glob("step-*.index")] == ["step-5.index"]


def test_run_that_diverges_by_itself_stops(train, tmp_path):
    with pytest.raises(DataError, match="no longer finite at step"):
        train(learning_rate=1e30)
    assert not list((tmp_path / "run" / "checkpoints").glob("step-10*"))
