"""The degradations under which the pretrained networks are compared.

Command: python tools/compare_degradations.py   (two cores: about an hour, beside other work)
"""

NAMES = (
    "bicubic",
    "jpeg30",
    "jpeg50",
    "jpeg75",
    "jpeg90",
    "jpeg95",
    "webp50",
    "webp75",
    "webp90",
    "noise5",
    "noise10",
    "noise25",
    "blur1.2",
    "photo",
)
SHOWN = ("bicubic", "jpeg50", "jpeg75", "noise10", "blur1.2")  # in the summary
METHODS = ("bicubic", "plus", "photo")
SCALES = (2, 4)
METRICS = ("psnr_rgb", "psnr", "ssim")
