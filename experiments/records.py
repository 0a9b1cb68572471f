"""Results as data: one JSON line for each method, scale and seed."""

import dataclasses
import pathlib
from collections.abc import Collection, Sequence
from typing import Any

from experiments.cells import Cell, origin_of
from srnet.errors import DataError
from srnet.files import locked, write_text
from srnet.json_files import read_json_lines, to_checked_json
from srnet.training.config import TrainConfig, load_config
from srnet.training.run_folder import read_metrics

Record = dict[str, Any]

VERSION = 1
_FIELDS = {"budget", "method", "scale", "seed", "measurements", "cost", "run"}
_NOT_COMMON = {"variant", "scale", "seed", "epochs", "model_options"}
SETTINGS = tuple(field.name for field in dataclasses.fields(TrainConfig) if field.name not in _NOT_COMMON)


def record_of(cell: Cell, budget: str) -> Record:
    """Returns the record of a trained cell, before anything is measured.

    Args:
      cell: the cell.
      budget: the budget that it belongs to.

    Returns:
      A dict: version, budget, method, scale, seed; `measurements`, a dict from sets to psnr, ssim, images and seconds;
      `cost`, None or a dict of parameters, macs, seconds_per_megapixel and hardware; and `run`: started, command,
      commit, hardware, seconds, steps, epochs (the lines of metrics.jsonl), and the other fields of its `TrainConfig`.
      For a method without training `run` is None, and `origin` has started, command, commit and hardware.

    Raises:
      DataError: if a file of the cell is damaged.
    """
    place = {"version": VERSION, "budget": budget, "method": cell.method, "scale": cell.scale, "seed": cell.seed}
    run = None
    if cell.config:
        values = load_config(cell.run.config).to_json()  # the run's own: this machine may resolve another precision
        lines = read_metrics(cell.run)
        run = {**origin_of(cell), "seconds": lines[-1]["seconds"], "steps": cell.config.total_steps}
        run |= {**{name: values[name] for name in (*SETTINGS, "model_options")}, "epochs": lines}
    record = {**place, "measurements": {}, "cost": None, "run": run}
    return record if run else {**record, "origin": origin_of(cell)}


def comparable_runs(found: Sequence[Record], networks: Sequence[str]) -> dict[tuple[str, int], list[Record]]:
    """Returns the records of comparable runs of some networks, as a dict from (network, scale).

    Args:
      found: records of any methods.
      networks: names of networks that are trained alike.

    Raises:
      DataError: if the epochs of two runs were not measured after the same steps.
    """
    chosen = [record for record in found if record["method"] in networks and record["run"]]
    runs: dict[tuple[str, int], list[Record]] = {}
    for record in chosen:
        if _steps(record) != _steps(chosen[0]):
            both = " and ".join(
                f"{each['method']} x{each['scale']} seed {each['seed']}, "
                f"{max(_steps(each), default=0)} steps in {len(_steps(each))} epochs"
                for each in (chosen[0], record)
            )
            raise DataError(f"{both}, are not comparable: remove one of their lines from the records")
        runs.setdefault((record["method"], record["scale"]), []).append(record)
    return runs


def _steps(record: Record) -> list[int]:
    """The steps after which the epochs of a run were measured."""
    return [line["step"] for line in record["run"]["epochs"]]


def read_records(path: pathlib.Path) -> list[Record]:
    """Returns the records of a results file; none if there is no file.

    Raises:
      DataError: if it is damaged or of another version, or has a duplicate record.
    """
    found = read_lines(path, _FIELDS)
    if len({_key(record) for record in found}) < len(found):
        raise DataError(f"{path}: damaged; a method, scale and seed have two lines")
    return found


def _key(record: Record) -> tuple[int, str, int]:
    return record["scale"], record["method"], record["seed"]


def read_lines(path: pathlib.Path, fields: Collection[str]) -> list[Record]:
    """Returns the objects of a JSON lines file; none if there is no file.

    Args:
      path: the file.
      fields: names that each object must have, besides "version".

    Raises:
      DataError: if it is damaged or of another version.
    """
    found = read_json_lines(path)
    for number, value in enumerate(found, 1):
        if value.get("version") != VERSION or not set(fields) <= set(value):
            raise DataError(f"{path}: line {number} is not a record of version {VERSION}; move the file away")
    return found


def write_lines(path: pathlib.Path, values: Sequence[Record]) -> None:
    """Writes objects as JSON lines, atomically.

    Raises:
      DataError: if it cannot be written.
    """
    write_text(path, "".join(to_checked_json(value) + "\n" for value in values))


def add_record(path: pathlib.Path, record: Record) -> Record:
    """Adds a record to a results file, replacing an older one of the same method, scale and seed.

    Returns:
      The record as stored: with the older one's measurements and cost if they come from the same run.

    Raises:
      DataError: if the file is damaged or of another version, or cannot be written.
    """
    with locked(path.parent):
        found = {_key(each): each for each in read_records(path)}
        old = found.get(_key(record))
        if old and _run_of(old) == _run_of(record):
            measurements = {**old["measurements"], **record["measurements"]}
            record = {**record, "measurements": measurements, "cost": record["cost"] or old["cost"]}
        found[_key(record)] = record
        write_lines(path, [found[key] for key in sorted(found)])
    return record


def _run_of(record: Record) -> tuple[str | None, int | None]:
    """The identity of a record's run, which keeps its start when extended; older classical records have none."""
    known = record["run"] or record.get("origin") or {}
    return known.get("started"), known.get("steps")
