"""Compares several workers on this machine with one process that has the same cores.

python tools/benchmark_workers.py --workers=2

It alternately trains with one process on these cores, and with workers that share them equally and communicate over the
loopback interface. It prints the median steps per second of each, without the first epoch of a run, and their ratio.
"""

import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments.workspace import ROOT
from srnet import cli
from srnet.errors import DataError, UsageError
from srnet.training.config import NETWORKS
from srnet.training.run_folder import Run, read_metrics

_EPOCHS = 3


def define_flags() -> None:
    flags.DEFINE_integer("workers", 2, "Number of workers.", lower_bound=2)
    flags.DEFINE_enum("variant", "full", NETWORKS, "Network.")
    flags.DEFINE_integer("batch_size", 16, "Patches per step.")
    flags.DEFINE_integer("patch", 48, "Side of an HR patch in pixels.")
    flags.DEFINE_enum("precision", "float32", ("float32", "mixed_bfloat16"), "Precision of the computation.")
    flags.DEFINE_list("train_sets", "skimage_train", "Sets that the patches come from.")
    cli.define_data_root_flag()
    flags.DEFINE_integer("rounds", 3, "Runs of each kind.", lower_bound=1)
    flags.DEFINE_integer("steps", 40, "Steps per epoch.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    if not sys.platform.startswith("linux"):
        raise UsageError("this tool needs Linux, where it can give each process its cores")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < values.workers:
        raise UsageError(f"--workers={values.workers}: this machine has {len(cores)} cores; one for each is needed")
    if values.batch_size % values.workers:
        raise UsageError(f"--batch_size={values.batch_size}: use a multiple of the {values.workers} workers")
    shared = len(cores) // values.workers
    alone, together = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(values.rounds):
            alone.append(_steps_per_second(pathlib.Path(folder), [cores[: shared * values.workers]]))
            own = [cores[number * shared :][:shared] for number in range(values.workers)]
            together.append(_steps_per_second(pathlib.Path(folder), own))
    one, several = statistics.median(alone), statistics.median(together)
    print(f"one process of {shared * values.workers} cores    {one:.2f} steps/s")
    print(f"{values.workers} workers of {shared} cores each   {several:.2f} steps/s, {several / one:.3f} times as many")


def _steps_per_second(folder: pathlib.Path, cores: list[list[int]]) -> float:
    """Trains with one process per list of cores, and returns the median steps per second after the first epoch."""
    values = flags.FLAGS
    command = [sys.executable, "-m", "srnet.train", f"--variant={values.variant}", f"--batch_size={values.batch_size}"]
    command += [f"--patch={values.patch}", f"--precision={values.precision}", f"--cache_dir={folder / 'cache'}"]
    command += [f"--train_sets={','.join(values.train_sets)}", "--validation_set=skimage_test", "--validation_images=1"]
    command += [f"--steps_per_epoch={values.steps}", f"--epochs={_EPOCHS}"]
    command += [f"--data_root={values.data_root}"] if values.data_root else []
    command += ["--strategy=multi_worker", "--worker_timeout=60"] if len(cores) > 1 else []
    addresses = _free_addresses(len(cores))
    processes = []
    with tempfile.TemporaryDirectory(dir=folder) as run_dir:
        try:
            for number, own in enumerate(cores):
                config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
                # The cores are set before Python starts, since TensorFlow counts them.
                pinned = ["taskset", "--cpu-list", ",".join(map(str, own)), *command, f"--run_dir={run_dir}"]
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
        speeds = [line["images_per_second"] for line in read_metrics(Run(pathlib.Path(run_dir)))]
    return statistics.median(speeds[1:]) / values.batch_size


def _free_addresses(count: int) -> list[str]:
    servers = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()
    return addresses


if __name__ == "__main__":
    cli.run(main, define_flags)
