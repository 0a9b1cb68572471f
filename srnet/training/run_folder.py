"""A run is a folder. This module knows its files, and nothing else does.

config.json     the TrainConfig, with the newest session's precision, strategy and number of epochs
run.json        where it came from: command, commit, versions, hardware, digest of the patches, initial weights; and
                the same for each session, with its first step, precision, strategy and number of epochs
metrics.jsonl   one line for each epoch
checkpoints/    the last two, and best/ by validation PSNR
tensorboard/    events
preview.png     LR, bicubic, SR and HR of a validation image, newest epoch
model.keras     the trained network, and
saved_model/    its export, when the run is complete
"""

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from srnet.errors import DataError, UsageError
from srnet.files import read_json, reason, write_json, write_text
from srnet.training.config import TrainConfig, execution, load_config
from srnet.training.origin import origin

_LOCK = ".lock"
_ORIGIN = ("started", "command", "commit", "versions", "hardware")  # of a session


@dataclasses.dataclass(frozen=True)
class Run:
    """The paths of a run folder."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.json"

    @property
    def origin(self) -> Path:
        return self.folder / "run.json"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def last(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def best(self) -> Path:
        return self.folder / "checkpoints" / "best"

    @property
    def tensorboard(self) -> Path:
        return self.folder / "tensorboard"

    @property
    def preview(self) -> Path:
        return self.folder / "preview.png"

    @property
    def model(self) -> Path:
        return self.folder / "model.keras"

    @property
    def saved_model(self) -> Path:
        return self.folder / "saved_model"

    @property
    def checkpoint_list(self) -> Path:
        """TensorFlow's list of the last checkpoints."""
        return self.last / "checkpoint"


def check_run(folder: Path | str, config: TrainConfig) -> TrainConfig | None:
    """Checks that a folder can hold a run: it is new or empty, or holds a run whose result the same fields decide.

    Args:
      folder: the run folder.
      config: `TrainConfig`.

    Returns:
      The `TrainConfig` of the run in the folder, or None where there is none yet.

    Raises:
      UsageError: if the folder cannot be used; the message names what differs.
      DataError: if the configuration there cannot be read.
    """
    run = Run(Path(folder))
    if set(str(folder)) & set("*?["):
        raise UsageError(f"{folder}: a run folder's name cannot have *, ? or [; choose another --run_dir")
    if not run.config.exists():
        if run.folder.exists() and not (run.folder.is_dir() and _is_empty(run.folder)):
            raise UsageError(f"{run.folder} is in use and holds no run: choose another --run_dir")
        return None
    existing = load_config(run.config)
    there, asked = (json.loads(json.dumps(each.to_json())) for each in (existing, config))
    deciding = [name for name in asked if name not in execution(config)]
    differences = [f"{name} {there[name]!r}, not {asked[name]!r}" for name in deciding if there[name] != asked[name]]
    if differences:
        raise UsageError(f"{run.folder} holds another run, of {'; '.join(differences)}: choose another --run_dir")
    return existing


