"""Trains and measures what an experiment needs: each job is a Dask task that runs srnet commands.

Finished runs and measurements are reused; interrupted runs are resumed.
"""

import contextlib
import logging
import pathlib
import shlex
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from experiments.runs import records
from experiments.runs.jobs import Job, is_trained
from experiments.workspace import ROOT, Workspace
from srnet import cli, durable
from srnet.data.datasets import find_images
from srnet.errors import DataError, UsageError
from srnet.json_files import read_json, write_json
from srnet.progress import progress_bar
from srnet.training.checkpoint_files import newest_checkpoint, step_of
from srnet.training.origin import origin

try:
    import dask
    import distributed
except ImportError as error:
    raise UsageError("this tool needs distributed: pip install -e '.[experiments]'") from error

CONNECT_SECONDS = 30  # timeout of the connection to a scheduler
_POLL_SECONDS = 0.5

for _name in ("distributed", "distributed.client", "asyncio"):  # users read the tools' own messages
    logging.getLogger(_name).setLevel(logging.CRITICAL)

Writer = Callable[[list[records.Record]], None]
Measurer = Callable[[Sequence[Job]], dict[str, str]]


def run_jobs(
    jobs: Sequence[Job], workspace: Workspace, path: pathlib.Path, write: Writer, measure: Measurer | None = None
) -> int:
    """Trains and measures what jobs lack, then writes tables and figures, even after an interruption.

    Args:
      jobs: the jobs, each with its own folder.
      workspace: `Workspace`.
      path: the records file.
      write: callable that writes tables and figures from all records.
      measure: callable that takes further measurements of trained jobs and returns a dict from the names of failed ones
        to the reasons; or None.

    Returns:
      The exit status; a line is printed for each job that failed.

    Raises:
      DataError: if the training images cannot be found, the records cannot be read or written, or the scheduler does
        not answer.
      KeyboardInterrupt: after Ctrl-C or SIGTERM, when the commands have saved their state and ended.
    """
    for name in {name for job in jobs if job.config for name in job.config.train_sets}:
        find_images(name, workspace.data_root)
    workspace.make_results_folder()
    records.read_records(path)
    failed: dict[str, str] = {}
    try:
        failed |= _run_all(jobs, path.absolute(), workspace)
        made = [job for job in jobs if job.name not in failed]
        failed |= measure(made) if measure else {}
    finally:
        for name, why in failed.items():  # first, since writing the tables may fail, too
            cli.complain(f"{name}: {why}")
        found = records.read_records(path)
        write(found)
        if found:
            print(path)
    return 1 if failed else 0


def _run_all(jobs: Sequence[Job], path: pathlib.Path, workspace: Workspace) -> dict[str, str]:
    """Trains and measures jobs with one progress bar; returns a dict from the names of failed ones to the reasons."""
    total = sum(job.config.total_steps for job in jobs if job.config)
    bar = {"initial": _steps(jobs), "dynamic_ncols": True, "miniters": 0}  # 0: the clock runs on between updates
    with _connect(workspace) as client, progress_bar(total, "", "step", **bar) as progress:
        stop = distributed.Event(client=client)
        tasks: dict[Job, distributed.Future] = {}
        ended: dict[Job, str] = {}  # to `_failure`, asked at once: all tasks are cancelled if the scheduler is lost
        try:
            for rank, job in enumerate(jobs):
                tasks[job] = client.submit(_run_job, job, path, workspace, stop, pure=False, priority=-rank)
            pending = list(jobs)
            while pending:
                time.sleep(_POLL_SECONDS)
                ended |= {job: _failure(tasks[job]) for job in pending if tasks[job].done()}
                pending = [job for job in jobs if job not in ended]
                running = ", ".join(job.name for job in pending if _is_running(job))
                progress.set_description_str(running or ("waiting" if pending else "done"), refresh=False)
                progress.update(_steps(jobs) - progress.n)
        except KeyboardInterrupt:
            progress.write("interrupted: running jobs save their state; the same command resumes them", sys.stderr)
            raise
        finally:
            with contextlib.suppress(OSError):  # if the scheduler was lost
                stop.set()
            while any(_is_running(job) for job, task in tasks.items() if not task.done()):
                time.sleep(_POLL_SECONDS)
        return {job.name: ended[job] for job in jobs if ended[job]}


