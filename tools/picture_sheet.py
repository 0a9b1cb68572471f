"""Draws the pictures where a pretrained network improves most and least on other methods.

python tools/picture_sheet.py --scale=4                         against bicubic interpolation, on all four test sets
python tools/picture_sheet.py --scale=2 --rivals=bicubic,full   against the paper's network, too

It draws one sheet per rival, with the detail of each picture where the two differ most: original, rival and network.
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.workspace import RESULTS
from srnet import cli
from srnet.data.datasets import TEST_SETS
from srnet.pretrained import cards


def define_flags() -> None:
    flags.DEFINE_integer("scale", 4, "Scale.")
    flags.DEFINE_enum("network", cards.DEFAULT, cards.names(), "Pretrained network.")
    flags.DEFINE_list("rivals", ["bicubic"], "Methods to compare it with: bicubic and pretrained networks.")
    flags.DEFINE_list("sets", TEST_SETS, "Test sets.")
    flags.DEFINE_string("output", str(RESULTS), "Folder of the sheets.")
    cli.define_data_root_flag()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values, rivals = flags.FLAGS, shared_flags.choices("rivals", ("bicubic", *cards.names()))
    cli.import_tensorflow()
    from experiments.pictures import plots, sheet
    from srnet.evaluation.methods import named_method

    network, pictures = named_method(values.network), (values.sets, values.scale, values.data_root)
    psnr = sheet.psnr_of_pictures(network, *pictures)
    for rival in map(named_method, rivals):
        gains = psnr - sheet.psnr_of_pictures(rival, *pictures)
        title, rows = sheet.make_sheet(gains, rival, network, *pictures)
        path = pathlib.Path(values.output) / f"sheet_x{values.scale}_{network.name}_{rival.name}.png"
        plots.draw_sheet(rows, ["original", rival.name, network.name], title, path)
        most, least = (", ".join(caption for caption, _ in side) for side in zip(*rows))
        print(title, most, least, path, sep="\n")


if __name__ == "__main__":
    cli.run(main, define_flags)
