"""Times enlarging, beside PyTorch and ONNX Runtime if these are installed.

python tools/benchmark_inference.py
python tools/benchmark_inference.py --networks=plus --scales=2 --rounds=9

Each network enlarges luma to about 1280x720; `plus` and `photo` also enlarge an RGB picture. Each framework runs the
same weights in its own process, and the timed runs are interleaved. It prints the shortest time over the rounds in
seconds, and the ratio of the other frameworks to srnet; compare ratios, since seconds depend on the machine. ONNX
Runtime has float32 only.
PyTorch and ONNX Runtime: pip install -e '.[benchmark]'.
"""

import contextlib
import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.benchmarks.inference import Work, frameworks, time_frameworks
from experiments.benchmarks.process import new_process
from srnet import cli
from srnet.precision import PRECISIONS
from srnet.pretrained import cards

NETWORKS = ("plus", "plus_small", "full", "vdsr")
RGB = {"plus": "RGB picture by plus", "photo": "RGB picture by photo"}


def define_flags() -> None:
    flags.DEFINE_list("networks", None, f"Networks to time on luma. Default: all ({', '.join(NETWORKS)}).")
    flags.DEFINE_list("scales", ["2", "3", "4"], "Scales.")
    flags.DEFINE_list("precisions", list(PRECISIONS[:2]), "Precisions.")
    flags.DEFINE_integer("rounds", 5, "Timed enlargements by each framework.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    networks, precisions = shared_flags.choices("networks", NETWORKS), shared_flags.choices("precisions", PRECISIONS)
    rows = [
        Work(network, scale, precision, rgb)
        for scale in shared_flags.scales()
        for rgb in (False, True)
        for network in (RGB if rgb else networks)
        for precision in precisions
        if not rgb or scale in cards.scales(network)
    ]
    installed = frameworks()
    with contextlib.ExitStack() as stack:
        processes = {name: stack.enter_context(new_process()) for name in installed}
        print("| scale | network | precision | " + " | ".join(f"{name}, s" for name in installed) + " |")
        print("|" + " --- |" * (3 + len(installed)), flush=True)
        for work in rows:
            seconds = time_frameworks(processes, work, flags.FLAGS.rounds)
            cells = " | ".join(_cell(seconds, name) for name in installed)
            network = RGB[work.network] if work.rgb else work.network
            print(f"| x{work.scale} | {network} | {work.precision} | {cells} |", flush=True)


def _cell(seconds: dict[str, float], name: str) -> str:
    if name not in seconds:
        return "-"
    ratio = f" ({seconds[name] / seconds['srnet']:.2f})" if name != "srnet" else ""
    return f"{seconds[name]:.3f}{ratio}"


if __name__ == "__main__":
    cli.run(main, define_flags)
