"""Measures what enlarging costs.

python tools/benchmark_inference.py

Each network enlarges luma to about 1280x720 in float32, and `plus` and `photo` an RGB picture, too; they are
interleaved in one process. It prints the median seconds per megapixel of output and their ratio to those of `plus`;
compare ratios, as seconds depend on the machine. Where PyTorch is installed, VDSR is also timed as a PyTorch program.
"""

import functools
import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from srnet import cli

NETWORKS = ("plus", "full", "vdsr")


def define_flags() -> None:
    flags.DEFINE_list("scales", ["2", "3", "4"], "Scales.")
    flags.DEFINE_integer("rounds", 5, "Timed enlargements of each network.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    scales = shared_flags.scales()
    cli.import_tensorflow()
    from srnet import models
    from srnet.inference.method import network_method
    from srnet.inference.upscaler import Upscaler
    from srnet.models.analysis import OUTPUT_SIZE

    for scale in scales:
        height, width = (side // scale for side in OUTPUT_SIZE)
        lr = np.random.default_rng(0).uniform(0, 255, (height, width)).astype(np.float32)
        methods: dict[str, Callable[[], object]] = {
            name: functools.partial(network_method(models.build(name, scale)), lr) for name in NETWORKS
        }
        rgb = np.repeat(lr[..., None], 3, axis=2).astype(np.uint8)
        for name, channels in (("plus, RGB picture", 1), ("photo, RGB picture", 3)):
            methods[name] = functools.partial(Upscaler(models.build("plus", scale, channels)), rgb)
        try:
            methods["vdsr in PyTorch"] = functools.partial(_torch_vdsr(scale), lr)
        except ImportError:
            print("PyTorch is not installed: VDSR in PyTorch is skipped")
        medians = _time(methods, lr.size * scale**2 / 1e6, flags.FLAGS.rounds)
        for name, each in medians.items():
            print(f"x{scale} {name}: {each:.3f} s per megapixel, {each / medians['plus']:.2f} times that of plus")


def _time(methods: Mapping[str, Callable[[], object]], megapixels: float, rounds: int) -> dict[str, float]:
    """The median seconds per megapixel of each method."""
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for method in methods.values():
        method()
    for _ in range(rounds):
        for name, method in methods.items():
            start = time.perf_counter()
            method()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) / megapixels for name, each in seconds.items()}


def _torch_vdsr(scale: int) -> Callable[[np.ndarray], np.ndarray]:
    """VDSR of 20 layers, untrained, as a callable from LR to HR luma."""
    import torch  # not among srnet's requirements

    widths = (1, *[64] * 19, 1)
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [torch.nn.Conv2d(before, after, 3, padding=1), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1]).eval()

    def enlarge(lr: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            enlarged = torch.nn.functional.interpolate(
                torch.from_numpy(lr)[None, None], scale_factor=scale, mode="bicubic"
            )
            return (enlarged + network(enlarged))[0, 0].numpy()

    return enlarge


if __name__ == "__main__":
    cli.run(main, define_flags)
