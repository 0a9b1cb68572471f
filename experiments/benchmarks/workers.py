"""Times training by several processes on this machine."""

import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from experiments.workspace import ROOT
from srnet.errors import DataError
from srnet.training.run_folder import Run, read_metrics


def images_per_second(cores: Sequence[Sequence[int]], training: Sequence[str]) -> float:
    """Trains with one worker per list of cores, and returns the median speed without the first epoch.

    The workers communicate over the loopback interface.

    Args:
      cores: for each worker, the numbers of its cores.
      training: flags of `srnet.train`, with at least two epochs and without a run folder and a strategy.

    Raises:
      DataError: if a worker fails.
    """
    strategy = ["--strategy=multi_worker", "--worker_timeout=60"] if len(cores) > 1 else []
    addresses = _free_addresses(len(cores))
    processes = []
    with tempfile.TemporaryDirectory() as run_dir:
        command = [sys.executable, "-m", "srnet.train", *training, *strategy, f"--run_dir={run_dir}"]
        try:
            for number, own in enumerate(cores):
                config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
                # The cores are set before Python starts, since TensorFlow counts them.
                pinned = ["taskset", "--cpu-list", ",".join(map(str, own)), *command]
                environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
                process = subprocess.Popen(
                    pinned, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
                )
                processes.append(process)
            errors = [process.communicate()[1] for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.wait()
        for process, text in zip(processes, errors):
            if process.returncode:
                raise DataError((text.strip().splitlines() or [f"a process ended with {process.returncode}"])[-1])
        lines = read_metrics(Run(pathlib.Path(run_dir)))
    return statistics.median(line["images_per_second"] for line in lines[1:])


def _free_addresses(count: int) -> list[str]:
    servers = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()
    return addresses
