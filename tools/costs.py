"""What a method costs: parameters, multiply-accumulates, and seconds on this machine."""

import statistics
import time

import numpy as np

from srnet.errors import DataError
from srnet.files import write_json
from srnet.models.cost import OUTPUT_SIZE, multiply_accumulates
from srnet.training.origin import hardware
from srnet.training.runs import load_run
from tools import cells, places

REPEATS = 3  # timed enlargements; the median counts


def measure_costs(table):
    """Measures what the complete ones among some cells cost, where it is not known.

    Args:
      table: list of `tools.cells.Cell`.

    Returns:
      A list of (cell, reason) for the cells that failed.
    """
    failed = []
    for cell in filter(cells.is_complete, table):
        try:
            if not cell.cost.exists():
                write_json(cell.cost, _cost(cell))
        except DataError as error:
            failed.append((cell, str(error)))
    return failed


def _cost(cell):
    """What a method costs for one picture of the size that Table 2 names."""
    height, width = (side // cell.scale for side in OUTPUT_SIZE)
    parameters = macs = None
    if cell.config:
        network, _ = load_run(cell.folder)
        parameters, macs = network.count_params(), multiply_accumulates(network, height, width)
    enlarge = places.method_of(cell)
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


def describe_cost(cost):
    """Returns parameters, G multiply-accumulates and seconds per megapixel as texts for a table.

    Args:
      cost: the `cost` of a record.
    """
    size = ["-", "-"]
    if cost["parameters"] is not None:
        size = [f"{cost['parameters']:,}", f"{cost['macs'] / 1e9:.1f}"]
    return [*size, f"{cost['seconds_per_megapixel']:.2f}"]
