"""The discriminator of ESRGAN's second stage, from which a network learns to make patches that look real.

Reference: X. Wang, K. Yu, S. Wu, J. Gu, Y. Liu, C. Dong, Y. Qiao, C. C. Loy. ESRGAN: enhanced super-resolution
generative adversarial networks. ECCV workshops 2018; where the paper is silent, its authors' code.
"""

import itertools

import keras
import tensorflow as tf

from srnet.models import parts
from srnet.training.config import TrainConfig

_WIDTHS = (1, 2, 4, 8, 8)  # channels, as multiples of discriminator_filters; each at stride 1, then 2


class BatchStatisticsNormalization(keras.layers.Layer):
    """Batch normalization that always uses the statistics of the batch.

    A discriminator is used only in training, so it needs no moving averages, which devices would have to share.
    """

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes the scale and the offset of each channel."""
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma", autocast=False)
        self.beta = self.add_weight(shape=(shape[-1],), initializer="zeros", name="beta", autocast=False)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the feature map (n, H, W, C), normalized."""
        numbers = {"scale": self.gamma, "offset": self.beta, "mean": [], "variance": []}
        return tf.raw_ops.FusedBatchNormV3(x=x, **numbers, epsilon=1e-5, is_training=True).y


def build_discriminator(config: TrainConfig) -> keras.Model:
    """Builds the VGG-style discriminator: ten convolutions, every second of which halves the size.

    Args:
      config: `TrainConfig`; ESRGAN uses 128x128 patches and 64 filters.

    Returns:
      A model from patches with pixels in [0, 255] to float32 logits (n, 1), large for patches that look real.
    """
    side, dtype = config.hr_patch, config.precision

    pixels = keras.Input((side, side, config.channels), dtype="float32", name="pixels")
    x = keras.layers.Rescaling(1 / 255, dtype="float32", name="to_unit")(pixels)
    for number, (width, stride) in enumerate(itertools.product(_WIDTHS, (1, 2))):
        label, filters = f"conv_{number}", width * config.discriminator_filters
        size = {"strides": stride, "use_bias": number == 0}
        x = parts.convolve(
            keras.layers.Conv2D, x, label, filters, 2 + stride, initializer="he", activation=None, dtype=dtype, **size
        )
        if number:
            x = BatchStatisticsNormalization(dtype=dtype, name=f"norm_{number}")(x)
        x = parts.leaky_relu(x, 0.2, label, dtype)
    x = keras.layers.Flatten("channels_last", dtype=dtype, name="flat")(x)
    x = keras.layers.Dense(100, kernel_initializer="he_normal", dtype=dtype, name="dense")(x)
    x = parts.leaky_relu(x, 0.2, "dense", dtype)
    logits = keras.layers.Dense(1, kernel_initializer="he_normal", dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="discriminator")


def relativistic_losses(real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the losses of the network and the discriminator (ESRGAN's equations 2 and 1, halved as in its code).

    Args:
      real: logits (n, 1) of real patches.
      fake: logits (n, 1) of the network's results.
    """
    real, fake = real - tf.reduce_mean(fake), fake - tf.reduce_mean(real)
    of_network, of_discriminator = (
        tf.reduce_mean(tf.nn.softplus(sign * real) + tf.nn.softplus(-sign * fake)) / 2 for sign in (1.0, -1.0)
    )
    return of_network, of_discriminator
