"""A whole training session: from a configuration and images to a finished run folder."""

import dataclasses
import pathlib

import tensorflow as tf
import tqdm

from srnet.data.datasets import find_images, has_set, spread
from srnet.data.images import image_size
from srnet.data.patches import PatchOptions, ensure_store
from srnet.errors import DataError
from srnet.metrics import measurable_image
from srnet.saved_model import export_saved_model
from srnet.training import runs, trainer
from srnet.training.steps import new_state


def resolve(config, data_root, fixed=()):
    """Settles what a configuration leaves to the machine: precision "auto" and sets that are not there.

    Args:
      config: `TrainConfig`.
      data_root: folder with a folder for each set, or None.
      fixed: names of the fields and flags that the user chose; sets named there, and training sets missing under a
        `data_root` named there, are never replaced.

    Returns:
      (config, notes): the settled `TrainConfig`, and a line for each thing replaced.

    Raises:
      DataError: if "data_root" is named and there is no such folder.
    """
    if "data_root" in fixed and not pathlib.Path(data_root).is_dir():
        raise DataError(f"{data_root}: no such folder (the data root)")
    notes, changes = [], {}
    place = f"under {data_root}" if data_root else "(no --data_root)"
    missing = [name for name in config.train_sets if not has_set(name, data_root)]
    if missing and not {"train_sets", "data_root"} & set(fixed):
        changes["train_sets"] = ("skimage_train",)
        notes.append(f"{', '.join(missing)} not found {place}: training on the photographs of scikit-image")
    if not has_set(config.validation_set, data_root) and "validation_set" not in fixed:
        changes["validation_set"] = "skimage_test"
        notes.append(f"{config.validation_set} not found {place}: validating on held-out photographs of scikit-image")
    if config.precision == "auto":
        changes["precision"] = "mixed_bfloat16" if _has_bfloat16() else "float32"
    return dataclasses.replace(config, **changes), notes


def _has_bfloat16():
    """Whether the processor, or every GPU, computes in bfloat16 faster than in float32."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        return all(each.get("compute_capability", (0, 0)) >= (8, 0) for each in details)
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    return cpuinfo.exists() and "avx512_bf16" in cpuinfo.read_text()


def run_training(config, run_dir, data_root, cache_dir):
    """Trains a run, or goes on with it, and exports the network at the end.

    Args:
      config: settled `TrainConfig`.
      run_dir: the run folder.
      data_root: folder with a folder for each set, or None.
      cache_dir: folder of patch stores.

    Returns:
      The `Run`.

    Raises:
      UsageError: if the configuration cannot be used, or the folder holds another run.
      DataError: if images, the store, a checkpoint or the disk fail, or the loss is no longer finite.
      Interrupted: after Ctrl-C or SIGTERM; the state is saved.
    """
    trainer.prepare(config)
    strategy = trainer.make_strategy(config)
    state = new_state(config, strategy)
    runs.check_run(run_dir, config)
    initial = None
    if config.initial_run and not tf.train.latest_checkpoint(runs.Run(pathlib.Path(run_dir)).last):
        layers, same, initial = runs.begin_with(state.model, config.initial_run)
        tqdm.tqdm.write(f"{same} of {layers} layers begin with the weights of {config.initial_run}")
    if state.averaged:
        state.averaged.set_weights(state.model.get_weights())
    paths = [path for name in config.train_sets for path in find_images(name, data_root)]
    validation_paths = spread(find_images(config.validation_set, data_root), config.validation_images)
    options = PatchOptions(
        config.scale,
        config.channels,
        patch=config.patch - config.patch % config.scale,
        stride=config.stride - config.stride % config.scale,
        augment=config.augment,
        orientations=config.orientations,
        augment_scales=config.augment_scales,
    )
    large = [path for path in paths if min(image_size(path)) >= options.patch]
    if 0 < len(large) < len(paths):
        left_out = f"{len(paths) - len(large)} of {len(paths)} training pictures are left out"
        tqdm.tqdm.write(f"{left_out}: they are smaller than a patch of {options.patch}x{options.patch}")
    for path in validation_paths:
        measurable_image(path, config.scale)
    label = "+".join(pathlib.Path(name).name for name in config.train_sets)
    store = ensure_store(cache_dir, label, large or paths, options)
    network, steps = f"{config.variant} x{config.scale}", f"{config.total_steps} steps in {config.precision}"
    tqdm.tqdm.write(f"{network} on {'+'.join(config.train_sets)}, {steps}, into {run_dir}")
    with runs.open_run(run_dir, config, store.digest, initial) as run:
        trainer.train(config, state, store, validation_paths, run, strategy)
        model, _ = runs.load_run(run.folder)
        runs.save_model(run, model)
        export_saved_model(model, run.saved_model)
    return run
