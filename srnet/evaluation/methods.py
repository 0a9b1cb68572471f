"""Methods to evaluate: a method is a callable from LR to HR pixels, at one or several scales."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping

import keras

from srnet.errors import UsageError
from srnet.evaluation.classical import CLASSICAL
from srnet.inference.method import Method, network_method, self_ensemble
from srnet.pretrained import cards
from srnet.pretrained.load import loaders


@dataclasses.dataclass(frozen=True)
class NamedMethod:
    """A method with the name it has in tables.

    Attributes:
      name: its name.
      at_scale: callable from a scale to the method at that scale (see `srnet.evaluation.protocol.evaluate`).
      scales: the scales it is evaluated at by default.
      fixed_scales: whether it supports no other scales.
      channels: image channels it takes, 1 or 3.
    """

    name: str
    at_scale: Callable[[int], Method]
    scales: tuple[int, ...]
    fixed_scales: bool = False
    channels: int = 1

    def check_scale(self, scale: int) -> None:
        """Checks that the method supports a scale.

        Args:
          scale: integer scale.

        Raises:
          UsageError: if it does not.
        """
        if scale < 2 or (self.fixed_scales and scale not in self.scales):
            known = ", ".join(map(str, self.scales)) if self.fixed_scales else "2 and above"
            raise UsageError(f"scale {scale}: {self.name} has scales {known}")


def model_method(name: str, models: Mapping[int, Callable[[], keras.Model]], channels: int = 1) -> NamedMethod:
    """Returns a network as a method.

    Args:
      name: its name.
      models: dict from scales to callables that return the network.
      channels: image channels it takes, 1 or 3.
    """
    at_scale = functools.cache(lambda scale: network_method(models[scale]()))
    return NamedMethod(name, at_scale, tuple(models), fixed_scales=True, channels=channels)


def named_method(
    name: str, data_root: str | pathlib.Path | None = None, cache_dir: str | pathlib.Path | None = None
) -> NamedMethod:
    """Returns a method that needs no run: a classical one or a pretrained network.

    Args:
      name: one of `srnet.evaluation.classical.CLASSICAL` or `srnet.pretrained.cards.names()`.
      data_root: folder with a subfolder for each set, for a method that is trained on images.
      cache_dir: folder in which such a method is cached once trained.

    Raises:
      UsageError: if there is no such method; or, from `at_scale`, if one that is trained has no `cache_dir`.
    """
    if name in CLASSICAL:
        at_scale = functools.cache(lambda scale: CLASSICAL[name](scale, data_root, cache_dir))
        return NamedMethod(name, at_scale, scales=(2, 4))
    models = loaders(name)
    return model_method(name, models, cards.card(min(models), name)["channels"])


def self_ensembled(method: NamedMethod) -> NamedMethod:
    """Returns a method that averages its results over the eight flips and rotations; "+" is added to its name.

    Args:
      method: the method.
    """
    at_scale = functools.cache(lambda scale: self_ensemble(method.at_scale(scale)))
    return dataclasses.replace(method, name=f"{method.name}+", at_scale=at_scale)
