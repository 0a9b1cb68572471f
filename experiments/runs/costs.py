"""A method's cost: parameters, multiply-accumulates, and seconds on this machine."""

import pathlib
import statistics
import timeit
from collections.abc import Sequence

import numpy as np

from experiments.runs.cells import Cell
from experiments.runs.records import Record, add_record, record_of
from experiments.workspace import Workspace
from srnet.errors import DataError
from srnet.evaluation.methods import named_method
from srnet.inference.method import Method, network_method
from srnet.models.analysis import OUTPUT_SIZE, multiply_accumulates
from srnet.training.checkpoints import load_run
from srnet.training.origin import hardware


def add_costs(cells: Sequence[Cell], path: pathlib.Path, workspace: Workspace) -> dict[str, str]:
    """Adds missing costs of trained cells to their records.

    Args:
      cells: the cells.
      path: the records file.
      workspace: `Workspace`.

    Returns:
      A dict from the names of failed cells to the reasons.
    """
    failed = {}
    for cell in cells:
        try:
            record = add_record(path, record_of(cell, workspace.budget))
            if record["cost"] is None:
                add_record(path, {**record, "measurements": {}, "cost": _cost(cell, workspace)})
        except DataError as error:
            failed[cell.name] = str(error)
        except MemoryError:
            failed[cell.name] = "not enough memory to measure its cost"
    return failed


def method_of(cell: Cell, workspace: Workspace) -> Method:
    """Returns a trained cell as a method: a callable from LR luma to SR luma, float32 in [0, 255].

    Args:
      cell: the cell.
      workspace: `Workspace`.
    """
    if cell.config:
        return network_method(load_run(cell.run.folder)[0])
    return named_method(cell.method, workspace.data_root, workspace.cache_dir).at_scale(cell.scale)


def _cost(cell: Cell, workspace: Workspace) -> Record:
    """The cost of enlarging one picture to the size that Table 2 states."""
    height, width = (side // cell.scale for side in OUTPUT_SIZE)
    parameters = macs = None
    if cell.config:
        network, _ = load_run(cell.run.folder)
        enlarge = network_method(network)
        parameters, macs = network.count_params(), multiply_accumulates(network, height, width)
    else:
        enlarge = method_of(cell, workspace)
    lr = np.random.default_rng(0).uniform(0, 255, (height, width)).astype(np.float32)
    enlarge(lr)
    seconds = statistics.median(timeit.repeat(lambda: enlarge(lr), number=1, repeat=3))
    speed = seconds / (height * width * cell.scale**2 / 1e6)
    return {"parameters": parameters, "macs": macs, "seconds_per_megapixel": speed, "hardware": hardware()}
