"""Results as data: one JSON line for each method, scale and seed; and the tables made from them."""

import json
import pathlib

from srnet.errors import DataError
from srnet.files import read_json, reason, written_whole
from srnet.training.runs import read_metrics
from tools.cells import is_trained, measured

VERSION = 1
_FIELDS = {"budget", "method", "scale", "seed", "measurements", "cost", "run"}


def record_of(cell, budget):
    """Returns what is known of a cell, complete or not.

    Args:
      cell: `tools.cells.Cell`.
      budget: the budget it belongs to.

    Returns:
      A dict: version, budget, method, scale, seed; `measurements`, a dict from sets to psnr, ssim, images and seconds;
      `cost`, None (see `compare_methods.py`); and `run`, None for a method without training, else command, commit,
      started, hardware, steps, optimizer, batch_size, patch, learning_rate, precision, model_options, train_sets,
      validation (the set and how many of its images), epochs (the lines of metrics.jsonl), seconds and complete.
    """
    kept = ("psnr", "ssim", "images", "seconds")
    sets = {name: measured(cell, name) for name in cell.sets}
    measurements = {name: {key: found[key] for key in kept} for name, found in sets.items() if found}
    record = {"version": VERSION, "budget": budget, "method": cell.method, "scale": cell.scale, "seed": cell.seed}
    run = _run_record(cell) if cell.config else None
    return {**record, "measurements": measurements, "cost": None, "run": run}


def _run_record(cell):
    if not cell.run.origin.exists():
        return None
    origin, config, epochs = read_json(cell.run.origin), cell.config, read_metrics(cell.run)
    return {
        **{key: origin[key] for key in ("command", "commit", "started", "hardware")},
        "steps": config.total_steps,
        "optimizer": config.optimizer,
        "batch_size": config.batch_size,
        "patch": config.patch,
        "learning_rate": config.learning_rate,
        "precision": config.precision,
        "model_options": config.model_options,
        "train_sets": list(config.train_sets),
        "validation": [config.validation_set, config.validation_images],
        "epochs": epochs,
        "seconds": epochs[-1]["seconds"] if epochs else 0.0,
        "complete": is_trained(cell),
    }


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
