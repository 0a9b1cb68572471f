"""Exports the training steps of a run for a GPU machine that has JAX but no TensorFlow.

python tools/export_steps.py --run=runs/full_x4 --steps=steps/full_x4.npz

Start the run with srnet.train, in float32 or mixed_bfloat16, and stop it with Ctrl-C. TensorFlow compiles its training
step (network, loss on `tf.GradientTape`, optimizer, schedule) to StableHLO. On the other machine, tools/take_steps.py
runs the steps; tools/import_steps.py imports their result into the run, which srnet.train then finishes.
JAX: pip install -e '.[jax]'.
"""

import importlib.util
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments.steps_file import named_values, write_steps
from srnet import cli
from srnet.errors import DataError, UsageError
from srnet.files import locked
from srnet.json_files import read_json
from srnet.training.config import check_registered, load_config
from srnet.training.run_folder import Run

if TYPE_CHECKING:
    from srnet.training.config import TrainConfig
    from srnet.training.stateless import StatelessStep

_STEPS_PER_CALL = 100  # of the compiled function, on the device


def define_flags() -> None:
    flags.DEFINE_string("run", None, "Run folder of a run that has started.", required=True)
    flags.DEFINE_string("steps", None, "The .npz file to write; its name identifies the run.", required=True)
    cli.define_plugin_flag()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    if not importlib.util.find_spec("jax"):
        raise UsageError("this tool needs JAX: pip install -e '.[jax]'")
    run, path = Run(pathlib.Path(flags.FLAGS.run)), pathlib.Path(flags.FLAGS.steps)
    if path.suffix != ".npz":
        raise UsageError(f"--steps={path}: expected a file that ends in .npz")
    config = load_config(run.config)
    check_registered(config)
    cli.import_tensorflow()
    import jax
    import tensorflow as tf

    from srnet.training import checkpoints
    from srnet.training.state import new_state
    from srnet.training.stateless import stateless_step, step_variables

    state = new_state(config, tf.distribute.get_strategy())
    try:
        variables, step = step_variables(config, state), stateless_step(config, state)
    except DataError as error:
        raise DataError(f"{run.folder}: {error}") from error
    with locked(run.folder, busy=f"{run.folder}: another process is training this run"):
        checkpoints.restore_newest(state, checkpoints.checkpoint_managers(state, run)[0])
        origin = read_json(run.origin, dict)
    if not state.step:
        raise DataError(f"{run.folder}: no steps yet; start the run with srnet.train, and stop it with Ctrl-C")
    if state.step >= config.total_steps - config.steps_per_epoch:
        raise DataError(f"{run.folder}: only the last epoch is left; finish it with srnet.train")
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
    print(f"{path}: the steps of {run.folder} from step {state.step}")


def _compiled(config: "TrainConfig", arrays: Sequence[np.ndarray], step: "StatelessStep") -> bytes:
    """A function (values, lr patches, hr patches, patch indices, count) -> (values, losses) of `count` steps."""
    import jax
    import jax.export
    import jax.numpy as jnp
    from jax.experimental import jax2tf

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


if __name__ == "__main__":
    cli.run(main, define_flags)
