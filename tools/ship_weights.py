"""Puts the trained network of a run among the weights that come with srnet, with a card of what it is and reaches.

python tools/ship_weights.py --run=runs/full_x4_cpu    one more, in the place of an older one of its network and scale
python tools/ship_weights.py                           all that there are, measured again

PSNR and SSIM of the network and of bicubic interpolation are measured on Set5, Set14, BSD100 and Urban100, and README
gets a table of all cards.
"""

import hashlib
import pathlib
import re
import shutil
import sys
import tempfile

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import commands, pretrained
from srnet.benchmark import evaluate_sets, method_of_run, named_method
from srnet.data.datasets import TEST_SETS, default_data_root
from srnet.files import write_json, written_whole
from srnet.models.cost import OUTPUT_SIZE, multiply_accumulates
from srnet.training.runs import Run, history, load_run, read_metrics
from tools.cells import ROOT
from tools.records import markdown_table, write_text

USE = "Enlarging photographs and other continuous-tone pictures that were reduced, or taken, without strong blur."
LIMITS = (
    "Trained on pictures reduced by MATLAB's antialiased bicubic imresize: it sharpens what that takes away. It does "
    "not remove noise, JPEG blocks or motion blur, but enlarges them, and invents no detail that is not hinted at. "
    "Figures are of luma; chroma is enlarged bicubically."
)
README = ROOT / "README.md"
TABLE = re.compile(r"(?<=<!-- weights -->\n).*?(?=\n\n)", re.S)


def define_flags():
    flags.DEFINE_string("run", None, "Run folder of the network; without it all networks are measured again.")
    flags.DEFINE_string("data_root", default_data_root(), "Folder of the test sets; SRNET_DATA unless given.")


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    if values.run:
        _ship(Run(pathlib.Path(values.run)))
    else:
        for network in pretrained.names():
            for scale in pretrained.scales(network):
                figures = _measure(named_method(network, None, None), scale)
                write_json(pretrained.card_file(network, scale), {**pretrained.card(scale, network), **figures})
    text = README.read_text(encoding="utf-8")
    write_text(README, TABLE.sub(lambda _: describe_weights(), text))
    print(describe_weights())


def _ship(run):
    model, config = load_run(run.folder)
    figures = _measure(method_of_run(run.folder), config.scale)
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
        "run": {**history(run), "seconds": read_metrics(run)[-1]["seconds"], "config": config.to_json()},
        **figures,
        "use": USE,
        "limits": LIMITS,
    }
    write_json(pretrained.card_file(config.variant, config.scale), card)


def _measure(method, scale):
    """The figures of a card: of a method, and of bicubic interpolation."""
    found = {}
    for name, measured in (("measurements", method), ("bicubic", named_method("bicubic", None, None))):
        results = evaluate_sets(measured, TEST_SETS, [scale], flags.FLAGS.data_root)
        found[name] = {each["set"]: {"psnr": each["psnr"], "ssim": each["ssim"]} for each in results}
    return found


def describe_weights():
    """Returns the Markdown table of what the shipped networks cost and reach, made of their cards."""
    rows = []
    for scale in sorted({scale for network in pretrained.names() for scale in pretrained.scales(network)}):
        networks = [network for network in pretrained.names() if scale in pretrained.scales(network)]
        cards = [pretrained.card(scale, network) for network in networks]
        rows.append([f"x{scale}", "bicubic", "-", "-", *_figures(cards[0]["bicubic"])])
        for network, card in zip(networks, cards):
            height, width = (side // scale for side in OUTPUT_SIZE)
            macs = multiply_accumulates(pretrained.load(scale, network), height, width)
            size = [f"{card['parameters']:,}", f"{macs / 1e9:.1f}"]
            rows.append([f"x{scale}", f"`{network}`", *size, *_figures(card["measurements"])])
    return markdown_table(["scale", "network", "parameters", "G MAC", *TEST_SETS], rows)


def _figures(measurements):
    return [f"{measurements[name]['psnr']:.2f} / {measurements[name]['ssim']:.4f}" for name in TEST_SETS]


if __name__ == "__main__":
    commands.run(main, define_flags)
