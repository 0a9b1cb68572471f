"""Checkpoints of a run: saving them, restoring them completely or not at all, and loading a run's network."""

from pathlib import Path

import keras
import tensorflow as tf

from srnet import durable
from srnet.errors import DataError, UsageError
from srnet.files import reason, write_text, writing
from srnet.progress import say
from srnet.training import checkpoint_files
from srnet.training.checkpoint_files import LIST
from srnet.training.config import TrainConfig, load_config
from srnet.training.run_folder import Run, check_nothing_is_lost
from srnet.training.state import State, build_network, network_parts

_ATTEMPTS = 3  # to read a checkpoint that is being replaced


def checkpoint_managers(state: State, run: Run) -> tuple[tf.train.CheckpointManager, tf.train.CheckpointManager]:
    """Returns the checkpoint managers of a run: (last, best), for the last two and the one with the best PSNR.

    A lost or damaged list of checkpoints is rebuilt from the readable files, with a message.

    Args:
      state: `State`.
      run: `Run`.

    Raises:
      DataError: if there is no checkpoint, but the metrics have more than the first epoch.
    """
    for folder in (run.last, run.best):
        _mend_list(folder)
    if not checkpoint_files.listed_checkpoint(run.last):
        check_nothing_is_lost(run)
    checkpoint = tf.train.Checkpoint(**state.parts)
    last = tf.train.CheckpointManager(checkpoint, run.last, max_to_keep=2, checkpoint_name="step")
    best = tf.train.CheckpointManager(checkpoint, run.best, max_to_keep=1, checkpoint_name="step")
    return last, best


def _mend_list(folder: Path) -> None:
    if checkpoint_files.listed_checkpoint(folder):
        return
    # TensorFlow writes the list after the files, so a checkpoint that is not listed may be incomplete.
    there = sorted(filter(_is_intact, checkpoint_files.all_checkpoints(folder)), key=checkpoint_files.step_of)
    if there:
        newest = there[-1]
        say(f"{folder / LIST} is lost or damaged: {newest.name} is the newest checkpoint there")
        lines = [f'model_checkpoint_path: "{newest.name}"']
        lines += [f'all_model_checkpoint_paths: "{path.name}"' for path in there]
        lines += [f"all_model_checkpoint_timestamps: {Path(f'{path}.index').stat().st_mtime}" for path in there]
        write_text(folder / LIST, "\n".join(lines) + "\n")


def save(manager: tf.train.CheckpointManager, step: int) -> None:
    """Saves a checkpoint; older ones are removed once it is on disk.

    Args:
      manager: one of those that `checkpoint_managers` returns.
      step: number of steps done.

    Raises:
      DataError: if it cannot be written.
    """
    folder = Path(manager.directory)
    with writing(folder):
        durable.make_folder(folder)
        manager.save(step, options=tf.train.CheckpointOptions(experimental_write_callbacks=[_sync]))
        durable.sync(folder / LIST)
        durable.sync(folder)


def _sync(prefix: str) -> None:
    """Waits until the files of a checkpoint are on disk."""
    path = Path(prefix)
    for file in path.parent.glob(f"{path.name}.*"):
        durable.sync(file)
    durable.sync(path.parent)


def restore_newest(state: State, manager: tf.train.CheckpointManager) -> None:
    """Restores the newest checkpoint, if there is one.

    Args:
      state: `State` to restore.
      manager: one of those that `checkpoint_managers` returns.

    Raises:
      DataError: if it cannot be used; the message names an older one that can, if any.
    """
    newest = manager.latest_checkpoint
    if newest is None:
        if checkpoint_files.listed_checkpoint(Path(manager.directory)):
            raise DataError(f"{Path(manager.directory) / LIST}: damaged; delete it, and it will be made again")
        return
    try:
        saved = _as_saved(state, newest)
        restore(saved, newest)
        manager.checkpoint.save_counter.assign(saved.save_counter)
    except DataError as error:
        older = [path for path in manager.checkpoints if path != newest and _is_intact(Path(path))]
        remedy = f"; to resume from {Path(older[-1]).name}, delete {newest}.index" if older else ""
        raise DataError(f"{error}{remedy}") from error


def _as_saved(state: State, path: str) -> tf.train.Checkpoint:
    """A checkpoint object for the state, with a loss scale only if the file has one (written in mixed_float16)."""
    parts = state.parts
    try:
        names = [name for name, _ in tf.train.list_variables(path)]
    except (ValueError, IndexError, RuntimeError, tf.errors.OpError) as error:
        raise DataError(f"{path}: damaged ({reason(error)})") from error
    if not any(name.startswith("loss_scale/") for name in names):
        parts.pop("loss_scale", None)
    elif "loss_scale" not in parts:
        parts["loss_scale"] = tf.train.Checkpoint(scale=tf.Variable(1.0), steps=tf.Variable(0, dtype=tf.int64))
    return tf.train.Checkpoint(**parts)


def _is_intact(path: Path) -> bool:
    try:
        reader = tf.train.load_checkpoint(str(path))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except (ValueError, IndexError, RuntimeError, tf.errors.OpError):
        return False
    return True


def restore(checkpoint: tf.train.Checkpoint, path: str, whole: bool = True) -> None:
    """Restores a checkpoint, or raises: a partial restore never passes silently.

    Args:
      checkpoint: `tf.train.Checkpoint` whose objects have their variables.
      path: prefix of the checkpoint's files.
      whole: whether everything in the file must match an object, too.

    Raises:
      DataError: if the file is damaged or of another network.
    """
    try:
        status = checkpoint.restore(path)
        if whole:
            status.assert_consumed()
        else:
            status.expect_partial().assert_existing_objects_matched()
    except (AssertionError, ValueError, IndexError, RuntimeError, tf.errors.OpError) as error:
        raise DataError(f"{path}: damaged, or a checkpoint of another network ({reason(error)})") from error


def load_run(folder: Path | str, checkpoint: str = "last") -> tuple[keras.Model, TrainConfig]:
    """Loads the network of a run in float32, whatever precision it was trained in.

    Args:
      folder: the run folder.
      checkpoint: "last" for the newest weights, "best" for those with the best validation PSNR.

    Returns:
      (model, config): a `keras.Model` and the run's `TrainConfig`.

    Raises:
      UsageError: for any other value of `checkpoint`.
      DataError: if the folder holds no run, no checkpoint, one of another network, or a network that is not
        registered.
    """
    if checkpoint not in ("last", "best"):
        raise UsageError(f"checkpoint {checkpoint!r} is unknown: choose last or best")
    run = Run(Path(folder))
    if not run.config.exists():
        raise DataError(f"{run.folder}: no run there (config.json is missing)")
    config = load_config(run.config)
    try:
        model = build_network(config, "float32")
    except UsageError as error:
        raise DataError(f"{run.folder}: {error} (--plugin names a module that registers networks)") from error
    place = run.best if checkpoint == "best" else run.last
    part = "averaged" if config.average_decay else "model"
    for attempt in range(_ATTEMPTS):
        found = checkpoint_files.newest_checkpoint(place)
        if found is None:
            raise DataError(f"{place}: no checkpoint yet; train the run first")
        try:
            restore(tf.train.Checkpoint(**network_parts(part, model)), str(found), whole=False)
            break
        except DataError:
            # A training process may have replaced it meanwhile.
            if found == checkpoint_files.newest_checkpoint(place) or attempt == _ATTEMPTS - 1:
                raise
    return model, config
