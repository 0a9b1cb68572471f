"""The runs and measurements that each experiment needs, as jobs."""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from experiments.recipes import ablation, plus_ablation, table_1
from experiments.recipes.budgets import BUDGETS
from experiments.runs import records
from experiments.runs.jobs import Job
from experiments.workspace import Workspace
from srnet.data.datasets import find_images
from srnet.errors import DataError
from srnet.evaluation.classical import CLASSICAL
from srnet.training.checkpoint_files import newest_checkpoint, step_of
from srnet.training.config import TrainConfig
from srnet.training.presets import preset_settings
from srnet.training.run_folder import Run

# The settings that runs in one table must share: those that decide a result, but for what the table compares.
_DECIDING = {field.name for field in dataclasses.fields(TrainConfig) if not field.metadata["may_change"]}
_ALIKE = _DECIDING - {"variant", "scale", "seed", "model_options"} | {"precision", "steps"}


def job_of(
    workspace: Workspace,
    name: str,
    scale: int,
    sets: Mapping[str, int],
    seed: int = 0,
    row: str | None = None,
    own: Mapping[str, Any] | None = None,
) -> Job:
    """Returns the job of a method.

    Args:
      workspace: `Workspace`.
      name: name of a classical method or a network.
      scale: integer scale.
      sets: dict from names of sets to their number of images.
      seed: seed of a network's run, at least 0.
      row: name of a table row whose run has settings of its own, or None.
      own: those settings, as fields of `TrainConfig`.

    Raises:
      UsageError: for a scale, a seed or settings that cannot be used.
    """
    if name in CLASSICAL:
        return Job(name, scale, Run(workspace.runs / f"{name}_x{scale}"), sets)
    from srnet.training.run import resolve

    preset, changes = budget_settings(workspace.budget, name, scale, seed)
    if workspace.degradation != "bicubic":
        changes["degradation"] = workspace.degradation
    changes.update(own or {})
    config = TrainConfig(**{**preset_settings(preset, name), **changes})
    config, _ = resolve(config, workspace.data_root, fixed=("train_sets", "validation_set"))
    changes["precision"] = config.precision  # `auto` may choose another on the machine of a Dask worker
    arguments = (f"--preset={preset}", *(f"--{field}={_as_flag(value)}" for field, value in changes.items()))
    run = Run(workspace.runs / f"{name}_x{scale}_{row or f'seed{seed}'}")
    return Job(row or name, scale, run, sets, arguments, config, config.seed)


def budget_settings(budget: str, network: str, scale: int, seed: int) -> tuple[str, dict[str, Any]]:
    """Returns (preset, changes) for the run of one network: the preset of `srnet.train` and the fields to override.

    Args:
      budget: key of `BUDGETS`.
      network: name of the network.
      scale: integer scale.
      seed: of the run.
    """
    row = BUDGETS[budget]
    own = {**row["networks"].get(network, {}), **row["networks"].get((network, scale), {})}
    changes = {"variant": network, "scale": scale, **row["changes"], **own}
    return row["preset"], {**changes, "seed": seed}


