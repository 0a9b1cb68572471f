"""Times training by several processes on this machine."""

import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from experiments.workspace import ROOT
from srnet.errors import DataError
from srnet.training.run_folder import Run, read_metrics


def patches_per_second(cores: Sequence[Sequence[int]], training: Sequence[str]) -> float:
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
    with tempfile.TemporaryDirectory() as folder:
        run = Run(pathlib.Path(folder) / "run")
        logs = [pathlib.Path(folder) / f"{number}.log" for number in range(len(cores))]
        command = [sys.executable, "-m", "srnet.train", *training, *strategy, f"--run_dir={run.folder}"]
        try:
            for number, own in enumerate(cores):
                config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
                # The cores are set before Python starts, since TensorFlow counts them.
                pinned = ["taskset", "--cpu-list", ",".join(map(str, own)), *command]
                environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
                with logs[number].open("w") as log:
                    process = subprocess.Popen(pinned, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log)
                processes.append(process)
            failed = _first_failure(processes)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        if failed is not None:
            raise DataError((logs[failed].read_text().split("\n")[:-1] or ["a worker ended without a message"])[-1])
        lines = read_metrics(run)
    return statistics.median(line["patches_per_second"] for line in lines[1:])


def _first_failure(processes: Sequence[subprocess.Popen]) -> int | None:
    """Waits for processes, and returns the number of the first that fails, or None; a lost worker ends the others."""
    while True:
        ended = [process.poll() for process in processes]
        for number, status in enumerate(ended):
            if status:
                return number
        if None not in ended:
            return None
        time.sleep(0.1)


def _free_addresses(count: int) -> list[str]:
    servers = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()
    return addresses
