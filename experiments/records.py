"""Results as data: one JSON line for each method, scale and seed."""

import dataclasses
import pathlib
from collections.abc import Collection, Sequence
from typing import Any

from experiments.cells import Cell, origin_of, results_of
from srnet.errors import DataError
from srnet.files import locked, write_text
from srnet.json_files import read_json_lines, to_checked_json
from srnet.training.config import TrainConfig, load_config
from srnet.training.run_folder import read_metrics

Record = dict[str, Any]

VERSION = 1
_FIELDS = {"budget", "method", "scale", "seed", "measurements", "cost", "run"}
_NOT_COMMON = {"variant", "scale", "seed", "epochs", "model_options"}
_SETTINGS = tuple(field.name for field in dataclasses.fields(TrainConfig) if field.name not in _NOT_COMMON)


def record_of(cell: Cell, budget: str) -> Record:
    """Returns the record of a complete cell.

    Args:
      cell: the cell.
      budget: the budget that it belongs to.

    Returns:
      A dict: version, budget, method, scale, seed; `measurements` and `cost`, as in `experiments.cells.results_of`; and
      `run`, None for a method without training, else started, command, commit, hardware, seconds, steps, epochs (the
      lines of metrics.jsonl), and the other fields of its `TrainConfig`.

    Raises:
      DataError: if a file of the cell is damaged.
    """
    results = results_of(cell)
    measurements = {name: results["measurements"][name] for name in cell.sets}
    place = {"version": VERSION, "budget": budget, "method": cell.method, "scale": cell.scale, "seed": cell.seed}
    run = _run_record(cell) if cell.config else None
    return {**place, "measurements": measurements, "cost": results["cost"], "run": run}


def _run_record(cell: Cell) -> Record:
    config = load_config(cell.run.config)  # of the run that is there, whatever this machine would compute it in
    values, lines = config.to_json(), read_metrics(cell.run)
    settings = {name: values[name] for name in (*_SETTINGS, "model_options")}
    ended = {"seconds": lines[-1]["seconds"], "steps": config.total_steps}
    return {**origin_of(cell), **ended, **settings, "epochs": lines}


def settings_of(run: Record) -> Record:
    """Returns what must agree between the runs of one table: steps and settings except the network's own.

    Args:
      run: the `run` of a record; an older one may lack settings.
    """
    if not run.get("augment", True):  # of srnet 0.1, where `orientations` had no 1
        run = {**run, "orientations": 1}
    return {name: run[name] for name in ("steps", *_SETTINGS) if name in run}


def alike_runs(found: Sequence[Record], networks: Sequence[str]) -> dict[tuple[str, int], list[Record]]:
    """Returns the records of the runs of some networks as a dict from (network, scale), to stand side by side.

    Args:
      found: records of any methods.
      networks: names of networks that are trained alike.

    Raises:
      DataError: if the epochs of two of them are not measured after the same steps.
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
            raise DataError(f"{both}, cannot share a table: remove the line of one of them from the records")
        runs.setdefault((record["method"], record["scale"]), []).append(record)
    return runs


def _steps(record: Record) -> list[int]:
    """The steps after which the epochs of a run were measured."""
    return [line["step"] for line in record["run"]["epochs"]]


def read_records(path: pathlib.Path) -> list[Record]:
    """Returns the records of a results file; none where there is no file.

    Raises:
      DataError: if it is damaged or of another version, or has a record twice.
    """
    found = read_lines(path, _FIELDS)
    if len({_key(record) for record in found}) < len(found):
        raise DataError(f"{path}: damaged; a method, scale and seed have two lines")
    return found


def _key(record: Record) -> tuple[int, str, int]:
    return record["scale"], record["method"], record["seed"]


def read_lines(path: pathlib.Path, fields: Collection[str]) -> list[Record]:
    """Returns the objects of a JSON lines file; none where there is no file.

    Args:
      path: the file.
      fields: names that each object must have, besides "version".

    Raises:
      DataError: if it is damaged or of another version.
    """
    found = read_json_lines(path)
    for number, value in enumerate(found, 1):
        if value.get("version") != VERSION or not set(fields) <= set(value):
            raise DataError(f"{path}: line {number} is no result of version {VERSION}; move the file away")
    return found


def write_lines(path: pathlib.Path, values: Sequence[Record]) -> None:
    """Writes objects as JSON lines; the file appears complete or not at all.

    Raises:
      DataError: if it cannot be written.
    """
    write_text(path, "".join(to_checked_json(value) + "\n" for value in values))


def update_records(path: pathlib.Path, records: Sequence[Record]) -> list[Record]:
    """Puts records into a results file, in the place of older ones of the same method, scale and seed.

    Older measurements of the same run are kept, so that several tools may add to one file.

    Returns:
      All the file's records, sorted.

    Raises:
      DataError: if the file is damaged or of another version, or cannot be written.
    """
    with locked(path.parent):
        merged = {_key(record): record for record in read_records(path)}
        for record in records:
            old = merged.get(_key(record))
            if old and _run_of(old) == _run_of(record):
                measurements = {**old["measurements"], **record["measurements"]}
                record = {**record, "measurements": measurements, "cost": record["cost"] or old["cost"]}
            merged[_key(record)] = record
        ordered = [merged[each] for each in sorted(merged)]
        write_lines(path, ordered)
    return ordered


def _run_of(record: Record) -> tuple[str, int] | None:
    """What identifies a record's run; see `experiments.cells.run_of`."""
    return record["run"] and (record["run"]["started"], record["run"]["steps"])
