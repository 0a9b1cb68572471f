"""ESRGAN's generator (RRDBNet): residual dense blocks at the LR size, then nearest-neighbor enlargement.

A dense block is five 3x3 convolutions, each of which takes the block's input and the results of those before it; the
last result, times 0.2, is added to the input. Three dense blocks and another such skip make a block. All activations
are leaky ReLU of slope 0.2.

Reference: X. Wang, K. Yu, S. Wu, J. Gu, Y. Liu, C. Dong, Y. Qiao, C. C. Loy. ESRGAN: enhanced super-resolution
generative adversarial networks. ECCV workshops 2018.
"""

import dataclasses
import functools

import keras

from srnet.models import layers, parts
from srnet.settings import check_settings, setting


@dataclasses.dataclass(frozen=True)
class EsrganOptions:
    """Options of ESRGAN's generator.

    Attributes:
      blocks: number of blocks, at least 1; 23 in the paper.
      filters: channels of the features between blocks, at least 1; 64 in the paper.
      growth: channels that each convolution of a dense block adds, at least 1; 32 in the paper.
    """

    blocks: int = setting(23, at_least=1)
    filters: int = setting(64, at_least=1)
    growth: int = setting(32, at_least=1)

    def __post_init__(self) -> None:
        check_settings(self)


def build_esrgan(options: EsrganOptions, scale: int, channels: int, dtype: str, name: str) -> keras.Model:
    """Builds the generator as a Keras functional model.

    Args:
      options: `EsrganOptions`.
      scale: integer scale factor; a power of two or 3.
      channels: image channels; 1 for luma, 3 for RGB.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16"; the last convolution and the output are always float32.
      name: name of the Keras model.

    Raises:
      UsageError: for an invalid scale or option.
    """
    strides = parts.upsampling_strides(scale, "cascade")
    # As its authors do: PyTorch's default, and in dense blocks a tenth of He's standard deviation.
    usual = parts.pytorch_initializer()
    small = keras.initializers.VarianceScaling(0.02, "fan_in", "untruncated_normal")
    convolve = functools.partial(parts.convolve, keras.layers.Conv2D, initializer=usual, activation=None)
    conv = functools.partial(convolve, filters=options.filters, dtype=dtype)
    leaky = functools.partial(parts.leaky_relu, slope=0.2, dtype=dtype)

    def add_fifth(x: keras.KerasTensor, to: keras.KerasTensor, label: str) -> keras.KerasTensor:
        x = keras.layers.Rescaling(0.2, dtype=dtype, name=f"{label}_fifth")(x)
        return keras.layers.Add(dtype=dtype, name=label)([x, to])

    def dense_block(x: keras.KerasTensor, label: str) -> keras.KerasTensor:
        features = [x]
        for k in range(1, 5):
            before = (
                features[0] if k == 1 else keras.layers.Concatenate(dtype=dtype, name=f"{label}_joined_{k}")(features)
            )
            made = conv(before, f"{label}_{k}", filters=options.growth, initializer=small)
            features.append(leaky(made, label=f"{label}_{k}"))
        joined = keras.layers.Concatenate(dtype=dtype, name=f"{label}_joined_5")(features)
        return add_fifth(conv(joined, f"{label}_5", initializer=small), x, label)

    lr, x = parts.unit_input(channels)
    x = first = conv(x, "first")
    for i in range(1, options.blocks + 1):
        start = x
        for j in range(1, 4):
            x = dense_block(x, f"block_{i}_{j}")
        x = add_fifth(x, start, f"block_{i}")
    x = keras.layers.Add(dtype=dtype, name="body")([conv(x, "body_last"), first])
    for i, stride in enumerate(strides, 1):
        # Nearest neighbor; after UpSampling2D, LiteRT would not know the number of channels.
        x = keras.layers.Concatenate(dtype=dtype, name=f"repeat_{i}")([x] * stride**2)
        x = layers.PixelShuffle(stride, dtype=dtype, name=f"enlarge_{i}")(x)
        x = leaky(conv(x, f"upsample_{i}"), label=f"upsample_{i}")
    x = leaky(conv(x, "reconstruct"), label="reconstruct")
    x = convolve(x, "output", channels, dtype="float32")
    return keras.Model(lr, parts.to_pixels(x), name=name)
