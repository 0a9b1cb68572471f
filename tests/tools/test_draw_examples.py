"""Twelve examples: the panels against pixels computed here."""

import importlib

import numpy as np
import PIL.Image
import skimage.data

import srnet
from srnet.data.degradation import degrade

SIDE, GAP = 240, 8


def test_panels_are_the_picture_and_its_enlargements(call_tool, tmp_path, monkeypatch):
    target = tmp_path / "examples.png"
    examples = importlib.import_module("experiments.pictures.examples")
    chosen = [each for each in examples.EXAMPLES if each.name in ("face", "pixel art")]
    monkeypatch.setattr(examples, "EXAMPLES", chosen)
    assert call_tool("draw_examples.py", "--networks=full", f"--output={target}") == (0, f"{target}\n", "")
    with PIL.Image.open(target) as image:
        drawn = np.asarray(image)
    height = drawn.shape[0] // 2
    assert drawn.shape[1] == 3 * SIDE + 2 * GAP
    face, art = (rows[-SIDE:] for rows in (drawn[:height], drawn[height:]))

    left, top = chosen[0].corner
    reduced = PIL.Image.fromarray(skimage.data.astronaut()).reduce(4).crop((left, top, left + 60, top + 60))
    assert np.abs(face[::4, :SIDE:4].astype(int) - np.asarray(reduced)).mean() < 8  # less JPEG and another kernel
    lr = art[::4, :SIDE:4]
    assert {tuple(color) for color in lr.reshape(-1, 3)} == {
        (0x10, 0x18, 0x30), (0x58, 0xC0, 0x40), (0xF0, 0xF0, 0xF0), (0xE0, 0x70, 0x20)
    }  # fmt: skip
    bicubic = PIL.Image.fromarray(lr).resize((SIDE, SIDE), PIL.Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(art[:, SIDE + GAP : 2 * SIDE + GAP], np.asarray(bicubic))
    np.testing.assert_array_equal(art[:, -SIDE:], srnet.enlarge(lr, 4, network="full"))


def test_each_example_has_a_detail_of_its_picture():
    examples = importlib.import_module("experiments.pictures.examples")
    assert len({each.name for each in examples.EXAMPLES}) == 12
    for each in examples.EXAMPLES:
        picture = examples._picture(each.picture)
        height, width = (side - side % each.factor for side in picture.shape[:2])
        lr = degrade(picture[:height, :width], each.factor, each.degradation, np.random.default_rng(0))
        right, bottom = (place + examples.SIDE for place in each.corner)
        assert right <= lr.shape[1] and bottom <= lr.shape[0], each.name


def test_an_unknown_network_is_named(call_tool):
    status, _, errors = call_tool("draw_examples.py", "--networks=lanczos")
    assert status == 2 and "--networks: 'lanczos' is unknown" in errors
