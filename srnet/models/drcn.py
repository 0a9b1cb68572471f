"""DRCN: one convolution applied recursively to the bicubic-enlarged image; each of its results gives an image.

Two 3x3 convolutions embed the enlarged image. A third one is applied `recursions` times. Two more, shared by all of its
results, turn each into detail, to which the enlarged image is added. The result is a learned weighted sum of these
images, which `--supervision` trains as well. All convolutions but the last have ReLU.

Reference: J. Kim, J. K. Lee, K. M. Lee. Deeply-recursive convolutional network for image super-resolution. CVPR 2016.
"""

import dataclasses
import functools

import keras

from srnet.models import layers, parts
from srnet.models.srcnn import PassOn
from srnet.settings import check_settings, setting


@dataclasses.dataclass(frozen=True)
class DrcnOptions:
    """Options of DRCN.

    Attributes:
      recursions: number of times that the inner convolution is applied, at least 1; 16 in the paper.
      filters: channels of every feature map, at least 1; 256 in the paper.
      initializer: "he" or "paper" (see `srnet.models.parts.kernel_initializer`); the inner convolution starts as the
        identity in both cases, as in DRCN's paper.
    """

    recursions: int = setting(16, at_least=1)
    filters: int = setting(256, at_least=1)
    initializer: str = setting("he", choices=parts.INITIALIZERS)

    def __post_init__(self) -> None:
        check_settings(self)


def build_drcn(options: DrcnOptions, scale: int, channels: int, dtype: str, name: str) -> keras.Model:
    """Builds the network as a Keras functional model.

    Args:
      options: `DrcnOptions`.
      scale: integer scale factor.
      channels: image channels; 1 for luma, 3 for RGB.
      dtype: "float32", "mixed_bfloat16" or "mixed_float16"; the last convolution and the output are always float32.
      name: name of the Keras model.

    Returns:
      The model; its attribute `intermediates` holds the images whose weighted sum is the result.

    Raises:
      UsageError: for an invalid scale or option.
    """
    conv = functools.partial(
        parts.convolution, keras.layers.Conv2D, filters=options.filters, initializer=options.initializer, dtype=dtype
    )
    lr, enlarged = parts.bicubic_input(scale, channels)
    recurse, reconstruct = conv("recurse", initializer=PassOn(options.filters)), conv("reconstruct")
    output = conv("output", filters=channels, activation=None, dtype="float32")
    x = conv("embed_2")(conv("embed_1")(enlarged))
    details = []
    for _ in range(options.recursions):
        x = recurse(x)
        details.append(output(reconstruct(x)))
    result = layers.WeightedSum(dtype="float32", name="ensemble")([enlarged, *details])
    model = keras.Model(lr, parts.to_pixels(result), name=name)
    model.intermediates = [255.0 * (enlarged + detail) for detail in details]
    return model
