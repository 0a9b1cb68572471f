"""Writes a network for programs without srnet: one that comes with srnet, or that of a run or a .keras file.

python -m srnet.export --output=DIR --scale=4                               a TensorFlow SavedModel
python -m srnet.export --output=FILE.tflite --scale=4                       LiteRT (TensorFlow Lite)
python -m srnet.export --output=FILE.tflite --scale=4 --format=litert_int8  the same, a quarter of the size
python -m srnet.export --output=FILE.onnx --run=RUN_DIR                     ONNX
"""

import pathlib

from absl import flags

from srnet import commands
from srnet.errors import UsageError
from srnet.interchange import export_litert, export_onnx
from srnet.saved_model import export_saved_model

FORMATS = ("saved_model", "litert", "litert_int8", "onnx")
_FORMAT_OF_SUFFIX = {".tflite": "litert", ".onnx": "onnx"}


def define_flags():
    commands.define_network_flags()
    flags.DEFINE_integer("scale", None, "Enlargement; that of the run or the file unless given, or 4.", 2)
    flags.DEFINE_string("output", None, "Folder of the SavedModel, or the file.", required=True)
    text = "What is written, by the suffix of --output unless given; int8 is dynamic-range quantisation."
    flags.DEFINE_enum("format", None, FORMATS, text)


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    networks = commands.trained_networks()
    scale = values.scale or commands.default_scale(networks)
    if scale not in networks:
        raise UsageError(f"--scale={scale} cannot be used: the network has {', '.join(map(str, networks))}")
    model = networks[scale]()
    kind = values.format or _FORMAT_OF_SUFFIX.get(pathlib.Path(values.output).suffix, "saved_model")
    if kind == "saved_model":
        export_saved_model(model, values.output)
    else:
        with commands.without_notes():
            if kind == "onnx":
                export_onnx(model, values.output)
            else:
                export_litert(model, values.output, int8=kind == "litert_int8")
    print(f"{kind}: {values.output}")


def run():
    commands.run(main, define_flags)


if __name__ == "__main__":
    run()
