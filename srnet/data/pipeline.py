"""From the patch store to batches, in the order of `srnet.data.order`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from srnet.data.order import patch_order
from srnet.data.store import PatchStore
from srnet.errors import DataError


def training_batches(
    store: PatchStore,
    batch_size: int,
    seed: int,
    first_step: int,
    last_step: int,
    shares: range = range(1),
    devices: int = 1,
) -> tf.data.Dataset:
    """Returns a dataset of the batches of steps first_step, ..., last_step - 1, or of some devices' shares of them.

    Args:
      store: an opened `PatchStore`.
      batch_size: patches in a batch, over all devices.
      seed: integer, at least 0.
      first_step: zero-based step of the first batch.
      last_step: step after the last batch.
      shares: which devices' shares of each batch to read, one after the other.
      devices: number of devices among which a batch is divided equally.

    Returns:
      A `tf.data.Dataset` of float32 (lr, hr) batches in [0, 255], NHWC with static shapes.
    """
    size = batch_size // devices

    def read(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        step, place = divmod(int(number), len(shares))
        order = patch_order(len(store), seed, step, batch_size)[shares[place] * size :][:size]
        try:
            return store.lr.read(order), store.hr.read(order)
        except (OSError, DataError) as error:
            store.failures.append(error)
            raise

    def load(number: tf.Tensor) -> tuple[tf.Tensor, ...]:
        pair = tf.numpy_function(read, [number], [tf.uint8, tf.uint8], stateful=False)
        for patches, array in zip(pair, (store.lr, store.hr)):
            patches.set_shape((size, *array.shape[1:]))
        return tuple(tf.cast(patches, tf.float32) for patches in pair)

    numbers = tf.data.Dataset.range(first_step * len(shares), last_step * len(shares))
    return numbers.map(load, num_parallel_calls=2, deterministic=True).prefetch(8)


def distributed_batches(
    strategy: tf.distribute.Strategy, store: PatchStore, batch_size: int, seed: int, first_step: int, last_step: int
) -> Iterator[Any]:
    """Returns an iterator over batches for `strategy.run`; each process reads only its own devices' shares.

    Args:
      strategy: `tf.distribute.Strategy`, whose number of devices divides the batch size.
      store: an opened `PatchStore`.
      batch_size: patches in a batch, over all devices.
      seed: integer, at least 0.
      first_step: zero-based step of the first batch.
      last_step: step after the last batch.
    """

    def of_process(context: tf.distribute.InputContext) -> tf.data.Dataset:
        devices = context.num_replicas_in_sync
        own = devices // context.num_input_pipelines
        shares = range(context.input_pipeline_id * own, (context.input_pipeline_id + 1) * own)
        return training_batches(store, batch_size, seed, first_step, last_step, shares, devices)

    return iter(strategy.distribute_datasets_from_function(of_process))
