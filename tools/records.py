"""Results as data: one JSON line for each method, scale and seed; and the tables made from them."""

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib

from srnet.errors import DataError
from srnet.files import read_json, reason, written_whole
from srnet.training.config import TrainConfig
from tools.cells import epochs_of, is_complete, measured

VERSION = 1
_FIELDS = {"budget", "method", "scale", "seed", "measurements", "cost", "run"}
_NOT_COMMON = {"variant", "scale", "seed", "epochs", "model_options"}
_SETTINGS = tuple(field.name for field in dataclasses.fields(TrainConfig) if field.name not in _NOT_COMMON)


def collect(cells, budget):
    """Returns the records of the complete ones among some cells.

    Args:
      cells: list of `tools.cells.Cell`.
      budget: the budget that they belong to.

    Returns:
      (records, failed): records as `record_of` returns them, and a list of (cell, reason) for cells that seem complete
      and have a damaged file.
    """
    found, failed = [], []
    for cell in filter(is_complete, cells):
        try:
            found.append(record_of(cell, budget))
        except DataError as error:
            failed.append((cell, str(error)))
    return found, failed


def record_of(cell, budget):
    """Returns what is known of a complete cell.

    Args:
      cell: `tools.cells.Cell`.
      budget: the budget that it belongs to.

    Returns:
      A dict: version, budget, method, scale, seed; `measurements`, a dict from sets to psnr, ssim, images and seconds;
      `cost`, a dict of parameters, macs, seconds_per_megapixel and hardware, or None; and `run`, None for a method
      without training, else started, command, commit, hardware, seconds, steps, epochs (the lines of metrics.jsonl),
      and the other fields of its `TrainConfig`.

    Raises:
      DataError: if a file of the cell is damaged.
    """
    kept = ("psnr", "ssim", "images", "seconds")
    measurements = {name: _pick(measured(cell, name), kept, cell.measurement(name)) for name in cell.sets}
    cost_fields = ("parameters", "macs", "seconds_per_megapixel", "hardware")
    return {
        "version": VERSION,
        "budget": budget,
        "method": cell.method,
        "scale": cell.scale,
        "seed": cell.seed,
        "measurements": measurements,
        "cost": _pick(read_json(cell.cost), cost_fields, cell.cost) if cell.cost.exists() else None,
        "run": _run_record(cell) if cell.config else None,
    }


def _run_record(cell):
    origin = _pick(read_json(cell.run.origin), ("started", "command", "commit", "hardware"), cell.run.origin)
    config, lines = cell.config.to_json(), epochs_of(cell)
    settings = {name: config[name] for name in (*_SETTINGS, "model_options")}
    return {**origin, "seconds": lines[-1]["seconds"], "steps": cell.config.total_steps, **settings, "epochs": lines}


def _pick(values, names, path):
    if not isinstance(values, dict) or not set(names) <= set(values):
        raise DataError(f"{path}: damaged; delete it to have it made again")
    return {name: values[name] for name in names}


def settings_of(run):
    """Returns what must agree between the runs of one table: steps and settings but for the network's own.

    Args:
      run: the `run` of a record; an older one may lack settings.
    """
    return {name: run[name] for name in ("steps", *_SETTINGS) if name in run}


def read_records(path):
    """Returns the records of a results file; none where there is no file.

    Args:
      path: the file.

    Raises:
      DataError: if it is damaged or of another version.
    """
    return read_lines(path, _FIELDS)


def read_lines(path, fields):
    """Returns the objects of a JSON lines file; none where there is no file.

    Args:
      path: the file.
      fields: names that each object must have, besides "version".

    Raises:
      DataError: if it is damaged or of another version.
    """
    path = pathlib.Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}: line {number} is not JSON; move the file away") from error
        if not isinstance(value, dict) or value.get("version") != VERSION or not fields <= set(value):
            raise DataError(f"{path}: line {number} is no result of version {VERSION}; move the file away")
        found.append(value)
    return found


def write_lines(path, values):
    """Writes objects as JSON lines; the file appears complete or not at all.

    Args:
      path: the file.
      values: list of dicts.
    """
    write_text(path, "".join(json.dumps(value) + "\n" for value in values))


def update_records(path, records):
    """Puts records into a results file, in the place of older ones of the same method, scale and seed.

    What an older record of the same run has measured stays, so that different tools may add to one file.

    Args:
      path: the file.
      records: list of what `record_of` returns.

    Returns:
      All the file's records, sorted.

    Raises:
      DataError: if the file is damaged or of another version, or cannot be written.
    """

    def key(record):
        return record["scale"], record["method"], record["seed"]

    with alone_in(pathlib.Path(path).parent):
        merged = {key(record): record for record in read_records(path)}
        for record in records:
            old = merged.get(key(record))
            if old and _started(old) == _started(record):
                measurements = {**old["measurements"], **record["measurements"]}
                record = {**record, "measurements": measurements, "cost": record["cost"] or old["cost"]}
            merged[key(record)] = record
        ordered = [merged[each] for each in sorted(merged)]
        write_lines(path, ordered)
    return ordered


@contextlib.contextmanager
def alone_in(folder):
    """Waits until no other process of these tools changes the results of a folder, and keeps others out meanwhile.

    Args:
      folder: the folder; it is made if missing.

    Raises:
      DataError: if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise DataError(f"{folder}: cannot be used ({reason(error)})") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _started(record):
    return record["run"] and record["run"]["started"]


def markdown_table(header, rows):
    """Returns a Markdown table.

    Args:
      header: list of strings.
      rows: list of lists of as many strings.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_text(path, text):
    """Writes a text file; it appears complete or not at all.

    Args:
      path: the file.
      text: what it will hold.
    """
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")
