"""Adds the trained network of a run to the pretrained ones, with a model card (configuration, history, scores).

python tools/ship_weights.py --run=runs/full_x4_cpu    adds this network, or replaces the one of its name and scale
python tools/ship_weights.py --run=runs/photo_x4 --name=photo
python tools/ship_weights.py                           measures all pretrained networks again

It measures PSNR and SSIM of the network and of bicubic interpolation on Set5, Set14, BSD100 and Urban100, and updates
the tables of the pretrained networks in README.md and docs/networks.md.
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli
from srnet.errors import UsageError


def define_flags() -> None:
    flags.DEFINE_string("run", None, "Run folder of the network. Without it, all networks are measured again.")
    flags.DEFINE_string("name", None, "With --run: name of the pretrained network. Default: its architecture's.")
    cli.define_data_root_flag()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    if values.name and not values.run:
        raise UsageError("--name needs --run")
    cli.import_tensorflow()
    from experiments import weights
    from srnet.training.run_folder import Run

    if values.run:
        weights.ship(Run(pathlib.Path(values.run)), values.data_root, values.name)
    else:
        weights.measure_again(values.data_root)
    for page in weights.write_network_tables():
        print(page)


if __name__ == "__main__":
    cli.run(main, define_flags)
