"""The features of VGG19 that the perceptual loss compares."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from srnet.errors import DataError
from srnet.files import reason
from srnet.progress import say

_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
_MEAN = (123.68, 116.779, 103.939)  # of ImageNet's RGB, as in keras.applications.vgg19.preprocess_input
_DIVISOR = 12.75


def read_weights(name: str) -> list[np.ndarray]:
    """Returns the kernels and biases of VGG19's convolutions.

    Args:
      name: "imagenet", fetched by Keras into its own cache; a file with the same weights; or "random", for tests.

    Raises:
      DataError: if they cannot be fetched or read.
    """
    if name == "imagenet":
        try:
            return _vgg19("imagenet").get_weights()
        except Exception as error:  # Keras raises nothing more specific for a failed download
            raise DataError(f"VGG19 cannot be fetched ({error}); give its path with --vgg19") from error
    vgg = _vgg19()
    if name == "random":
        say("--vgg19=random: the perceptual loss compares random features; for tests only")
        random = np.random.default_rng(0)
        deviations = [np.sqrt(2 * each.shape[-1] / np.prod(each.shape)) for each in vgg.weights]  # He's, for kernels
        return [random.normal(0, dev, each.shape).astype(np.float32) for dev, each in zip(deviations, vgg.weights)]
    if not Path(name).is_file():
        raise DataError(f"{name}: no such file (--vgg19)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            vgg.load_weights(name)
    except Exception as error:  # h5py and Keras raise many kinds of errors for other files
        raise DataError(f"{name}: not the weights of VGG19 ({reason(error)}); --vgg19 needs Keras's {_FILE}") from error
    return vgg.get_weights()


def _vgg19(weights: str | None = None) -> keras.Model:
    """Builds VGG19's convolutions, channels last and in float32, whatever the user's keras.json says."""
    floatx, policy, data_format = keras.config.floatx(), keras.config.dtype_policy(), keras.config.image_data_format()
    try:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        keras.config.set_image_data_format("channels_last")
        return keras.applications.VGG19(include_top=False, weights=weights)
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
        keras.config.set_image_data_format(data_format)


def build_features(weights: Sequence[np.ndarray]) -> keras.Model:
    """Builds VGG19 up to its last convolution, before activation (ESRGAN, Wang et al. 2018, section 3.3).

    Args:
      weights: what `read_weights` returns.

    Returns:
      A non-trainable model from RGB in [0, 255] to features, divided by 12.75 as in SRGAN (Ledig et al., CVPR 2017,
      section 3.2), which uses the same VGG19 weights as Keras.
    """
    vgg = _vgg19()
    vgg.set_weights(weights)
    last = vgg.get_layer("block5_conv4")
    last.activation = keras.activations.linear
    rgb = keras.Input((None, None, 3), dtype="float32", name="rgb")
    bgr = keras.ops.flip(rgb - keras.ops.convert_to_tensor(_MEAN, dtype="float32"), -1)
    features = keras.Model(vgg.input, last.output)(bgr)
    model = keras.Model(rgb, features / _DIVISOR, name="vgg19_features")
    model.trainable = False
    return model
