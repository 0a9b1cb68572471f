"""Costs: the published ones of published networks, and the paper's network counted by hand."""

import pytest

from srnet import models
from srnet.models.analysis import multiply_accumulates


def test_multiply_accumulates_are_the_published_ones():
    # Ahn, Kang, Sohn: CARN, ECCV 2018, table 1: VDSR 612.6 G and SRCNN 52.7 G for a 1280x720 output.
    for scale in (2, 4):
        for name, published in (("vdsr", 612.6e9), ("srcnn", 52.7e9)):
            network = models.build(name, scale)
            assert multiply_accumulates(network, 720 // scale, 1280 // scale) == pytest.approx(published, rel=1e-3)


def test_multiply_accumulates_of_the_papers_network_at_x2():
    # At HR size: the first stage, a quarter of 9 taps; 7 convolutions; at 1/4 and 1/16 the encoder-decoder; the output.
    pixels, conv = 720 * 1280, 9 * 64 * 64
    expected = pixels * (9 * 64 / 4 + conv * (2 + 5 + 2 * (1 / 4 + 1 / 16)) + 64)
    assert multiply_accumulates(models.build("full", 2), 360, 640) == expected
