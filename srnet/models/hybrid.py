"""The hybrid deep convolutional network of Hu, Guo and Zhu (2020) and its variants.

Input: LR pixels (N, H, W, c) in [0, 255], any H, W >= 1. Output: HR pixels (N, scale*H, scale*W, c), meant for
[0, 255] and not clipped. Four stages (section 2.1, figure 4), all at the HR size and 64 channels wide:

1. Upsampling (2.1.1): 3x3 transposed convolutions, one of stride 2 for each doubling (or one of stride 3), linear.
2. Feature extraction (2.1.2): two 3x3 convolutions with ReLU give F1.
3. Encoder-decoder (2.1.3): `depth` 3x3 convolutions of stride 2, as many transposed ones back, all with ReLU; the
   local skip adds F1: F2 = D(E(F1)) + F1.
4. Reconstruction (2.1.4): four 3x3 convolutions with ReLU and dilation rates 1, 1, 2, 4; one linear 3x3 convolution;
   the long skip adds F1; a 1x1 convolution to c channels.

An LR image whose size is not divisible by the encoder's strides is mirror-padded at the bottom and right, and the
result cropped.

Reference: X. Hu, H. Guo, R. Zhu. Image super-resolution reconstruction based on a hybrid deep convolutional network.
2020 (in Chinese).
"""

import dataclasses
import functools
import math
from typing import Any

import keras

from srnet.models import layers, parts
from srnet.settings import check_settings, setting


@dataclasses.dataclass(frozen=True)
class HybridOptions:
    """Options of the paper's network.

    Attributes:
      encoder_decoder: True for the strided encoder-decoder; False for as many plain 3x3 convolutions of stride 1.
      depth: number of convolutions in the encoder, and of transposed ones in the decoder; at least 1. The paper says
        "gradually shrinks" and gives no number.
      dilation_rates: rates of the reconstruction's 3x3 convolutions with ReLU, each at least 1.
      local_skip: whether F1 is added to the encoder-decoder's result.
      long_skip: whether F1 is added before the last convolution.
      upsampling: "cascade" (stride-2 stages) or "single" (one stage of stride `scale`).
      initializer: "he", or "paper" for the normal distribution of standard deviation 0.001.
      filters: channels of every feature map; at least 1.
    """

    encoder_decoder: bool = setting(True)
    depth: int = setting(2, at_least=1)
    dilation_rates: tuple[int, ...] = setting((1, 1, 2, 4), at_least=1)
    local_skip: bool = setting(True)
    long_skip: bool = setting(True)
    upsampling: str = setting("cascade", choices=("cascade", "single"))
    initializer: str = setting("he", choices=parts.INITIALIZERS)
    filters: int = setting(64, at_least=1)

    def __post_init__(self) -> None:
        check_settings(self)


VARIANTS: dict[str, dict[str, Any]] = {
    "full": {},
    "no_deconv": {"encoder_decoder": False},
    "no_dilation": {"dilation_rates": (1, 1, 1, 1)},
    "no_deconv_no_dilation": {"encoder_decoder": False, "dilation_rates": (1, 1, 1, 1)},
    "no_skips": {"local_skip": False, "long_skip": False},
    "local_only": {"long_skip": False},
    "long_only": {"local_skip": False},
}


def build_hybrid(options: HybridOptions, scale: int, channels: int, dtype: str, name: str) -> keras.Model:
    """Builds the network as a Keras functional model.

    Args:
      options: `HybridOptions`.
      scale: integer scale factor; a power of two or 3, or any with `upsampling="single"`.
      channels: image channels c; 1 for luma, 3 for RGB.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16"; the last convolution and the output are always float32.
      name: name of the Keras model.

    Raises:
      UsageError: for an invalid scale or option.
    """
    strides = parts.upsampling_strides(scale, options.upsampling)

    convolve = functools.partial(parts.convolve, filters=options.filters, initializer=options.initializer, dtype=dtype)
    conv = functools.partial(convolve, layers.NativeConv2D)
    deconv = functools.partial(convolve, keras.layers.Conv2DTranspose)
    add = functools.partial(parts.add, dtype=dtype)

    lr = keras.Input((None, None, channels), dtype="float32", name="lr")
    x = lr
    if options.encoder_decoder:
        multiple = 2**options.depth // math.gcd(2**options.depth, scale)
        x = layers.MirrorPad(multiple, dtype="float32", name="pad")(x)
    for i, stride in enumerate(strides, 1):
        x = deconv(x, f"upsample_{i}", strides=stride, activation=None)
    x = conv(x, "extract_1")
    f1 = conv(x, "extract_2")

    x = f1
    stride = 2 if options.encoder_decoder else 1
    for i in range(1, options.depth + 1):
        x = conv(x, f"encode_{i}", strides=stride)
    for i in range(1, options.depth + 1):
        x = deconv(x, f"decode_{i}", strides=2) if options.encoder_decoder else conv(x, f"decode_{i}")
    if options.local_skip:
        x = add(x, f1, "local_skip")

    for i, rate in enumerate(options.dilation_rates, 1):
        x = conv(x, f"reconstruct_{i}", dilation_rate=rate)
    x = conv(x, f"reconstruct_{len(options.dilation_rates) + 1}", activation=None)
    if options.long_skip:
        x = add(x, f1, "long_skip")
    x = conv(x, "output", filters=channels, kernel_size=1, activation=None, dtype="float32")
    hr = layers.CropToScale(scale, dtype="float32", name="crop")([x, lr]) if options.encoder_decoder else x
    return keras.Model(lr, hr, name=name)
