"""Draws one detail of a photograph side by side as LR, bicubic, srnet and original.

python tools/draw_detail.py    README's picture: the launch tower in scikit-image's rocket.jpg (SpaceX, public domain)
python tools/draw_detail.py --picture=photo.jpg --scale=4 --crop=120,80,120,120 --output=detail.png

The photograph is downscaled and enlarged again by the benchmark protocol; PSNR is that of the whole photograph.
No pretrained network was trained on rocket.jpg.
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments.workspace import ROOT
from srnet import cli
from srnet.errors import UsageError
from srnet.pretrained import cards


def define_flags() -> None:
    flags.DEFINE_string("picture", "skimage_train:9", "Picture file, or SET:IMAGE, a set's image by its number from 1.")
    flags.DEFINE_integer("scale", 3, "Scale.")
    flags.DEFINE_enum("network", cards.DEFAULT, cards.names(), "Pretrained network.")
    flags.DEFINE_list("crop", ["0", "231", "120", "120"], "Detail in pixels of the picture: X,Y,WIDTH,HEIGHT.")
    flags.DEFINE_string("output", str(ROOT / "docs" / "detail.png"), "PNG file to write.")
    cli.define_data_root_flag()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values, crop = flags.FLAGS, cli.integers("--crop", flags.FLAGS.crop)
    if not crop or len(crop) != 4:
        raise UsageError(f"--crop={','.join(values.crop)}: expected X,Y,WIDTH,HEIGHT")
    cli.import_tensorflow()
    from experiments.pictures.panels import draw_comparison

    path = pathlib.Path(values.output)
    psnr = draw_comparison(values.picture, values.scale, values.network, crop, path, values.data_root)
    print(*(f"{name}: PSNR {value:.2f} dB" for name, value in psnr.items()), path, sep="\n")


if __name__ == "__main__":
    cli.run(main, define_flags)
