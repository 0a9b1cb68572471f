"""A whole training run: configuration, data, loop, run folder, export."""

import contextlib
import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from srnet.data.datasets import has_set
from srnet.digests import array_digest, digest, file_digests
from srnet.errors import DataError
from srnet.formats.saved_model import export_saved_model
from srnet.models.keras_file import save_file
from srnet.precision import resolve_precision
from srnet.progress import say
from srnet.training import checkpoints, loop, perceptual, run_folder, schedule
from srnet.training.config import TrainConfig, check_registered, load_config
from srnet.training.data import training_patches, validation_paths
from srnet.training.initial import copy_weights
from srnet.training.losses import check_loss
from srnet.training.origin import origin
from srnet.training.run_folder import Run
from srnet.training.state import State, new_state
from srnet.training.workers import start_workers

# Where sets are missing: what replaces them, and how a note says so.
_BUNDLED: dict[str, tuple[Any, str]] = {
    "train_sets": (("skimage_train",), "training on the photographs of scikit-image"),
    "validation_set": ("skimage_test", "validating on held-out photographs of scikit-image"),
}


def resolve(
    config: TrainConfig, data_root: Path | str | None, fixed: Collection[str] = (), run_dir: Path | str | None = None
) -> tuple[TrainConfig, list[str]]:
    """Resolves what a configuration leaves to the machine: precision "auto" and missing sets.

    Args:
      config: `TrainConfig`.
      data_root: folder with a subfolder for each set, or None.
      fixed: names of the fields and flags that the user set; sets named there are never replaced, nor are training
        sets if "data_root" is named there.
      run_dir: the run folder; a run there that began with replaced sets keeps them.

    Returns:
      (config, notes): the resolved `TrainConfig`, and a line for each replaced set and for adversarial training
      without initial weights.

    Raises:
      DataError: if "data_root" is in `fixed` and there is no such folder, or the run there cannot be read.
    """
    if "data_root" in fixed and not (data_root and Path(data_root).is_dir()):
        raise DataError(f"{data_root}: no such folder (--data_root)")
    notes, settled = [], config
    place = f"under {data_root}" if data_root else "(no --data_root)"
    path = Run(Path(run_dir)).config if run_dir else None
    begun = load_config(path) if path and path.exists() else config
    kept = {*fixed, "train_sets"} if "data_root" in fixed else set(fixed)
    for field, (bundled, doing) in _BUNDLED.items():
        if field in kept:
            continue
        asked = getattr(config, field)
        missing = [name for name in ([asked] if isinstance(asked, str) else asked) if not has_set(name, data_root)]
        if missing:
            notes.append(f"{', '.join(missing)} not found {place}: {doing}")
        elif getattr(begun, field) == bundled != asked:
            notes.append(f"{run_dir} began so: {doing}")
        if missing or getattr(begun, field) == bundled:
            settled = dataclasses.replace(settled, **{field: bundled})
    if config.precision == "auto":
        precision = resolve_precision(config.precision)
        alone = config.adversarial and precision == "mixed_float16"  # loss scaling supports one optimizer
        settled = dataclasses.replace(settled, precision="float32" if alone else precision)
    if config.adversarial and not config.initial_run:
        notes.append("adversarial training starts from random weights; --initial_run takes those of a first stage")
    return settled, notes


def set_seeds(config: TrainConfig) -> None:
    """Sets the seeds and, if configured, determinism; call it before any TensorFlow operation runs.

    Args:
      config: `TrainConfig`.
    """
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()


def run_training(
    config: TrainConfig, run_dir: Path | str, data_root: Path | str | None, cache_dir: Path | str
) -> Run | None:
    """Trains a run, or resumes it, and exports the network at the end.

    Args:
      config: resolved `TrainConfig`.
      run_dir: the run folder.
      data_root: folder with a subfolder for each set, or None.
      cache_dir: folder of patch stores.

    Returns:
      The `Run`; None on a worker that does not write it.

    Raises:
      UsageError: if the configuration is invalid, or the folder holds another run.
      DataError: if images, the store, a checkpoint or the disk fail, the loss is no longer finite, or another worker
        has ended.
      Interrupted: after Ctrl-C, SIGTERM or SIGHUP; the state is saved.
    """
    check_registered(config)
    set_seeds(config)
    workers = start_workers(config)  # before anything is computed
    check_loss(config.loss, config.hr_patch, config.channels)
    workers.check_equal(lambda: {**config.to_json(), **_software()})
    run = Run(Path(run_dir))
    resumed = workers.from_first(lambda: _resumed(run, config))
    vgg19 = workers.first_then_others(lambda: perceptual.read_weights(config.vgg19)) if config.perceptual else []
    with workers.detect_lost_workers():  # its variables get their first values from worker 0
        try:
            state = new_state(config, workers.strategy, vgg19)
        except tf.errors.ResourceExhaustedError as error:
            raise DataError(f"not enough memory for the weights of {config.variant}") from error
    initial = None
    if config.initial_run and not resumed:
        initial = workers.from_first(lambda: _initialize(state, config))
    measured = validation_paths(config, data_root)
    store = workers.first_then_others(lambda: training_patches(config, data_root, cache_dir))
    data = {"patches": store.digest, "validation": digest(file_digests(measured))}
    if vgg19:
        data["vgg19"] = array_digest(vgg19)
    workers.check_equal(lambda: {run_folder.DATA[name]: each for name, each in data.items()})

    def begin() -> None:
        network, steps = f"{config.variant} x{config.scale}", f"{config.total_steps} steps in {config.precision}"
        say(f"{network} on {'+'.join(config.train_sets)}, {steps}, into {run_dir}")
        opened.enter_context(run_folder.open_run(run, config, data, initial, workers.count))
        run_folder.remove_unfinished_checkpoints(run)

    def end() -> None:
        if not run_folder.is_exported(run):
            export(run)

    with contextlib.ExitStack() as opened:
        workers.from_first(begin)
        loop.train_epochs(config, state, store, measured, run, workers)
        workers.from_first(end)
    return run if workers.is_first else None


def _software() -> dict[str, Any]:
    known = origin()
    return {name: known[name] for name in ("commit", "versions")}


def _resumed(run: Run, config: TrainConfig) -> bool:
    """Whether a run folder has steps done, after checking that it can hold this run."""
    before = run_folder.check_run(run, config)
    done = run_folder.steps_done(run)
    note = schedule.change_note(before, config) if before and 0 < done < config.total_steps else None
    if note:
        say(note)
    return done > 0


def _initialize(state: State, config: TrainConfig) -> dict[str, Any]:
    """Copies trained weights into the network, and returns their origin."""
    layers, same, initial = copy_weights(state.model, config.initial_run)
    say(f"{same} of {layers} layers initialized from {config.initial_run}")
    return initial


def export(run: Run) -> None:
    """Writes the trained network into its run folder, as a `.keras` file and as a SavedModel.

    Args:
      run: `Run` with a checkpoint.

    Raises:
      DataError: if it cannot be written.
    """
    model, _ = checkpoints.load_run(run.folder)
    save_file(model, run.model)
    export_saved_model(model, run.saved_model)
    run_folder.record_export(run)
