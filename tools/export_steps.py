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

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli
from srnet.errors import UsageError
from srnet.training.run_folder import Run


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
    cli.import_tensorflow()
    from experiments.steps.exporting import export_steps

    first = export_steps(run, path)
    print(f"{path}: the steps of {run.folder} from step {first}")


if __name__ == "__main__":
    cli.run(main, define_flags)
