"""A job's task: what it measures, what it keeps, and what an interruption costs."""

import types

import psutil
import pytest

from experiments.runs import jobs, records, runner
from experiments.workspace import Workspace
from srnet.errors import DataError
from srnet.json_files import write_json
from srnet.training.run_folder import Run

STOP = types.SimpleNamespace(is_set=lambda: False, wait=lambda timeout: False)


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A callable (sets, failing) that makes a job of bicubic interpolation: (measured sets, record)."""
    path = tmp_path / "results" / "quick.jsonl"
    workspace = Workspace("quick", tmp_path / "runs", path.parent, None, str(tmp_path))

    def make(sets, failing=None):
        measured = []

        def run(command, log, stop):
            flags = dict(flag.lstrip("-").split("=") for flag in command[1:])
            if flags["sets"] == failing:
                raise DataError("interrupted")
            measured.append(flags["sets"])
            values = {"psnr": 30.0, "ssim": 0.9, "images": sets[flags["sets"]], "seconds": 1.0, "set": flags["sets"]}
            write_json(flags["output"], [values])

        monkeypatch.setattr(runner, "_run", run)
        job = jobs.Job("bicubic", 2, Run(tmp_path / "runs" / "bicubic_x2"), sets)
        if failing:
            with pytest.raises(DataError, match="interrupted"):
                runner._run_job(job, path, workspace, STOP)
        else:
            runner._run_job(job, path, workspace, STOP)
        (record,) = records.read_records(path)
        return measured, record

    return make


def test_each_set_is_measured_once_and_kept_at_an_interruption(make):
    measured, record = make({"first": 1, "second": 2, "third": 3}, failing="second")
    assert (measured, list(record["measurements"])) == (["first"], ["first"])
    measured, record = make({"first": 1, "second": 2, "third": 3})
    assert (measured, list(record["measurements"])) == (["second", "third"], ["first", "second", "third"])
    assert make({"first": 1, "second": 2, "third": 3})[0] == []


def test_a_set_of_another_number_of_images_is_measured_again(make):
    make({"first": 1, "second": 2})
    measured, record = make({"first": 1, "second": 5})
    assert measured == ["second"] and record["measurements"]["second"]["images"] == 5


def test_nothing_is_begun_after_the_tool_was_stopped(tmp_path):
    job = jobs.Job("bicubic", 2, Run(tmp_path / "runs" / "bicubic_x2"), {"first": 1})
    workspace = Workspace("quick", tmp_path / "runs", tmp_path, None, str(tmp_path))
    stop = types.SimpleNamespace(is_set=lambda: True)
    with pytest.raises(DataError, match="interrupted"):
        runner._run_job(job, tmp_path / "quick.jsonl", workspace, stop)
    assert not any(tmp_path.iterdir())


def test_only_this_machine_can_connect_to_the_local_scheduler(tmp_path):
    workspace = Workspace("quick", tmp_path / "runs", tmp_path, None, str(tmp_path), jobs=2)
    before = {each.laddr for each in psutil.Process().net_connections()}
    with runner._connect(workspace):
        opened = {each.laddr for each in psutil.Process().net_connections() if each.status == psutil.CONN_LISTEN}
    assert {address.ip for address in opened - before} == {"127.0.0.1"}
