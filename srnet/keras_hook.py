"""Registers srnet's layers with Keras as soon as a program imports both, so that `keras.models.load_model` knows them.

Importing Keras here would make `import srnet` take seconds.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType
from typing import Any

_LAYERS = "srnet.models.layers"


def install() -> None:
    """Imports srnet's layers now if Keras has been imported, else when it is."""
    if sys.modules.get("keras"):
        _import_layers(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, _LayersAfterKeras())


def _import_layers(keras: ModuleType) -> None:
    if keras.config.backend() == "tensorflow":
        importlib.import_module(_LAYERS)


class _LayersAfterKeras(importlib.abc.MetaPathFinder):
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
                _import_layers(module)

            loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
