"""A run is a folder. This module handles its files, `checkpoint_files` those of its checkpoints.

config.json     the TrainConfig, with the latest session's precision, strategy and number of epochs
run.json        its origin: command, commit, versions, hardware, digests of its data (`DATA`), initial weights;
                the origin of each session, with its first step, precision, strategy and number of epochs; and the
                step of the exported network
metrics.jsonl   one line for each epoch
checkpoints/    the last two, and best/ by validation PSNR
tensorboard/    events
preview.png     LR, bicubic, SR and HR of a validation image, latest epoch
model.keras     the trained network, and
saved_model/    its export, when the run is complete
"""

import contextlib
import dataclasses
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from srnet.durable import SUFFIX
from srnet.errors import DataError, UsageError
from srnet.files import LOCK, locked, reason, write_text
from srnet.json_files import read_json, read_json_lines, to_checked_json, write_json
from srnet.training.checkpoint_files import LIST, newest_checkpoint, step_of
from srnet.training.config import TrainConfig, changeable_settings, load_config
from srnet.training.origin import origin

# What a run must be resumed with, whose digests are in run.json.
DATA = {"patches": "training images", "validation": "validation images", "vgg19": "weights of VGG19"}
_ORIGIN = ("started", "command", "commit", "versions", "hardware")  # of a session


@dataclasses.dataclass
class Run:
    """The paths of a run folder.

    Attributes:
      folder: the run folder.
      config: file of the `TrainConfig`.
      origin: file of what `srnet.training.origin.origin` returns, for each session.
      metrics: file of the loss and validation scores, one line per epoch.
      last: folder of the newest checkpoints.
      best: folder of the checkpoint of the best validation PSNR.
      tensorboard: folder of the events for TensorBoard.
      preview: file of a validation image as LR, bicubic, SR and HR.
      model: file of the trained Keras model.
      saved_model: folder of the trained network as a SavedModel.
    """

    folder: Path

    def __post_init__(self) -> None:
        self.config = self.folder / "config.json"
        self.origin = self.folder / "run.json"
        self.metrics = self.folder / "metrics.jsonl"
        self.last = self.folder / "checkpoints"
        self.best = self.last / "best"
        self.tensorboard = self.folder / "tensorboard"
        self.preview = self.folder / "preview.png"
        self.model = self.folder / "model.keras"
        self.saved_model = self.folder / "saved_model"


def check_run(run: Run, config: TrainConfig) -> TrainConfig | None:
    """Checks that a folder can hold a run: it is new or empty, or holds a run that may be resumed with `config`.

    Its run must have the same values in all fields that affect the result.

    Args:
      run: `Run`.
      config: `TrainConfig`.

    Returns:
      The `TrainConfig` of the run in the folder, or None if there is none yet.

    Raises:
      UsageError: if the folder cannot be used; the message names what differs.
      DataError: if the configuration there cannot be read.
    """
    if set(str(run.folder)) & set("*?["):
        raise UsageError(f"{run.folder}: a run folder's name cannot have *, ? or [; choose another --run_dir")
    if not run.config.exists():
        if run.folder.exists() and not (run.folder.is_dir() and _is_empty(run.folder)):
            raise UsageError(f"{run.folder} exists and is not a run folder: choose another --run_dir")
        return None
    existing = load_config(run.config)
    there, asked = (json.loads(json.dumps(each.to_json())) for each in (existing, config))
    deciding = [name for name in asked if name not in changeable_settings(config)]
    differences = [f"{name} {there[name]!r}, not {asked[name]!r}" for name in deciding if there[name] != asked[name]]
    if differences:
        raise UsageError(f"{run.folder} holds a run with {'; '.join(differences)}: choose another --run_dir")
    return existing


