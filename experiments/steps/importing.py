"""Import of steps that were taken on another machine into their run."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from experiments.steps.file import read_steps, values_of
from experiments.steps.stateless import step_variables
from srnet.digests import digest, file_digests
from srnet.errors import DataError
from srnet.files import locked
from srnet.inference.method import network_method
from srnet.json_files import read_json, write_json
from srnet.progress import say
from srnet.training import checkpoints
from srnet.training.config import TrainConfig, check_registered, load_config
from srnet.training.data import validation_paths
from srnet.training.loop import epoch_line
from srnet.training.run_folder import Run, append_metrics, check_data, drop_metrics_after, record_session, session
from srnet.training.state import State, build_network, new_state
from srnet.training.validation import validate
from srnet.training.workers import Workers


def import_steps(run: Run, path: pathlib.Path, data_root: str | None) -> tuple[int, int]:
    """Imports the result of `take_steps` into its run; returns the step reached and the number of steps in all.

    The run gets a checkpoint at the step reached, a line of metrics.jsonl for each epoch whose weights were kept, and
    the device in run.json.

    Args:
      run: the run that the steps were exported from.
      path: file that `take_steps` wrote.
      data_root: folder with a folder for each image set, or None.

    Raises:
      UsageError: if the run is being trained, or has other validation images.
      DataError: if the file is not one of this run at its current step and configuration.
    """
    config = load_config(run.config)
    check_registered(config)
    about, arrays = read_steps(path, "losses")
    _check(run, config, about, path)
    images = validation_paths(config, data_root)
    check_data(run, {"validation": digest(file_digests(images))})
    state = new_state(config, tf.distribute.get_strategy())
    with locked(run.folder, busy=f"{run.folder}: another process is training this run"):
        last, best = checkpoints.checkpoint_managers(state, run)
        checkpoints.restore_newest(state, last)
        first, (total,), earlier = about["run"]["first_step"], state.loss_sums.values(), float(state.seconds)
        if state.step != first:
            raise DataError(f"{run.folder} is at step {state.step}, {path} begins at step {first}")
        drop_metrics_after(run, first)  # left by an import that was killed
        losses = np.concatenate([np.zeros(first), arrays["losses"]])
        losses[first - 1] = total.numpy()  # the total of this epoch's steps before the export
        reached, speed = len(losses), config.batch_size * len(arrays["losses"]) / float(arrays["seconds"])

        def set_state(step: int, variables: list[Any], values: list[np.ndarray], seconds: np.ndarray) -> None:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            state.optimizer.iterations.assign(step)
            state.seconds.assign(earlier + float(seconds))
            epoch_begin = (step - 1) // config.steps_per_epoch * config.steps_per_epoch
            total.assign(losses[epoch_begin:step].sum())

        measure = _measurer(config, images)
        for step in sorted(int(name.split("_")[1]) for name in arrays if name.endswith("_seconds")):
            weights = values_of(arrays, f"weights_{step}_")
            set_state(step, state.model.trainable_variables, weights, arrays[f"weights_{step}_seconds"])
            line = epoch_line(config, state, measure(state), speed)
            if line["psnr"] > state.best_psnr:
                state.best_psnr.assign(line["psnr"])
                checkpoints.save(best, step)  # for its weights; the moments are those of the first step
            append_metrics(run, line)
            say(f"epoch {line['epoch']}: loss {line['loss']:.4g}, {config.validation_set} {line['psnr']:.2f} dB")
        set_state(reached, step_variables(config, state), values_of(arrays), arrays["seconds"])
        if reached % config.steps_per_epoch == 0:
            total.assign(0.0)
        _record_session(run, config, about)
        checkpoints.save(last, reached)
    return reached, config.total_steps


def _check(run: Run, config: TrainConfig, about: dict[str, Any], path: pathlib.Path) -> None:
    """Checks that steps were taken for this run with its current configuration."""
    origin, taken = read_json(run.origin, dict), about["run"]
    if (origin.get("started"), origin.get("patches")) != (taken["started"], about["patches"]):
        raise DataError(f"{path} holds the steps of another run than {run.folder}")
    now = config.to_json()
    changed = [name for name, value in taken["config"].items() if now.get(name) != value]
    if changed:
        raise DataError(f"{path}: its configuration differs from that of {run.folder} in {', '.join(changed)}")


def _measurer(config: TrainConfig, images: Sequence[pathlib.Path]) -> Callable[[State], dict[str, float]]:
    """Returns a callable that measures the network of a state on images."""
    evaluated = build_network(config, "float32")
    method, workers = network_method(evaluated), Workers(tf.distribute.get_strategy())

    def measure(state: State) -> dict[str, float]:
        evaluated.set_weights(state.model.get_weights())
        return validate(method, images, config, workers)

    return measure


def _record_session(run: Run, config: TrainConfig, about: dict[str, Any]) -> None:
    """Adds the session on the other machine to run.json, and its GPU to those of the run."""
    gpus = [about["device"]] if about["platform"] != "cpu" else []
    elsewhere = {"hardware": {"gpus": gpus}, "taken_by": f"JAX {about['jax']}"}
    added = {**session(about["run"]["first_step"], config), **elsewhere}
    last = (read_json(run.origin, dict).get("sessions") or [{}])[-1]
    recorded = last.get("first_step") == added["first_step"] and "taken_by" in last  # by an import that was killed
    if not recorded:
        record_session(run, config, added)
    origin = read_json(run.origin, dict)
    hardware = {**origin["hardware"], "gpus": sorted({*origin["hardware"]["gpus"], *gpus})}
    write_json(run.origin, {**origin, "hardware": hardware})
