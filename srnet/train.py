"""Trains a network, or goes on with a run that was stopped.

python -m srnet.train --scale=4 --variant=full                  the paper's run, on T91 and BSD200
python -m srnet.train --scale=4 --variant=full --preset=quick   minutes on two cores, on scikit-image's photographs

Every field of the configuration is a flag; a flag overrides the preset.
"""

import dataclasses
import json
import re
import shlex
import sys

from absl import flags

from srnet import commands
from srnet.errors import UsageError
from srnet.training.config import PRESETS, TrainConfig, preset_settings
from srnet.training.runs import read_metrics
from srnet.training.session import resolve, run_training
from srnet.training.trainer import Interrupted

_DEFINE = {str: flags.DEFINE_string, int: flags.DEFINE_integer, float: flags.DEFINE_float, bool: flags.DEFINE_bool}


def define_flags():
    flags.DEFINE_enum("preset", "paper", list(PRESETS), "The paper's run, or a smaller one for a CPU.")
    flags.DEFINE_string("run_dir", None, "Run folder; runs/VARIANT_xSCALE[_PRESET] unless given.")
    commands.define_folder_flags()
    for field in dataclasses.fields(TrainConfig):
        is_list = str(field.type).startswith("tuple")
        define = _DEFINE.get(field.type, flags.DEFINE_list if is_list else flags.DEFINE_string)
        define(field.name, None, _help(field.name))


def _help(name):
    """The field's line in TrainConfig's docstring, and its default, which other presets may change."""
    text = re.search(rf"^      {name}: (.*?)\n(?=      \w+:|\s*$)", TrainConfig.__doc__ + "\n", re.M | re.S)
    default = getattr(TrainConfig(), name)
    default = ",".join(map(str, default)) if isinstance(default, tuple) else default
    return f"{' '.join(text[1].split())} Paper preset: {default}."


def config_from_flags():
    """Returns the TrainConfig of the flags, and the names of the fields that were given."""
    values = flags.FLAGS
    given = {field.name: values[field.name].value for field in dataclasses.fields(TrainConfig)}
    given = {name: value for name, value in given.items() if value is not None}
    if "model_options" in given:
        try:
            options = json.loads(given["model_options"])
        except ValueError:
            options = None
        if not isinstance(options, dict):
            raise UsageError(f"--model_options: expected a JSON object, not {given['model_options']}")
        given["model_options"] = options
    if "augment_scales" in given:
        try:
            given["augment_scales"] = tuple(map(float, given["augment_scales"]))
        except ValueError:
            text = ",".join(given["augment_scales"])
            raise UsageError(f"--augment_scales: expected numbers with commas between them, not {text}") from None
    settings = preset_settings(values.preset, given.get("variant", TrainConfig.variant))
    return TrainConfig(**{**settings, **given}), tuple(given)


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    config, given = config_from_flags()
    fixed = (*given, "data_root") if values["data_root"].present else given
    config, notes = resolve(config, values.data_root, fixed)
    for note in notes:
        print(note, flush=True)
    suffix = "" if values.preset == "paper" else f"_{values.preset}"
    run_dir = values.run_dir or f"runs/{config.variant}_x{config.scale}{suffix}"
    try:
        run = run_training(config, run_dir, values.data_root, values.cache_dir)
    except Interrupted as stop:
        command = shlex.join(["python", *sys.orig_argv[1:]])
        print(f"{stop}; the same command goes on from there:\n{command}", file=sys.stderr)
        return 128 + stop.signal
    last = read_metrics(run)[-1]
    print(f"{config.validation_set}: {last['psnr']:.2f} dB, SSIM {last['ssim']:.4f} after {last['step']} steps")
    print(f"run folder: {run.folder}\nSavedModel: {run.saved_model}\npicture: {run.preview}")
    return 0


def run():
    commands.run(main, define_flags)


if __name__ == "__main__":
    run()
