"""Tools whose jobs are done by the workers of a Dask scheduler."""

import contextlib
import os
import signal
import socket
import time

import dask
import distributed
import pytest

from experiments.runs import runner
from experiments.workspace import Workspace
from srnet.json_files import read_json_lines

SWEEP = ("ablation_sweep.py", "--variants=no_skips", "--scales=2")


@pytest.fixture
def cluster():
    """A scheduler with one worker, a process of its own."""
    with distributed.LocalCluster(1, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        yield cluster


@pytest.mark.slow
def test_a_job_is_finished_after_its_worker_was_killed(cluster, start_tool, tmp_path, wait_for, monkeypatch):
    monkeypatch.setenv("TQDM_MININTERVAL", "600")  # no line of progress
    tool = start_tool(*SWEEP, f"--scheduler={cluster.scheduler_address}")
    wait_for(tmp_path / "runs/no_skips_x2_seed0/config.json")
    os.kill(cluster.workers[0].pid, signal.SIGKILL)
    output, errors = tool.communicate(timeout=300)
    assert (tool.returncode, errors) == (0, "")
    epochs = read_json_lines(tmp_path / "runs/no_skips_x2_seed0/metrics.jsonl")
    assert [line["epoch"] for line in epochs] == [1, 2]
    assert f"{epochs[-1]['psnr']:.2f} / " in output


@pytest.mark.slow
def test_an_interrupted_tool_stops_the_commands_of_workers_and_resumes(cluster, start_tool, tmp_path, wait_for):
    scheduler = f"--scheduler={cluster.scheduler_address}"
    tool = start_tool(*SWEEP, scheduler)
    wait_for(tmp_path / "runs/no_skips_x2_seed0.log")
    tool.send_signal(signal.SIGTERM)
    _, errors = tool.communicate(timeout=120)
    assert (tool.returncode, "Traceback" in errors) == (128 + signal.SIGTERM, False), errors
    results = tmp_path / "results/quick.jsonl"
    assert not results.exists() or "no_skips" not in results.read_text()
    tool = start_tool(*SWEEP, scheduler)
    _, errors = tool.communicate(timeout=300)
    assert tool.returncode == 0, errors
    assert len(read_json_lines(tmp_path / "runs/no_skips_x2_seed0/metrics.jsonl")) == 2


@pytest.mark.slow
def test_a_machine_that_sleeps_does_not_lose_its_workers(start_tool, tmp_path, wait_for, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "1s")  # 5 minutes, otherwise
    tool = start_tool(*SWEEP)
    wait_for(tmp_path / "runs/no_skips_x2_seed0.log")
    tool.send_signal(signal.SIGSTOP)
    time.sleep(6)
    tool.send_signal(signal.SIGCONT)
    _, errors = tool.communicate(timeout=120)
    assert tool.returncode == 0, errors


def test_the_local_cluster_ignores_a_busy_port_and_a_configured_scheduler(tmp_path):
    with socket.socket() as busy, dask.config.set({"scheduler-address": "tcp://127.0.0.1:1"}):
        with contextlib.suppress(OSError):  # in use already
            busy.bind(("", 8787))
            busy.listen()
        with runner._connect(Workspace("quick", tmp_path, tmp_path, None, "")) as client:
            assert client.submit(abs, -1).result() == 1


@pytest.mark.usefixtures("run_tool")  # the budget TINY
def test_a_scheduler_that_does_not_answer_is_named(call_tool, arguments, monkeypatch):
    monkeypatch.setattr(runner, "CONNECT_SECONDS", 1)
    status, _, errors = call_tool(*SWEEP, *arguments(SWEEP[0]), "--scheduler=127.0.0.1:1")
    assert (status, errors) == (1, "error: --scheduler=127.0.0.1:1: no Dask scheduler answers there\n")
