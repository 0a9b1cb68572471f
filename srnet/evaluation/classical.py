"""The methods that need no network."""

from collections.abc import Callable

import numpy as np

from srnet.evaluation.aplus import make_aplus
from srnet.evaluation.bicubic import make_bicubic

# Makes a method from (scale, data_root, cache_dir); see `make_aplus`.
Maker = Callable[..., Callable[[np.ndarray], np.ndarray]]

CLASSICAL: dict[str, Maker] = {"bicubic": make_bicubic, "aplus": make_aplus}
