"""srnet: super-resolution by a hybrid deep convolutional network, in TensorFlow and Keras.

    model = srnet.build("full", scale=2)              # a Keras model, LR pixels to HR pixels
    model, config = srnet.load_run("runs/full_x2")    # the same, trained, and its configuration

TensorFlow is imported at the first use of either name.
"""

import importlib
import os

__version__ = "0.1.0"
__all__ = ["build", "load_run", "__version__"]

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes are no news; 0 shows them

_HOME_OF = {"build": "srnet.models", "load_run": "srnet.training.runs"}


def __getattr__(name):
    if name in _HOME_OF:
        return getattr(importlib.import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module 'srnet' has no attribute {name!r}")
