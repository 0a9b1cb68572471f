"""The registry of networks: `names()` lists them, `build()` makes one. Only Keras models live here."""

import dataclasses

from srnet.errors import UsageError
from srnet.models.hybrid import VARIANTS, HybridOptions, build_hybrid
from srnet.models.plus import PlusOptions, build_plus
from srnet.models.published import load_published
from srnet.models.rednet import RednetOptions, build_rednet
from srnet.models.srcnn import SrcnnOptions, build_srcnn
from srnet.models.vdsr import VdsrOptions, build_vdsr

__all__ = ["build", "load_published", "names"]

# One line per network: its builder, the dataclass of its options, and the options that make it this network.
_NETWORKS = {
    **{name: (build_hybrid, HybridOptions, row) for name, row in VARIANTS.items()},
    "plus": (build_plus, PlusOptions, {}),
    "srcnn": (build_srcnn, SrcnnOptions, {}),
    "vdsr": (build_vdsr, VdsrOptions, {}),
    "rednet": (build_rednet, RednetOptions, {}),
}


def names():
    """Returns the names that `build` knows, as a tuple."""
    return tuple(_NETWORKS)


def build(name, scale, channels=1, dtype="float32", **options):
    """Builds an untrained network.

    Args:
      name: one of `names()`.
      scale: integer enlargement (2, 3, 4, 8; plus: any).
      channels: 1 for luma, 3 for RGB.
      dtype: "float32", or "mixed_bfloat16" to compute in bfloat16 with float32 weights and output.
      **options: the network's own options; see `HybridOptions` (the paper's network and its variants),
        `PlusOptions`, `SrcnnOptions`, `VdsrOptions` and `RednetOptions` in the module of that name.

    Returns:
      A `keras.Model` from LR pixels (N, H, W, channels) in [0, 255], any H, W >= 1, to HR pixels
      (N, scale*H, scale*W, channels), float32 and not clipped.

    Raises:
      UsageError: for an unknown name, option or scale.
    """
    if name not in _NETWORKS:
        raise UsageError(f"network {name!r} is unknown: choose one of {', '.join(names())}")
    if channels not in (1, 3):
        raise UsageError(f"channels {channels!r} cannot be used: choose 1 (luma) or 3 (RGB)")
    builder, options_type, row = _NETWORKS[name]
    known = [field.name for field in dataclasses.fields(options_type)]
    for option in options:
        if option not in known:
            raise UsageError(f"network {name} has no option {option!r}: choose among {', '.join(known)}")
    return builder(options_type(**{**row, **options}), scale, channels, dtype, name)
