"""Times enlarging, beside PyTorch and ONNX Runtime if these are installed.

python tools/benchmark_inference.py
python tools/benchmark_inference.py --networks=plus --scales=2 --rounds=9

Each network enlarges luma to about 1280x720; `plus` and `photo` also enlarge an RGB picture. Each framework runs the
same weights in its own process, and the timed runs are interleaved. It prints the shortest time over the rounds in
seconds, and the ratio of the other frameworks to srnet; compare ratios, since seconds depend on the machine. ONNX
Runtime has float32 only.
PyTorch and ONNX Runtime: pip install -e '.[benchmark]'.
"""

import concurrent.futures
import functools
import importlib.util
import multiprocessing
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from srnet import cli
from srnet.errors import DataError
from srnet.precision import PRECISIONS
from srnet.pretrained import cards

if TYPE_CHECKING:
    import keras

SIZE = (720, 1280)  # of the result
PROBE = (36, 48)  # LR pixels on which the frameworks must agree
NEEDS = {"srnet": (), "PyTorch": ("torch",), "ONNX Runtime": ("onnxruntime", "tf2onnx")}
NETWORKS = ("plus", "plus_small", "full", "vdsr")
RGB = {"plus": "RGB picture by plus", "photo": "RGB picture by photo"}

Run = Callable[[np.ndarray], np.ndarray]  # LR picture to HR picture


def define_flags() -> None:
    flags.DEFINE_list("networks", None, f"Networks on luma. Default: all, {', '.join(NETWORKS)}.")
    flags.DEFINE_list("scales", ["2", "3", "4"], "Scales.")
    flags.DEFINE_list("precisions", list(PRECISIONS[:2]), "Precisions.")
    flags.DEFINE_integer("rounds", 5, "Timed enlargements by each framework.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    networks, precisions = shared_flags.choices("networks", NETWORKS), shared_flags.choices("precisions", PRECISIONS)
    rows = [
        (network, scale, precision, rgb)
        for scale in shared_flags.scales()
        for rgb in (False, True)
        for network in (RGB if rgb else networks)
        for precision in precisions
        if not rgb or scale in cards.scales(network)
    ]
    there = [name for name, needed in NEEDS.items() if all(map(importlib.util.find_spec, needed))]
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        processes = {name: stack.enter_context(concurrent.futures.ProcessPoolExecutor(1, context)) for name in there}
        print("| scale | network | precision | " + " | ".join(f"{name}, s" for name in there) + " |")
        print("|" + " --- |" * (3 + len(there)), flush=True)
        for network, scale, precision, rgb in rows:
            able = [name for name in there if name == "srnet" or not rgb and (name, precision) in _PAIRS]
            seconds = _time({name: processes[name] for name in able}, (network, scale, precision, rgb))
            cells = [_cell(seconds, name) for name in there]
            label = RGB[network] if rgb else network
            print(f"| x{scale} | {label} | {precision} | {' | '.join(cells)} |", flush=True)


def _time(
    processes: dict[str, concurrent.futures.ProcessPoolExecutor], what: tuple[str, int, str, bool]
) -> dict[str, float]:
    """The shortest time of each framework in seconds, after a check that all of them compute the same."""
    results = {name: process.submit(prepare, name, *what).result() for name, process in processes.items()}
    for name, result in results.items():
        # Approximately: frameworks round bfloat16 in different places.
        if np.abs(result - results["srnet"]).mean() > 0.01 * np.abs(results["srnet"]).mean():
            raise DataError(f"{name} computes another result for {what[0]} x{what[1]}")
    rounds = [
        {name: process.submit(time_prepared).result() for name, process in processes.items()}
        for _ in range(flags.FLAGS.rounds)
    ]
    return {name: min(each[name] for each in rounds) for name in processes}


def _cell(seconds: dict[str, float], name: str) -> str:
    if name not in seconds:
        return "-"
    ratio = f" ({seconds[name] / seconds['srnet']:.2f})" if name != "srnet" else ""
    return f"{seconds[name]:.3f}{ratio}"


_prepared: Callable[[], object] = lambda: None  # noqa: E731


def prepare(framework: str, network: str, scale: int, precision: str, rgb: bool) -> np.ndarray:
    """Prepares a network in this process, and returns its result for a small picture.

    Args:
      framework: one of `NEEDS`.
      network: name of the network.
      scale: integer scale.
      precision: one of `PRECISIONS`.
      rgb: whether to enlarge an RGB picture instead of luma.
    """
    global _prepared
    cli.import_tensorflow()
    import keras

    from srnet import models
    from srnet.pretrained.load import load

    keras.utils.set_random_seed(0)  # the same untrained weights in every process
    known = network in cards.names() and scale in cards.scales(network)
    model = load(scale, network) if known else models.build(network, scale)
    run = _srnet_rgb(model, precision) if rgb else _PAIRS[framework, precision](model)
    random = np.random.default_rng(0)
    height, width = (side // scale for side in SIZE)
    picture = random.uniform(0, 255, (height, width, 3) if rgb else (height, width)).astype(np.uint8 if rgb else "f4")
    run(picture)
    _prepared = functools.partial(run, picture)
    return run(picture[: PROBE[0], : PROBE[1]]).astype(np.float32)


def time_prepared() -> float:
    """Returns the seconds of one enlargement by the network that `prepare` prepared."""
    start = time.perf_counter()
    _prepared()
    return time.perf_counter() - start


def _srnet(precision: str, model: "keras.Model") -> Run:
    from srnet.inference.method import network_method
    from srnet.models.mixed_precision import with_precision

    return network_method(with_precision(model, precision))


def _srnet_rgb(model: "keras.Model", precision: str) -> Run:
    from srnet.inference.upscaler import Upscaler

    upscaler = Upscaler(model, precision=precision)
    return lambda picture: np.asarray(upscaler(picture))


def _pytorch(precision: str, model: "keras.Model") -> Run:
    import torch

    from experiments.torch_twin import TorchTwin

    network = TorchTwin(model).eval()

    def run(lr: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision != "float32"):
            batch = torch.from_numpy(lr)[None, None].contiguous(memory_format=torch.channels_last)
            return network(batch)[0, 0].float().numpy()

    return run


def _onnx_runtime(model: "keras.Model") -> Run:
    import onnxruntime

    from srnet.formats.onnx import export_onnx

    with tempfile.TemporaryDirectory() as folder:
        export_onnx(model, f"{folder}/network.onnx")
        session = onnxruntime.InferenceSession(f"{folder}/network.onnx", providers=["CPUExecutionProvider"])
    return lambda lr: session.run(None, {"lr": lr[None, ..., None]})[0][0, ..., 0]


_PAIRS: dict[tuple[str, str], Callable[["keras.Model"], Run]] = {
    **{("srnet", precision): functools.partial(_srnet, precision) for precision in PRECISIONS},
    **{("PyTorch", precision): functools.partial(_pytorch, precision) for precision in PRECISIONS[:2]},
    ("ONNX Runtime", "float32"): _onnx_runtime,
}


if __name__ == "__main__":
    cli.run(main, define_flags)
