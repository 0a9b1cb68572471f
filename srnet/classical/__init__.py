"""Methods without gradient training, behind the call of every method: LR luma in, HR luma out."""

from srnet.classical.aplus import make_aplus
from srnet.classical.bicubic import make_bicubic

# One line per method: its name and a callable (scale, data_root, cache_dir) that makes it; see `make_aplus`.
METHODS = {"bicubic": make_bicubic, "aplus": make_aplus}
