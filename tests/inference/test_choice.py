"""The network for a picture."""

import dataclasses

import numpy as np
import pytest

from srnet.images.picture import Picture
from srnet.inference.choice import choose_network, fixed_chooser, per_picture_chooser


def _picture(quality, kind="JPEG"):
    return Picture(np.zeros((4, 4, 3), np.uint8), "RGB", kind, jpeg_quality=quality)


@pytest.mark.parametrize(
    ("picture", "network", "why"),
    [
        (_picture(40), "photo", "JPEG of quality 40"),
        (_picture(95), "photo", "JPEG of quality 95"),
        (_picture(96), "plus", "JPEG of quality 96"),
        (_picture(None, "PNG"), "plus", "PNG, not JPEG"),
        (_picture(None, "WEBP"), "photo", "lossy WebP"),
        (dataclasses.replace(_picture(None, "WEBP"), lossless=True), "plus", "lossless WebP"),
    ],
)
def test_jpegs_of_low_quality_are_photographs(picture, network, why):
    assert choose_network(picture) == (network, why)
    chosen = per_picture_chooser(lambda name: {2: name})(picture)
    assert (chosen.upscalers, chosen.network, chosen.why) == ({2: network}, network, why)


def test_one_network_is_no_choice():
    chosen = fixed_chooser({3: None}, "mine")(_picture(40))
    assert (chosen.upscalers, chosen.network, chosen.why) == ({3: None}, "mine", "")
