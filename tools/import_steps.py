"""Imports the result of tools/take_steps.py into its run, which srnet.train then finishes.

python tools/import_steps.py --run=runs/full_x4 --taken=taken/full_x4.npz

The run gets a checkpoint at the step reached and, for its curve, a line of metrics.jsonl for each epoch whose weights
were kept, measured here; run.json names the device. If more than the last epoch is left, tools/export_steps.py can
export the run again.
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli
from srnet.training.run_folder import Run


def define_flags() -> None:
    flags.DEFINE_string("run", None, "Run folder that the steps were exported from.", required=True)
    flags.DEFINE_string("taken", None, "The run's file in the output folder of tools/take_steps.py.", required=True)
    cli.define_data_root_flag()
    cli.define_plugin_flag()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    run = Run(pathlib.Path(values.run))
    cli.import_tensorflow()
    from experiments.steps.importing import import_steps

    reached, steps = import_steps(run, pathlib.Path(values.taken), values.data_root)
    print(f"{run.folder}: at step {reached} of {steps}; srnet.train with the run's flags resumes from there")


if __name__ == "__main__":
    cli.run(main, define_flags)
