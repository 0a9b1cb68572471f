"""Figure 6: each method's crop of a detail as a PNG file, with its PSNR and SSIM as a JSON line."""

import pathlib
from typing import Any

import numpy as np

from experiments.pictures.details import Detail, crop_of, downscale_and_enlarge
from experiments.recipes.figure_6 import Crop
from experiments.results_file import VERSION, put_line, read_lines
from experiments.runs.costs import method_of
from experiments.runs.jobs import Job, is_trained
from experiments.runs.sweeps import job_of
from experiments.workspace import Workspace
from srnet.errors import DataError, UsageError
from srnet.images.write import write_image
from srnet.json_files import read_json
from srnet.progress import note

KEY = ("set", "image", "scale", "crop", "method")
_FIELDS = {*KEY, "started", "psnr", "ssim", "file"}

Line = dict[str, Any]
Key = tuple[str, int, int, Crop, str]


def read_crops(path: pathlib.Path) -> dict[Key, Line]:
    """Returns the lines of Figure 6 as a dict from (set, image, scale, crop, method).

    Args:
      path: the file; it may be missing.

    Raises:
      DataError: if it is damaged or of another version.
    """
    return {_key(line): line for line in read_lines(path, _FIELDS, _key)}


def _key(line: Line) -> Key:
    return line["set"], line["image"], line["scale"], tuple(line["crop"]), line["method"]


def add_crops(
    workspace: Workspace, detail: Detail, picture: np.ndarray, methods: tuple[str, ...]
) -> tuple[dict[str, Line], dict[str, str]]:
    """Adds crops of one detail to the results where they are missing or come from an older run.

    Args:
      workspace: `Workspace`.
      detail: `Detail`.
      picture: its whole HR picture, uint8 (H, W) or (H, W, 3).
      methods: names of methods of the budget.

    Returns:
      (lines, failed): a dict from each method with results to its line, and a dict from the names of failed jobs to
      the reasons.

    Raises:
      DataError: if the results cannot be read or written.
    """
    path = workspace.results_file("figure_6_")
    _write_crop(path, detail, "original", picture)
    failed = {}
    for method in methods:
        job = job_of(workspace, method, detail.scale, {})
        key = (detail.set, detail.image, detail.scale, detail.crop, method)
        try:
            line = _line(workspace, job, path, detail, read_crops(path).get(key), picture)
        except (UsageError, DataError, MemoryError) as error:
            failed[job.name] = str(error) or "not enough memory"
            continue
        put_line(path, line, _FIELDS, _key)
    place = (detail.set, detail.image, detail.scale, detail.crop)
    return {key[4]: line for key, line in read_crops(path).items() if key[:4] == place}, failed


def _line(
    workspace: Workspace, job: Job, path: pathlib.Path, detail: Detail, known: Line | None, picture: np.ndarray
) -> Line:
    """The known line of a method if it is from the current run or no run is complete; else a new one."""
    complete = is_trained(job)
    if known and not complete:
        note(f"{job.run.folder}: no complete run; the detail of an earlier one is kept")
        return known
    if not complete:
        command = f"tools/compare_methods.py --budget={workspace.budget}"
        command += f" --methods={job.method} --scales={job.scale}"
        raise DataError(f"{job.run.folder}: no complete run; make it with {command}")
    made_by: dict[str, Any] = {"started": None, "steps": None}
    if job.config:
        made_by = {"started": read_json(job.run.origin, dict).get("started"), "steps": job.config.total_steps}
    if known and made_by.items() <= known.items() and (path.parent / known["file"]).exists():
        return known
    sr, values = downscale_and_enlarge(method_of(job, workspace), picture, job.scale)
    file = _write_crop(path, detail, job.method, sr)
    named = dict(zip(KEY, (detail.set, detail.image, detail.scale, detail.crop, job.method)))
    return {"version": VERSION, **named, **made_by, **values, "file": file}


def _write_crop(path: pathlib.Path, detail: Detail, label: str, picture: np.ndarray) -> str:
    """Writes the crop of a picture beside the results and returns its path relative to them."""
    file = f"{path.stem}/{detail.stem}_{label}.png"
    write_image(path.parent / file, crop_of(picture, detail.crop))
    return file
