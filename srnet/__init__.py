"""srnet: super-resolution by a hybrid deep convolutional network, in TensorFlow and Keras.

    model = srnet.load(scale=4)                       # a Keras model, LR pixels to HR pixels, trained
    model = srnet.build("full", scale=2)              # the same, untrained
    model, config = srnet.load_run("runs/full_x2")    # of a run, and its configuration
    large = srnet.Upscaler(model)(picture)            # NumPy arrays, any kind of picture

TensorFlow is imported at the first use of one of these names.
"""

import importlib
import os

__version__ = "0.1.0"
__all__ = ["Upscaler", "build", "load", "load_run", "__version__"]

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes are no news; 0 shows them

_HOME_OF = {
    "build": "srnet.models",
    "load": "srnet.pretrained",
    "load_run": "srnet.training.runs",
    "Upscaler": "srnet.upscaler",
}


def __dir__():
    return __all__


def __getattr__(name):
    if name in _HOME_OF:
        return getattr(importlib.import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module 'srnet' has no attribute {name!r}")
