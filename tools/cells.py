"""Cells: runs that an experiment needs, and their measurements, each made once by a command of srnet.

A cell is a folder. Training it is `python -m srnet.train`, measuring it is `python -m srnet.evaluate`, one file for
each set; what is there already is not made again, so whatever was stopped goes on where it was.
"""

import dataclasses
import fcntl
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

import tqdm

from experiments.budgets import run_settings
from srnet.errors import DataError, UsageError
from srnet.files import read_json, reason
from srnet.training.config import TrainConfig, preset_settings
from srnet.training.runs import Run, check_run, read_metrics
from srnet.training.session import resolve

ROOT = pathlib.Path(__file__).resolve().parents[1]
IMAGE_WORTH = 10  # a measured image counts as this many training steps in the progress bar


@dataclasses.dataclass(frozen=True, eq=False)
class Cell:
    """One method at one scale.

    Attributes:
      method: name of a network or of a method of `srnet.classical`, or of a table's row.
      scale: integer enlargement.
      folder: where its run and its measurements are.
      sets: names of the sets that it is measured on, with the number of their images.
      train: arguments of `srnet.train`; none for a classical method.
      config: the run's `TrainConfig`; None for a classical method.
      seed: seed of the run.
    """

    method: str
    scale: int
    folder: pathlib.Path
    sets: dict[str, int]
    train: tuple[str, ...] = ()
    config: TrainConfig | None = None
    seed: int = 0

    @property
    def name(self):
        return self.folder.name

    @property
    def measured_as(self):
        """The method's name in its measurements."""
        return self.config.variant if self.config else self.method

    @property
    def run(self):
        return Run(self.folder)

    @property
    def log(self):
        """What the newest command wrote; locked while it runs."""
        return self.folder.with_suffix(".log")

    @property
    def cost(self):
        """The file of what the method costs, by `compare_methods.py`."""
        return self.folder / "cost.json"

    def measurement(self, name):
        """The file of the records on one set."""
        return self.folder / f"evaluation_{name}.json"


def network_cell(budget, network, scale, seed, runs, sets, data_root):
    """Returns the cell of a network.

    Args:
      budget: one of `experiments.budgets.BUDGETS`.
      network: name in `srnet.models`.
      scale: integer enlargement.
      seed: integer, at least 0.
      runs: folder of the run folders.
      sets: dict from names of sets to the number of their images.
      data_root: folder with a folder for each set, or None.

    Raises:
      UsageError: for a scale or a seed that cannot be used.
    """
    folder = pathlib.Path(runs) / f"{network}_x{scale}_seed{seed}"
    return trained_cell(network, *run_settings(budget, network, scale, seed), folder, sets, data_root)


def trained_cell(method, preset, changes, folder, sets, data_root):
    """Returns the cell of a run.

    Args:
      method: what its records are called.
      preset: one of `srnet.training.config.PRESETS`.
      changes: the fields of `TrainConfig` that it changes there, the variant, the scale and the seed among them.
      folder: the run folder.
      sets: dict from names of sets to the number of their images.
      data_root: folder with a folder for each set, or None.

    Raises:
      UsageError: for a configuration that cannot be used.
    """
    config = TrainConfig(**{**preset_settings(preset, changes["variant"]), **changes})
    config, _ = resolve(config, data_root, fixed=("train_sets", "validation_set"))
    arguments = (f"--preset={preset}", *(f"--{name}={_as_flag(value)}" for name, value in changes.items()))
    return Cell(method, config.scale, folder, sets, arguments, config, config.seed)


def classical_cell(method, scale, runs, sets):
    """Returns the cell of a method without training; for the arguments see `network_cell`."""
    return Cell(method, scale, pathlib.Path(runs) / f"{method}_x{scale}", sets)


def _as_flag(value):
    if isinstance(value, dict):
        return json.dumps(value)
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def is_trained(cell):
    """Whether a cell's run is complete; True for a classical method.

    Args:
      cell: `Cell`.

    Raises:
      UsageError: if its folder holds another run.
      DataError: if its folder cannot be read.
    """
    if cell.config is None:
        return True
    check_run(cell.folder, cell.config)
    steps = [line["step"] for line in epochs_of(cell)]
    return bool(steps) and steps[-1] >= cell.config.total_steps and cell.run.saved_model.is_dir()


def epochs_of(cell):
    """Returns the lines of a run's metrics.jsonl.

    Args:
      cell: `Cell` of a network.

    Raises:
      DataError: if the file is damaged.
    """
    try:
        lines = read_metrics(cell.run)
        if all({"epoch", "step", "psnr", "ssim", "seconds"} <= set(line) for line in lines):
            return lines
        problem = "fields are missing"
    except (OSError, ValueError, TypeError) as error:
        problem = reason(error)
    raise DataError(f"{cell.run.metrics}: damaged ({problem}); delete {cell.folder} to have it made again")


