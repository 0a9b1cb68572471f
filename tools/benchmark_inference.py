"""Measures what enlarging costs: python tools/benchmark_inference.py

In one process, turn and turn about, each network enlarges a picture to about 1280x720 luma in float32. It prints the
median seconds per megapixel of output and their ratio to those of `plus`; the ratios are the result, the seconds belong
to the machine. Where PyTorch is installed, VDSR is also timed as a PyTorch program runs it.
"""

import pathlib
import statistics
import sys
import time

import numpy as np
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import commands, models
from srnet.benchmark import network_method
from srnet.models.cost import OUTPUT_SIZE

NETWORKS = ("plus", "full", "vdsr")


def define_flags():
    flags.DEFINE_list("scales", ["2", "3", "4"], "Scales.")
    flags.DEFINE_integer("rounds", 5, "Rounds of all networks.", lower_bound=1)


def main(arguments):
    commands.expect(arguments, 0)
    for scale in commands.integers("--scales", flags.FLAGS.scales):
        height, width = (side // scale for side in OUTPUT_SIZE)
        lr = np.random.default_rng(0).uniform(0, 255, (height, width)).astype(np.float32)
        methods = {name: network_method(models.build(name, scale)) for name in NETWORKS}
        try:
            methods["vdsr in PyTorch"] = _torch_vdsr(scale)
        except ImportError:
            print("PyTorch is not installed: its VDSR is left out")
        seconds = {name: [] for name in methods}
        for method in methods.values():
            method(lr)
        for _ in range(flags.FLAGS.rounds):
            for name, method in methods.items():
                start = time.perf_counter()
                method(lr)
                seconds[name].append(time.perf_counter() - start)
        medians = {name: statistics.median(each) / (lr.size * scale**2 / 1e6) for name, each in seconds.items()}
        for name, each in medians.items():
            print(f"x{scale} {name}: {each:.3f} s a megapixel, {each / medians['plus']:.2f} times that of plus")


def _torch_vdsr(scale):
    """VDSR of 20 layers, untrained, as a callable from LR to HR luma."""
    import torch  # not among srnet's requirements

    widths = (1, *[64] * 19, 1)
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [torch.nn.Conv2d(before, after, 3, padding=1), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1]).eval()

    def enlarge(lr):
        with torch.inference_mode():
            enlarged = torch.nn.functional.interpolate(
                torch.from_numpy(lr)[None, None], scale_factor=scale, mode="bicubic"
            )
            return (enlarged + network(enlarged))[0, 0].numpy()

    return enlarge


if __name__ == "__main__":
    commands.run(main, define_flags)
