"""Writes the network of a run as a TensorFlow SavedModel, which needs no srnet.

python -m srnet.export --run=RUN_DIR --output=DIR
"""

from absl import flags

from srnet import commands
from srnet.saved_model import export_saved_model
from srnet.training.runs import load_run


def define_flags():
    commands.define_run_flags()
    flags.DEFINE_string("output", None, "Folder of the SavedModel.", required=True)


def main(arguments):
    commands.expect(arguments, 0)
    model, _ = load_run(flags.FLAGS.run, flags.FLAGS.checkpoint)
    export_saved_model(model, flags.FLAGS.output)
    print(f"SavedModel: {flags.FLAGS.output}")


def run():
    commands.run(main, define_flags)


if __name__ == "__main__":
    run()
