"""Compares the two kinds of patch store: one holds patches, the other pictures that patches are cut from."""

import dataclasses
import pathlib
import statistics
import time

from experiments.benchmarks.training import pipeline_speed
from srnet.data.order import patch_order
from srnet.data.store import PatchStore
from srnet.training.config import TrainConfig
from srnet.training.data import training_patches

_LIMITS = {"patches": 1e6, "pictures": 0.0}  # from kind to the store limit in GB that selects it


def make_stores(
    config: TrainConfig, data_root: str | None, folder: pathlib.Path
) -> dict[str, tuple[PatchStore, float]]:
    """Returns a store of each kind, and the seconds that making it took.

    Args:
      config: `TrainConfig`; its limit of a store's size is ignored.
      data_root: folder with a folder for each image set, or None.
      folder: folder for the stores.
    """
    stores = {}
    for kind, limit in _LIMITS.items():
        started = time.perf_counter()
        store = training_patches(dataclasses.replace(config, store_limit=limit), data_root, folder / kind)
        stores[kind] = store, time.perf_counter() - started
    return stores


def time_reading(config: TrainConfig, stores: dict[str, PatchStore], rounds: int, batches: int) -> dict[str, float]:
    """Returns the median patches per second that the pipeline reads from each store, over rounds that take turns.

    Args:
      config: `TrainConfig`.
      stores: dict from names to stores.
      rounds: number of rounds.
      batches: number of batches per round.
    """
    speeds: dict[str, list[float]] = {name: [] for name in stores}
    for _ in range(rounds):
        for name, store in stores.items():
            speeds[name].append(pipeline_speed(config, store, batches))
    return {name: statistics.median(each) for name, each in speeds.items()}


def same_patches(config: TrainConfig, one: PatchStore, other: PatchStore, batches: int) -> bool:
    """Returns whether two stores have the same patches, in the first batches of a training.

    Args:
      config: `TrainConfig`.
      one: a store.
      other: another one.
      batches: number of batches to compare.
    """
    for step in range(batches):
        order = patch_order(len(one), config.seed, step, config.batch_size)
        for name in ("lr", "hr"):
            if (getattr(one, name).read(order) != getattr(other, name).read(order)).any():
                return False
    return len(one) == len(other)
