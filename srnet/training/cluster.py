"""The processes that train a run together, and waiting until all of them have started."""

import contextlib
import dataclasses
import faulthandler
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from srnet.errors import DataError, UsageError
from srnet.files import reason
from srnet.progress import note

_EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
_JOBS = ("chief", "worker")  # in the order of their tasks among the workers
_SLURM_PORTS = range(12000, 32000, 10)  # for the first task on a node, chosen by the job's number
_ATTEMPT_SECONDS = 1.0  # to reach a worker, and between attempts
_QUIET_SECONDS = 5.0  # of waiting before a message
_DISCARDED = pathlib.Path(os.devnull)
_START_SECONDS = 120.0  # for TensorFlow's servers, once all workers have started

# Prints a line unless its input ends within the given seconds.
_GUARD = """
import os, select, sys
if not select.select([0], [], [], float(sys.argv[1]))[0]:
    os.write(2, sys.argv[2].encode())
"""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The processes that train a run together.

    Attributes:
      addresses: "host:port" of each worker; worker 0 writes the run folder.
      index: this process's number among them.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def others(self) -> dict[str, str]:
        """The other workers: a dict from address to the name used in messages."""
        named = {address: f"worker {number} ({address})" for number, address in enumerate(self.addresses)}
        del named[self.addresses[self.index]]
        return named


def find_cluster() -> Cluster:
    """Returns the cluster that TF_CONFIG describes, in TensorFlow's format, or else that of the SLURM job step.

    Raises:
      UsageError: if there is neither, or it is invalid.
    """
    if os.environ.get("TF_CONFIG"):
        return _of_tf_config(os.environ["TF_CONFIG"])
    if "SLURM_STEP_NODELIST" in os.environ:
        return _of_slurm()
    raise UsageError(f"--strategy=multi_worker: TF_CONFIG is not set; expected, for example, {_EXAMPLE}")


def _of_tf_config(text: str) -> Cluster:
    def wrong(why: str) -> UsageError:
        return UsageError(f"TF_CONFIG: {why}; expected, for example, {_EXAMPLE}")

    try:
        found = json.loads(text)
    except ValueError:
        raise wrong("not JSON") from None
    cluster = found.get("cluster") if isinstance(found, dict) else None
    task = found.get("task") if isinstance(found, dict) else None
    if not isinstance(cluster, dict) or not isinstance(task, dict):
        raise wrong("it needs a cluster and a task")
    if set(cluster) - set(_JOBS):
        raise wrong(f"the cluster may have chief and worker, not {', '.join(sorted(set(cluster) - set(_JOBS)))}")
    for job, addresses in cluster.items():
        if not isinstance(addresses, list) or not all(map(_is_address, addresses)):
            raise wrong(f"{job} is not a list of host:port addresses")
    tasks = [(job, number) for job in _JOBS for number in range(len(cluster.get(job, ())))]
    index = task.get("index")
    own = (task.get("type"), int(index) if isinstance(index, str) and index.isdecimal() else index)
    if own not in tasks:
        raise wrong(f"the cluster has no task {own[0]} {own[1]}")
    addresses = [address for job in _JOBS for address in cluster.get(job, ())]
    if len(set(addresses)) < len(addresses):
        raise wrong("two tasks have the same address")
    return Cluster(tuple(addresses), tasks.index(own))


def _is_address(text: object) -> bool:
    host, _, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    return bool(host) and port.isdecimal() and 0 < int(port) < 65536


def _of_slurm() -> Cluster:
    import tensorflow as tf

    try:
        port = _SLURM_PORTS[int(os.environ["SLURM_JOB_ID"]) % len(_SLURM_PORTS)]
        # SLURM assigns the GPUs, so the resolver is told of one per task.
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=port, gpus_per_node=int(os.environ["SLURM_STEP_NUM_TASKS"]), gpus_per_task=1,
            auto_set_gpu=False,
        )  # fmt: skip
        addresses = resolver.cluster_spec().as_dict()["worker"]
        # The resolver ranks tasks in the order of the nodes' names, which need not be SLURM's.
        own = f"{os.environ['SLURMD_NODENAME']}:{port + int(os.environ['SLURM_LOCALID'])}"
        return Cluster(tuple(addresses), addresses.index(own))
    except (KeyError, ValueError, RuntimeError) as error:
        raise UsageError(f"the variables of SLURM cannot be used ({error}); start the workers with srun") from error


def wait_for_workers(cluster: Cluster, seconds: float) -> None:
    """Waits until all workers of a cluster have started.

    Args:
      cluster: `Cluster`.
      seconds: how long to wait.

    Raises:
      DataError: if this worker's port is taken, or the time runs out; the message names the missing workers.
    """
    missing = cluster.others
    own = cluster.addresses[cluster.index]
    started = time.monotonic()
    said = False
    with _listening(own):
        while missing:
            for address in [each for each in missing if _answers(each)]:
                del missing[address]
            waited = time.monotonic() - started
            if missing and waited > seconds:
                raise DataError(f"no answer from {', '.join(missing.values())} within {seconds:g} s; start all workers")
            if missing and not said and waited > _QUIET_SECONDS:
                note(f"waiting up to {seconds:g} s for {', '.join(missing.values())}")
                said = True
            if missing:
                time.sleep(_ATTEMPT_SECONDS)


@contextlib.contextmanager
def _listening(address: str) -> Iterator[None]:
    """Answers other workers on the port that TensorFlow's server uses afterwards."""
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    port = int(address.rpartition(":")[2])
    try:
        server = socket.create_server(("", port), family=family, dualstack_ipv6=both)
    except OSError as error:
        raise DataError(f"{address}: this worker's port cannot be used ({reason(error)})") from error
    with server:
        yield


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ATTEMPT_SECONDS).close()
    except (OSError, UnicodeError):  # UnicodeError for an invalid host name
        return False
    return True


@contextlib.contextmanager
def start_guard(seconds: float = _START_SECONDS) -> Iterator[None]:
    """Ends this process with one line and status 1 if the block takes too long, even in code that holds the GIL.

    Args:
      seconds: how long it may take.
    """
    # No other Python thread runs during TensorFlow's start-up; faulthandler needs none.
    message = f"error: the workers did not connect within {seconds:g} s; start all of them again\n"
    command = [sys.executable, "-I", "-S", "-c", _GUARD, str(seconds), message]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as guard,
        _DISCARDED.open("w") as file,
    ):
        faulthandler.dump_traceback_later(seconds + 1, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            guard.communicate()
