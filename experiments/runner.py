"""Makes the runs and the measurements that an experiment needs, each by a command of srnet.

Finished runs and measurements are reused, and a run that was interrupted is resumed.
"""

import dataclasses
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from experiments import records
from experiments.cells import Cell, check_training_sets, epochs_of, is_trained, measured, sign
from experiments.workspace import ROOT, Workspace
from srnet.errors import DataError, UsageError
from srnet.files import reason
from srnet.progress import progress_bar

if sys.platform != "win32":  # where srnet.cli refuses to run
    import fcntl

IMAGE_WORTH = 10  # a measured image counts as this many training steps in the progress bar

Failure = tuple[Cell, str]  # a cell, and why it failed
Writer = Callable[[list[records.Record], pathlib.Path], None]
Measurer = Callable[[list[Cell], Workspace], list[Failure]]


def complete(
    cells: list[Cell], workspace: Workspace, prefix: str, write: Writer, measure: Measurer | None = None
) -> int:
    """Trains and measures what some cells lack, then writes records, tables and figures, also after an interruption.

    Args:
      cells: list of `Cell`, each with a folder of its own.
      workspace: `Workspace`.
      prefix: what the name of the records' file begins with.
      write: callable that makes tables and figures of (all the file's records, the file).
      measure: callable that measures more of (cells, workspace) and returns those that failed, or None.

    Returns:
      The exit status; a line is printed for each cell that failed.

    Raises:
      DataError: if the training images cannot be found, or the records cannot be read or written.
    """
    check_training_sets(cells, workspace.data_root)
    workspace.make_results_folder()
    path = workspace.results_file(prefix)
    records.read_records(path)
    failed = []
    try:
        failed += make(cells, workspace)
        failed += measure(cells, workspace) if measure else []
    finally:
        found, damaged = records.collect(cells, workspace.budget)
        failed += damaged
        write(records.update_records(path, found), path)
        print(path)
    return report_failures(failed)


def report_failures(failed: list[Failure]) -> int:
    """Prints a line for each cell that failed and returns the exit status.

    Args:
      failed: list of (cell, why).
    """
    for cell, why in dict.fromkeys(failed):  # one damaged file may fail in several parts
        print(f"error: {cell.name}: {why}", file=sys.stderr)
    return 1 if failed else 0


def make(cells: list[Cell], workspace: Workspace) -> list[Failure]:
    """Trains and measures what some cells lack, with one progress bar.

    Args:
      cells: list of `Cell`, each with a folder of its own.
      workspace: `Workspace`.

    Returns:
      A list of (cell, why) for the cells that failed; the others are complete.

    Raises:
      KeyboardInterrupt: after Ctrl-C or SIGTERM, when the commands have saved their state and ended.
    """
    queue = _Queue(cells, workspace)
    usual = signal.signal(signal.SIGTERM, signal.default_int_handler)
    total, initial = (sum(map(count, cells)) for count in (_whole, _done))
    with progress_bar(total, "", "step", initial=initial, dynamic_ncols=True) as progress:
        try:
            while queue.waiting or queue.running:
                queue.collect()
                queue.start()
                progress.n = sum(map(_done, cells)) + sum(map(_begun, queue.running))
                progress.set_description_str(queue.describe())
                progress.refresh()
                time.sleep(0.5)
        except KeyboardInterrupt:
            if queue.running:
                progress.write("interrupted: running jobs save their state; the same command resumes them", sys.stderr)
            raise
        finally:
            signal.signal(signal.SIGTERM, usual)
            queue.stop()
    return queue.failed


@dataclasses.dataclass(frozen=True)
class _Job:
    """A command that runs, and the set that it measures, None while it trains."""

    process: subprocess.Popen
    measures: str | None


