"""The trained networks that come with srnet: weights, and a card that says what they are."""

import hashlib
import pathlib
import zipfile

import keras

from srnet.errors import DataError, UsageError
from srnet.files import read_json, reason
from srnet.models import build
from srnet.models.receptive_field import reach

FOLDER = pathlib.Path(__file__).parent / "weights"
DEFAULT = "plus"  # the network of `load` unless another is named
_FIELDS = {"network", "scale", "channels", "model_options", "sha256", "run", "measurements", "use", "limits"}


def names():
    """Returns the names of the networks that there are weights for, as a sorted tuple."""
    return tuple(sorted({path.stem.rsplit("_x", 1)[0] for path in FOLDER.glob("[!.]*_x*.json")}))


def scales(network=DEFAULT):
    """Returns the scales that there are weights for, as an ascending tuple.

    Args:
      network: name in `srnet.models`.
    """
    return tuple(sorted(int(path.stem.rsplit("_x", 1)[1]) for path in FOLDER.glob(f"{network}_x*.json")))


def weights_file(network, scale):
    """Returns the file of the weights of a network, whether it is there or not.

    Args:
      network: name in `srnet.models`.
      scale: integer enlargement.
    """
    return FOLDER / f"{network}_x{scale}.weights.h5"


def card_file(network, scale):
    """Returns the file of the card of a network, whether it is there or not.

    Args:
      network: name in `srnet.models`.
      scale: integer enlargement.
    """
    return FOLDER / f"{network}_x{scale}.json"


def card(scale=4, network=DEFAULT):
    """Returns what is known of a trained network: what it is, how it was trained, what it reaches, what it is for.

    Args:
      scale: integer enlargement.
      network: name in `srnet.models`.

    Raises:
      UsageError: if there are no weights for it.
      DataError: if the card is damaged.
    """
    if scale not in scales(network):
        known = ", ".join(map(str, scales(network))) or "none"
        raise UsageError(f"no trained {network} for scale {scale!r} comes with srnet; scales: {known}")
    found = read_json(card_file(network, scale))
    if not isinstance(found, dict) or not set(found) >= _FIELDS:
        raise DataError(f"{card_file(network, scale)}: damaged; install srnet again")
    return found


def load(scale=4, network=DEFAULT):
    """Returns a trained network that comes with srnet.

    Args:
      scale: integer enlargement.
      network: name in `srnet.models`.

    Returns:
      A float32 `keras.Model`, as `srnet.build` makes it.

    Raises:
      UsageError: if there are no weights for it.
      DataError: if its files are not those that were shipped.
    """
    known, path = card(scale, network), weights_file(network, scale)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    if digest != known["sha256"]:
        raise DataError(f"{path}: not the weights that were shipped (SHA-256 differs); install srnet again")
    model = build(known["network"], known["scale"], known["channels"], **known["model_options"])
    model.load_weights(path)
    return model


def load_file(path):
    """Returns the network of a `.keras` file, such as the `model.keras` of a run.

    Args:
      path: the file.

    Raises:
      DataError: if it cannot be read, or holds no network from LR to HR pixels.
    """
    try:
        model = keras.models.load_model(path, compile=False)
        shape = model.output_shape
    except (OSError, ValueError, TypeError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a network of srnet that can be read ({str(error).splitlines()[0]})") from error
    channels = model.input_shape[-1]
    if len(shape) != 4 or shape[-1] != channels or channels not in (1, 3) or not _enlarges(model):
        raise DataError(f"{path}: not a network from LR to HR pixels")
    try:
        reach(model)
    except TypeError as error:
        raise DataError(f"{path}: cannot be used in tiles ({error})") from error
    return model


def _enlarges(model):
    """Whether height and width are enlarged alike, and at least twice."""
    _, *(height, width), _ = model.compute_output_shape((1, 1, 1, model.input_shape[-1]))
    return height == width and height is not None and height >= 2
