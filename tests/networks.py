"""Small networks for tests."""

import hashlib
import json

import keras
import numpy as np

from srnet import models
from srnet.inference.method import network_method


def randomize(model):
    """Gives a network random weights, none of which is 0, and returns it."""
    random = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(random.normal(0, 1 / np.sqrt(np.prod(variable.shape[:-1])), variable.shape))
    return model


def unclipped(model):
    """A randomized network whose results are stretched to lie within the range of a picture."""
    lr = np.random.default_rng(0).uniform(50, 200, (61, 83, model.input_shape[-1])).astype(np.float32)
    raw = network_method(randomize(model))(lr)
    low, high = raw.min(), raw.max()
    stretch = keras.layers.Rescaling(200 / (high - low), 20 - low * 200 / (high - low))
    return keras.Model(model.input, stretch(model.output))


def bicubic_network(scale, channels=1):
    """A network that enlarges bicubically, so that its results are known."""
    return models.build("srcnn", scale, channels, initializer="identity", filters=(4, 4))


def ship_network(folder, name, scale, channels=1, **options):
    """Puts an untrained network and its card among the pretrained ones of a folder, and returns it."""
    model = models.build(name, scale, channels, **options)
    path = folder / f"{name}_x{scale}.weights.h5"
    model.save_weights(path)
    card = {"variant": name, "scale": scale, "channels": channels, "model_options": options}
    card |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    card |= {"run": {}, "measurements": {}, "use": "", "limits": ""}
    (folder / f"{name}_x{scale}.json").write_text(json.dumps(card))
    return model
