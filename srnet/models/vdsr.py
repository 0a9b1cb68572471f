"""VDSR: twenty 3x3 convolutions that add the missing detail to the bicubic-enlarged image.

Reference: J. Kim, J. K. Lee, K. M. Lee. Accurate image super-resolution using very deep convolutional networks. CVPR
2016.
"""

import dataclasses
import functools

import keras

from srnet.models import parts
from srnet.settings import check_settings, setting


@dataclasses.dataclass(frozen=True)
class VdsrOptions:
    """Options of VDSR.

    Attributes:
      depth: number of convolutions, at least 2; 20 in the paper.
      filters: channels of every feature map, at least 1; 64 in the paper.
      initializer: "he", as in VDSR's paper, or "paper" (see `srnet.models.parts.kernel_initializer`).
    """

    depth: int = setting(20, at_least=2)
    filters: int = setting(64, at_least=1)
    initializer: str = setting("he", choices=parts.INITIALIZERS)

    def __post_init__(self) -> None:
        check_settings(self)


def build_vdsr(options: VdsrOptions, scale: int, channels: int, dtype: str, name: str) -> keras.Model:
    """Builds the network as a Keras functional model.

    Args:
      options: `VdsrOptions`.
      scale: integer scale factor.
      channels: image channels; 1 for luma, 3 for RGB.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16"; the last convolution and the output are always float32.
      name: name of the Keras model.

    Raises:
      UsageError: for an invalid scale or option.
    """
    conv = functools.partial(parts.convolve, keras.layers.Conv2D, initializer=options.initializer)
    lr, enlarged = parts.bicubic_input(scale, channels)
    x = enlarged
    for i in range(1, options.depth):
        x = conv(x, f"conv_{i}", options.filters, dtype=dtype)
    x = conv(x, "output", channels, activation=None, dtype="float32")
    x = keras.layers.Add(dtype="float32", name="residual")([x, enlarged])
    return keras.Model(lr, parts.to_pixels(x), name=name)
