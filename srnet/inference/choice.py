"""Which network enlarges a picture: always the same one, or the pretrained one that suits it, by what its file says."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from srnet.images.picture import Picture
from srnet.pretrained import cards

if TYPE_CHECKING:  # it imports TensorFlow
    from srnet.inference.upscaler import Upscaler

AUTO = "auto"
_PHOTO = "photo"
_HIGHEST_QUALITY = 75  # of JPEG: `photo` is better there, not at 90 (experiments/begun/photo_x4.json)

Upscalers = Mapping[int, Callable[[], "Upscaler"]]


@dataclasses.dataclass(frozen=True)
class Choice:
    """What enlarges a picture.

    Attributes:
      upscalers: dict from integer scales to callables that return the `srnet.inference.upscaler.Upscaler`.
      network: name of the network.
      why: what the file says, where that decided; otherwise empty.
    """

    upscalers: Upscalers
    network: str = "srnet"
    why: str = ""


Chooser = Callable[[Picture], Choice]


def always(upscalers: Upscalers, network: str = "srnet") -> Chooser:
    """Returns a chooser of one network.

    Args:
      upscalers: as for `Choice`.
      network: name of the network.
    """
    return lambda _: Choice(upscalers, network)


def by_picture(upscalers: Callable[[str], Upscalers]) -> Chooser:
    """Returns a chooser among the pretrained networks.

    Args:
      upscalers: callable from the name of a pretrained network to its `Upscalers`.
    """

    def choose(picture: Picture) -> Choice:
        network, why = choose_network(picture)
        return Choice(upscalers(network), network, why)

    return choose


def choose_network(picture: Picture) -> tuple[str, str]:
    """Returns the name of the pretrained network for a picture, and why it is that one.

    Args:
      picture: the picture, as it was read.

    Returns:
      (network, why): `why` is empty where there is only one network to choose.
    """
    if not cards.scales(_PHOTO):
        return cards.DEFAULT, ""
    if picture.jpeg_quality is None:
        return cards.DEFAULT, f"{picture.format} says nothing of compression"
    chosen = _PHOTO if picture.jpeg_quality <= _HIGHEST_QUALITY else cards.DEFAULT
    return chosen, f"JPEG of quality {picture.jpeg_quality}"
