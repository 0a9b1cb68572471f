"""IDN: distillation blocks at the LR size, one transposed convolution, plus the bicubic enlargement.

Two 3x3 convolutions extract features. Each block has an enhancement unit of six 3x3 convolutions, the second and the
fifth in four groups: a quarter of the third one's channels is kept and concatenated with the block's input, the rest
continues, and both are added. A 1x1 convolution compresses the sum. All have leaky ReLU of slope 0.05.

Reference: Z. Hui, X. Wang, X. Gao. Fast and accurate single image super-resolution via information distillation
network. CVPR 2018. Layers are named as in its authors' Caffe files.
"""

import dataclasses
import functools

import keras

from srnet.errors import UsageError
from srnet.models import layers, parts
from srnet.settings import check_settings, setting

_GROUPS = 4
_KERNEL = 17  # of the transposed convolution
_PADDING = 8  # pixels that its authors crop from each side of its result


@dataclasses.dataclass(frozen=True)
class IdnOptions:
    """Options of IDN.

    Attributes:
      blocks: number of distillation blocks, at least 0; 4 in the paper.
      filters: channels of the features, a multiple of 16; 64 in the paper.
      initializer: "he" or "paper" (see `srnet.models.parts.kernel_initializer`), or "identity", which starts from the
        bicubic enlargement: the last kernel is 0.
    """

    blocks: int = setting(4, at_least=0)
    filters: int = setting(64, at_least=16)
    initializer: str = setting("he", choices=parts.INITIALIZERS_AND_IDENTITY)

    def __post_init__(self) -> None:
        check_settings(self)
        if self.filters % 16:
            raise UsageError(f"filters {self.filters} cannot be used: it must be a multiple of 16")


def build_idn(options: IdnOptions, scale: int, channels: int, dtype: str, name: str) -> keras.Model:
    """Builds the network as a Keras functional model.

    Args:
      options: `IdnOptions`.
      scale: integer scale factor, 2 to 9; beyond that the kernel of 17 leaves gaps in its authors' alignment.
      channels: image channels; 1 for luma, 3 for RGB.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16"; the transposed convolution and the output are always
        float32.
      name: name of the Keras model.

    Raises:
      UsageError: for an invalid scale or option.
    """
    parts.check_scale(scale)
    if scale > _KERNEL - _PADDING:
        raise UsageError(f"scale {scale} cannot be used: IDN enlarges at most {_KERNEL - _PADDING} times")
    usual = "he" if options.initializer == "identity" else options.initializer
    convolve = functools.partial(parts.convolve, layers.NativeConv2D, activation=None, initializer=usual, dtype=dtype)

    def conv(x: keras.KerasTensor, label: str, filters: int, size: int = 3, groups: int = 1) -> keras.KerasTensor:
        x = convolve(x, label, filters, size, groups=groups)
        return parts.leaky_relu(x, 0.05, label, dtype)

    lr, x = parts.unit_input(channels)
    x = conv(conv(x, "conv1", options.filters), "conv2", options.filters)
    quarter = options.filters // 4
    for i in range(1, options.blocks + 1):
        label = f"conv{i + 2}_"
        inner = conv(x, label + "1", 3 * quarter)
        inner = conv(inner, label + "2", 2 * quarter, groups=_GROUPS)
        inner = conv(inner, label + "3", 4 * quarter)
        kept, inner = keras.ops.split(inner, [quarter], axis=-1)
        inner = conv(inner, label + "4", 4 * quarter)
        inner = conv(inner, label + "5", 3 * quarter, groups=_GROUPS)
        inner = conv(inner, label + "6", 5 * quarter)
        kept = keras.layers.Concatenate(dtype=dtype, name=f"concat{i}")([x, kept])
        x = conv(keras.layers.Add(dtype=dtype, name=f"sum{i}")([kept, inner]), f"down{i}", options.filters, 1)

    # As in Caffe: scaled by the mean of both fans, since a transposed convolution's kernel is wide and thin.
    wide = {"he": keras.initializers.VarianceScaling(2.0, "fan_avg", "untruncated_normal")}
    last = {"identity": "zeros", **wide}.get(options.initializer, options.initializer)
    x = parts.convolve(
        keras.layers.Conv2DTranspose,
        x,
        "upsample",
        channels,
        _KERNEL,
        strides=scale,
        padding="valid",
        activation=None,
        initializer=last,
        dtype="float32",
    )
    start = _PADDING - (scale - 1)  # its authors align the result with the enlargement from row and column scale - 1 on
    crop = ((start, _PADDING),) * 2
    x = keras.layers.Cropping2D(crop, "channels_last", dtype="float32", name="align")(x)
    enlarged = layers.BicubicUpsampling(scale, dtype="float32", name="bicubic")(lr)
    x = keras.layers.Add(dtype="float32", name="residual")([parts.to_pixels(x), enlarged])
    return keras.Model(lr, x, name=name)
