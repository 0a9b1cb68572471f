"""The runs and measurements that each experiment needs, as cells."""

import pathlib
from collections.abc import Sequence

from experiments import records
from experiments.cells import Cell, find_cell, run_settings
from experiments.recipes import ablation, plus_ablation, table_1
from experiments.recipes.budgets import BUDGETS
from experiments.workspace import Workspace
from srnet.data.datasets import find_images
from srnet.errors import DataError


def ablation_cells(
    workspace: Workspace, scales: Sequence[int], networks: Sequence[str] | None, seeds: Sequence[int]
) -> list[Cell]:
    """Returns the cells of Table 1 and Figure 5: networks first, then bicubic interpolation.

    Args:
      workspace: `Workspace`.
      scales: integer scales.
      networks: names in `experiments.recipes.ablation.NETWORKS`, or None for those that table and figure need.
      seeds: seeds of the runs.

    Raises:
      UsageError: for a scale or a seed that cannot be used.
      DataError: if the images to measure cannot be found.
    """
    name = ablation.measured_set(workspace.budget)
    whole = {name: len(find_images(name, workspace.data_root))}
    # Where the epochs are measured on the whole set, nothing is left to measure at the end.
    at_the_end = whole if BUDGETS[workspace.budget]["changes"].get("validation_images") else {}
    cells = [
        find_cell(workspace, network, scale, at_the_end if network in table_1.COLUMNS.values() else {}, seed)
        for network, scale in ablation.needed(scales, networks)
        for seed in seeds
    ]
    return cells + [find_cell(workspace, "bicubic", scale, whole) for scale in scales]


def check_alike(found: Sequence[records.Record], cells: Sequence[Cell], path: pathlib.Path) -> None:
    """Checks that recorded runs of the paper's networks have the settings of new ones, so that one table may hold both.

    Args:
      found: records of any methods.
      cells: the cells, networks first and all trained alike; records of the same cells may differ, as they will be
        replaced.
      path: the records' file, for the message.

    Raises:
      DataError: if a run has another setting; the message names it.
    """
    replaced = {(cell.method, cell.scale, cell.seed) for cell in cells}
    config = cells[0].config
    if config is None:
        return
    ours = {**config.to_json(), "steps": config.total_steps}
    for record in found:
        method, scale, seed = record["method"], record["scale"], record["seed"]
        if method not in ablation.NETWORKS or (method, scale, seed) in replaced:
            continue
        for name, value in records.settings_of(record["run"]).items():
            if value != ours[name]:
                raise DataError(
                    f"{path}: {method} x{scale} seed {seed} has {name} {value}, this sweep would have {ours[name]}; "
                    "remove its line or choose another --output"
                )


def comparison_cells(workspace: Workspace, scales: Sequence[int], methods: Sequence[str]) -> list[Cell]:
    """Returns the cells of Table 2.

    Args:
      workspace: `Workspace`.
      scales: integer scales.
      methods: names of methods of the budget.

    Raises:
      UsageError: for a scale that cannot be used.
      DataError: if the images to measure cannot be found.
    """
    sets = _measured_sets(workspace)
    return [find_cell(workspace, name, scale, sets) for scale in scales for name in methods]


def plus_cells(workspace: Workspace, rows: Sequence[str]) -> list[Cell]:
    """Returns the cells of the ablation of `plus`.

    Args:
      workspace: `Workspace`.
      rows: names of rows of `experiments.recipes.plus_ablation.ROWS`.

    Raises:
      DataError: if the images to measure cannot be found.
    """
    sets = _measured_sets(workspace)
    return [_plus_cell(workspace, row, sets) for row in rows]


def _plus_cell(workspace: Workspace, row: str, sets: dict[str, int]) -> Cell:
    scale, (_, own) = plus_ablation.SCALE, plus_ablation.ROWS[row]
    if not own:
        return find_cell(workspace, row, scale, sets)
    _, settings = run_settings(workspace.budget, "plus", scale, 0)
    options = {**settings.get("model_options", {}), **own.get("model_options", {})}
    return find_cell(workspace, "plus", scale, sets, row=row, own={**own, "model_options": options})


def _measured_sets(workspace: Workspace) -> dict[str, int]:
    return {name: len(find_images(name, workspace.data_root)) for name in BUDGETS[workspace.budget]["sets"]}
