"""Thousands of damaged files: each is refused in one line, or does no harm."""

import collections
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from experiments.runs.records import read_records
from experiments.workspace import ROOT
from srnet.data.datasets import find_images
from srnet.data.patches import ensure_store
from srnet.data.store import open_store
from srnet.errors import DataError, UsageError
from srnet.models.keras_file import load_file
from srnet.pretrained import cards
from srnet.pretrained.load import load as load_pretrained
from srnet.training import checkpoints, run_folder
from srnet.training.config import load_config
from srnet.training.state import new_state
from tests.patch_options import patch_options

pytestmark = pytest.mark.slow


def _damages(content, count):
    """Yields damaged versions of a file's content: flipped bits, zeros, noise, pieces lost, doubled or cut off."""
    random = np.random.default_rng(0)
    kinds = 0
    while kinds < count:
        place, length = int(random.integers(len(content))), int(2 ** random.uniform(0, 12))
        before, piece, after = content[:place], content[place : place + length], content[place + length :]
        damaged = (
            before + bytes([piece[0] ^ 1 << int(random.integers(8))]) + content[place + 1 :],
            before + bytes(len(piece)) + after,
            before + random.bytes(len(piece)) + after,
            before + after,
            before + piece + piece + after,
            before,
        )[int(random.integers(6))]
        if damaged != content:
            kinds += 1
            yield damaged


def _storm(path, count, use, expected):
    """Uses damaged versions of a file: counts what is refused, unchanged and changed; any other error is raised."""
    content, outcomes = path.read_bytes(), collections.Counter()
    for damaged in _damages(content, count):
        path.write_bytes(damaged)
        try:
            outcomes["unchanged" if use() == expected else "changed"] += 1
        except (DataError, UsageError) as error:
            assert "\n" not in str(error), error
            outcomes["refused"] += 1
    path.write_bytes(content)
    print(f"{path.name}: {dict(outcomes)}")
    assert use() == expected
    return outcomes


def _digest(arrays):
    return [hash(np.asarray(array).tobytes()) for array in arrays]


def test_patch_stores(picture_root, tmp_path):
    store = ensure_store(tmp_path, "tiny", find_images("tiny", picture_root), patch_options())
    assert _storm(store.path, 600, lambda: open_store(store.path).description, store.description) == {"refused": 600}


def test_checkpoints(train, small):
    run = train()
    state = new_state(small, tf.distribute.get_strategy())

    def restored():
        last, _ = checkpoints.checkpoint_managers(state, run)
        checkpoints.restore_newest(state, last)
        return _digest([*state.model.get_weights(), *(variable.numpy() for variable in state.optimizer.variables)])

    expected = restored()
    for name, count in (("step-10.data-00000-of-00001", 400), ("step-10.index", 300), ("checkpoint", 100)):
        assert not _storm(run.last / name, count, restored, expected)["changed"]


def test_runs(train, small):
    run = train()

    def metrics():
        if run_folder.drop_metrics_after(run, 10) < 2:
            raise DataError("the training says that epochs are lost")  # see test_checkpoints.py
        return run_folder.read_metrics(run)

    assert not _storm(run.metrics, 300, metrics, metrics())["changed"]
    assert not _storm(run.config, 300, lambda: load_config(run.config), load_config(run.config))["changed"]
    known = json.loads(run.origin.read_text())

    def resumed():
        with run_folder.open_run(run, small, {"patches": known["patches"]}):
            return run_folder.history(run)

    assert not _storm(run.origin, 300, resumed, run_folder.history(run))["changed"]


def test_networks(train):
    run = train()
    lr = np.random.default_rng(0).uniform(0, 255, (1, 6, 7, 1)).astype(np.float32)
    expected = _digest([load_file(run.model)(lr)])
    assert not _storm(run.model, 300, lambda: _digest([load_file(run.model)(lr)]), expected)["changed"]


def test_pretrained_networks(tmp_path, monkeypatch):
    shutil.copytree(cards.FOLDER, tmp_path / "weights")
    monkeypatch.setattr(cards, "FOLDER", tmp_path / "weights")

    def loaded():
        return _digest(load_pretrained(4, "plus").get_weights())

    expected = loaded()
    assert _storm(cards.weights_file(4, "plus"), 300, loaded, expected) == {"refused": 300}
    assert not _storm(cards.card_file(4, "plus"), 300, loaded, expected)["changed"]


def test_records(tmp_path):
    path = tmp_path / "cpu.jsonl"
    shutil.copy(ROOT / "experiments" / "results" / "cpu.jsonl", path)
    known = list(read_records(path)[0])

    def table():
        # A damaged name of the checksum is a further member, which does no harm.
        return [{name: record[name] for name in known} for record in read_records(path)]

    assert not _storm(path, 300, table, table())["changed"]