def _is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing but what a run killed in its first moments leaves."""
    beginnings = (Run(folder).origin.name, _LOCK)
    return all(path.name in beginnings or ".partial" in path.suffixes for path in folder.iterdir())


@contextlib.contextmanager
def open_run(
    folder: Path | str, config: TrainConfig, patches: str, initial: dict[str, Any] | None = None
) -> Iterator[Run]:
    """Begins a run folder, or resumes the same run in an existing one, and keeps other processes out meanwhile.

    Where steps are left to train, the session is recorded. A run that is complete already stays as it is.

    Args:
      folder: the run folder.
      config: `TrainConfig`.
      patches: digest of the training patches.
      initial: what `begin_with` returns for the weights that the run begins with, if it does.

    Yields:
      A `Run`.

    Raises:
      UsageError: if the folder holds a run of another configuration, other images or other initial weights, or is
        being trained already.
      DataError: if the folder cannot be read or written.
    """
    check_run(folder, config)
    run = Run(Path(folder))
    with _locked(run.folder):
        existing = check_run(folder, config)  # again: another process may have begun it meanwhile
        step = steps_done(run)
        if existing is None:
            session = _session(origin(), 0, config)
            begun = {name: session[name] for name in _ORIGIN}
            first_weights = {"initial": initial} if initial else {}
            write_json(run.origin, {**begun, "patches": patches, **first_weights, "sessions": [session]})
            write_json(run.config, config.to_json())
        else:
            there = read_json(run.origin)
            if there.get("patches") != patches:
                raise UsageError(f"{run.folder} holds a run with other training images: choose another --run_dir")
            if initial and there.get("initial", initial)["sha256"] != initial["sha256"]:
                raise UsageError(f"{run.folder} holds a run that began with other weights: choose another --run_dir")
            if step < config.total_steps:
                # Before srnet 0.2 a run had one entry for all its sessions.
                sessions = there.get("sessions") or [_session(there, 0, existing)]
                write_json(run.origin, {**there, "sessions": [*sessions, _session(origin(), step, config)]})
                write_json(run.config, config.to_json())
        yield run


def _session(known: dict[str, Any], step: int, config: TrainConfig) -> dict[str, Any]:
    """What run.json says of one session: its origin, the steps done before it, and how it computes."""
    return {**{name: known.get(name) for name in _ORIGIN}, "first_step": step, **execution(config)}


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds a lock that ends with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / _LOCK, timeout=0)
        lock.acquire()
    except filelock.Timeout as error:
        raise UsageError(f"{folder}: another process is training this run") from error
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({reason(error)})") from error
    try:
        yield
    finally:
        lock.release()


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
            file.write(json.dumps(values) + "\n")
    except OSError as error:
        raise DataError(f"{run.metrics}: cannot be written ({reason(error)})") from error


def read_metrics(run: Run) -> list[dict[str, Any]]:
    """Returns the epochs of metrics.jsonl; a last line cut short is left out.

    Args:
      run: `Run`.
    """
    if not run.metrics.exists():
        return []
    lines = run.metrics.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


def forget_metrics_after(run: Run, step: int) -> None:
    """Removes the epochs that end after a step: a run resumed from there writes them again.

    Args:
      run: `Run`.
      step: steps done at the checkpoint that the run is resumed from.
    """
    kept = [values for values in read_metrics(run) if values["step"] <= step]
    if run.metrics.exists():
        write_text(run.metrics, "".join(json.dumps(values) + "\n" for values in kept))


def steps_done(run: Run) -> int:
    """Returns the step of the newest checkpoint, 0 where there is none.

    Args:
      run: `Run`.
    """
    try:
        listed = run.checkpoint_list.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    found = re.search(r'^model_checkpoint_path: ".*-(\d+)"$', listed, re.M)
    return int(found[1]) if found else 0


def is_exported(run: Run) -> bool:
    """Whether the trained network has been written since the newest checkpoint.

    Args:
      run: `Run`.
    """
    made = (run.model, run.saved_model / "saved_model.pb")
    newest = run.checkpoint_list.stat().st_mtime
    return all(path.exists() and path.stat().st_mtime >= newest for path in made)


def history(run: Run) -> dict[str, Any]:
    """Returns how a run came to its last weights: started, command, commit, hardware, steps, initial if it has one.

    Args:
      run: `Run` with a checkpoint.
    """
    return pick_history({**read_json(run.origin), "steps": steps_done(run)})


def pick_history(known: dict[str, Any]) -> dict[str, Any]:
    """Returns what belongs to a `history` among what is known of a run, from run.json or from a card.

    Args:
      known: dict with some of its fields.
    """
    fields = ("started", "command", "commit", "hardware", "steps", "initial")
    return {name: known[name] for name in fields if name in known}
