"""Whole benchmarks: a method on named sets at several scales, as records and as a table."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tqdm

from srnet import pretrained
from srnet.classical import METHODS
from srnet.data.datasets import count_warning, find_images
from srnet.errors import UsageError
from srnet.inference import network_method, self_ensemble
from srnet.metrics import PROTOCOL, evaluate
from srnet.training.runs import load_run


@dataclasses.dataclass(frozen=True)
class Method:
    """Something that enlarges, under the name that tables give it.

    Attributes:
      name: its name.
      at_scale: callable from a scale to the method there (see `srnet.metrics.evaluate`).
      scales: the scales it is measured at unless others are asked for.
      only: whether it knows no other scales.
      channels: image channels it takes, 1 or 3.
    """

    name: str
    at_scale: Callable
    scales: tuple[int, ...]
    only: bool = False
    channels: int = 1


def named_method(name, data_root, cache_dir):
    """Returns a method that needs no run: one of `srnet.classical`, or a network that comes with srnet.

    Args:
      name: one of `srnet.classical.METHODS` or `srnet.pretrained.names()`.
      data_root: folder with a folder for each set, for a method that learns from images.
      cache_dir: folder where such a method keeps what it has learnt.
    """
    if name not in METHODS:
        make = functools.cache(lambda scale: network_method(pretrained.load(scale, name)))
        return Method(name, make, pretrained.scales(name), only=True)
    make = functools.cache(functools.partial(METHODS[name], data_root=data_root, cache_dir=cache_dir))
    return Method(name, make, scales=(2, 4))


def method_of_run(folder, checkpoint="last"):
    """Returns the network of a run as a method.

    Args:
      folder: the run folder.
      checkpoint: "last" or "best".
    """
    model, config = load_run(folder, checkpoint)
    method = network_method(model)
    return Method(config.variant, lambda scale: method, (config.scale,), only=True, channels=config.channels)


def self_ensembled(method):
    """Returns a method whose results are the means over the eight flips and rotations, and whose name ends with "+".

    Args:
      method: `Method`.
    """
    at_scale = functools.cache(lambda scale: self_ensemble(method.at_scale(scale)))
    return dataclasses.replace(method, name=f"{method.name}+", at_scale=at_scale)


def evaluate_sets(method, sets, scales, data_root):
    """Evaluates a method by the protocol of `srnet.metrics`, with a progress bar.

    Args:
      method: `Method`.
      sets: names of image sets.
      scales: integer scales, or None for the method's own.
      data_root: folder with a folder for each set, or None.

    Returns:
      A list of dicts with method, set, scale, psnr, ssim (means), images (their number), seconds (spent in the
      method) and per_image, a list of dicts with image, psnr, ssim and seconds.

    Raises:
      UsageError: for a scale that the method does not have.
      DataError: for a set or an image that cannot be used.
    """
    scales = method.scales if scales is None else scales
    for scale in scales:
        if scale < 2 or (method.only and scale not in method.scales):
            known = ", ".join(map(str, method.scales)) if method.only else "2 and above"
            raise UsageError(f"scale {scale}: {method.name} has scales {known}")
    paths = {name: find_images(name, data_root) for name in sets}
    results = []
    with tqdm.tqdm(total=len(scales) * sum(map(len, paths.values())), desc=method.name, unit="image") as progress:
        for name in sets:
            for scale in scales:
                scores = []
                for score in evaluate(method.at_scale(scale), paths[name], scale, method.channels):
                    scores.append(dataclasses.asdict(score))
                    progress.update()
                results.append(_record(method.name, name, scale, scores))
    return results


def _record(method, name, scale, scores):
    return {
        "method": method,
        "set": name,
        "scale": scale,
        "psnr": float(np.mean([score["psnr"] for score in scores])),
        "ssim": float(np.mean([score["ssim"] for score in scores])),
        "images": len(scores),
        "seconds": float(np.sum([score["seconds"] for score in scores])),
        "per_image": scores,
    }


def describe_results(results):
    """Returns the records of `evaluate_sets` as a text table under a caption that states the protocol.

    Args:
      results: what `evaluate_sets` returns.
    """
    lines = [f"PSNR in dB and SSIM: {PROTOCOL}."]
    lines += [f"Note: {note}." for note in dict.fromkeys(count_warning(r["set"], r["images"]) for r in results) if note]
    lines.append(f"{'method':<22} {'set':<14} {'scale':>5} {'PSNR':>8} {'SSIM':>7} {'images':>6} {'seconds':>8}")
    for r in results:
        figures = f"{r['psnr']:8.3f} {r['ssim']:7.4f} {r['images']:6d} {r['seconds']:8.2f}"
        lines.append(f"{r['method']:<22} {r['set']:<14} {'x' + str(r['scale']):>5} {figures}")
    return "\n".join(lines)
