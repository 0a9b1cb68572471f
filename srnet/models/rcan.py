"""RCAN: residual groups of residual blocks with channel attention, at the LR size, then pixel shuffle.

A block is two 3x3 convolutions with a ReLU between them; its result is multiplied by a weight for each channel, which
two 1x1 convolutions compute from the channel means over the whole image, and added to its input. A group is `blocks`
blocks and a convolution, plus its input; the network likewise has `groups` groups and a convolution.

Its result at any pixel depends on the whole image, so a picture cannot be enlarged in tiles.

Reference: Y. Zhang, K. Li, K. Li, L. Wang, B. Zhong, Y. Fu. Image super-resolution using very deep residual channel
attention networks. ECCV 2018.
"""

import dataclasses
import functools

import keras

from srnet.models import layers, parts
from srnet.settings import check_settings, setting

MEAN = (114.444, 111.4605, 103.02)  # of DIV2K in RGB, as its authors subtract it: (0.4488, 0.4371, 0.4040) * 255
MEAN_LUMA = (111.665,)  # the luma of this color (ITU-R BT.601)


@dataclasses.dataclass(frozen=True)
class RcanOptions:
    """Options of RCAN.

    Attributes:
      groups: number of residual groups, at least 1; 10 in the paper.
      blocks: number of blocks in each group, at least 1; 20 in the paper.
      filters: channels of every feature map, at least 1; 64 in the paper.
      reduction: `filters` divided by the channels between the convolutions of the attention, at least 1; 16 in the
        paper.
    """

    groups: int = setting(10, at_least=1)
    blocks: int = setting(20, at_least=1)
    filters: int = setting(64, at_least=1)
    reduction: int = setting(16, at_least=1)

    def __post_init__(self) -> None:
        check_settings(self)


def build_rcan(options: RcanOptions, scale: int, channels: int, dtype: str, name: str) -> keras.Model:
    """Builds the network as a Keras functional model.

    Args:
      options: `RcanOptions`.
      scale: integer scale factor; a power of two or 3.
      channels: image channels; 1 for luma, 3 for RGB.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16"; the last convolution and the output are always float32.
      name: name of the Keras model.

    Raises:
      UsageError: for an invalid scale or option.
    """
    strides = parts.upsampling_strides(scale, "cascade")
    initializer = parts.pytorch_initializer()  # as its authors do; with He initialization, 200 blocks explode
    convolve = functools.partial(parts.convolve, keras.layers.Conv2D, initializer=initializer, activation=None)
    conv = functools.partial(convolve, filters=options.filters, dtype=dtype)
    add = functools.partial(parts.add, dtype=dtype)

    def attend(x: keras.KerasTensor, label: str) -> keras.KerasTensor:
        mean = keras.layers.GlobalAveragePooling2D(
            data_format="channels_last", keepdims=True, dtype=dtype, name=f"{label}_mean"
        )(x)
        fewer = max(1, options.filters // options.reduction)
        weight = conv(mean, f"{label}_squeeze", filters=fewer, kernel_size=1, activation="relu")
        weight = conv(weight, f"{label}_excite", kernel_size=1, activation="sigmoid")
        return keras.layers.Multiply(dtype=dtype, name=f"{label}_scaled")([x, weight])

    mean = MEAN if channels == 3 else MEAN_LUMA
    lr = keras.Input((None, None, channels), dtype="float32", name="lr")
    x = keras.layers.Rescaling(1.0, [-value for value in mean], dtype="float32", name="subtract_mean")(lr)
    x = head = conv(x, "head")
    for i in range(1, options.groups + 1):
        start = x
        for j in range(1, options.blocks + 1):
            label = f"group_{i}_block_{j}"
            inner = conv(conv(x, f"{label}_1", activation="relu"), f"{label}_2")
            x = add(attend(inner, label), x, label)
        x = add(conv(x, f"group_{i}_last"), start, f"group_{i}")
    x = add(conv(x, "body_last"), head, "body")
    for i, stride in enumerate(strides, 1):
        x = conv(x, f"upsample_{i}", filters=options.filters * stride**2)
        x = layers.PixelShuffle(stride, dtype=dtype, name=f"shuffle_{i}")(x)
    x = convolve(x, "output", channels, dtype="float32")
    return keras.Model(lr, keras.layers.Rescaling(1.0, list(mean), dtype="float32", name="add_mean")(x), name=name)
