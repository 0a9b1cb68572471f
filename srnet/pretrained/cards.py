"""Descriptions of the pretrained networks: a card beside each weights file."""

import pathlib
import re
from typing import Any

from srnet.errors import DataError, UsageError
from srnet.json_files import read_json

FOLDER = pathlib.Path(__file__).parent / "weights"
DEFAULT = "plus"
PHOTO = "photo"  # the one for compressed and noisy photographs
AUTO = "auto"  # in place of a name: the network that suits each picture
_FIELDS = {"variant", "scale", "channels", "model_options", "sha256", "run", "measurements", "use", "limits"}


def is_auto(network: str | None) -> bool:
    """Returns whether a network is chosen for each picture.

    Args:
      network: name of a network, "auto" or None.
    """
    return network in (None, AUTO)


def names() -> tuple[str, ...]:
    """Returns the names of the pretrained networks, sorted."""
    return tuple(sorted({name for name, _ in _included()}))


def scales(network: str = DEFAULT) -> tuple[int, ...]:
    """Returns the scales with pretrained weights, ascending.

    Args:
      network: name of a pretrained network.

    Raises:
      UsageError: if there are no weights for it.
    """
    found = tuple(sorted(scale for name, scale in _included() if name == network))
    if not found:
        raise UsageError(f"no pretrained network {network!r}: choose one of {', '.join(names())}")
    return found


def _included() -> list[tuple[str, int]]:
    """(name, scale) of each pretrained network."""
    found = [re.fullmatch(r"([^.].*)_x([0-9]+)\.json", path.name) for path in FOLDER.iterdir()]
    return [(match[1], int(match[2])) for match in found if match]


def weights_file(scale: int, network: str) -> pathlib.Path:
    """Returns the path of a network's weights file, whether or not it exists.

    Args:
      scale: integer scale factor.
      network: name of a pretrained network.
    """
    return FOLDER / f"{network}_x{scale}.weights.h5"


def card_file(scale: int, network: str) -> pathlib.Path:
    """Returns the path of a network's card, whether or not it exists.

    Args:
      scale: integer scale factor.
      network: name of a pretrained network.
    """
    return FOLDER / f"{network}_x{scale}.json"


def card(scale: int, network: str = DEFAULT) -> dict[str, Any]:
    """Returns the card of a pretrained network: what it is, how it was trained, its measurements, use and limits.

    Args:
      scale: integer scale factor.
      network: name of a pretrained network.

    Raises:
      UsageError: if there are no weights for it.
      DataError: if the card is damaged.
    """
    if isinstance(scale, str):
        raise UsageError(f"scale {scale!r} cannot be used: the scale comes first, as in srnet.load(4, network='plus')")
    if scale not in scales(network) or not isinstance(scale, int):
        raise UsageError(f"no pretrained {network} for scale {scale!r}; scales: {', '.join(map(str, scales(network)))}")
    found = read_json(card_file(scale, network), dict)
    if not set(found) >= _FIELDS:
        raise DataError(f"{card_file(scale, network)}: damaged; install srnet again")
    return found