def _is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing but leftovers of a run killed at its start."""
    beginnings = (Run(folder).origin.name, LOCK)
    return all(path.name in beginnings or SUFFIX in path.suffixes for path in folder.iterdir())


@contextlib.contextmanager
def open_run(
    run: Run,
    config: TrainConfig,
    data: Mapping[str, str],
    initial: dict[str, Any] | None = None,
    workers: int = 1,
) -> Iterator[None]:
    """Creates a run folder, or resumes the same run in an existing one, and locks it against other processes.

    The session is recorded if steps are left to train. A complete run is left unchanged.

    Args:
      run: `Run`.
      config: `TrainConfig`.
      data: dict from names in `DATA` to digests.
      initial: the dict that `copy_weights` returns, if the run starts from trained weights.
      workers: number of processes that train it.

    Raises:
      UsageError: if the folder holds a run with another configuration, other images or other given weights, or one
        that is already being trained.
      DataError: if the folder cannot be read or written.
    """
    check_run(run, config)
    with locked(run.folder, busy=f"{run.folder}: another process is training this run"):
        existing = check_run(run, config)  # again: another process may have begun it meanwhile
        step = steps_done(run)
        if existing is None:
            begun_by = session(0, config, workers)
            begun = {name: begun_by[name] for name in _ORIGIN}
            weights = {"initial": initial} if initial else {}
            write_json(run.origin, {**begun, **data, **weights, "sessions": [begun_by]})
            write_json(run.config, config.to_json())
        else:
            check_data(run, data)
            there = read_json(run.origin, dict)
            if not data.keys() <= there.keys():  # of an older srnet
                write_json(run.origin, {**data, **there})
            if initial and there.get("initial", initial)["sha256"] != initial["sha256"]:
                raise UsageError(f"{run.folder} holds a run that began with other weights: choose another --run_dir")
            if step < config.total_steps:
                record_session(run, existing, session(step, config, workers))
                write_json(run.config, config.to_json())
        yield


def check_data(run: Run, data: Mapping[str, str]) -> None:
    """Checks that a run began with the same data, as far as its run.json says; an older srnet wrote less.

    Args:
      run: `Run`.
      data: dict from names in `DATA` to digests.

    Raises:
      UsageError: if it did not.
      DataError: if run.json is damaged.
    """
    there = read_json(run.origin, dict)
    for name, digest in data.items():
        if there.get(name, digest) != digest:
            raise UsageError(f"{run.folder} holds a run with other {DATA[name]}: choose another --run_dir")


def session(step: int, config: TrainConfig, workers: int = 1, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """Returns the run.json entry of one session: its origin, the steps done before it, and how it computes.

    Args:
      step: the steps done before it.
      config: its `TrainConfig`.
      workers: number of processes that train.
      known: dict with the origin of the session; by default, that of this process.
    """
    known = origin() if known is None else known
    return {
        **{name: known.get(name) for name in _ORIGIN},
        "first_step": step,
        "workers": workers,
        **changeable_settings(config),
    }


def record_session(run: Run, before: TrainConfig, added: dict[str, Any]) -> None:
    """Adds a session to run.json.

    Args:
      run: `Run`.
      before: `TrainConfig` of the run so far.
      added: what `session` returns.

    Raises:
      DataError: if it cannot be read or written.
    """
    there = read_json(run.origin, dict)
    # Before srnet 0.2 a run had one entry for all its sessions.
    sessions = there.get("sessions") or [session(0, before, known=there)]
    write_json(run.origin, {**there, "sessions": [*sessions, added]})


def append_metrics(run: Run, values: dict[str, Any]) -> None:
    """Adds one epoch's line to metrics.jsonl.

    Args:
      run: `Run`.
      values: dict of numbers.

    Raises:
      DataError: if it cannot be written.
    """
    try:
        with run.metrics.open("a", encoding="utf-8") as file:
            file.write(to_checked_json(values) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError(f"{run.metrics}: cannot be written ({reason(error)})") from error


def read_metrics(run: Run) -> list[dict[str, Any]]:
    """Returns the epochs in metrics.jsonl; a truncated last line is skipped, and null is an infinite PSNR.

    Args:
      run: `Run`.

    Raises:
      DataError: if the file is damaged.
    """
    lines, before = [], 0
    for number, found in enumerate(read_json_lines(run.metrics, appended=True), 1):
        line = {name: math.inf if value is None else value for name, value in found.items()}
        step = line.get("step")
        if not all(isinstance(value, (int, float)) for value in line.values()) or not isinstance(step, int):
            raise DataError(f"{run.metrics}: line {number} is damaged; it is not the numbers of an epoch")
        if step <= before:
            raise DataError(f"{run.metrics}: line {number} is damaged; step {step} comes after step {before}")
        before = step
        lines.append(line)
    return lines


def drop_metrics_after(run: Run, step: int) -> int:
    """Removes the epochs that end after a step, since a run resumed from there writes them again.

    Args:
      run: `Run`.
      step: steps done at the checkpoint to resume from.

    Returns:
      The number of epochs left.

    Raises:
      DataError: if the metrics are damaged or cannot be written.
    """
    found = read_metrics(run)
    kept = [values for values in found if values["step"] <= step]
    whole = not run.metrics.exists() or run.metrics.read_text(encoding="utf-8").endswith("\n")
    if len(kept) < len(found) or not whole:
        write_text(run.metrics, "".join(to_checked_json(values) + "\n" for values in kept))
    return len(kept)


def steps_done(run: Run) -> int:
    """Returns the step of the newest checkpoint, or 0 if there is none.

    Args:
      run: `Run`.

    Raises:
      DataError: if the run has done steps and its checkpoints are lost.
    """
    newest = newest_checkpoint(run.last)
    if newest:
        return step_of(newest)
    check_nothing_is_lost(run)
    return 0


def check_nothing_is_lost(run: Run) -> None:
    """Checks that a run without a checkpoint has recorded at most its first epoch, whose checkpoint was being written.

    Args:
      run: `Run`.

    Raises:
      DataError: if its metrics have more.
    """
    ended = [line["step"] for line in read_metrics(run)]
    best = newest_checkpoint(run.best)
    # The first epoch's best checkpoint and metrics line are written before the first regular checkpoint.
    if ended and not (best and ended == [step_of(best)]):
        lost = f"{run.last}: no checkpoint that can be read, though {run.metrics.name} has {ended[-1]} steps"
        raise DataError(f"{lost}; put the checkpoints back, or choose another --run_dir")


def remove_unfinished_checkpoints(run: Run) -> None:
    """Removes what TensorFlow leaves behind if killed while writing a checkpoint.

    Args:
      run: `Run` that no other process is training.
    """
    for folder in (run.last, run.best):
        for left in [*folder.glob("step-*_temp"), *folder.glob(f"{LIST}.tmp*")]:
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def is_exported(run: Run) -> bool:
    """Tells whether the trained network has been exported since the newest checkpoint.

    Args:
      run: `Run`.

    Raises:
      DataError: if run.json is damaged.
    """
    made = run.model.exists() and (run.saved_model / "saved_model.pb").exists()
    return made and read_json(run.origin, dict).get("exported") == steps_done(run)


def record_export(run: Run) -> None:
    """Records in run.json that the newest checkpoint's network has been exported.

    Args:
      run: `Run`.

    Raises:
      DataError: if run.json is damaged or cannot be written.
    """
    write_json(run.origin, {**read_json(run.origin, dict), "exported": steps_done(run)})


def history(run: Run) -> dict[str, Any]:
    """Returns how a run got its latest weights: started, command, commit, versions, hardware, steps, and its initial.

    Args:
      run: `Run` with a checkpoint.

    Raises:
      DataError: if run.json is damaged.
    """
    return pick_history({**read_json(run.origin, dict), "steps": steps_done(run)})


def pick_history(known: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of a `history` from what run.json or a card says about a run.

    Args:
      known: dict with some of these fields.
    """
    return {name: known[name] for name in (*_ORIGIN, "steps", "initial") if name in known}
