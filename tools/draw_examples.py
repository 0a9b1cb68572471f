"""Draws details of twelve everyday pictures, enlarged by bicubic interpolation and pretrained networks.

python tools/draw_examples.py                       docs/examples.jpg, by `plus` and `photo`
python tools/draw_examples.py --networks=full,plus --output=examples.png
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.workspace import ROOT
from srnet import cli
from srnet.pretrained import cards


def define_flags() -> None:
    flags.DEFINE_list("networks", ["plus", "photo"], "Pretrained networks.")
    flags.DEFINE_string("output", str(ROOT / "docs" / "examples.jpg"), "Picture to write.")


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    path = pathlib.Path(flags.FLAGS.output)
    networks = shared_flags.choices("networks", cards.names())
    cli.import_tensorflow()
    from experiments.pictures.examples import draw_examples

    draw_examples(networks, path)
    print(path)


if __name__ == "__main__":
    cli.run(main, define_flags)