class _Queue:
    """Waiting cells, running commands, and cells that failed."""

    def __init__(self, cells: list[Cell], workspace: Workspace) -> None:
        self.waiting = list(cells)
        self.running: dict[Cell, _Job] = {}
        self.elsewhere: list[Cell] = []  # those that another process is processing
        self.failed: list[Failure] = []
        self._workspace = workspace

    def collect(self) -> None:
        """Takes the commands that have ended out of the running ones."""
        for cell in [cell for cell, job in self.running.items() if job.process.poll() is not None]:
            job = self.running.pop(cell)
            if job.process.returncode:
                self.failed.append((cell, f"exit status {job.process.returncode}: {_last_line(cell)}"))
                continue
            try:
                if job.measures:
                    sign(cell, job.measures)
            except DataError as error:
                self.failed.append((cell, str(error)))
                continue
            self.waiting.insert(0, cell)

    def start(self) -> None:
        """Starts the next commands of the waiting cells, up to the number of concurrent jobs."""
        self.elsewhere = []
        for cell in list(self.waiting):
            if len(self.running) == self._workspace.jobs:
                return
            try:
                job = _start_next(cell, self._workspace)
            except (UsageError, DataError) as error:
                self.failed.append((cell, str(error)))
                self.waiting.remove(cell)
                continue
            except BlockingIOError:
                self.elsewhere.append(cell)
                continue
            self.waiting.remove(cell)
            if job:
                self.running[cell] = job

    def describe(self) -> str:
        """Returns the names of the cells being processed."""
        names = [cell.name for cell in self.running] + [f"{cell.name} in another process" for cell in self.elsewhere]
        return ", ".join(names) or "finishing"

    def stop(self) -> None:
        """Tells the running commands to save and end, and waits for them."""
        for job in self.running.values():
            job.process.terminate()
        for job in self.running.values():
            job.process.wait()


def _start_next(cell: Cell, workspace: Workspace) -> _Job | None:
    """Starts the command that makes the next missing part of a cell; None when there is none."""
    folders = [f"--data_root={workspace.data_root}"] if workspace.data_root else []
    folders.append(f"--cache_dir={workspace.cache_dir}")
    if not is_trained(cell):
        command = [sys.executable, "-m", "srnet.train", *cell.train, f"--run_dir={cell.folder}", *folders]
        return _Job(_start(cell, command), None)
    for name in cell.sets:
        if measured(cell, name) is None:
            source = f"--run={cell.folder}" if cell.config else f"--method={cell.method}"
            target = f"--output={cell.measurement(name)}"
            command = [sys.executable, "-m", "srnet.evaluate", source, f"--sets={name}", f"--scales={cell.scale}"]
            degraded = [] if cell.degradation == "bicubic" else [f"--degradation={cell.degradation}"]
            return _Job(_start(cell, [*command, target, *degraded, *folders]), name)
    return None


def _start(cell: Cell, command: list[str]) -> subprocess.Popen:
    """Starts a command out of reach of the terminal's Ctrl-C, which `make` passes on, once.

    The command's own output file is locked as long as it lives, even if it outlives this process: BlockingIOError
    means that another process is processing the cell.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        cell.folder.parent.mkdir(parents=True, exist_ok=True)
        with cell.log.open("a") as log:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            log.truncate(0)
            log.write(f"{shlex.join(command)}\n")
            log.flush()
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": path, "TQDM_MININTERVAL": "2"},
            )
    except BlockingIOError:
        raise
    except OSError as error:
        raise DataError(f"{cell.log}: cannot be written ({reason(error)})") from error


def _last_line(cell: Cell) -> str:
    lines = re.split(r"[\r\n]+", cell.log.read_text(errors="replace").strip())
    return next((line for line in reversed(lines) if line.startswith("error: ")), lines[-1])


def _whole(cell: Cell) -> int:
    """The steps of a cell in the progress bar."""
    return (cell.config.total_steps if cell.config else 0) + IMAGE_WORTH * sum(cell.sets.values())


def _done(cell: Cell) -> int:
    """The steps of finished epochs, and those that finished measurements count as."""
    images = sum(count for name, count in cell.sets.items() if cell.measurement(name).exists())
    return _steps(cell) + IMAGE_WORTH * images


def _steps(cell: Cell) -> int:
    try:
        lines = epochs_of(cell) if cell.config else []
    except DataError:
        lines = []
    return lines[-1]["step"] if lines else 0


def _begun(cell: Cell) -> int:
    """The steps of the running command beyond `_done`, read from the progress bar in its log."""
    with cell.log.open("rb") as log:
        command = log.readline().decode()
        log.seek(max(0, cell.log.stat().st_size - 500))
        bars = re.findall(rb"([a-z_]+): [^:]*?(\d+)/\d+ \[", log.read())
    label, done = bars[-1] if bars else (b"", 0)
    if label == b"training":
        return max(0, int(done) - _steps(cell))
    # While a measuring command ends, its file is there already, and counted.
    ending = any(str(path) in command and path.exists() for path in map(cell.measurement, cell.sets))
    return IMAGE_WORTH * int(done) if label.decode() == cell.measured_as and not ending else 0
