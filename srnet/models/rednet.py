"""RED-Net (RED30): convolutions and as many transposed convolutions on the bicubic-enlarged image, with skips.

All are 3x3 with stride 1 and ReLU. The result of every second convolution is added to the result of the transposed
convolution that mirrors it, before its ReLU; the enlarged image is added to the result of the last one.

Reference: X.-J. Mao, C. Shen, Y.-B. Yang. Image restoration using very deep convolutional encoder-decoder networks with
symmetric skip connections. NIPS 2016.
"""

import dataclasses
import functools

import keras

from srnet.models import parts
from srnet.settings import check_settings, setting


@dataclasses.dataclass(frozen=True)
class RednetOptions:
    """Options of RED-Net.

    Attributes:
      depth: number of convolutions, and of transposed ones, at least 1; 15 in RED30.
      filters: channels of every feature map, at least 1; 128 gives the published 4.1 million parameters.
      skip_every: convolutions from one skip to the next, at least 1; 2 in the paper.
      initializer: "he" or "paper" (see `srnet.models.parts.kernel_initializer`), or "identity", which starts from the
        bicubic enlargement: the last kernel is 0, and kernels before a skip have half of He's variance, so that the
        sum of the two branches keeps the variance of one.
    """

    depth: int = setting(15, at_least=1)
    filters: int = setting(128, at_least=1)
    skip_every: int = setting(2, at_least=1)
    initializer: str = setting("he", choices=parts.INITIALIZERS_AND_IDENTITY)

    def __post_init__(self) -> None:
        check_settings(self)


def build_rednet(options: RednetOptions, scale: int, channels: int, dtype: str, name: str) -> keras.Model:
    """Builds the network as a Keras functional model.

    Args:
      options: `RednetOptions`.
      scale: integer scale factor.
      channels: image channels; 1 for luma, 3 for RGB.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16"; the last transposed convolution and the output are always
        float32.
      name: name of the Keras model.

    Raises:
      UsageError: for an invalid scale or option.
    """
    usual = before_skip = last = options.initializer
    if options.initializer == "identity":
        usual, before_skip, last = "he", keras.initializers.VarianceScaling(1.0), keras.initializers.Zeros()
    lr, enlarged = parts.bicubic_input(scale, channels)
    x = enlarged
    skips = {}
    for i in range(1, options.depth + 1):
        x = parts.convolve(keras.layers.Conv2D, x, f"conv_{i}", options.filters, initializer=usual, dtype=dtype)
        if i % options.skip_every == 0 and i < options.depth:
            skips[options.depth - i] = x
    deconvolve = functools.partial(parts.convolve, keras.layers.Conv2DTranspose, activation=None)
    for i in range(1, options.depth):
        initializer = before_skip if i in skips else usual
        x = deconvolve(x, f"deconv_{i}", options.filters, initializer=initializer, dtype=dtype)
        if i in skips:
            x = keras.layers.Add(dtype=dtype, name=f"skip_{i}")([x, skips[i]])
        x = keras.layers.ReLU(dtype=dtype, name=f"relu_{i}")(x)
    x = deconvolve(x, "output", channels, initializer=last, dtype="float32")
    x = keras.layers.Add(dtype="float32", name="residual")([x, enlarged])
    return keras.Model(lr, parts.to_pixels(x), name=name)
