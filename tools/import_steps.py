"""Puts steps that tools/take_steps.py took into their run, which srnet.train then finishes.

python tools/import_steps.py --run=runs/full_x4 --taken=taken/full_x4

The run gets a checkpoint of the step reached, and for its curve the lines of metrics.jsonl of the epochs whose weights
were kept, measured here; run.json names the device. Where more steps are left than the last epoch,
tools/export_steps.py takes the run on from there.
"""

import pathlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.arrays import read_arrays
from srnet import cli
from srnet.errors import DataError
from srnet.json_files import read_json, write_json
from srnet.progress import say
from srnet.training.config import TrainConfig, load_config
from srnet.training.run_folder import Run, append_metrics, forget_metrics_after, open_run

if TYPE_CHECKING:
    import keras


def define_flags() -> None:
    flags.DEFINE_string("run", None, "Run folder that the steps were exported from.", required=True)
    flags.DEFINE_string("taken", None, "Folder of the run in the output of tools/take_steps.py.", required=True)
    shared_flags.define_data_root_flag()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    run, taken = Run(pathlib.Path(values.run)), pathlib.Path(values.taken)
    config, known = load_config(run.config), read_json(taken / "taken.json", dict)
    if known.get("config") != config.to_json():
        raise DataError(f"{taken} holds the steps of another run than {run.folder}")
    cli.import_tensorflow()
    import tensorflow as tf

    from srnet.training import checkpoints
    from srnet.training.loop import epoch_line
    from srnet.training.state import new_state
    from srnet.training.stateless import stateless_step

    state = new_state(config, tf.distribute.get_strategy())
    variables, _ = stateless_step(config, state)
    measure = _measure(config, values.data_root)
    with open_run(run.folder, config, known["patches"]):
        last, best = checkpoints.managers(state, run)
        checkpoints.restore_newest(state, last)
        first, before, (total,) = state.step, float(state.seconds.numpy()), state.loss_sums.values()
        if first != known["first_step"]:
            raise DataError(f"{run.folder} is at step {first}, {taken} begins at step {known['first_step']}")
        forget_metrics_after(run, first)
        _name_device(run, known)
        saved = read_arrays(taken / "state.npz")
        losses = np.concatenate([np.zeros(first), saved["losses"]])
        losses[first - 1] = total.numpy()  # of the steps before, in the epoch that has begun
        speed = config.batch_size * len(saved["losses"]) / float(saved["seconds"])

        def put(step: int, arrays: dict[str, np.ndarray], changed: list[Any], begin: int) -> None:
            for number, variable in enumerate(changed):
                variable.assign(arrays[f"v{number}"])
            state.optimizer.iterations.assign(step)
            state.seconds.assign(before + float(arrays["seconds"]))
            total.assign(losses[begin:step].sum())

        for path in sorted(taken.glob("weights_*.npz"), key=_step_of):
            step = _step_of(path)
            put(step, read_arrays(path), state.model.trainable_variables, step - config.steps_per_epoch)
            line = epoch_line(config, state, measure(state.model), speed)
            if line["psnr"] > state.best_psnr:
                state.best_psnr.assign(line["psnr"])
                checkpoints.save(best, step)
            append_metrics(run, line)
            say(f"epoch {line['epoch']}: loss {line['loss']:.4g}, {config.validation_set} {line['psnr']:.2f} dB")
        put(known["step"], saved, variables, known["step"] // config.steps_per_epoch * config.steps_per_epoch)
        checkpoints.save(last, state.step)
    say(f"{run.folder}: at step {state.step} of {config.total_steps}; srnet.train with the run's flags finishes it")


def _measure(config: TrainConfig, data_root: str | None) -> Callable[["keras.Model"], dict[str, float]]:
    """Returns a callable that measures the weights of a network on the validation images of a run."""
    import tensorflow as tf

    from srnet.inference.method import network_method
    from srnet.training.data import validation_images
    from srnet.training.state import build_network
    from srnet.training.validation import validate
    from srnet.training.workers import Workers

    images, evaluated = validation_images(config, data_root), build_network(config, "float32")
    method, how = network_method(evaluated), (config.scale, config.channels, config.degradation)

    def measure(model: "keras.Model") -> dict[str, float]:
        evaluated.set_weights(model.get_weights())
        return validate(method, images, *how, Workers(tf.distribute.get_strategy()))

    return measure


def _name_device(run: Run, known: dict[str, Any]) -> None:
    """Says in run.json that the steps of the newest session were taken on another device."""
    origin = read_json(run.origin, dict)
    device = {"gpus": [known["device"]], "steps_by": f"JAX {known['jax']}, the training step as StableHLO"}
    *sessions, session = origin["sessions"]
    session = {**session, "hardware": {**session["hardware"], **device}}
    hardware = {**origin["hardware"], **device}
    write_json(run.origin, {**origin, "hardware": hardware, "sessions": [*sessions, session]})


def _step_of(path: pathlib.Path) -> int:
    return int(path.stem.removeprefix("weights_"))


if __name__ == "__main__":
    cli.run(main, define_flags)
