"""What a method costs: parameters, multiply-accumulates, and seconds on this machine."""

import statistics
import time
from typing import Any

import numpy as np

from experiments.cells import Cell, cost_of, is_complete, method_of, run_of
from experiments.workspace import Workspace
from srnet.errors import DataError
from srnet.files import write_json
from srnet.models.analysis import OUTPUT_SIZE, multiply_accumulates
from srnet.training.checkpoints import load_run
from srnet.training.origin import hardware

REPEATS = 3  # timed enlargements, of which the median is taken


def measure_costs(cells: list[Cell], workspace: Workspace) -> list[tuple[Cell, str]]:
    """Measures the costs of the complete ones among some cells, where they are not known yet.

    Args:
      cells: list of `Cell`.
      workspace: `Workspace`.

    Returns:
      A list of (cell, why) for the cells that failed.
    """
    failed = []
    for cell in filter(is_complete, cells):
        try:
            if cost_of(cell) is None:
                write_json(cell.cost, {**_cost(cell, workspace), "run": run_of(cell)})
        except DataError as error:
            failed.append((cell, str(error)))
    return failed


def _cost(cell: Cell, workspace: Workspace) -> dict[str, Any]:
    """The cost of one picture of the size that Table 2 names."""
    height, width = (side // cell.scale for side in OUTPUT_SIZE)
    parameters = macs = None
    if cell.config:
        network, _ = load_run(cell.folder)
        parameters, macs = network.count_params(), multiply_accumulates(network, height, width)
    enlarge = method_of(cell, workspace)
    lr = np.random.default_rng(0).uniform(0, 255, (height, width)).astype(np.float32)
    enlarge(lr)
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        enlarge(lr)
        seconds.append(time.perf_counter() - start)
    megapixels = height * width * cell.scale**2 / 1e6
    speed = {"seconds_per_megapixel": statistics.median(seconds) / megapixels, "hardware": hardware()}
    return {"parameters": parameters, "macs": macs, **speed}
