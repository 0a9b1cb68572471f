"""Measures that training costs what its arithmetic costs: python tools/benchmark_training.py

In one process, turn and turn about, it times a bare compiled training step on one constant batch and the same step as
`srnet.train` takes it (reading, shuffling, loss bookkeeping, progress bar), and then the data pipeline alone. It
prints medians over the rounds and their ratios; the ratios are the result, the seconds belong to the machine.
"""

import statistics
import tempfile
import time

import tensorflow as tf
import tqdm
from absl import flags

from srnet import commands
from srnet.data.datasets import default_data_root, find_images
from srnet.data.patches import PatchOptions, ensure_store
from srnet.data.pipeline import training_batches
from srnet.training import steps, trainer
from srnet.training.config import TrainConfig

flags.DEFINE_integer("scale", 2, "Integer enlargement.")
flags.DEFINE_integer("batch_size", 16, "Patches in a step.")
flags.DEFINE_integer("patch", 48, "Side of an HR patch.")
flags.DEFINE_string("precision", "float32", "float32 or mixed_bfloat16.")
flags.DEFINE_list("train_sets", "skimage_train", "Sets that the patches come from.")
flags.DEFINE_string("data_root", default_data_root(), "Folder with a folder of pictures for each set.")
flags.DEFINE_string("cache_dir", None, "Folder of patch stores; a temporary one unless given.")
flags.DEFINE_integer("rounds", 7, "Rounds of both kinds of step.")
flags.DEFINE_integer("steps", 40, "Steps in a round.")


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    config = TrainConfig(
        scale=values.scale,
        batch_size=values.batch_size,
        patch=values.patch,
        precision=values.precision,
        train_sets=values.train_sets,
        steps_per_epoch=values.steps,
        epochs=values.rounds + 1,
    )
    trainer.prepare(config)
    strategy = trainer.make_strategy(config)
    state = steps.new_state(config, strategy)
    paths = [path for name in config.train_sets for path in find_images(name, values.data_root)]
    options = PatchOptions(config.scale, config.channels, config.patch, config.stride, config.augment)
    with tempfile.TemporaryDirectory() as folder:
        store = ensure_store(values.cache_dir or folder, "benchmark", paths, options)
        bare, real = _time_steps(config, state, strategy, store)
        pipeline = _time_pipeline(config, store)
    print(f"bare step on a constant batch   {bare:.4f} s")
    print(f"step of srnet.train             {real:.4f} s   ratio {real / bare:.3f}")
    rate = config.batch_size / real
    print(
        f"pipeline alone                  {pipeline:.0f} patches/s   {pipeline / rate:.0f} times the step's {rate:.0f}"
    )


def _time_steps(config, state, strategy, store):
    """Median seconds of a bare step and of a step of the training loop, after one round of each to warm up."""
    bare_step = tf.function(steps.make_step(config, state.model, state.optimizer))
    run_steps = steps.make_run_steps(config, state, strategy)
    batches = training_batches(store, config.batch_size, config.seed, 0, 2 * config.total_steps)
    constant = next(iter(batches))
    iterator = iter(strategy.experimental_distribute_dataset(batches))
    bare, real = [], []
    with tqdm.tqdm(total=config.total_steps, unit="step") as progress:
        for _ in range(config.epochs):
            started = time.perf_counter()
            for _ in range(config.steps_per_epoch):
                bare_step(*constant)
            state.optimizer.iterations.numpy()
            bare.append((time.perf_counter() - started) / config.steps_per_epoch)
            started = time.perf_counter()
            trainer.run_epoch(config, state, run_steps, iterator, progress, stopped=[])
            real.append((time.perf_counter() - started) / config.steps_per_epoch)
    return statistics.median(bare[1:]), statistics.median(real[1:])


def _time_pipeline(config, store):
    """Patches per second that the pipeline delivers to nobody."""
    count = 2000
    batches = iter(training_batches(store, config.batch_size, config.seed, 0, count + 100))
    for _ in range(100):
        next(batches)
    started = time.perf_counter()
    for _ in range(count):
        next(batches)
    return config.batch_size * count / (time.perf_counter() - started)


if __name__ == "__main__":
    commands.run(main, lambda: None)
