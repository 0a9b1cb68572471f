"""Loading weights published by other authors into the networks here."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from srnet.errors import DataError, UsageError
from srnet.models.rcan import MEAN

_BLOCK = r"group_(\d+)_block_(\d+)_(1|2|squeeze|excite)"

Pairs = list[tuple[str, Any]]  # the name of a layer's arrays in messages, and (kernel, bias) in Keras's layout


def load_published(model: keras.Model, arrays: Iterable[tuple[np.ndarray, np.ndarray]] | Mapping[str, Any]) -> None:
    """Loads weights into a network as its authors published them.

    All of them expect the pixel range, [0, 1] or [0, 255], that the network here uses internally, so the values are
    loaded unchanged; only their axes are reordered.

    Args:
      model: Keras model that `srnet.models.build` makes.
      arrays: for `srcnn` and `vdsr`, a pair (kernel, bias) for each convolution from first to last: kernels (height,
        width, channels in, channels out), biases (channels out,). For `drcn`, a dict from the names of its layers,
        `embed_1`, `embed_2`, `recurse`, `reconstruct` and `output`, to such pairs, and from `ensemble` to a list of one
        array, the images' weights. For `idn`, a dict from the names of Caffe's layers to pairs: kernels (channels out,
        channels in of a group, height, width), that of `upsample` (channels in, channels out, height, width). For
        `rcan`, `esrgan` and their small variants, PyTorch's state dict as NumPy arrays: `.weight` (channels out,
        channels in, height, width) and `.bias`; those of `esrgan` by the names of ESRGAN's repository or of BasicSR.

    Raises:
      UsageError: for another network.
      DataError: if an array is missing or of another shape, or a value is not finite; nothing is loaded then.
    """
    layers = [layer for layer in model.layers if layer.weights]
    named = next((pairs for name, pairs in _NAMED.items() if re.fullmatch(name, model.name)), None)
    if named:
        if not isinstance(arrays, Mapping):
            raise UsageError(f"network {model.name} takes its arrays by name: give a dict")
        given = named(layers, arrays)
    else:
        given = _chain(model, layers, arrays)
    pairs: list[list[np.ndarray]] = []
    for layer, (place, pair) in zip(layers, given):
        parts = [variable.name for variable in layer.weights]
        expected = "a pair of arrays, kernel and bias" if len(parts) == 2 else f"an array {parts[0]} in a list"
        try:
            pairs.append([np.asarray(array, np.float32) for array in pair])
        except (TypeError, ValueError) as error:
            raise DataError(f"{place}: expected {expected} ({error})") from error
        if len(pairs[-1]) != len(parts):
            raise DataError(f"{place}: expected {expected}, not {len(pairs[-1])}")
        for part, array, variable in zip(parts, pairs[-1], layer.weights):
            if array.shape != tuple(variable.shape):
                raise DataError(f"{place}, {part}: shape {array.shape}, the network's is {tuple(variable.shape)}")
            if not np.isfinite(array).all():
                raise DataError(f"{place}, {part}: not all values are finite")
    for layer, loaded in zip(layers, pairs):
        layer.set_weights(loaded)


def _chain(model: keras.Model, layers: list[Any], arrays: Iterable[Any]) -> Pairs:
    if not all(type(layer) is keras.layers.Conv2D for layer in layers):
        known = "srcnn, vdsr, drcn, idn, rcan and esrgan"
        raise UsageError(f"network {model.name} has no published weights: load_published supports {known}")
    if isinstance(arrays, Mapping):
        raise UsageError(f"network {model.name} takes a list of (kernel, bias) pairs, not a dict")
    published = list(arrays)
    if len(published) != len(layers):
        raise DataError(f"network {model.name} has {len(layers)} convolutions, not {len(published)}")
    return [(f"convolution {i} of {len(layers)}", pair) for i, pair in enumerate(published, 1)]


def _drcn(layers: list[Any], arrays: Mapping[str, Any]) -> Pairs:
    """Pairs by the names of the layers here, in the layout of TensorFlow and MatConvNet, which is Keras's."""
    _check_names([layer.name for layer in layers], arrays)
    return [(layer.name, arrays[layer.name]) for layer in layers]


def _caffe(layers: list[Any], arrays: Mapping[str, Any]) -> Pairs:
    """Pairs by the names of Caffe's layers, which are those of the layers here."""
    _check_names([layer.name for layer in layers], arrays)
    pairs: Pairs = []
    for layer in layers:
        pair = arrays[layer.name]
        if isinstance(pair, (tuple, list)):
            pair = [_height_width_first(each) if i == 0 else np.ravel(each) for i, each in enumerate(pair)]
        pairs.append((layer.name, pair))
    return pairs


