"""Writes the network of a run for programs without srnet.

python -m srnet.export --run=RUN_DIR --output=DIR                            a TensorFlow SavedModel
python -m srnet.export --run=RUN_DIR --output=FILE.tflite --format=litert    LiteRT (TensorFlow Lite); or litert_int8
"""

from absl import flags

from srnet import commands
from srnet.litert import export_litert
from srnet.saved_model import export_saved_model
from srnet.training.runs import load_run

FORMATS = ("saved_model", "litert", "litert_int8")


def define_flags():
    commands.define_run_flags()
    flags.DEFINE_string("output", None, "Folder of the SavedModel, or the LiteRT file.", required=True)
    flags.DEFINE_enum("format", "saved_model", FORMATS, "What is written; int8 is dynamic-range quantisation.")


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    model, _ = load_run(values.run, values.checkpoint)
    if values.format == "saved_model":
        export_saved_model(model, values.output)
    else:
        with commands.without_notes():
            export_litert(model, values.output, int8=values.format == "litert_int8")
    print(f"{values.format}: {values.output}")


def run():
    commands.run(main, define_flags)


if __name__ == "__main__":
    run()
