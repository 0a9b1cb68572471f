"""Results as data: one JSON line for each method, scale and seed."""

import pathlib
from collections.abc import Sequence
from typing import Any

from experiments.results_file import VERSION, Record, put_line, read_lines
from experiments.runs.jobs import Job
from srnet.errors import DataError
from srnet.json_files import read_json
from srnet.training.config import load_config
from srnet.training.run_folder import Run, pick_history, read_metrics

_FIELDS = {"budget", "method", "scale", "seed", "measurements", "cost", "run"}


def record_of(job: Job, budget: str) -> Record:
    """Returns the record of a trained job, before anything is measured.

    Args:
      job: the job.
      budget: the budget that it belongs to.

    Returns:
      A dict: version, budget, method, scale, seed; `measurements`, a dict from sets to psnr, ssim, images and seconds;
      `cost`, None or a dict of parameters, macs, seconds_per_megapixel and hardware; and `run`: started, command,
      commit, versions, hardware, seconds, steps, epochs (the lines of metrics.jsonl), and the other fields of its
      `TrainConfig`, with the precisions of all its sessions, such as "float32+mixed_bfloat16".
      For a method without training `run` is None, and `origin` has started, command, commit, versions and hardware.

    Raises:
      DataError: if a file of the job is damaged, or its metrics.jsonl lacks the last epoch.
    """
    origin = pick_history(read_json(job.run.origin, dict))
    if "started" not in origin:
        raise DataError(f"{job.run.origin}: damaged (fields are missing); delete {job.run.folder} to train it again")
    record = {"version": VERSION, "budget": budget, "method": job.method, "scale": job.scale, "seed": job.seed}
    record |= {"measurements": {}, "cost": None, "run": None}
    if job.config is None:
        return {**record, "origin": origin}
    steps, lines = job.config.total_steps, read_metrics(job.run)
    if not any(line["step"] == steps for line in lines):
        raise DataError(f"{job.run.metrics}: damaged (epochs are missing); delete {job.run.folder} to train it again")
    return {**record, "run": {**origin, **settings_of(job.run), "seconds": lines[-1]["seconds"], "epochs": lines}}


def settings_of(run: Run, end: int | None = None) -> dict[str, Any]:
    """Returns a run's own `TrainConfig` as a dict, with its steps and the precisions of all its sessions.

    Args:
      run: the run.
      end: the steps done so far; None for all of them.

    Raises:
      DataError: if a file is damaged.
    """
    config, sessions = load_config(run.config), read_json(run.origin, dict).get("sessions", [])
    ends = [*(each.get("first_step", 0) for each in sessions[1:]), end or config.total_steps]
    trained = [each for each, end in zip(sessions, ends) if end > each.get("first_step", 0)]
    precisions = {each.get("precision", config.precision) for each in trained} or {config.precision}
    return {**config.to_json(), "precision": "+".join(sorted(precisions)), "steps": config.total_steps}


def read_records(path: pathlib.Path) -> list[Record]:
    """Returns the records of a results file; none if there is no file.

    Args:
      path: the file.

    Raises:
      DataError: if it is damaged or of another version, or has a duplicate record.
    """
    return read_lines(path, _FIELDS, _key)


def _key(record: Record) -> tuple[int, str, int]:
    return record["scale"], record["method"], record["seed"]


def add_record(path: pathlib.Path, record: Record) -> Record:
    """Adds a record to a results file, replacing an older one of the same method, scale and seed.

    Args:
      path: the file.
      record: the record.

    Returns:
      The record as stored: with the older one's measurements and cost if they come from the same run.

    Raises:
      DataError: if the file is damaged or of another version, or cannot be written.
    """
    return put_line(path, record, _FIELDS, _key, _merge)


def _merge(old: Record, new: Record) -> Record:
    """A new record, with the measurements and the cost of an older one of the same run."""
    if _run_identity(old) != _run_identity(new):
        return new
    return {**new, "measurements": {**old["measurements"], **new["measurements"]}, "cost": new["cost"] or old["cost"]}


def _run_identity(record: Record) -> dict[str, Any]:
    """The identity of a record's run: started and steps, since extending a run keeps its start."""
    known = record["run"] or record.get("origin") or {}  # older records of classical methods have neither
    return {name: known.get(name) for name in ("started", "steps")}


def patch_of(run: Record, scale: int) -> int:
    """Returns the side in pixels of the HR patches that a run was trained on.

    Args:
      run: the "run" of a record.
      scale: the record's scale.
    """
    return run["patch"] - run["patch"] % scale


def comparable_runs(found: Sequence[Record], networks: Sequence[str]) -> dict[tuple[str, int], list[Record]]:
    """Returns the records of comparable runs of some networks, as a dict from (network, scale).

    Args:
      found: records of any methods.
      networks: names of networks that are trained alike.

    Raises:
      DataError: if the epochs of two runs were not measured after the same steps, or their precision differs.
    """
    chosen = [record for record in found if record["method"] in networks and record["run"]]
    runs: dict[tuple[str, int], list[Record]] = {}
    for record in chosen:
        if (_steps(record), record["run"]["precision"]) != (_steps(chosen[0]), chosen[0]["run"]["precision"]):
            both = " and ".join(
                f"{each['method']} x{each['scale']} seed {each['seed']}, {max(_steps(each), default=0)} steps in "
                f"{len(_steps(each))} epochs in {each['run']['precision']}"
                for each in (chosen[0], record)
            )
            raise DataError(f"{both}, are not comparable: remove one of their lines from the records")
        runs.setdefault((record["method"], record["scale"]), []).append(record)
    return runs


def _steps(record: Record) -> list[int]:
    """The steps after which the epochs of a run were measured."""
    return [line["step"] for line in record["run"]["epochs"]]
