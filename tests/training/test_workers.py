"""Training by several processes, as on several machines, over the loopback interface."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from srnet.errors import DataError, UsageError
from srnet.json_files import read_json
from srnet.training import cluster
from srnet.training.checkpoints import load_run
from srnet.training.run_folder import Run, read_metrics


def _free_addresses(count):
    servers = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()
    return addresses


def _tf_config(addresses, index):
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})


@pytest.fixture
def start(picture_root, tmp_path):
    """Starts workers of a small run, each with flags of its own, and returns their processes."""
    started = []

    def start_workers(run_dir, *flags, each=((), ()), addresses=None):
        addresses = addresses or _free_addresses(len(each))
        command = [sys.executable, "-m", "srnet.train", f"--run_dir={run_dir}", f"--cache_dir={tmp_path / 'cache'}"]
        command += [f"--data_root={picture_root}", "--train_sets=tiny", "--validation_set=held_out", "--patch=16"]
        command += ["--stride=8", "--batch_size=12", "--average_decay=0.9", '--model_options={"filters": 4}']
        command += ["--deterministic", *flags]
        workers = []
        for index, own in enumerate(each):
            environment = {**os.environ, "TF_CONFIG": _tf_config(addresses, index)}
            pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            multiple = ["--strategy=multi_worker"] if len(each) > 1 else []
            workers.append(subprocess.Popen([*command, *multiple, *own], env=environment, **pipe))
        started.extend(workers)
        return workers

    yield start_workers
    for worker in started:
        worker.kill()
        worker.communicate()


def _end(workers, seconds=240):
    """The exit status and the standard error of each worker."""
    ended = []
    for worker in workers:
        _, errors = worker.communicate(timeout=seconds)
        ended.append((worker.returncode, errors))
    return ended


def _wait_for_epochs(run_dir, epochs, workers):
    while len(read_metrics(Run(run_dir))) < epochs and all(worker.poll() is None for worker in workers):
        time.sleep(0.01)


def _curve(run_dir):
    return [(line["loss"], line["psnr"]) for line in read_metrics(Run(run_dir))]


def _assert_same_weights(one, other, **tolerances):
    for first, second in zip(load_run(one)[0].get_weights(), load_run(other)[0].get_weights(), strict=True):
        np.testing.assert_allclose(first, second, **tolerances)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])
def test_workers_train_as_one_device(start, tmp_path, count):
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    flags = ("--steps_per_epoch=10", "--epochs=2")
    workers = start(shared, *flags, each=[()] * count)
    assert _end(start(whole, *flags, each=[()]))[0][0] == 0
    first, *others = _end(workers)
    assert first[0] == 0, first[1]
    for status, errors in others:
        assert status == 0 and not [line for line in errors.splitlines() if not line.startswith("W0000 ")], errors
    assert [session["workers"] for session in read_json(Run(shared).origin)["sessions"]] == [count]
    np.testing.assert_allclose(_curve(shared), _curve(whole), rtol=1e-3)
    _assert_same_weights(whole, shared, rtol=1e-2, atol=1e-4)


@pytest.mark.slow
def test_a_signal_to_one_worker_stops_all_and_a_lost_one_ends_all(start, tmp_path):
    run_dir, flags = tmp_path / "run", ("--steps_per_epoch=20", "--epochs=2000")
    workers = start(run_dir, *flags)
    _wait_for_epochs(run_dir, 1, workers)
    workers[1].terminate()
    for status, errors in _end(workers):
        assert status == 128 + signal.SIGTERM
        assert "saved; run again with the same command to resume" in errors

    before = len(read_metrics(Run(run_dir)))
    workers = start(run_dir, *flags)
    _wait_for_epochs(run_dir, before + 1, workers)
    workers[1].kill()
    killed = time.monotonic()
    status, errors = _end(workers[:1])[0]
    assert time.monotonic() - killed < 60
    assert status == 1
    assert errors.splitlines()[-1].startswith("error: another worker has ended, cannot be reached")
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 2])
def test_workers_resume_to_the_same_bits_after_a_kill(start, tmp_path, victim):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    flags, each = ("--steps_per_epoch=60", "--epochs=8"), [()] * 3
    assert [status for status, _ in _end(start(whole, *flags, each=each))] == [0, 0, 0]
    workers = start(killed, *flags, each=each)
    _wait_for_epochs(killed, 2, workers)
    time.sleep(random.uniform(0, 2))
    workers[victim].kill()
    workers.pop(victim)
    for status, errors in _end(workers, 60):
        assert status == 1
        assert errors.splitlines()[-1].startswith("error: another worker has ended")
    assert [status for status, _ in _end(start(killed, *flags, each=each))] == [0, 0, 0]
    assert _curve(killed) == _curve(whole)
    _assert_same_weights(whole, killed, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            "--learning_rate=0.01",
            "worker 1 has learning_rate 0.01, but worker 0 has 0.001: start all workers with the same settings",
        ),
        pytest.param("--run_dir=elsewhere", None, marks=pytest.mark.slow),
    ],
)
def test_workers_that_differ(start, tmp_path, own, message):
    """Only worker 0 uses the run folder, so that of the others may differ."""
    ended = _end(start(tmp_path / "run", "--steps_per_epoch=1", "--epochs=1", each=[(), (own,)]))
    if message is None:
        assert [status for status, _ in ended] == [0, 0]
    else:
        assert [(status, errors.splitlines()[-1]) for status, errors in ended] == [(2, f"error: {message}")] * 2
        assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_an_error_of_the_first_worker_is_that_of_all(start, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "other").touch()
    ended = _end(start(tmp_path / "run", "--steps_per_epoch=1", "--epochs=1"))
    message = f"error: {tmp_path / 'run'} exists and is not a run folder: choose another --run_dir"
    assert [(status, errors.splitlines()[-1]) for status, errors in ended] == [(2, message)] * 2


def test_waiting_for_workers():
    addresses = _free_addresses(3)
    message = rf"no answer from worker 2 \({addresses[2]}\) within 2 s; start all workers"
    with cluster._listening(addresses[1]), pytest.raises(DataError, match=message):
        cluster.wait_for_workers(cluster.Cluster(tuple(addresses), 0), 2)
    cluster.wait_for_workers(cluster.Cluster(tuple(addresses[:1]), 0), 2)
    message = f"{addresses[0]}: this worker's port cannot be used"
    with cluster._listening(addresses[0]), pytest.raises(DataError, match=message):
        cluster.wait_for_workers(cluster.Cluster(tuple(addresses), 0), 2)


@pytest.mark.parametrize("first", [False, True])
def test_start_that_takes_too_long_ends_with_one_line(first):
    """Also where it keeps the GIL, and as the first process of a container, whom no signal from inside can kill."""
    if first and os.geteuid():
        pytest.skip("needs root")
    block = "import ctypes; ctypes.PyDLL(None).sleep(60)"
    program = f"from srnet.training.cluster import start_guard\nwith start_guard(0.2): {block}"
    container = ["unshare", "--pid", "--fork"] if first else []
    command = [*container, sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr == "error: the workers did not connect within 0.2 s; start all of them again\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "it needs a cluster and a task"),
        ('{"cluster": {"worker": ["a:1"]}}', "it needs a cluster and a task"),
        ('{"cluster": {"ps": ["a:1"]}, "task": {}}', "the cluster may have chief and worker, not ps"),
        ('{"cluster": {"worker": "a:1"}, "task": {}}', "worker is not a list of host:port addresses"),
        ('{"cluster": {"worker": ["a:b"]}, "task": {}}', "worker is not a list of host:port addresses"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "the cluster has no task worker 1",
        ),
        (_tf_config(["a:1", "a:1"], 0), "two tasks have the same address"),
    ],
)
def test_malformed_tf_config(monkeypatch, text, why):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError, match=f"^TF_CONFIG: {why}; expected, for example, "):
        cluster.find_cluster()


def test_an_index_in_quotes(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", _tf_config(["a:1", "b:1"], "1"))
    assert cluster.find_cluster() == cluster.Cluster(("a:1", "b:1"), 1)


def test_a_name_that_no_host_can_have_does_not_answer():
    with pytest.raises(DataError, match=r"no answer from worker 0 \(a\.\.b:1\) within 0\.1 s"):
        cluster.wait_for_workers(cluster.Cluster(("a..b:1", *_free_addresses(1)), 1), 0.1)


def test_the_chief_is_the_first_worker(monkeypatch):
    found = {"cluster": {"worker": ["b:1", "c:1"], "chief": ["a:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(found))
    assert cluster.find_cluster() == cluster.Cluster(("a:1", "b:1", "c:1"), 2)


def test_step_of_slurm(monkeypatch):
    """SLURM numbers its tasks in the order node9, node10; whatever the order here, each task must find itself."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    step = {"JOB_ID": "4007", "STEP_NODELIST": "node[9-10]", "STEP_NUM_TASKS": "3", "STEP_TASKS_PER_NODE": "2,1"}
    for name, value in step.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    tasks = [SimpleNamespace(node="node9", local=0), SimpleNamespace(node="node9", local=1)]
    tasks.append(SimpleNamespace(node="node10", local=0))
    found = []
    for rank, task in enumerate(tasks):
        monkeypatch.setenv("SLURM_PROCID", str(rank))
        monkeypatch.setenv("SLURM_LOCALID", str(task.local))
        monkeypatch.setenv("SLURMD_NODENAME", task.node)
        own = cluster.find_cluster()
        assert own.addresses[own.index] == f"{task.node}:{12070 + task.local}"
        found.append(own)
    assert len({own.addresses for own in found}) == 1
    assert sorted(own.index for own in found) == [0, 1, 2]
    monkeypatch.delenv("SLURMD_NODENAME")
    with pytest.raises(UsageError, match="the variables of SLURM cannot be used"):
        cluster.find_cluster()


def test_neither_tf_config_nor_slurm(monkeypatch):
    for name in ("TF_CONFIG", "SLURM_STEP_NODELIST"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="^--strategy=multi_worker: TF_CONFIG is not set; expected, for example, "):
        cluster.find_cluster()
