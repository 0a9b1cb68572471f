"""The choice of a network for a picture, and of the default scale."""

import dataclasses
import functools
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from srnet.images.picture import Picture
from srnet.precision import AUTO
from srnet.pretrained import cards

if TYPE_CHECKING:  # they take seconds to import
    import keras

    from srnet.inference.upscaler import Upscaler

# The highest JPEG quality measured; there the PSNR of `photo` on BSDval50 is still at least that of `plus`.
HIGHEST_QUALITY = 95

Upscalers = Mapping[int, Callable[[], "Upscaler"]]


def upscalers_of(
    networks: "Mapping[int, Callable[[], keras.Model]]",
    tile: int | None = None,
    self_ensemble: bool = False,
    precision: str = AUTO,
) -> dict[int, Callable[[], "Upscaler"]]:
    """Returns a callable for each network that makes its `Upscaler` at the first call.

    Args:
      networks: dict from scales to callables that return a Keras model.
      tile: as for `Upscaler`.
      self_ensemble: as for `Upscaler`.
      precision: as for `Upscaler`.

    Returns:
      A dict from scales to callables that return the `Upscaler`.
    """

    def make(load: "Callable[[], keras.Model]") -> "Upscaler":
        model = load()
        from srnet.inference.upscaler import Upscaler  # TensorFlow takes seconds to import

        return Upscaler(model, tile, self_ensemble, precision=precision)

    return {scale: functools.cache(functools.partial(make, load)) for scale, load in networks.items()}


@dataclasses.dataclass(frozen=True)
class Choice:
    """What enlarges a picture.

    Attributes:
      upscalers: dict from integer scales to callables that return the `srnet.inference.upscaler.Upscaler`.
      network: name of the network.
      why: what in the file decided; empty if nothing did.
    """

    upscalers: Upscalers
    network: str = "srnet"
    why: str = ""


Chooser = Callable[[Picture], Choice]


def fixed_chooser(upscalers: Upscalers, network: str = "srnet") -> Chooser:
    """Returns a chooser that always takes the same network.

    Args:
      upscalers: as for `Choice`.
      network: name of the network.
    """
    return lambda _: Choice(upscalers, network)


def per_picture_chooser(upscalers: Callable[[str], Upscalers]) -> Chooser:
    """Returns a chooser that takes a pretrained network to suit each picture.

    Args:
      upscalers: callable from the name of a pretrained network to its `Upscalers`.
    """

    def choose(picture: Picture) -> Choice:
        network, why = choose_network(picture)
        return Choice(upscalers(network), network, why)

    return choose


def choose_network(picture: Picture) -> tuple[str, str]:
    """Returns the name of the pretrained network for a picture, and the reason.

    Args:
      picture: the picture, as read.

    Returns:
      (network, why).
    """
    if picture.format == "WEBP" and not picture.lossless:
        return cards.PHOTO, "lossy WebP"
    if picture.jpeg_quality is None:
        known = {"WEBP": "lossless WebP", "JPEG": "JPEG of unknown quality"}
        return cards.DEFAULT, known.get(picture.format, f"{picture.format}, not JPEG")
    chosen = cards.PHOTO if picture.jpeg_quality <= HIGHEST_QUALITY else cards.DEFAULT
    return chosen, f"JPEG of quality {picture.jpeg_quality}"


def default_scale(scales: Collection[int]) -> int:
    """Returns the default scale: 4 if available, otherwise the largest.

    Args:
      scales: the integer scales with a network.
    """
    return 4 if 4 in scales else max(scales)
