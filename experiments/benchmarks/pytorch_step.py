"""A training step in PyTorch, to compare srnet's with."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from srnet import cli

if TYPE_CHECKING:
    from srnet.training.config import TrainConfig

_step: Callable[[], None] = lambda: None  # noqa: E731


def prepare_pytorch(config: "TrainConfig") -> None:
    """Prepares a training step in PyTorch in this process.

    Args:
      config: `TrainConfig`; its loss is replaced by mean squared error without weight decay, its schedule by a constant
        learning rate.
    """
    global _step
    import torch._dynamo  # with Triton, which crashes if it is imported after TensorFlow

    cli.import_tensorflow()

    from experiments.benchmarks.torch_twin import TorchTwin
    from srnet.training.state import build_network

    network = TorchTwin(build_network(config, "float32")).train()
    optimizer = torch.optim.Adam(network.parameters(), config.learning_rate)
    side = config.patch // config.scale
    lr, hr = (
        255 * torch.rand(config.batch_size, config.channels, each, each).contiguous(memory_format=torch.channels_last)
        for each in (side, side * config.scale)
    )

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=config.precision != "float32"):
            sr = network(lr)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(sr.float(), hr).backward()
        optimizer.step()

    _step = step


def time_pytorch(steps: int) -> float:
    """Returns the seconds per step of the training step that `prepare_pytorch` prepared.

    Args:
      steps: number of steps to take.
    """
    started = time.perf_counter()
    for _ in range(steps):
        _step()
    return (time.perf_counter() - started) / steps
