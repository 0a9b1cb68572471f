"""The flags that choose a command's network, and the network they name."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from absl import flags

from srnet import cli
from srnet.errors import UsageError
from srnet.precision import AUTO, PRECISIONS
from srnet.pretrained import cards

if TYPE_CHECKING:
    import keras


SELF_ENSEMBLE = "Average the results of all eight flips and rotations: more accurate, eight times slower."


def define(default: str | None = cards.DEFAULT) -> None:
    """Defines the flags that name a trained network: --network, --run (with --checkpoint) or --model; and --plugin.

    Args:
      default: the pretrained network used without any of them, "auto" for one that suits each picture, or None.
    """
    unless = f". Default: {default}" if default else ""
    known = [cards.AUTO, *cards.names()] if default == cards.AUTO else cards.names()
    chooses = "; auto chooses plus or photo for each picture" if default == cards.AUTO else ""
    flags.DEFINE_enum("network", None, known, f"Pretrained network{chooses}{unless}.")
    flags.DEFINE_string("run", None, "Run folder of a trained network.")
    flags.DEFINE_enum(
        "checkpoint",
        "last",
        ("last", "best"),
        "With --run: the last checkpoint, or the one with the best validation PSNR.",
    )
    flags.DEFINE_string("model", None, "A .keras file with a network.")
    cli.define_plugin_flag()


def define_precision() -> None:
    """Defines --precision."""
    text = "Compute precision; auto picks the fastest."
    flags.DEFINE_enum("precision", AUTO, (AUTO, *PRECISIONS), text)


@dataclasses.dataclass(frozen=True)
class ScaledNetwork:
    """One network at one or several scales.

    Attributes:
      name: used in results.
      at_scale: dict from scales to callables that return the Keras model.
      channels: image channels it takes, 1 or 3.
    """

    name: str
    at_scale: "Mapping[int, Callable[[], keras.Model]]"
    channels: int


def check() -> None:
    """Checks the flags of `define` together.

    Raises:
      UsageError: if several networks are given, or --checkpoint without --run.
    """
    values = flags.FLAGS
    given = [name for name in ("network", "run", "model") if values[name].value]
    if len(given) > 1:
        raise UsageError(f"give only one of {', '.join(f'--{name}' for name in given)}")
    if values["checkpoint"].present and not values.run:
        raise UsageError("--checkpoint needs --run")


def chosen() -> ScaledNetwork:
    """Returns the network that the flags of `define` name; `plus` for "auto" and without any of them.

    Raises:
      UsageError: as `check`.
      DataError: if the run or the file cannot be used.
    """
    check()
    values = flags.FLAGS
    if values.run or values.model:
        cli.import_tensorflow()
        from srnet.models.analysis import scale_of
        from srnet.models.keras_file import load_file
        from srnet.training.checkpoints import load_run

        if values.run:
            model, config = load_run(values.run, values.checkpoint)
            return ScaledNetwork(config.variant, {config.scale: lambda: model}, config.channels)
        model = load_file(values.model)
        return ScaledNetwork(model.name, {scale_of(model): lambda: model}, model.input_shape[-1])
    return pretrained(cards.DEFAULT if is_chosen_per_picture() else values.network)


def is_chosen_per_picture() -> bool:
    """Returns whether, by the flags of `define`, the network is chosen for each picture."""
    values = flags.FLAGS
    return cards.is_auto(values.network) and not values.run and not values.model


def pretrained(name: str) -> ScaledNetwork:
    """Returns a pretrained network at all its scales.

    Args:
      name: one of `srnet.pretrained.cards.names()`.

    Raises:
      DataError: if its card is damaged.
    """

    def load(scale: int) -> "keras.Model":
        cli.import_tensorflow()
        from srnet.pretrained.load import load as load_pretrained

        return load_pretrained(scale, name)

    scales = cards.scales(name)
    at_scale = {scale: functools.cache(functools.partial(load, scale)) for scale in scales}
    return ScaledNetwork(name, at_scale, cards.card(scales[0], name)["channels"])
