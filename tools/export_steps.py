"""Writes the training steps of a run for a GPU machine that has JAX, but no TensorFlow.

python tools/export_steps.py --run=runs/full_x4 --steps=steps/full_x4

The run has been begun by srnet.train, in float32 or mixed_bfloat16, and stopped by Ctrl-C. Its training step (network,
loss on `tf.GradientTape`, optimizer, schedule) is compiled by TensorFlow to StableHLO. On the other machine,
tools/take_steps.py takes the steps; tools/import_steps.py puts their result into the run, which srnet.train finishes.
JAX: pip install -e '.[jax]'.
"""

import importlib.util
import pathlib
import shutil
import sys
from typing import TYPE_CHECKING, Any

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments.arrays import write_arrays
from srnet import cli
from srnet.errors import DataError, UsageError
from srnet.files import locked, written_whole
from srnet.json_files import read_json, write_json
from srnet.training.config import load_config
from srnet.training.run_folder import Run

if TYPE_CHECKING:
    from srnet.training.config import TrainConfig
    from srnet.training.stateless import StatelessStep


def define_flags() -> None:
    flags.DEFINE_string("run", None, "Run folder, of a run that has begun.", required=True)
    flags.DEFINE_string("steps", None, "Folder to write the steps to; its name is that of the run.", required=True)
    flags.DEFINE_integer("steps_per_call", 100, "Steps in one call of the device.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    if not importlib.util.find_spec("jax"):
        raise UsageError("this tool needs JAX: pip install -e '.[jax]'")
    values = flags.FLAGS
    run, folder = Run(pathlib.Path(values.run)), pathlib.Path(values.steps)
    config = load_config(run.config)
    cli.import_tensorflow()
    import numpy as np
    import tensorflow as tf

    from srnet.training import checkpoints
    from srnet.training.state import new_state
    from srnet.training.stateless import stateless_step

    state = new_state(config, tf.distribute.get_strategy())
    variables, step = stateless_step(config, state)
    with locked(run.folder, busy=f"{run.folder}: another process is training this run"):
        checkpoints.restore_newest(state, checkpoints.managers(state, run)[0])
    if not state.step:
        raise DataError(f"{run.folder}: no step is done yet; begin the run by srnet.train, and stop it by Ctrl-C")
    plan = {
        "patches": read_json(run.origin, dict)["patches"],
        "first_step": state.step,
        "steps_per_call": values.steps_per_call,
        "variables": len(variables),
        "weights": len(state.model.trainable_variables),
    }
    arrays = {f"v{number}": np.asarray(variable.value) for number, variable in enumerate(variables)}
    with written_whole(folder) as partial:
        partial.mkdir()
        (partial / "step.bin").write_bytes(_exported(config, list(arrays.values()), step, values.steps_per_call))
        write_arrays(partial / "state.npz", arrays)
        shutil.copy(run.config, partial / "config.json")
        write_json(partial / "steps.json", plan)
    print(f"{folder}: the steps of {run.folder} from step {state.step}")


def _exported(config: "TrainConfig", arrays: list[Any], step: "StatelessStep", steps_per_call: int) -> bytes:
    """A function (values, lr patches, hr patches, numbers of patches, count) -> (values, losses) of `count` steps."""
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

        return jax.lax.fori_loop(0, count, body, (values, jnp.zeros(steps_per_call, jnp.float32)))

    (number,) = jax.export.symbolic_shape("n")
    sides = (config.hr_patch // config.scale, config.hr_patch)
    shape = jax.ShapeDtypeStruct
    patches = [shape((number, side, side, config.channels), jnp.uint8) for side in sides]
    checks = jax.export.DisabledSafetyCheck  # that the step is one for a CPU, and that TensorFlow's part is known
    export = jax.export.export(
        jax.jit(take, donate_argnums=0),
        platforms=["cpu"],
        disabled_checks=[checks.platform(), checks.custom_call("tf.call_tf_function")],
    )
    places = shape((steps_per_call, config.batch_size), jnp.int32)
    values = [shape(array.shape, array.dtype) for array in arrays]
    return bytes(export(values, *patches, places, shape((), jnp.int32)).serialize())


if __name__ == "__main__":
    cli.run(main, define_flags)