def _rcan(layers: list[Any], arrays: Mapping[str, Any]) -> Pairs:
    """PyTorch's arrays by the names of RCAN's modules."""
    groups, blocks = (
        max(int(found[place]) for layer in layers if (found := re.fullmatch(_BLOCK, layer.name))) for place in (1, 2)
    )
    modules = [_rcan_module(layer.name, groups, blocks) for layer in layers]
    needed = [f"{module}.{part}" for module in modules for part in ("weight", "bias")]
    _check_names(needed, arrays, "sub_mean.", "add_mean.")
    mean = np.ravel(arrays.get("sub_mean.bias", np.negative(MEAN)))
    if len(mean) != len(MEAN) or not np.allclose(mean, np.negative(MEAN), atol=0.01):
        raise DataError(f"sub_mean.bias: {mean}, the network subtracts {MEAN}")
    return _pytorch(layers, modules, arrays)


def _esrgan(layers: list[Any], arrays: Mapping[str, Any]) -> Pairs:
    """PyTorch's arrays by the names of RRDBNet's modules, in ESRGAN's repository or in BasicSR."""
    new = "conv_body.weight" in arrays
    ends = {
        "first": "conv_first",
        "body_last": "conv_body" if new else "trunk_conv",
        "reconstruct": "conv_hr" if new else "HRconv",
        "output": "conv_last",
    }
    modules = []
    for layer in layers:
        if found := re.fullmatch(r"block_(\d+)_(\d)_(\d)", layer.name):
            block, dense, convolution = int(found[1]) - 1, *found.groups()[1:]
            where = f"body.{block}.rdb" if new else f"RRDB_trunk.{block}.RDB"
            modules.append(f"{where}{dense}.conv{convolution}")
        elif found := re.fullmatch(r"upsample_(\d)", layer.name):
            modules.append(f"{'conv_up' if new else 'upconv'}{found[1]}")
        else:
            modules.append(ends[layer.name])
    _check_names([f"{module}.{part}" for module in modules for part in ("weight", "bias")], arrays)
    return _pytorch(layers, modules, arrays)


def _pytorch(layers: list[Any], modules: list[str], arrays: Mapping[str, Any]) -> Pairs:
    pairs: Pairs = []
    for layer, module in zip(layers, modules):
        kernel, bias = _height_width_first(arrays[f"{module}.weight"]), np.atleast_1d(arrays[f"{module}.bias"])
        filters = layer.input.shape[-1]
        if layer.name.startswith("upsample") and len(bias) > filters:  # before a pixel shuffle
            kernel, bias = (_shuffled_as_here(array, filters) for array in (kernel, bias))
        pairs.append((module, (kernel, bias)))
    return pairs


def _rcan_module(name: str, groups: int, blocks: int) -> str:
    """The name of the RCAN module that corresponds to a layer here."""
    if block := re.fullmatch(_BLOCK, name):
        inner = {"1": "0", "2": "2", "squeeze": "3.conv_du.0", "excite": "3.conv_du.2"}[block[3]]
        return f"body.{int(block[1]) - 1}.body.{int(block[2]) - 1}.body.{inner}"
    if group := re.fullmatch(r"group_(\d+)_last", name):
        return f"body.{int(group[1]) - 1}.body.{blocks}"
    if stage := re.fullmatch(r"upsample_(\d+)", name):
        return f"tail.0.{2 * (int(stage[1]) - 1)}"
    return {"head": "head.0", "body_last": f"body.{groups}", "output": "tail.1"}[name]


def _height_width_first(kernel: Any) -> np.ndarray:
    kernel = np.asarray(kernel)
    return kernel.transpose(2, 3, 1, 0) if kernel.ndim == 4 else kernel


def _shuffled_as_here(array: np.ndarray, filters: int) -> np.ndarray:
    """Reorders the last axis from PyTorch's pixel shuffle, with the channel first, to that here, with it last."""
    if array.shape[-1] % filters:
        return array  # a wrong shape, which is reported
    return array.reshape(*array.shape[:-1], filters, -1).swapaxes(-1, -2).reshape(array.shape)


def _check_names(needed: list[str], arrays: Mapping[str, Any], *others: str) -> None:
    """Raises if arrays are missing, or if there are others whose names do not begin with one of `others`."""
    missing = [name for name in needed if name not in arrays]
    more = [name for name in arrays if name not in needed and not name.startswith(others)]
    for names, what in ((missing, "missing among the arrays"), (more, "not used by this network")):
        if names:
            rest = f" and {len(names) - 1} more" if names[1:] else ""
            raise DataError(f"{names[0]}{rest} {what}")


_NAMED: dict[str, Callable[[list[Any], Mapping[str, Any]], Pairs]] = {
    "drcn": _drcn,
    "idn": _caffe,
    "rcan(_small)?": _rcan,
    "esrgan(_small)?": _esrgan,
}
