"""srnet: image super-resolution by a hybrid deep convolutional network, in TensorFlow and Keras.

    srnet.enlarge("photo.jpg")                        # writes photo_x4.jpg; also bytes, Pillow images, arrays
    model = srnet.load(scale=4)                       # a pretrained Keras model, LR pixels to HR pixels
    model = srnet.build("full", scale=2)              # an untrained one
    model, config = srnet.load_run("runs/full_x2")    # the network of a run, and its configuration
    large = srnet.Upscaler(model)(picture)            # arrays and Pillow images, with any network

TensorFlow is imported at the first use of one of these names.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from srnet import keras_hook
from srnet.errors import UsageError

if TYPE_CHECKING:
    from srnet.inference.enlarge import enlarge
    from srnet.inference.upscaler import Upscaler
    from srnet.models import build
    from srnet.pretrained.load import load
    from srnet.training.checkpoints import load_run

__version__ = "0.2.0"
__all__ = ["Upscaler", "__version__", "build", "enlarge", "load", "load_run"]

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

_MODULE_OF = {
    "Upscaler": "srnet.inference.upscaler",
    "build": "srnet.models",
    "enlarge": "srnet.inference.enlarge",
    "load": "srnet.pretrained.load",
    "load_run": "srnet.training.checkpoints",
}


keras_hook.install()


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        backend = importlib.import_module("keras").config.backend()
        if backend != "tensorflow":
            raise UsageError(f"srnet needs Keras's TensorFlow backend, not {backend}: set KERAS_BACKEND=tensorflow")
        return getattr(importlib.import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'srnet' has no attribute {name!r}")
