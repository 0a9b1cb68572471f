"""The methods that need no network."""

from collections.abc import Callable

from srnet.evaluation.aplus import make_aplus
from srnet.evaluation.bicubic import make_bicubic

# Name: a callable (scale, data_root, cache_dir) that makes the method; see `make_aplus`.
CLASSICAL: dict[str, Callable] = {"bicubic": make_bicubic, "aplus": make_aplus}
