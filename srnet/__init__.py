"""srnet: image super-resolution by a hybrid deep convolutional network, in TensorFlow and Keras.

    srnet.enlarge("photo.jpg")                        # writes photo_x4.jpg; also bytes, Pillow images, arrays
    model = srnet.load(scale=4)                       # a pretrained Keras model, LR pixels to HR pixels
    model = srnet.build("full", scale=2)              # an untrained one
    model, config = srnet.load_run("runs/full_x2")    # the network of a run, and its configuration
    large = srnet.Upscaler(model)(picture)            # arrays and Pillow images, with any network

TensorFlow is imported at the first use of one of these names.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from types import ModuleType
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

_MODULE_OF = {
    "Upscaler": "srnet.inference.upscaler",
    "build": "srnet.models",
    "enlarge": "srnet.inference.enlarge",
    "load": "srnet.pretrained.load",
    "load_run": "srnet.training.checkpoints",
}


_LAYERS = "srnet.models.layers"


class _LayersAfterKeras(importlib.abc.MetaPathFinder):
    """Imports srnet's layers when Keras is imported, so that `keras.models.load_model` knows them."""

    def __init__(self) -> None:
        self._asked = False

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name != "keras" or self._asked:
            return None
        self._asked = True
        try:
            spec = importlib.util.find_spec(name)  # by the finders after this one
        finally:
            self._asked = False
        if spec and spec.loader:
            loader, import_keras = spec.loader, spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                import_keras(module)
                importlib.import_module(_LAYERS)

            loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if sys.modules.get("keras"):
    importlib.import_module(_LAYERS)
else:
    sys.meta_path.insert(0, _LayersAfterKeras())


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'srnet' has no attribute {name!r}")
