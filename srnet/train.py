"""Trains a network, or resumes a stopped run.

python -m srnet.train --scale=4 --variant=full                  the paper's run, on T91 and BSD200
python -m srnet.train --scale=4 --variant=full --preset=quick   minutes on two cores, on scikit-image's photographs

Every field of the configuration is a flag; a flag overrides the preset. The same command resumes a run; a larger
--epochs extends it. Numbers such as (2.2.3) are sections of the paper.
"""

import dataclasses
import json
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from absl import flags

from srnet import cli
from srnet.errors import UsageError
from srnet.settings import bounds_text, default_of
from srnet.training.config import TrainConfig, check_registered
from srnet.training.presets import PRESETS, preset_settings
from srnet.training.run_folder import read_metrics


def define_flags() -> None:
    presets = "paper: the paper's run; cpu: hours on two cores; quick: minutes, on scikit-image's photographs; "
    flags.DEFINE_enum("preset", "paper", list(PRESETS), f"{presets}adversarial: ESRGAN's second stage.")
    flags.DEFINE_string("run_dir", None, "Run folder. Default: runs/VARIANT_xSCALE[_PRESET].")
    cli.define_folder_flags()
    cli.define_plugin_flag()
    for field in dataclasses.fields(TrainConfig):
        _define(field)


def _define(field: dataclasses.Field) -> None:
    """Defines the flag of a field of `TrainConfig`; other presets may change the default that its help names."""
    default, choices = default_of(field), field.metadata["choices"]
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else default if default != "" else "none"
    which = "Each" if isinstance(default, tuple) else "It"
    bounds = f" {which} must be {bounds_text(field.metadata['bounds'])}." if field.metadata["bounds"] else ""
    text = f"{field.metadata['help']}{bounds} Paper preset: {shown}."
    if choices and not isinstance(choices, Mapping):  # plugins add to a mapping
        flags.DEFINE_enum(field.name, None, list(map(str, choices)), text)
    elif isinstance(default, bool):
        flags.DEFINE_bool(field.name, None, text)
    elif isinstance(default, tuple):
        flags.DEFINE_list(field.name, None, text)
    elif isinstance(default, int):
        flags.DEFINE_integer(field.name, None, text)
    elif isinstance(default, float):
        flags.DEFINE_float(field.name, None, text)
    else:
        flags.DEFINE_string(field.name, None, text)


def _config_from_flags() -> tuple[TrainConfig, tuple[str, ...]]:
    """The `TrainConfig` of the flags, and the names of the fields that were given."""
    values = flags.FLAGS
    present = {field: values[field.name].value for field in dataclasses.fields(TrainConfig)}
    given = {field.name: _parsed(field, value) for field, value in present.items() if value is not None}
    settings = preset_settings(values.preset, given.get("variant", TrainConfig.variant))
    config = TrainConfig(**{**settings, **given})
    if len(set(config.train_sets)) < len(config.train_sets):
        raise UsageError(f"--train_sets={','.join(config.train_sets)}: a set is named twice")
    check_registered(config)
    return config, tuple(given)


def _parsed(field: dataclasses.Field, value: Any) -> Any:
    """The value of a field from that of its flag."""
    default = default_of(field)
    if isinstance(default, dict):
        try:
            options = json.loads(value)
        except ValueError:
            options = None
        if not isinstance(options, dict):
            raise UsageError(f"--{field.name}: expected a JSON object, not {value}")
        return options
    if isinstance(default, tuple) and isinstance(default[0], float):
        try:
            return tuple(map(float, value))
        except ValueError:
            raise UsageError(f"--{field.name}: expected numbers separated by commas, not {','.join(value)}") from None
    return int(value) if type(default) is int else value  # enum flags give strings


def main(arguments: list[str]) -> int:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    config, given = _config_from_flags()
    cli.import_tensorflow()
    from srnet.training.loop import Interrupted
    from srnet.training.run import resolve, run_training

    fixed = (*given, "data_root") if values["data_root"].present else given
    suffix = "" if values.preset == "paper" else f"_{values.preset}"
    run_dir = values.run_dir or f"runs/{config.variant}_x{config.scale}{suffix}"
    config, notes = resolve(config, values.data_root, fixed, run_dir)
    for note in notes:
        print(note, flush=True)
    try:
        run = run_training(config, run_dir, values.data_root, values.cache_dir)
    except Interrupted as stop:
        command = shlex.join(["python", *sys.orig_argv[1:]])
        print(f"{stop}; run again with the same command to resume:\n{command}", file=sys.stderr)
        return 128 + stop.signal
    if run is None:
        return 0
    metrics = read_metrics(run)
    if metrics:  # lines may be lost; a message has said so
        last = metrics[-1]
        print(f"{config.validation_set}: {last['psnr']:.2f} dB, SSIM {last['ssim']:.4f} after {last['step']} steps")
    print(f"run folder: {run.folder}\nSavedModel: {run.saved_model}\npreview: {run.preview}")
    return 0


def run() -> None:
    cli.run(main, define_flags)


if __name__ == "__main__":
    run()
