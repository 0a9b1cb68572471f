"""Export of the training steps of a run, compiled to StableHLO."""

import pathlib
from collections.abc import Sequence
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import tensorflow as tf
from jax.experimental import jax2tf

from experiments.steps.file import named_values, write_steps
from experiments.steps.stateless import StatelessStep, stateless_step, step_variables
from srnet.errors import DataError
from srnet.files import locked
from srnet.json_files import read_json
from srnet.training import checkpoints
from srnet.training.config import TrainConfig, check_registered, load_config
from srnet.training.run_folder import Run
from srnet.training.state import State, new_state

_STEPS_PER_CALL = 100  # of the compiled function, on the device


def export_steps(run: Run, path: pathlib.Path) -> int:
    """Writes the training steps of a run to a file, and returns the step from which it continues.

    Args:
      run: a run that has started.
      path: the file to write; it ends in .npz.

    Raises:
      DataError: if the run has not started, has only its last epoch left, trains in a way that cannot be exported, or
        is being trained; or if the file cannot be written.
    """
    config = load_config(run.config)
    check_registered(config)
    state = new_state(config, tf.distribute.get_strategy())
    try:
        variables, step = step_variables(config, state), stateless_step(config, state)
    except DataError as error:
        raise DataError(f"{run.folder}: {error}") from error
    with locked(run.folder, busy=f"{run.folder}: another process is training this run"):
        checkpoints.restore_newest(state, checkpoints.checkpoint_managers(state, run)[0])
        origin = read_json(run.origin, dict)
    _check_steps_left(run, config, state)
    arrays = named_values(variable.value for variable in variables)
    about = {
        "run": {"started": origin["started"], "first_step": state.step, "config": config.to_json()},
        "patches": origin["patches"],
        "steps_per_call": _STEPS_PER_CALL,
        "weights": len(state.model.trainable_variables),
        "jax": jax.__version__,
    }
    compiled = np.frombuffer(_compiled(config, list(arrays.values()), step), np.uint8)
    write_steps(path, about, {**arrays, "compiled": compiled})
    return state.step


def _check_steps_left(run: Run, config: TrainConfig, state: State) -> None:
    if not state.step:
        raise DataError(f"{run.folder}: no steps yet; start the run with srnet.train, and stop it with Ctrl-C")
    if state.step >= config.total_steps - config.steps_per_epoch:
        raise DataError(f"{run.folder}: only the last epoch is left; finish it with srnet.train")


def _compiled(config: TrainConfig, arrays: Sequence[np.ndarray], step: StatelessStep) -> bytes:
    """A function (values, lr patches, hr patches, patch indices, count) -> (values, losses) of `count` steps."""
    tf_step = jax2tf.call_tf(step, has_side_effects=False)

    def take(values: Any, lr: Any, hr: Any, places: Any, count: Any) -> Any:
        def body(number: Any, carried: Any) -> Any:
            before, losses = carried
            batch = (jnp.take(patches, places[number], axis=0).astype(jnp.float32) for patches in (lr, hr))
            after, loss = tf_step(before, *batch)
            return after, losses.at[number].set(loss)

        return jax.lax.fori_loop(0, count, body, (values, jnp.zeros(len(places), jnp.float32)))

    (number,) = jax.export.symbolic_shape("n")
    shape = jax.ShapeDtypeStruct
    values = [shape(array.shape, array.dtype) for array in arrays]
    sides = (config.hr_patch // config.scale, config.hr_patch)
    patches = [shape((number, side, side, config.channels), jnp.uint8) for side in sides]
    places = shape((_STEPS_PER_CALL, config.batch_size), jnp.int32)
    # Lowered for a CPU, but without operations that only a CPU can run.
    checks = [jax.export.DisabledSafetyCheck.platform()]
    export = jax.export.export(jax.jit(take, donate_argnums=0), platforms=["cpu"], disabled_checks=checks)
    return bytes(export(values, *patches, places, shape((), jnp.int32)).serialize())
