"""SRCNN: three convolutions on the bicubic-enlarged image.

Patch extraction (9x9, 64 filters, ReLU), non-linear mapping (1x1 or 5x5, 32 filters, ReLU), reconstruction (5x5). At
the border every feature map repeats its outermost values, as in the authors' test program.

Reference: C. Dong, C. C. Loy, K. He, X. Tang. Learning a deep convolutional network for image super-resolution. ECCV
2014 (9-1-5). The same. Image super-resolution using deep convolutional networks. TPAMI 38(2), 2016 (9-5-5).
"""

import dataclasses
from typing import Any

import keras
import numpy as np

from srnet.errors import UsageError
from srnet.models import layers, parts
from srnet.settings import check_settings, setting


@dataclasses.dataclass(frozen=True)
class SrcnnOptions:
    """Options of SRCNN.

    Attributes:
      kernel_sizes: sides of the three kernels, odd: (9, 5, 5) of 2016, or (9, 1, 5) of 2014.
      filters: channels after the first and the second convolution, each at least 1.
      initializer: "he"; "paper" for the normal distribution of standard deviation 0.001, SRCNN's own; or "identity",
        which starts from the bicubic enlargement (see `PassOn`).
    """

    kernel_sizes: tuple[int, ...] = setting((9, 5, 5), at_least=1)
    filters: tuple[int, ...] = setting((64, 32), at_least=1)
    initializer: str = setting("he", choices=parts.INITIALIZERS_AND_IDENTITY)

    def __post_init__(self) -> None:
        check_settings(self)
        if len(self.kernel_sizes) != 3 or not all(size % 2 for size in self.kernel_sizes):
            raise UsageError(f"kernel_sizes {self.kernel_sizes} cannot be used: they must be three odd integers")
        if len(self.filters) != 2:
            raise UsageError(f"filters {self.filters} cannot be used: they must be two integers")


def build_srcnn(options: SrcnnOptions, scale: int, channels: int, dtype: str, name: str) -> keras.Model:
    """Builds the network as a Keras functional model.

    Args:
      options: `SrcnnOptions`.
      scale: integer scale factor.
      channels: image channels; 1 for luma, 3 for RGB.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16"; the last convolution and the output are always float32.
      name: name of the Keras model.

    Raises:
      UsageError: for an invalid scale or option.
    """
    initializer = PassOn(channels) if options.initializer == "identity" else options.initializer
    lr, x = parts.bicubic_input(scale, channels)
    stages = (
        ("extract", options.filters[0], "relu", dtype),
        ("map", options.filters[1], "relu", dtype),
        ("output", channels, None, "float32"),
    )
    for size, (label, filters, activation, layer_dtype) in zip(options.kernel_sizes, stages):
        x = layers.EdgePad(size // 2, dtype=layer_dtype, name=f"pad_{label}")(x)
        x = parts.convolve(
            keras.layers.Conv2D,
            x,
            label,
            filters,
            size,
            initializer=initializer,
            dtype=layer_dtype,
            padding="valid",
            activation=activation,
        )
    return keras.Model(lr, parts.to_pixels(x), name=name)


@keras.saving.register_keras_serializable("srnet")
class PassOn(keras.initializers.Initializer):
    """Initializes the first filters to pass the first channels on unchanged, and the others as zero-mean He normal.

    With plain random filters, half of the ReLUs are dead, because the mean brightness of a patch outweighs its detail;
    a filter that sums to 0 ignores it.

    Args:
      channels: number of channels passed on, at least 1.
    """

    def __init__(self, channels: int) -> None:
        self.channels = channels

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Any:
        kernel = keras.ops.convert_to_numpy(keras.initializers.HeNormal()(shape))
        height, width = shape[:2]
        if height * width > 1:
            kernel = kernel - kernel.mean(axis=(0, 1), keepdims=True)
        passing = np.zeros(shape)
        for i in range(min(self.channels, *shape[2:])):
            passing[height // 2, width // 2, i, i] = 1
        kernel = np.where(np.arange(shape[3]) < self.channels, passing, kernel)
        return keras.ops.convert_to_tensor(kernel, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"channels": self.channels}
