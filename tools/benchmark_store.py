"""Compares the two kinds of patch store: one holds patches, the other pictures that patches are cut from.

python tools/benchmark_store.py --variant=full
python tools/benchmark_store.py --variant=plus

It makes both in a temporary folder and prints their sizes, the time to make them, the patches per second that a
training step takes and that the pipeline reads from each (interleaved), and whether all batches are the same.
"""

import pathlib
import statistics
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli
from srnet.training.config import NETWORKS, TrainConfig
from srnet.training.presets import preset_settings

if TYPE_CHECKING:
    from srnet.data.store import PatchStore

_KINDS = {"patches": 1e6, "pictures": 0.0}  # from kind to the store limit in GB that selects it


def define_flags() -> None:
    flags.DEFINE_enum("variant", "full", NETWORKS, "Network; its paper preset sets the patches.")
    flags.DEFINE_integer("scale", 2, "Scale.")
    flags.DEFINE_enum("precision", "float32", ("float32", "mixed_bfloat16"), "Precision of the training step.")
    flags.DEFINE_list("train_sets", "T91,BSD200", "Sets that the patches come from.")
    cli.define_data_root_flag()
    flags.DEFINE_integer("rounds", 3, "Rounds of reading.", lower_bound=1)
    flags.DEFINE_integer("batches", 500, "Batches per round.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    cli.import_tensorflow()
    import dataclasses

    from srnet.training.data import training_patches

    changes = {"variant": values.variant, "scale": values.scale, "precision": values.precision}
    settings = {**preset_settings("paper", values.variant), **changes, "train_sets": tuple(values.train_sets)}
    config = TrainConfig(**settings)
    stores, seconds = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, limit in _KINDS.items():
            started = time.perf_counter()
            limited = dataclasses.replace(config, store_limit=limit)
            stores[kind] = training_patches(limited, values.data_root, f"{folder}/{kind}")
            seconds[kind] = time.perf_counter() - started
        needed = _patches_per_second(config, stores["patches"])
        speeds: dict[str, list[float]] = {kind: [] for kind in stores}
        for _ in range(values.rounds):
            for kind, store in stores.items():
                speeds[kind].append(_read(config, store, values.batches))
        print(f"a training step takes {needed:.0f} patches/s")
        for kind, store in stores.items():
            size, speed = store.path.stat().st_size / 1e9, statistics.median(speeds[kind])
            print(f"{kind}: {size:.2f} GB, made in {seconds[kind]:.0f} s, {speed:.0f} patches/s")
        same = _same_batches(config, stores["patches"], stores["pictures"], values.batches)
        print(f"{values.batches} batches are {'the same' if same else 'DIFFERENT'}")


def _patches_per_second(config: TrainConfig, store: "PatchStore") -> float:
    """Patches per second that the training step takes, on one constant batch."""
    import tensorflow as tf

    from srnet.data.pipeline import training_batches
    from srnet.training import step
    from srnet.training.state import new_state

    state = new_state(config, tf.distribute.get_strategy())
    bare_step = tf.function(step.make_step(config, state))
    constant = next(iter(training_batches(store, config.batch_size, config.seed, 0, 1)))
    seconds = []
    for _ in range(12):
        started = time.perf_counter()
        bare_step(*constant)
        state.optimizer.iterations.numpy()
        seconds.append(time.perf_counter() - started)
    return config.batch_size / statistics.median(seconds[2:])


def _read(config: TrainConfig, store: "PatchStore", count: int) -> float:
    """Patches per second of the pipeline alone."""
    from srnet.data.pipeline import training_batches

    batches = iter(training_batches(store, config.batch_size, config.seed, 0, count + 20))
    for _ in range(20):  # drain what was prefetched before timing
        next(batches)
    started = time.perf_counter()
    for _ in range(count):
        next(batches)
    return config.batch_size * count / (time.perf_counter() - started)


def _same_batches(config: TrainConfig, one: "PatchStore", other: "PatchStore", count: int) -> bool:
    from srnet.data.order import patch_order

    for step in range(count):
        order = patch_order(len(one), config.seed, step, config.batch_size)
        for name in ("lr", "hr"):
            if (getattr(one, name).read(order) != getattr(other, name).read(order)).any():
                return False
    return len(one) == len(other)


if __name__ == "__main__":
    cli.run(main, define_flags)
