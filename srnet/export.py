"""Writes a network for programs without srnet: a pretrained one, or that of a run or a .keras file.

python -m srnet.export --output=DIR --scale=4                               a TensorFlow SavedModel
python -m srnet.export --output=FILE.tflite --scale=4                       LiteRT (TensorFlow Lite)
python -m srnet.export --output=FILE.tflite --scale=4 --format=litert_int8  the same, a quarter of the size
python -m srnet.export --output=FILE.onnx --run=RUN_DIR                     ONNX
"""

import pathlib

from absl import flags

from srnet import cli
from srnet.errors import UsageError
from srnet.inference.sizes import default_scale

FORMATS = ("saved_model", "litert", "litert_int8", "onnx")
_FORMAT_OF_SUFFIX = {".tflite": "litert", ".onnx": "onnx"}


def define_flags() -> None:
    cli.define_network_flags()
    flags.DEFINE_integer("scale", None, "Enlargement. Default: 4, or the scale of --run or --model.", 2)
    flags.DEFINE_string("output", None, "Folder of the SavedModel, or the file.", required=True)
    text = "What to write; by the suffix of --output unless given. litert_int8 is dynamic-range quantization."
    flags.DEFINE_enum("format", None, FORMATS, text)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    networks = cli.chosen_networks()
    scale = values.scale or default_scale(networks.at_scale)
    if scale not in networks.at_scale:
        known = ", ".join(map(str, networks.at_scale))
        raise UsageError(f"--scale={scale} cannot be used: {networks.name} has scales {known}")
    model = networks.at_scale[scale]()
    from srnet.formats.litert import export_litert
    from srnet.formats.onnx import export_onnx
    from srnet.formats.saved_model import export_saved_model

    kind = values.format or _FORMAT_OF_SUFFIX.get(pathlib.Path(values.output).suffix, "saved_model")
    if kind == "saved_model":
        export_saved_model(model, values.output)
    else:
        with cli.without_notes():
            if kind == "onnx":
                export_onnx(model, values.output)
            else:
                export_litert(model, values.output, int8=kind == "litert_int8")
    print(f"{kind}: {values.output}")


def run() -> None:
    cli.run(main, define_flags)


if __name__ == "__main__":
    run()