def _steps(jobs: Sequence[Job]) -> int:
    """The steps of the jobs' newest checkpoints, summed."""
    newest = [newest_checkpoint(job.run.last) for job in jobs]
    return sum(step_of(checkpoint) for checkpoint in newest if checkpoint)


def _connect(workspace: Workspace) -> distributed.Client:
    """Connects to the workspace's scheduler, or to one in this process with threads as workers."""
    options: dict[str, Any] = {"address": workspace.scheduler}
    if not workspace.scheduler:  # no memory limit: other processes do the work
        options = {"n_workers": workspace.jobs, "threads_per_worker": 1, "processes": False, "memory_limit": None}
        options |= {"dashboard_address": "127.0.0.1:0", "worker_dashboard_address": "127.0.0.1:0"}
    # An address in Dask's own configuration is not used. A sleeping machine sends no heartbeat: keep its workers.
    settings = {"scheduler-address": None, "distributed.scheduler.worker-ttl": None}
    with dask.config.set(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a machine without a network
        try:
            return distributed.Client(**options, timeout=CONNECT_SECONDS)
        except OSError as error:
            raise DataError(f"--scheduler={workspace.scheduler}: no Dask scheduler answers there") from error


def _failure(task: distributed.Future) -> str:
    """Why a task failed; empty if it did not."""
    if task.status != "error":
        return "" if task.status == "finished" else "the connection to the scheduler was lost"
    error = task.exception()
    return str(error) if isinstance(error, (UsageError, DataError)) else f"{type(error).__name__}: {error}"


def _run_job(job: Job, path: pathlib.Path, workspace: Workspace, stop: distributed.Event) -> None:
    """Trains and measures what a job lacks; a task of a worker, which may be another machine's."""
    if stop.is_set():
        raise DataError("interrupted")
    folders = [f"--data_root={workspace.data_root}"] if workspace.data_root else []
    folders.append(f"--cache_dir={workspace.cache_dir}")
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("a+", errors="replace") as log:  # commands inherit its lock, and keep it if they outlive this
        while durable.lock_open(log.fileno()) is False:  # another process is working on the job
            _pause(stop)
        if job.config is None and not job.run.origin.exists():
            write_json(job.run.origin, origin())
        if not is_trained(job):
            _run(["srnet.train", *job.train, f"--run_dir={job.run.folder}", *folders], log, stop)
        record = records.add_record(path, records.record_of(job, workspace.budget))
        source = f"--run={job.run.folder}" if job.config else f"--method={job.method}"
        output = job.run.folder / "measurement.json"
        for name, images in job.sets.items():
            if record["measurements"].get(name, {}).get("images") == images:
                continue
            flags = [source, f"--sets={name}", f"--scales={job.scale}", f"--degradation={workspace.degradation}"]
            _run(["srnet.evaluate", *flags, f"--output={output}", *folders], log, stop)
            (found,) = read_json(output)
            measurement = {field: found[field] for field in ("psnr", "ssim", "images", "seconds")}
            records.add_record(path, {**record, "measurements": {name: measurement}})
            output.unlink()


def _is_running(job: Job) -> bool:
    with contextlib.suppress(FileNotFoundError), job.log.open() as log:
        return durable.lock_open(log.fileno(), shared=True) is False
    return False


def _pause(stop: distributed.Event) -> None:
    if stop.wait(_POLL_SECONDS):
        raise DataError("interrupted")


def _run(arguments: Sequence[str], log: TextIO, stop: distributed.Event) -> None:
    """Runs a command shielded from the terminal's Ctrl-C; its output replaces the content of the log."""
    command = [sys.executable, "-m", *arguments]
    log.truncate(0)
    print(shlex.join(command), file=log, flush=True)
    with subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd=ROOT) as process:
        try:
            while process.poll() is None:
                _pause(stop)
        finally:
            process.terminate()
    if process.returncode:
        log.seek(0)
        lines = log.read().strip().splitlines()
        last = next((line for line in reversed(lines) if line.startswith("error: ")), lines[-1])
        raise DataError(f"exit status {process.returncode}: {last}")
