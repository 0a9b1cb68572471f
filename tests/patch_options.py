"""How the tests cut patches."""

from srnet.data.patches import PatchOptions


def patch_options(**changes):
    """Small patches for scale 2, with some options changed."""
    usual = {"scale": 2, "patch": 16, "stride": 8, "channels": 1, "orientations": 4, "augment_scales": (1.0,)}
    return PatchOptions(**{**usual, "degradation": "bicubic", "seed": 0, **changes})
