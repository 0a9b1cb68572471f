"""From the patch store to batches, in an order that depends on the seed and the step alone.

Pass after pass over the store, each in a new random order; the patches of step s are the places
[s*batch, (s+1)*batch) of that sequence. Nothing has to be saved for a resumed run to go on exactly.
"""

import functools

import numpy as np
import tensorflow as tf


def patch_order(count, seed, step, batch_size):
    """Returns the indices of the patches in one batch.

    Args:
      count: patches in the store.
      seed: integer, at least 0.
      step: zero-based training step.
      batch_size: patches in a batch.

    Returns:
      int64 array (batch_size,).
    """
    passes, places = np.divmod(np.arange(step * batch_size, (step + 1) * batch_size), count)
    return np.array([_permutation(count, seed, int(p))[i] for p, i in zip(passes, places)])


@functools.lru_cache(maxsize=2)
def _permutation(count, seed, number):
    return np.random.default_rng([seed, number]).permutation(count)


def training_batches(store, batch_size, seed, first_step, last_step):
    """Makes the dataset of the batches of steps first_step, ..., last_step - 1.

    Args:
      store: an opened `PatchStore`.
      batch_size: patches in a batch, over all devices.
      seed: integer, at least 0.
      first_step: zero-based step of the first batch.
      last_step: step after the last batch.

    Returns:
      A `tf.data.Dataset` of float32 (lr, hr) batches in [0, 255], NHWC with static shapes.
    """

    def read(step):
        order = patch_order(len(store), seed, int(step), batch_size)
        return store.lr[order], store.hr[order]

    def load(step):
        pair = tf.numpy_function(read, [step], [tf.uint8, tf.uint8], stateful=False)
        for patches, array in zip(pair, (store.lr, store.hr)):
            patches.set_shape((batch_size, *array.shape[1:]))
        return tuple(tf.cast(patches, tf.float32) for patches in pair)

    steps = tf.data.Dataset.range(first_step, last_step)
    return steps.map(load, num_parallel_calls=2, deterministic=True).prefetch(8)
