"""Times enlarging by srnet, PyTorch and ONNX Runtime, which run the same weights, each in its own process."""

import concurrent.futures
import functools
import importlib.util
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from srnet import cli
from srnet.errors import DataError
from srnet.precision import PRECISIONS
from srnet.pretrained import cards

if TYPE_CHECKING:
    import keras

SIZE = (720, 1280)  # of the result
_PROBE = (36, 48)  # LR pixels on which the frameworks must agree
_NEEDS = {"srnet": (), "PyTorch": ("torch",), "ONNX Runtime": ("onnxruntime", "tf2onnx")}

Run = Callable[[np.ndarray], np.ndarray]  # LR picture to HR picture
Processes = Mapping[str, concurrent.futures.ProcessPoolExecutor]


class Work(NamedTuple):
    """What is timed.

    Attributes:
      network: name of the network.
      scale: integer scale.
      precision: one of `PRECISIONS`.
      rgb: whether to enlarge an RGB picture instead of luma.
    """

    network: str
    scale: int
    precision: str
    rgb: bool


def frameworks() -> list[str]:
    """Returns the installed frameworks, srnet first."""
    return [name for name, needed in _NEEDS.items() if all(map(importlib.util.find_spec, needed))]


def time_frameworks(processes: Processes, work: Work, rounds: int) -> dict[str, float]:
    """Returns the shortest seconds of each framework that can do the work, over rounds that take turns.

    Args:
      processes: dict from frameworks to a process for each.
      work: what to time.
      rounds: number of timed enlargements by each framework.

    Raises:
      DataError: if a framework computes another result than srnet.
    """
    able = {
        name: process
        for name, process in processes.items()
        if name == "srnet" or not work.rgb and (name, work.precision) in _PAIRS
    }
    results = {name: process.submit(prepare, name, work).result() for name, process in able.items()}
    for name, result in results.items():
        # Approximately: frameworks round bfloat16 in different places.
        if np.abs(result - results["srnet"]).mean() > 0.01 * np.abs(results["srnet"]).mean():
            raise DataError(f"{name} computes another result for {work.network} x{work.scale}")
    seconds = [{name: process.submit(time_prepared).result() for name, process in able.items()} for _ in range(rounds)]
    return {name: min(each[name] for each in seconds) for name in able}


_prepared: Callable[[], object] = lambda: None  # noqa: E731


def prepare(framework: str, work: Work) -> np.ndarray:
    """Prepares work in this process, and returns the result for a small picture.

    Args:
      framework: one of `frameworks`.
      work: what to time.
    """
    global _prepared
    cli.import_tensorflow()
    import keras

    from srnet import models
    from srnet.pretrained.load import load

    keras.utils.set_random_seed(0)  # the same untrained weights in every process
    network, scale = work.network, work.scale
    known = network in cards.names() and scale in cards.scales(network)
    model = load(scale, network) if known else models.build(network, scale)
    run = _srnet_rgb(model, work.precision) if work.rgb else _PAIRS[framework, work.precision](model)
    random = np.random.default_rng(0)
    height, width = (side // scale for side in SIZE)
    shape, dtype = ((height, width, 3), np.uint8) if work.rgb else ((height, width), np.float32)
    picture = random.uniform(0, 255, shape).astype(dtype)
    run(picture)
    _prepared = functools.partial(run, picture)
    return run(picture[: _PROBE[0], : _PROBE[1]]).astype(np.float32)


def time_prepared() -> float:
    """Returns the seconds of one enlargement, which `prepare` prepared."""
    start = time.perf_counter()
    _prepared()
    return time.perf_counter() - start


def _srnet(precision: str, model: "keras.Model") -> Run:
    from srnet.inference.method import network_method
    from srnet.models.mixed_precision import with_precision

    return network_method(with_precision(model, precision))


def _srnet_rgb(model: "keras.Model", precision: str) -> Run:
    from srnet.inference.upscaler import Upscaler

    return Upscaler(model, precision=precision)


def _pytorch(precision: str, model: "keras.Model") -> Run:
    import torch

    from experiments.benchmarks.torch_twin import TorchTwin

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
