"""The features of VGG19 that the perceptual loss compares."""

from pathlib import Path

import keras
import numpy as np
import tqdm

from srnet.errors import DataError
from srnet.files import reason

_REMEDY = "give the path of vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 of keras.applications"
_MEAN = (123.68, 116.779, 103.939)  # of ImageNet's RGB, which keras.applications.vgg19.preprocess_input subtracts
_DIVISOR = 12.75


def build_features(weights: str) -> keras.Model:
    """Builds VGG19 up to its last convolution, before activation (ESRGAN, Wang et al. 2018, section 3.3).

    Args:
      weights: "imagenet", which Keras fetches into its own cache; a file that holds the same; or "random", for tests.

    Returns:
      A model, not trainable, from RGB in [0, 255] to features; they are divided by 12.75 as in SRGAN (Ledig et al.,
      CVPR 2017, section 3.2), whose VGG19 is that of Keras.

    Raises:
      DataError: if the weights cannot be fetched or read.
    """
    if weights not in ("random", "imagenet") and not Path(weights).is_file():
        raise DataError(f"--vgg19={weights}: no such file; {_REMEDY}")
    try:
        vgg = keras.applications.VGG19(include_top=False, weights=None if weights == "random" else weights)
    except Exception as error:  # a bare Exception for a download that failed, and what h5py and Keras have for a file
        raise DataError(f"--vgg19={weights}: no weights of VGG19 ({reason(error)}); {_REMEDY}") from error
    last = vgg.get_layer("block5_conv4")
    last.activation = keras.activations.linear
    if weights == "random":
        tqdm.tqdm.write("--vgg19=random: the perceptual loss compares random features, which is for tests alone")
        random = np.random.default_rng(0)
        for layer in vgg.layers:
            if layer.weights:
                shape = layer.kernel.shape
                scale = np.sqrt(2 / np.prod(shape[:3]))
                layer.kernel.assign(random.normal(0, scale, shape))
    rgb = keras.Input((None, None, 3), dtype="float32", name="rgb")
    bgr = keras.ops.flip(rgb - keras.ops.convert_to_tensor(_MEAN), -1)
    features = keras.Model(vgg.input, last.output)(bgr)
    model = keras.Model(rgb, features / _DIVISOR, name="vgg19_features")
    model.trainable = False
    return model
