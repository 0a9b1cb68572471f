"""Networks that are registered from outside."""

import dataclasses

import keras
import pytest

from srnet import models
from srnet.errors import UsageError
from srnet.models import registry
from srnet.models.layers import PixelShuffle
from srnet.models.plus import PlusOptions, build_plus


@pytest.fixture(autouse=True)
def _own_table(monkeypatch):
    monkeypatch.setattr(registry, "_networks", dict(registry._networks))


@dataclasses.dataclass(frozen=True)
class Options:
    filters: int = 8
    depth: int = 1


def build_small(options, scale, channels, dtype, name):
    lr = x = keras.Input((None, None, channels))
    for _ in range(options.depth):
        x = keras.layers.Conv2D(options.filters, 3, padding="same", dtype=dtype)(x)
    x = keras.layers.Conv2D(channels * scale**2, 3, padding="same", dtype="float32")(x)
    return keras.Model(lr, PixelShuffle(scale, dtype="float32")(x), name=name)


def build_plain(options, scale, channels, dtype, name):
    return build_small(Options(), scale, channels, dtype, name)


def test_networks_from_outside_are_built():
    models.register("small", build_small, Options)
    models.register("small_deep", build_small, Options, depth=3)
    assert models.names()[-2:] == ("small", "small_deep")
    assert models.build("small", 3, 3).output_shape == (None, None, None, 3)
    assert models.build("small_deep", 2).name == "small_deep"
    kernels = [len(models.build(name, 2, filters=2).weights) // 2 for name in ("small", "small_deep")]
    assert kernels == [2, 4]
    with pytest.raises(UsageError, match="network small has no option 'width': choose one of filters, depth"):
        models.build("small", 2, width=3)


def test_a_network_may_have_no_options():
    models.register("plain", build_plain)
    assert models.build("plain", 2, dtype="mixed_bfloat16").output_shape == (None, None, None, 1)
    with pytest.raises(UsageError, match="network plain has no option 'filters': it has none"):
        models.build("plain", 2, filters=3)


def test_names_that_are_taken_are_refused():
    models.register("small", build_small, Options)
    models.register("small", build_small, Options, depth=2)  # as a module that is reloaded does
    for name in ("small", "plus"):
        with pytest.raises(UsageError, match=f"network '{name}' is registered already"):
            models.register(name, build_plain)
    with pytest.raises(UsageError, match="network 'plus_small' is registered already"):
        models.register("plus_small", build_plus, PlusOptions, blocks=4)  # even with its own builder
    for name in ("two", "two"):
        models.register(name, build_small, Options)
    models.register("three", lambda *arguments: build_small(*arguments))
    with pytest.raises(UsageError, match="already"):
        models.register("three", lambda *arguments: build_plain(*arguments))


@dataclasses.dataclass(frozen=True)
class WithoutDefault:
    filters: int


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Mine", build_plain), "network name 'Mine' cannot be used"),
        (("a/b", build_plain), "network name 'a/b' cannot be used"),
        (("mine", build_small, dict), "options of network mine cannot be used: <class 'dict'> is not a dataclass"),
        (("mine", build_small, WithoutDefault), "options of network mine cannot be used: .*filters"),
    ],
)
def test_what_cannot_be_registered(arguments, message):
    with pytest.raises(UsageError, match=message):
        models.register(*arguments)
    assert "mine" not in models.names()


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(UsageError, match="options of network mine cannot be used: .*width"):
        models.register("mine", build_small, Options, width=2)
