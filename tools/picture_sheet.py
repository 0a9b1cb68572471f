"""Draws the pictures where a network that comes with srnet gains most, and least, on other methods.

python tools/picture_sheet.py --scale=4                         against bicubic interpolation, on all four test sets
python tools/picture_sheet.py --scale=2 --rivals=bicubic,full   against the paper's network, too

For each rival a sheet: the detail where the two differ most, in the original and as both give it.
"""

import pathlib
import sys

import numpy as np
from absl import flags
from scipy.ndimage import uniform_filter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import commands, pretrained
from srnet.benchmark import evaluate_sets, named_method
from srnet.data.datasets import TEST_SETS, default_data_root, find_images
from srnet.data.images import crop_to_multiple, to_luma
from srnet.errors import UsageError
from srnet.metrics import measurable_image
from tools.cells import ROOT
from tools.plots import draw_sheet
from tools.visual_comparison import enlarge

COUNT = 5  # pictures at each end
CROP = 96  # side of a detail in HR pixels


def define_flags():
    flags.DEFINE_integer("scale", 4, "Scale.")
    flags.DEFINE_enum("network", pretrained.DEFAULT, pretrained.names(), "The network.")
    flags.DEFINE_list("rivals", ["bicubic"], "What it is held against: bicubic, networks that come with srnet.")
    flags.DEFINE_list("sets", TEST_SETS, "Test sets.")
    flags.DEFINE_string("output", str(ROOT / "experiments" / "results"), "Folder of the sheets.")
    flags.DEFINE_string("data_root", default_data_root(), "Folder of the test sets; SRNET_DATA unless given.")


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    for name in values.rivals:
        if name not in ("bicubic", *pretrained.names()):
            known = ", ".join(("bicubic", *pretrained.names()))
            raise UsageError(f"--rivals: {name!r} is unknown: choose among {known}")
    methods = {name: named_method(name, None, None) for name in (values.network, *values.rivals)}
    pictures = [(name, path) for name in values.sets for path in find_images(name, values.data_root)]
    psnr = {name: _psnr_of_each(method) for name, method in methods.items()}
    for rival in values.rivals:
        gains = psnr[values.network] - psnr[rival]
        order = np.argsort(-gains, kind="stable")
        count = min(COUNT, (len(order) + 1) // 2)
        captions = [f"{name} {path.stem}: {gain:+.2f} dB" for (name, path), gain in zip(pictures, gains)]
        rows = []
        for ends in zip(order[:count], order[::-1][:count]):
            details = (
                _detail(pictures[i][1], sign, methods[rival], methods[values.network]) for i, sign in zip(ends, (1, -1))
            )
            rows.append([(captions[i], crops) for i, crops in zip(ends, details)])
        title = (
            f"x{values.scale}: {values.network} against {rival}, {len(gains)} pictures of {', '.join(values.sets)}: "
            f"{gains.mean():+.2f} dB in the mean, below in {np.sum(gains < 0)}; left: most gained, right: least"
        )
        path = pathlib.Path(values.output) / f"sheet_x{values.scale}_{values.network}_{rival}.png"
        draw_sheet(rows, ["original", rival, values.network], title, path)
        print(title, *(", ".join(captions[i] for i in end) for end in (order[:count], order[::-1][:count])), sep="\n")
        print(path)


def _psnr_of_each(method):
    values = flags.FLAGS
    results = evaluate_sets(method, values.sets, [values.scale], values.data_root)
    return np.array([score["psnr"] for result in results for score in result["per_image"]])


def _detail(path, sign, *methods):
    """The original's and the two methods' crops where the second is better (or, with sign -1, worse) most."""
    scale = flags.FLAGS.scale
    picture = crop_to_multiple(measurable_image(path, scale), scale)
    results = [enlarge(method.at_scale(scale), picture, scale)[0] for method in methods]
    errors = [(to_luma(result).astype(np.float64) - to_luma(picture)) ** 2 for result in results]
    window = largest_window(sign * (errors[0] - errors[1]), CROP)
    return [each[window] for each in (picture, *results)]


def largest_window(values, side):
    """Returns the square window of an array, or rectangle where the array is smaller, that has the largest sum.

    Args:
      values: array (H, W).
      side: of the window.

    Returns:
      A pair of slices.
    """
    height, width = (min(side, length) for length in values.shape)
    sums = uniform_filter(values, (height, width), mode="constant")
    inside = sums[height // 2 : len(values) - (height - 1) // 2, width // 2 : values.shape[1] - (width - 1) // 2]
    top, left = np.unravel_index(np.argmax(inside), inside.shape)
    return slice(top, top + height), slice(left, left + width)


if __name__ == "__main__":
    commands.run(main, define_flags)
