"""plus: this project's own network, made of the paper's parts at a fraction of their cost.

Input: LR pixels (N, H, W, c) in [0, 255], any H, W >= 1. Output: HR pixels (N, scale*H, scale*W, c), meant for
[0, 255] and not clipped. The paper's network works at the HR size; this one works at the LR size, where the same
convolutions cost 1/scale^2 and see scale times as far, and adds its result to the bicubic enlargement:

1. Feature extraction: one 3x3 convolution gives F0, `blocks` residual blocks of two 3x3 convolutions give F1.
2. Encoder-decoder, for context: `depth` convolutions of stride 2, as many transposed ones back, all with ReLU; the
   local skip adds F1. Depth 0 leaves both out.
3. Reconstruction: 3x3 convolutions with ReLU and `dilation_rates`, one linear convolution; the long skip adds F0.
4. Upsampling: one transposed convolution of stride `scale`, whose kernel of 3*scale covers every phase, at any scale.

Residual blocks are initialized as the identity, and the network as the bicubic enlargement (if that is added): their
last kernels are 0.
"""

import dataclasses
import functools

import keras

from srnet.models import layers, parts
from srnet.settings import check_settings, setting


@dataclasses.dataclass(frozen=True)
class PlusOptions:
    """Options of plus.

    Attributes:
      blocks: number of residual blocks, at least 0.
      depth: number of convolutions in the encoder, and of transposed ones in the decoder; at least 0.
      dilation_rates: rates of the reconstruction's convolutions with ReLU, each at least 1.
      bicubic: whether the bicubic enlargement is added to the output.
      filters: channels of every feature map; at least 1.
      initializer: "he", or "paper" for the normal distribution of standard deviation 0.001.
    """

    blocks: int = setting(19, at_least=0)
    depth: int = setting(2, at_least=0)
    dilation_rates: tuple[int, ...] = setting((1, 1), at_least=1)
    bicubic: bool = setting(True)
    filters: int = setting(32, at_least=1)
    initializer: str = setting("he", choices=parts.INITIALIZERS)

    def __post_init__(self) -> None:
        check_settings(self)


def build_plus(options: PlusOptions, scale: int, channels: int, dtype: str, name: str) -> keras.Model:
    """Builds the network as a Keras functional model.

    Args:
      options: `PlusOptions`.
      scale: integer scale factor, at least 2.
      channels: image channels; 1 for luma, 3 for RGB.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16"; the last convolution and the output are always float32.
      name: name of the Keras model.

    Raises:
      UsageError: for an invalid scale or option.
    """
    parts.check_scale(scale)
    convolve = functools.partial(parts.convolve, filters=options.filters, initializer=options.initializer, dtype=dtype)
    conv = functools.partial(convolve, layers.NativeConv2D)
    deconv = functools.partial(convolve, keras.layers.Conv2DTranspose)
    add = functools.partial(parts.add, dtype=dtype)

    lr, x = parts.unit_input(channels)
    x = layers.MirrorPad(2**options.depth, dtype="float32", name="pad")(x)
    f0 = x = conv(x, "extract", activation=None)
    for i in range(1, options.blocks + 1):
        inner = conv(x, f"block_{i}_1")
        inner = conv(inner, f"block_{i}_2", activation=None, initializer="zeros")
        x = add(inner, x, f"block_{i}")

    f1 = x
    for i in range(1, options.depth + 1):
        x = conv(x, f"encode_{i}", strides=2)
    for i in range(1, options.depth + 1):
        x = deconv(x, f"decode_{i}", strides=2)
    if options.depth:
        x = add(x, f1, "local_skip")

    for i, rate in enumerate(options.dilation_rates, 1):
        x = conv(x, f"reconstruct_{i}", dilation_rate=rate)
    x = conv(x, f"reconstruct_{len(options.dilation_rates) + 1}", activation=None)
    x = add(x, f0, "long_skip")
    initializer = parts.kernel_initializer("zeros" if options.bicubic else options.initializer)
    x = layers.SubPixelConv2DTranspose(channels, scale, kernel_initializer=initializer, dtype="float32", name="output")(
        x
    )
    x = layers.CropToScale(scale, dtype="float32", name="crop")([parts.to_pixels(x), lr])
    if not options.bicubic:
        return keras.Model(lr, x, name=name)
    enlarged = layers.BicubicUpsampling(scale, dtype="float32", name="bicubic")(lr)
    return keras.Model(lr, keras.layers.Add(dtype="float32", name="residual")([x, enlarged]), name=name)
