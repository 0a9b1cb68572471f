"""Puts the trained network of a run among the weights that come with srnet, with a card of what it is and reaches.

python tools/ship_weights.py --run=runs/full_x4_cpu

Its PSNR and SSIM are measured on Set5, Set14, BSD100 and Urban100.
"""

import hashlib
import pathlib
import shutil
import sys
import tempfile

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import commands, pretrained
from srnet.benchmark import evaluate_sets, method_of_run
from srnet.data.datasets import default_data_root
from srnet.files import read_json, write_json, written_whole
from srnet.training.runs import Run, load_run, read_metrics

SETS = ("Set5", "Set14", "BSD100", "Urban100")
USE = "Enlarging photographs and other continuous-tone pictures that were reduced, or taken, without strong blur."
LIMITS = (
    "Trained on pictures reduced by MATLAB's antialiased bicubic imresize: it sharpens what that takes away. It does "
    "not remove noise, JPEG blocks or motion blur, but enlarges them, and invents no detail that is not hinted at. "
    "Figures are of luma; chroma is enlarged bicubically."
)


def define_flags():
    commands.define_run_flags()
    flags.DEFINE_string("data_root", default_data_root(), "Folder of the test sets; SRNET_DATA unless given.")


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    model, config = load_run(values.run, values.checkpoint)
    results = evaluate_sets(method_of_run(values.run, values.checkpoint), SETS, None, values.data_root)
    run = Run(pathlib.Path(values.run))
    origin, last = read_json(run.origin), read_metrics(run)[-1]
    path = pretrained.weights_file(config.variant, config.scale)
    with tempfile.TemporaryDirectory() as folder:
        saved = pathlib.Path(folder) / path.name  # Keras insists on the suffix .weights.h5
        model.save_weights(saved)
        with written_whole(path) as partial:
            shutil.copyfile(saved, partial)
    card = {
        "network": config.variant,
        "scale": config.scale,
        "channels": config.channels,
        "model_options": config.model_options,
        "parameters": model.count_params(),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "run": {
            **{name: origin[name] for name in ("command", "commit", "started", "hardware")},
            "steps": last["step"],
            "seconds": last["seconds"],
            "config": config.to_json(),
        },
        "measurements": {each["set"]: {"psnr": each["psnr"], "ssim": each["ssim"]} for each in results},
        "use": USE,
        "limits": LIMITS,
    }
    write_json(pretrained.card_file(config.variant, config.scale), card)
    for name, figures in card["measurements"].items():
        print(f"{name}: {figures['psnr']:.2f} dB, SSIM {figures['ssim']:.4f}")
    print(path)


if __name__ == "__main__":
    commands.run(main, define_flags)
