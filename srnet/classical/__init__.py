"""Methods without gradient training, behind the call of every method: LR luma in, HR luma out."""

from srnet.classical.bicubic import bicubic

# One line per method: its name and a callable (luma (H, W) in [0, 255], scale) -> (scale*H, scale*W).
METHODS = {"bicubic": bicubic}
