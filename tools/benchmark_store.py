"""Compares the two kinds of patch store: one holds patches, the other whole images that patches are cut from.

python tools/benchmark_store.py --variant=full
python tools/benchmark_store.py --variant=plus

It makes both in a temporary folder and prints their sizes, the time to make them, the patches per second that a
training step takes and that the pipeline reads from each (interleaved), and whether all batches are the same.
"""

import pathlib
import sys
import tempfile

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli
from srnet.training.config import NETWORKS, TrainConfig
from srnet.training.presets import preset_settings


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
    from experiments.benchmarks.stores import make_stores, same_patches, time_reading
    from experiments.benchmarks.training import bare_step_seconds

    changes = {"variant": values.variant, "scale": values.scale, "precision": values.precision}
    settings = {**preset_settings("paper", values.variant), **changes, "train_sets": tuple(values.train_sets)}
    config = TrainConfig(**settings)
    with tempfile.TemporaryDirectory() as folder:
        made = make_stores(config, values.data_root, pathlib.Path(folder))
        stores = {kind: store for kind, (store, _) in made.items()}
        needed = config.batch_size / bare_step_seconds(config, stores["patches"], steps=10)
        speeds = time_reading(config, stores, values.rounds, values.batches)
        print(f"a training step takes {needed:.0f} patches/s")
        for kind, (store, seconds) in made.items():
            size = store.path.stat().st_size / 1e9
            print(f"{kind}: {size:.2f} GB, made in {seconds:.0f} s, {speeds[kind]:.0f} patches/s")
        same = same_patches(config, stores["patches"], stores["pictures"], values.batches)
        print(f"{values.batches} batches are {'the same' if same else 'DIFFERENT'}")


if __name__ == "__main__":
    cli.run(main, define_flags)
