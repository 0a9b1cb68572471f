"""The order of the patches in training, which depends only on the seed and the step.

The sequence is pass after pass over the store, each in a new random order; step s takes its patches
[s*batch, (s+1)*batch). So a run resumes exactly without any saved iterator state.
"""

import functools

import numpy as np


def patch_order(count: int, seed: int, step: int, batch_size: int) -> np.ndarray:
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
def _permutation(count: int, seed: int, number: int) -> np.ndarray:
    return np.random.default_rng([seed, number]).permutation(count)
