"""The methods that need no network."""

import pathlib
from collections.abc import Callable

import numpy as np

from srnet.evaluation.aplus import make_aplus
from srnet.evaluation.bicubic import make_bicubic

Folder = str | pathlib.Path | None

# Callables from (scale, data_root, cache_dir), as for `make_aplus`, to the method.
CLASSICAL: dict[str, Callable[[int, Folder, Folder], Callable[[np.ndarray], np.ndarray]]] = {
    "bicubic": lambda scale, data_root, cache_dir: make_bicubic(scale),
    "aplus": make_aplus,
}
