"""Exports a pretrained network, or that of a run or a .keras file, for other programs; only .keras needs srnet there.

python -m srnet.export --output=DIR --scale=4                               a TensorFlow SavedModel
python -m srnet.export --output=FILE.tflite --scale=4                       LiteRT (TensorFlow Lite)
python -m srnet.export --output=FILE.tflite --scale=4 --format=litert_int8  the same, a quarter of the size
python -m srnet.export --output=FILE.onnx --run=RUN_DIR                     ONNX
python -m srnet.export --output=FILE.keras --scale=4                        Keras
"""

import os
import pathlib
from typing import TYPE_CHECKING

from absl import flags

from srnet import cli, network_flags
from srnet.errors import DataError, UsageError
from srnet.inference.choice import default_scale

if TYPE_CHECKING:
    import keras

# The suffix of each format; a SavedModel is a folder, whose name may have dots.
_SUFFIXES = {"saved_model": None, "litert": ".tflite", "litert_int8": ".tflite", "onnx": ".onnx", "keras": ".keras"}
_OTHER_FILES = (".h5", ".hdf5", ".pb", ".pbtxt", ".lite", ".pt", ".pth", ".ckpt", ".npz", ".zip")


def define_flags() -> None:
    network_flags.define()
    flags.DEFINE_integer("scale", None, "Scale. Default: 4, or the scale of --run or --model.", 2)
    flags.DEFINE_string("output", None, "Folder of the SavedModel, or the file.", required=True)
    text = "Format to write. Default: by the extension of --output. litert_int8 uses dynamic-range quantization."
    flags.DEFINE_enum("format", None, list(_SUFFIXES), text)
    flags.DEFINE_bool("overwrite", False, "Replace an existing file or SavedModel.")


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    kind = choose_format(values.output, values.format)
    if os.path.lexists(values.output) and not values.overwrite:
        raise DataError(f"{values.output} exists; --overwrite replaces it")
    network = network_flags.chosen()
    scale = values.scale or default_scale(network.at_scale)
    if scale not in network.at_scale:
        known = ", ".join(map(str, network.at_scale))
        raise UsageError(f"--scale={scale} cannot be used: {network.name} has scales {known}")
    _export(network.at_scale[scale](), kind, values.output, values.overwrite)
    print(f"{kind}: {values.output}")


def choose_format(output: str, given: str | None) -> str:
    """Returns the format to write.

    Args:
      output: the file or folder.
      given: --format, or None to choose by the suffix.

    Raises:
      UsageError: if the suffix is of another format, or of none.
    """
    suffix = "" if output.endswith("/") else pathlib.Path(output).suffix.lower()
    fitting = [kind for kind, own in _SUFFIXES.items() if suffix == own]
    if "keras" in (given, *fitting) and not output.endswith(".keras"):  # Keras looks at the name, when loading, too
        raise UsageError(f"--output={output}: the name of a Keras file must end with .keras")
    if given and (given in fitting or not fitting):
        return given
    if given:
        raise UsageError(f"--output={output}: {suffix} is the extension of {fitting[0]}, not of {given}")
    if suffix in _OTHER_FILES:
        known = ", ".join(dict.fromkeys(filter(None, _SUFFIXES.values())))
        raise UsageError(f"--output={output}: no format for {suffix}; use {known}, or the name of a folder")
    return fitting[0] if fitting else "saved_model"


def _export(model: "keras.Model", kind: str, output: str, overwrite: bool) -> None:
    from srnet.formats.litert import export_litert
    from srnet.formats.onnx import export_onnx
    from srnet.formats.saved_model import export_saved_model
    from srnet.models.keras_file import save_file

    if kind == "saved_model":
        export_saved_model(model, output, overwrite)
    elif kind == "keras":
        save_file(model, output, overwrite)
    else:
        with cli.without_tensorflow_log():
            if kind == "onnx":
                export_onnx(model, output, overwrite)
            else:
                export_litert(model, output, kind == "litert_int8", overwrite)


def run() -> None:
    cli.run(main, define_flags)


if __name__ == "__main__":
    run()
