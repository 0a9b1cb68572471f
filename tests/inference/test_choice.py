"""Which network a picture gets."""

import numpy as np
import PIL.Image
import pytest

import srnet
from srnet.images.picture import Picture
from srnet.inference import passes
from srnet.pretrained import cards


def _picture(quality, kind="JPEG"):
    return Picture(np.zeros((4, 4, 3), np.uint8), "RGB", kind, jpeg_quality=quality)


@pytest.fixture
def photo_is_there(monkeypatch):
    there = cards.scales
    monkeypatch.setattr(cards, "scales", lambda network="plus": (2, 4) if network == "photo" else there(network))


@pytest.mark.parametrize(
    ("picture", "network", "why"),
    [
        (_picture(40), "photo", "JPEG of quality 40"),
        (_picture(75), "photo", "JPEG of quality 75"),
        (_picture(76), "plus", "JPEG of quality 76"),
        (_picture(None, "PNG"), "plus", "PNG says nothing of compression"),
    ],
)
def test_jpegs_of_low_quality_are_photographs(photo_is_there, picture, network, why):
    assert passes.choose_network(picture) == (network, why)
    chosen = passes.by_picture(lambda name: {2: name})(picture)
    assert (chosen.upscalers, chosen.network, chosen.why) == ({2: network}, network, why)


def test_one_network_is_no_choice(monkeypatch):
    monkeypatch.setattr(cards, "scales", lambda network="plus": () if network == "photo" else (2, 3, 4))
    assert passes.choose_network(_picture(40)) == ("plus", "")
    chosen = passes.always({3: None}, "mine")(_picture(40))
    assert (chosen.upscalers, chosen.network, chosen.why) == ({3: None}, "mine", "")


def test_arrays_and_pillow_images_say_nothing(tmp_path):
    image = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8))
    by_plus = srnet.enlarge(np.asarray(image), 2, network="plus")
    np.testing.assert_array_equal(srnet.enlarge(np.asarray(image), 2), by_plus)
    np.testing.assert_array_equal(srnet.enlarge(image, 2, network="auto"), by_plus)