def measured(cell, name):
    """Returns a cell's record on one set, or None where the set, as it is now, has not been measured.

    Args:
      cell: `Cell`.
      name: the set.

    Raises:
      DataError: if the file there cannot be used.
    """
    path = cell.measurement(name)
    if not path.exists():
        return None
    found = read_json(path)
    record = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
    fields = ("method", "set", "scale", "psnr", "ssim", "images", "seconds")
    if not set(fields) <= set(record):
        raise DataError(f"{path}: no measurement of this srnet version; delete it to have it made again")
    if (record["method"], record["set"], record["scale"]) != (cell.measured_as, name, cell.scale):
        raise DataError(f"{path}: of {record['method']} on {record['set']}; delete it to have it made again")
    return record if record["images"] == cell.sets[name] else None


def is_complete(cell):
    """Whether a cell is trained and measured; False for one whose folder cannot be used."""
    try:
        return is_trained(cell) and all(measured(cell, name) for name in cell.sets)
    except (UsageError, DataError):
        return False


def _next_command(cell, data_root, cache_dir):
    """The command that does the next missing part of a cell, or None when there is none."""
    folders = [f"--data_root={data_root}"] if data_root else []
    folders.append(f"--cache_dir={cache_dir}")
    if not is_trained(cell):
        return [sys.executable, "-m", "srnet.train", *cell.train, f"--run_dir={cell.folder}", *folders]
    for name in cell.sets:
        if measured(cell, name) is None:
            source = f"--run={cell.folder}" if cell.config else f"--method={cell.method}"
            target = f"--output={cell.measurement(name)}"
            command = [sys.executable, "-m", "srnet.evaluate", source, f"--sets={name}", f"--scales={cell.scale}"]
            return [*command, target, *folders]
    return None


def make(cells, jobs, data_root, cache_dir):
    """Trains and measures what is missing of some cells, with one progress bar.

    Args:
      cells: list of `Cell`, each with a folder of its own.
      jobs: how many commands run at a time.
      data_root: folder with a folder for each set, or None.
      cache_dir: folder of patch stores and trained arrays.

    Returns:
      A list of (cell, reason) for the cells that failed; the others are complete.

    Raises:
      KeyboardInterrupt: after Ctrl-C or SIGTERM; the commands have been told to save and have ended.
    """
    waiting, running, failed = list(cells), {}, []
    usual = signal.signal(signal.SIGTERM, signal.default_int_handler)
    total, initial = (sum(map(count, cells)) for count in (_whole, _done))
    with tqdm.tqdm(total=total, initial=initial, unit="step", dynamic_ncols=True) as progress:
        try:
            while waiting or running:
                for cell in [cell for cell, process in running.items() if process.poll() is not None]:
                    status = running.pop(cell).returncode
                    if status:
                        failed.append((cell, f"exit status {status}: {_last_line(cell)}"))
                    else:
                        waiting.insert(0, cell)
                elsewhere = []
                for cell in list(waiting):
                    if len(running) == jobs:
                        break
                    try:
                        command = _next_command(cell, data_root, cache_dir)
                        process = _start(cell, command) if command else None
                    except (UsageError, DataError) as error:
                        failed.append((cell, str(error)))
                        waiting.remove(cell)
                        continue
                    except BlockingIOError:
                        elsewhere.append(cell)
                        continue
                    waiting.remove(cell)
                    if process:
                        running[cell] = process
                progress.n = sum(map(_done, cells)) + sum(map(_begun, running))
                names = [cell.name for cell in running] + [f"{cell.name} by another process" for cell in elsewhere]
                progress.set_description_str(", ".join(names) or "ending")
                progress.refresh()
                time.sleep(0.5)
        except KeyboardInterrupt:
            if running:
                progress.write("stopping: what runs saves its state; the same command goes on from there", sys.stderr)
            raise
        finally:
            signal.signal(signal.SIGTERM, usual)
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait()
    return failed


def _start(cell, command):
    """Starts a command out of reach of the terminal's Ctrl-C, which `make` passes on, once.

    The command's own output file is locked as long as it lives, also when it outlives this process: BlockingIOError
    says that another process works on the cell.
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


def _last_line(cell):
    lines = re.split(r"[\r\n]+", cell.log.read_text(errors="replace").strip())
    return next((line for line in reversed(lines) if line.startswith("error: ")), lines[-1])


def _whole(cell):
    return (cell.config.total_steps if cell.config else 0) + IMAGE_WORTH * sum(cell.sets.values())


def _done(cell):
    images = sum(count for name, count in cell.sets.items() if cell.measurement(name).exists())
    return _steps(cell) + IMAGE_WORTH * images


def _steps(cell):
    try:
        lines = epochs_of(cell) if cell.config else []
    except DataError:
        lines = []
    return lines[-1]["step"] if lines else 0


def _begun(cell):
    """What the command that runs has done beyond `_done`, by the progress bar that it draws into its log."""
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
