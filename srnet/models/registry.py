"""The table of networks: `names` lists them, `build` makes one, `register` adds one."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from srnet.errors import UsageError
from srnet.models.drcn import DrcnOptions, build_drcn
from srnet.models.esrgan import EsrganOptions, build_esrgan
from srnet.models.hybrid import VARIANTS, HybridOptions, build_hybrid
from srnet.models.idn import IdnOptions, build_idn
from srnet.models.plus import PlusOptions, build_plus
from srnet.models.rcan import RcanOptions, build_rcan
from srnet.models.rednet import RednetOptions, build_rednet
from srnet.models.srcnn import SrcnnOptions, build_srcnn
from srnet.models.vdsr import VdsrOptions, build_vdsr
from srnet.registration import is_same

Builder = Callable[[Any, int, int, str, str], keras.Model]


@dataclasses.dataclass(frozen=True)
class NoOptions:
    """The options of a network that has none."""


class Network(NamedTuple):
    """What builds a network.

    Attributes:
      builder: callable from (options, scale, channels, dtype, name) to the untrained Keras model.
      options: the frozen dataclass of its options.
      row: option values that define this network; the other options have their defaults.
    """

    builder: Builder
    options: type
    row: dict[str, Any]


_networks = {
    **{name: Network(build_hybrid, HybridOptions, row) for name, row in VARIANTS.items()},
    "plus": Network(build_plus, PlusOptions, {}),
    "plus_small": Network(build_plus, PlusOptions, {"filters": 16, "blocks": 10, "depth": 0}),
    "srcnn": Network(build_srcnn, SrcnnOptions, {}),
    "vdsr": Network(build_vdsr, VdsrOptions, {}),
    "rednet": Network(build_rednet, RednetOptions, {}),
    "drcn": Network(build_drcn, DrcnOptions, {}),
    "idn": Network(build_idn, IdnOptions, {}),
    "rcan": Network(build_rcan, RcanOptions, {}),
    "rcan_small": Network(build_rcan, RcanOptions, {"groups": 4, "blocks": 5}),
    "esrgan": Network(build_esrgan, EsrganOptions, {}),
    "esrgan_small": Network(build_esrgan, EsrganOptions, {"blocks": 3, "filters": 32, "growth": 16}),
}
_BUILT_IN = frozenset(_networks)


def names() -> tuple[str, ...]:
    """Returns the names of the networks that `build` makes."""
    return tuple(_networks)


def register(name: str, builder: Builder, options: type | None = None, **row: Any) -> None:
    """Registers a network for `build` and `srnet.train --variant`.

    Args:
      name: its name: lower-case letters, digits and underscores, a letter first.
      builder: callable (options, scale, channels, dtype, name) -> `keras.Model`, as `build` returns it. `dtype` is
        "float32", "mixed_bfloat16" or "mixed_float16", `name` is the model's. It raises a UsageError for a scale that
        it does not support.
      options: frozen dataclass of its options, each field with a default; None for no options.
      **row: option values that define this network. A variant is another name with another row.

    Raises:
      UsageError: if the name is taken or of another form, or the options are not such a dataclass.
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise UsageError(f"network name {name!r} cannot be used: use lower-case letters, digits and _, a letter first")
    if name in _BUILT_IN or (name in _networks and not is_same(builder, _networks[name].builder)):
        raise UsageError(f"network {name!r} is registered already: choose another name")
    network = Network(builder, options or NoOptions, row)
    if not dataclasses.is_dataclass(network.options):
        raise UsageError(f"options of network {name} cannot be used: {network.options!r} is not a dataclass")
    try:
        network.options(**row)
    except TypeError as error:
        raise UsageError(f"options of network {name} cannot be used: {error}") from error
    _networks[name] = network


def build(name: str, scale: int, channels: int = 1, dtype: str = "float32", **options: Any) -> keras.Model:
    """Builds an untrained network.

    Args:
      name: one of `names()`.
      scale: integer scale factor (3 or a power of two; plus, srcnn, vdsr, rednet and drcn: any from 2 on; idn: 2 to 9).
      channels: 1 for luma, 3 for RGB.
      dtype: "float32", or "mixed_bfloat16" or "mixed_float16" to compute in 16 bits with float32 weights and output.
      **options: the network's own options: see `HybridOptions` (the paper's network and its variants), `PlusOptions`,
        `SrcnnOptions`, `VdsrOptions`, `RednetOptions`, `DrcnOptions`, `IdnOptions`, `RcanOptions` and `EsrganOptions`,
        each in the module of that name.

    Returns:
      A `keras.Model` from LR pixels (N, H, W, channels) in [0, 255], any H, W >= 1, to HR pixels
      (N, scale*H, scale*W, channels), float32 and not clipped.

    Raises:
      UsageError: for an unknown name, or an invalid scale, number of channels or option.
    """
    if name not in _networks:
        raise UsageError(f"network {name!r} is unknown: choose one of {', '.join(names())}")
    if channels not in (1, 3):
        raise UsageError(f"channels {channels!r} cannot be used: choose 1 (luma) or 3 (RGB)")
    network = _networks[name]
    known = [field.name for field in dataclasses.fields(network.options)]
    for option in options:
        if option not in known:
            choices = f"choose one of {', '.join(known)}" if known else "it has none"
            raise UsageError(f"network {name} has no option {option!r}: {choices}")
    return network.builder(network.options(**{**network.row, **options}), scale, channels, dtype, name)
