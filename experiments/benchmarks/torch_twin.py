"""srnet's networks as PyTorch modules with the same weights, to time both frameworks on the same work.

srnet does not require PyTorch.
"""

import functools
from typing import Any

import keras
import numpy as np
import torch
from torch.nn import functional

from srnet.images.resize import cubic
from srnet.models import layers
from srnet.models.graph import Step, unfold


class TorchTwin(torch.nn.Module):
    """A network in PyTorch: the same graph, on tensors (N, C, H, W).

    Args:
      model: float32 Keras functional model of convolutions, transposed convolutions with padding "same", and the other
        layers of srnet's own networks.

    Raises:
      TypeError: for a layer of another kind.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        graph = unfold(model)
        self._output = graph.output
        self._steps = [(step.inputs, step.output, self._function(step)) for step in graph.steps]

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        maps = {0: lr}
        for inputs, output, function in self._steps:
            maps[output] = function(*(maps[number] for number in inputs))
        return maps[self._output]

    def _function(self, step: Step) -> Any:
        layer = step.operation
        if isinstance(layer, keras.layers.Conv2DTranspose):
            weights = self._weights(layer, (3, 2, 0, 1))  # in both, the kernel of the convolution it is the gradient of
            return functools.partial(_transposed, weights, layer.strides[0], layer.kernel_size[0], _is_relu(layer))
        if isinstance(layer, keras.layers.Conv2D):
            weights = self._weights(layer, (3, 2, 0, 1))
            span = (layer.kernel_size[0] - 1) * layer.dilation_rate[0] + 1 if layer.padding == "same" else 1
            return functools.partial(
                _convolved, weights, layer.strides[0], layer.dilation_rate[0], span, _is_relu(layer)
            )
        if isinstance(layer, keras.layers.Rescaling):
            return lambda x: x * layer.scale + layer.offset
        if isinstance(layer, keras.layers.Add):
            return torch.add
        if isinstance(layer, keras.layers.ReLU):
            return functional.relu
        if isinstance(layer, layers.EdgePad):
            return functools.partial(functional.pad, pad=[layer.size] * 4, mode="replicate")
        if isinstance(layer, layers.MirrorPad):
            return functools.partial(_mirrored, layer.multiple)
        if isinstance(layer, layers.CropToScale):
            return lambda x, lr: x[..., : lr.shape[2] * layer.scale, : lr.shape[3] * layer.scale]
        if isinstance(layer, layers.BicubicUpsampling):
            return _Bicubic(layer.scale)
        raise TypeError(f"layer {layer.name!r} ({type(layer).__name__}) has no PyTorch counterpart")

    def _weights(self, layer: Any, order: tuple[int, ...]) -> tuple[torch.nn.Parameter, torch.nn.Parameter]:
        kernel, bias = (np.asarray(weights) for weights in layer.get_weights())
        kernel = torch.nn.Parameter(torch.tensor(kernel.transpose(order)).contiguous(memory_format=torch.channels_last))
        bias = torch.nn.Parameter(torch.tensor(bias))
        self.register_parameter(f"{layer.name}_kernel", kernel)
        self.register_parameter(f"{layer.name}_bias", bias)
        return kernel, bias


def _is_relu(layer: Any) -> bool:
    return layer.activation is keras.activations.relu


def _convolved(weights: Any, stride: int, dilation: int, span: int, relu: bool, x: torch.Tensor) -> torch.Tensor:
    """A convolution with TensorFlow's padding "same", which puts the larger half at the end."""
    pads = [max((-(-side // stride) - 1) * stride + span - side, 0) for side in x.shape[:1:-1]]
    symmetric = all(pad % 2 == 0 for pad in pads) and len(set(pads)) == 1
    if not symmetric:
        x = functional.pad(x, [half for pad in pads for half in (pad // 2, pad - pad // 2)])
    x = functional.conv2d(x, *weights, stride=stride, padding=pads[0] // 2 if symmetric else 0, dilation=dilation)
    return functional.relu(x) if relu else x


def _transposed(weights: Any, stride: int, size: int, relu: bool, x: torch.Tensor) -> torch.Tensor:
    before, after = max(size - stride, 0) // 2, -(-max(size - stride, 0) // 2)
    height, width = (side * stride for side in x.shape[2:])
    x = functional.conv_transpose2d(x, *weights, stride=stride, padding=before)
    x = x[..., :height, :width] if after != before else x
    return functional.relu(x) if relu else x


def _mirrored(multiple: int, x: torch.Tensor) -> torch.Tensor:
    for axis in (2, 3):
        more = -x.shape[axis] % multiple
        if more:
            x = torch.cat([x, x.flip(axis).narrow(axis, 0, more)], axis)
    return x


class _Bicubic:
    """`srnet.models.layers.BicubicUpsampling` of one channel."""

    def __init__(self, scale: int) -> None:
        self._scale = scale
        weights = cubic(((np.arange(scale) + 0.5) / scale - 0.5)[:, None] - np.arange(-2, 3))
        kernel = np.einsum("pi,qj->pqij", weights, weights).reshape(scale**2, 1, 5, 5)
        self._kernel = torch.tensor(kernel, dtype=torch.float32)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        for axis in (2, 3):
            first, last = x.narrow(axis, 0, 2).flip(axis), x.narrow(axis, x.shape[axis] - 2, 2).flip(axis)
            x = torch.cat([first, x, last], axis)
        with torch.autocast("cpu", enabled=False):
            return functional.pixel_shuffle(functional.conv2d(x, self._kernel), self._scale)