def _as_flag(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def ablation_jobs(
    workspace: Workspace, scales: Sequence[int], networks: Sequence[str] | None, seeds: Sequence[int]
) -> list[Job]:
    """Returns the jobs of Table 1 and Figure 5: networks first, then bicubic interpolation.

    Args:
      workspace: `Workspace`.
      scales: integer scales.
      networks: names in `experiments.recipes.ablation.NETWORKS`, or None for those that the table and the figure need.
      seeds: seeds of the runs.

    Raises:
      UsageError: for a scale or a seed that cannot be used.
      DataError: if the images to measure on cannot be found.
    """
    name = ablation.measured_set(workspace.budget)
    whole = {name: len(find_images(name, workspace.data_root))}
    # If every epoch is measured on the whole set, nothing is left to measure at the end.
    at_the_end = whole if BUDGETS[workspace.budget]["changes"].get("validation_images") else {}
    jobs = [
        job_of(workspace, network, scale, at_the_end if network in table_1.COLUMNS.values() else {}, seed)
        for network, scale in ablation.needed(scales, networks)
        for seed in seeds
    ]
    return jobs + [job_of(workspace, "bicubic", scale, whole) for scale in scales]


def check_alike(
    found: Sequence[records.Record],
    jobs: Sequence[Job],
    path: pathlib.Path,
    group: Mapping[str, Collection[str]] = dict.fromkeys(ablation.NETWORKS, ()),
) -> None:
    """Checks that recorded runs have the settings of new ones with which they share a table.

    Args:
      found: records of any methods.
      jobs: the jobs, of any methods; records of those that are not finished may differ, as they will be replaced.
      path: the records file, used in the message.
      group: dict from methods whose runs share settings to the settings that are each method's own; other methods share
        them only with themselves at the same scale.

    Raises:
      DataError: if a run has another setting; the message names it.
    """
    replaced, settings = set(), []
    for job in jobs:
        finished = _has_all_steps(job)
        if not finished:
            replaced.add((job.method, job.scale, job.seed))
        if job.config:
            settings.append((job, records.settings_of(job.run) if finished else _planned_settings(job.run, job.config)))
    for record in found:
        method, scale, seed = record["method"], record["scale"], record["seed"]
        if not record["run"] or (method, scale, seed) in replaced:
            continue
        for job, ours in settings:
            same = (method, scale) == (job.method, job.scale)
            if (same and seed == job.seed) or not (same or {method, job.method} <= set(group)):
                continue
            for name, value in _shared_settings(record["run"]).items():
                if value != ours[name] and name not in (*group.get(method, ()), *group.get(job.method, ())):
                    raise DataError(
                        f"{path}: {method} x{scale} seed {seed} has {name} {value}, the new runs would have "
                        f"{ours[name]}; remove its line or choose another --output"
                    )


def _planned_settings(run: Run, config: TrainConfig) -> records.Record:
    """The settings of a run once it is finished; its precision is that of all sessions, also those so far."""
    so_far: list[str] = []
    with contextlib.suppress(DataError):  # the job itself will name a damaged file
        newest = newest_checkpoint(run.last)
        so_far = records.settings_of(run, step_of(newest))["precision"].split("+") if newest else []
    precision = "+".join(sorted({config.precision, *so_far}))
    return {**config.to_json(), "precision": precision, "steps": config.total_steps}


def _has_all_steps(job: Job) -> bool:
    newest = newest_checkpoint(job.run.last)
    return job.config is not None and newest is not None and step_of(newest) >= job.config.total_steps


def _shared_settings(run: records.Record) -> records.Record:
    """The settings that runs in one table must share; runs of an older srnet may lack some."""
    if not run.get("augment", True):  # from srnet 0.1, which had no `orientations` of 1
        run = {**run, "orientations": 1}
    return {name: run[name] for name in sorted(_ALIKE & set(run))}


def comparison_jobs(
    workspace: Workspace, scales: Sequence[int], methods: Sequence[str], seeds: Sequence[int]
) -> list[Job]:
    """Returns the jobs of Table 2.

    Args:
      workspace: `Workspace`.
      scales: integer scales.
      methods: names of methods of the budget.
      seeds: seeds of the runs.

    Raises:
      UsageError: for a scale or a seed that cannot be used.
      DataError: if the images to measure on cannot be found.
    """
    sets = _measured_sets(workspace)
    return [
        job_of(workspace, name, scale, sets, seed)
        for scale in scales
        for name in methods
        for seed in (seeds[:1] if name in CLASSICAL else seeds)
    ]


def plus_jobs(workspace: Workspace, rows: Sequence[str]) -> list[Job]:
    """Returns the jobs of the ablation of `plus`.

    Args:
      workspace: `Workspace`.
      rows: names of rows of `experiments.recipes.plus_ablation.ROWS`.

    Raises:
      DataError: if the images to measure on cannot be found.
    """
    sets = _measured_sets(workspace)
    return [_plus_job(workspace, row, sets) for row in rows]


def _plus_job(workspace: Workspace, row: str, sets: dict[str, int]) -> Job:
    scale, (_, own) = plus_ablation.SCALE, plus_ablation.ROWS[row]
    if not own:
        return job_of(workspace, row, scale, sets)
    _, settings = budget_settings(workspace.budget, "plus", scale, 0)
    options = {**settings.get("model_options", {}), **own.get("model_options", {})}
    return job_of(workspace, "plus", scale, sets, row=row, own={**own, "model_options": options})


def _measured_sets(workspace: Workspace) -> dict[str, int]:
    return {name: len(find_images(name, workspace.data_root)) for name in BUDGETS[workspace.budget]["sets"]}
