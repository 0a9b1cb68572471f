"""A method's cost: parameters, multiply-accumulates, and seconds on this machine."""

import pathlib
import statistics
import timeit
from collections.abc import Sequence

import numpy as np

from experiments.runs.jobs import Job
from experiments.runs.records import Record, add_record, record_of
from experiments.workspace import Workspace
from srnet.errors import DataError
from srnet.evaluation.methods import named_method
from srnet.inference.method import Method, network_method
from srnet.models.analysis import OUTPUT_SIZE, multiply_accumulates
from srnet.training.checkpoints import load_run
from srnet.training.origin import hardware


def add_costs(jobs: Sequence[Job], path: pathlib.Path, workspace: Workspace) -> dict[str, str]:
    """Adds missing costs of trained jobs to their records.

    Args:
      jobs: the jobs.
      path: the records file.
      workspace: `Workspace`.

    Returns:
      A dict from the names of failed jobs to the reasons.
    """
    failed = {}
    for job in jobs:
        try:
            record = add_record(path, record_of(job, workspace.budget))
            if record["cost"] is None:
                add_record(path, {**record, "measurements": {}, "cost": _cost(job, workspace)})
        except DataError as error:
            failed[job.name] = str(error)
        except MemoryError:
            failed[job.name] = "not enough memory to measure its cost"
    return failed


def method_of(job: Job, workspace: Workspace) -> Method:
    """Returns a trained job as a method: a callable from LR luma to SR luma, float32 in [0, 255].

    Args:
      job: the job.
      workspace: `Workspace`.
    """
    if job.config:
        return network_method(load_run(job.run.folder)[0])
    return named_method(job.method, workspace.data_root, workspace.cache_dir).at_scale(job.scale)


def _cost(job: Job, workspace: Workspace) -> Record:
    """The cost of enlarging one picture to the size that Table 2 states."""
    height, width = (side // job.scale for side in OUTPUT_SIZE)
    parameters = macs = None
    if job.config:
        network, _ = load_run(job.run.folder)
        enlarge = network_method(network)
        parameters, macs = network.count_params(), multiply_accumulates(network, height, width)
    else:
        enlarge = method_of(job, workspace)
    lr = np.random.default_rng(0).uniform(0, 255, (height, width)).astype(np.float32)
    enlarge(lr)
    seconds = statistics.median(timeit.repeat(lambda: enlarge(lr), number=1, repeat=3))
    speed = seconds / (height * width * job.scale**2 / 1e6)
    return {"parameters": parameters, "macs": macs, "seconds_per_megapixel": speed, "hardware": hardware()}
