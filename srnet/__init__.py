"""srnet: image super-resolution by a hybrid deep convolutional network, in TensorFlow and Keras.

    srnet.enlarge("photo.jpg")                        # writes photo_x4.jpg; also bytes, Pillow images, arrays
    model = srnet.load(scale=4)                       # a pretrained Keras model, LR pixels to HR pixels
    model = srnet.build("full", scale=2)              # the same, untrained
    model, config = srnet.load_run("runs/full_x2")    # the network of a run, and its configuration
    large = srnet.Upscaler(model)(picture)            # arrays and Pillow images, by any network

TensorFlow is imported at the first use of one of these names.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srnet.inference.enlarge import enlarge
    from srnet.inference.upscaler import Upscaler
    from srnet.models import build
    from srnet.pretrained.load import load
    from srnet.training.checkpoints import load_run

__version__ = "0.2.0"
__all__ = ["Upscaler", "__version__", "build", "enlarge", "load", "load_run"]

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes; 0 shows them

_MODULE_OF = {
    "Upscaler": "srnet.inference.upscaler",
    "build": "srnet.models",
    "enlarge": "srnet.inference.enlarge",
    "load": "srnet.pretrained.load",
    "load_run": "srnet.training.checkpoints",
}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'srnet' has no attribute {name!r}")
