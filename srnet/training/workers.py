"""The workers of a run: processes that train it together, on one or several machines, and how they communicate.

All workers must call these functions in the same order, since each call waits for all of them.
"""

import contextlib
import dataclasses
import json
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from srnet.errors import DataError, UsageError
from srnet.training.cluster import find_cluster, start_guard, wait_for_workers
from srnet.training.config import TrainConfig

_T = TypeVar("_T")

_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)
_ERRORS = {"UsageError": UsageError, "DataError": DataError}


@dataclasses.dataclass(frozen=True)
class Workers:
    """The processes that train a run together.

    Attributes:
      strategy: `tf.distribute.Strategy` over the devices of all of them.
      index: this process's number among them; worker 0 writes the run folder.
      count: number of processes.
    """

    strategy: tf.distribute.Strategy
    index: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        return self.index == 0

    def sum_over_workers(self, values: np.ndarray) -> np.ndarray:
        """Returns the sum over all workers of an array that each has.

        Args:
          values: array of the same shape and type on each worker.

        Raises:
          DataError: if another worker has ended.
        """
        if self.count == 1:
            return values
        devices = self.strategy.num_replicas_in_sync // self.count

        def on_device(context: Any) -> tf.Tensor:  # the first device holds all of it, the others 0
            first = context.replica_id_in_sync_group % devices == 0
            return tf.constant(values if first else np.zeros_like(values))

        parts = self.strategy.experimental_distribute_values_from_function(on_device)
        with self.detect_lost_workers():
            return self.strategy.reduce(tf.distribute.ReduceOp.SUM, parts, axis=None).numpy()

    def gather(self, value: Any) -> list[Any]:
        """Returns a list of all workers' values, in order.

        Args:
          value: this worker's JSON-serializable value.

        Raises:
          DataError: if another worker has ended.
        """
        if self.count == 1:
            return [value]
        text = np.frombuffer(json.dumps(value).encode(), np.uint8)
        lengths = np.zeros(self.count, np.int32)
        lengths[self.index] = len(text)
        lengths = self.sum_over_workers(lengths)
        texts = np.zeros((self.count, lengths.max()), np.int32)
        texts[self.index, : len(text)] = text
        texts = self.sum_over_workers(texts).astype(np.uint8)
        return [json.loads(each[:length].tobytes()) for each, length in zip(texts, lengths)]

    def from_first(self, function: Callable[[], _T]) -> _T:
        """Calls a function on the first worker only, and returns its result, or raises its error, on all of them.

        Args:
          function: callable that returns a JSON-serializable value.

        Raises:
          UsageError: if the function raises it.
          DataError: if the function raises it, or another worker has ended.
        """
        if self.count == 1:
            return function()
        result: dict[str, Any] = {}
        if self.is_first:
            try:
                result = {"value": function()}
            except (UsageError, DataError) as error:
                result = {"error": type(error).__name__, "message": str(error)}
        result = self.gather(result)[0]
        if "error" in result:
            raise _ERRORS[result["error"]](result["message"])
        return result["value"]

    def first_then_others(self, function: Callable[[], _T]) -> _T:
        """Calls a function on the first worker, then on all others, and returns its result on each.

        Args:
          function: callable.

        Raises:
          UsageError: if the function raises it on this or the first worker.
          DataError: if the function raises it on this or the first worker, or another worker has ended.
        """
        made: list[_T] = []
        self.from_first(lambda: made.append(function()))
        return made[0] if made else function()

    def check_equal(self, facts: Callable[[], dict[str, Any]]) -> None:
        """Checks that something is the same on all workers.

        Args:
          facts: callable that returns a JSON-serializable dict; not called if there is only one worker.

        Raises:
          UsageError: if it is not; the message names the first worker with another value.
          DataError: if another worker has ended.
        """
        if self.count == 1:
            return
        first, *others = self.gather(facts())
        for number, other in enumerate(others, 1):
            for name in {**first, **other}:  # other versions may have other names
                one, two = first.get(name), other.get(name)
                if one != two:
                    both = f"worker {number} has {name} {two!r}, but worker 0 has {one!r}"
                    raise UsageError(f"{both}: start all workers with the same settings")

    def broadcast(self, variables: Iterable[Any]) -> None:
        """Sets variables to their values on the first worker.

        Args:
          variables: variables of Keras or TensorFlow, the same on each worker.

        Raises:
          DataError: if another worker has ended.
        """
        if self.count > 1:
            for variable in variables:
                value = variable.numpy()
                variable.assign(self.sum_over_workers(value if self.is_first else np.zeros_like(value)))

    @contextlib.contextmanager
    def detect_lost_workers(self) -> Iterator[None]:
        """Turns TensorFlow's errors about a lost worker into a one-line error.

        Raises:
          DataError: if another worker has ended.
        """
        try:
            yield
        except tf.errors.OpError as error:
            if self.count == 1 or not (isinstance(error, _LOST) or "collective" in str(error).lower()):
                raise
            lost = "another worker has ended, cannot be reached, or has another number of GPUs"
            raise DataError(f"{lost}; start all workers again with the same commands to resume") from error


def start_workers(config: TrainConfig) -> Workers:
    """Makes the strategy that a configuration names, and waits for the other workers, if any.

    Call it before any TensorFlow operation runs.

    Args:
      config: `TrainConfig`.

    Raises:
      UsageError: if a batch cannot be divided equally among the devices, or TF_CONFIG or SLURM's variables cannot be
        used.
      DataError: if a worker does not start.
    """
    if config.strategy == "multi_worker":
        workers = _start_cluster(config.worker_timeout)
    elif config.strategy == "mirrored":
        workers = Workers(tf.distribute.MirroredStrategy())
    else:
        workers = Workers(tf.distribute.get_strategy())
    devices = workers.strategy.num_replicas_in_sync
    if config.batch_size % devices:
        needed = f"it must be a multiple of {devices}, the number of devices"
        raise UsageError(f"batch_size {config.batch_size} cannot be used: {needed}")
    return workers


def _start_cluster(seconds: float) -> Workers:
    cluster = find_cluster()
    wait_for_workers(cluster, seconds)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.index,
        num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
        rpc_layer="grpc",
    )
    with start_guard():
        try:
            strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
        except (tf.errors.OpError, RuntimeError) as error:  # RuntimeError if TensorFlow has been used already
            own = cluster.addresses[cluster.index]
            raise DataError(f"{own}: the workers cannot be connected ({error})") from error
    if threading.current_thread() is threading.main_thread():  # TensorFlow has replaced the handler
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM) or signal.SIG_DFL)
    return Workers(strategy, cluster.index, len(cluster.addresses))
