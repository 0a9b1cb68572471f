"""Costs: the published ones of published networks, and the paper's network counted by hand."""

from srnet import models
from srnet.models.analysis import multiply_accumulates


def test_multiply_accumulates_of_the_papers_network_at_x2():
    # At HR size: the first stage, a quarter of 9 taps; 7 convolutions; at 1/4 and 1/16 the encoder-decoder; the output.
    pixels, conv = 720 * 1280, 9 * 64 * 64
    expected = pixels * (9 * 64 / 4 + conv * (2 + 5 + 2 * (1 / 4 + 1 / 16)) + 64)
    assert multiply_accumulates(models.build("full", 2), 360, 640) == expected
