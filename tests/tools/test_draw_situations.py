"""Twelve situations: the panels against pixels computed here."""

import importlib

import numpy as np
import PIL.Image
import skimage.data

SIDE = 240


def test_panels_are_the_picture_and_its_enlargements(call_tool, tmp_path, monkeypatch):
    target = tmp_path / "situations.png"
    situations = importlib.import_module("experiments.situations")
    chosen = [each for each in situations.SITUATIONS if each.name in ("face", "pixel art")]
    monkeypatch.setattr(situations, "SITUATIONS", chosen)
    assert call_tool("draw_situations.py", "--networks=full", f"--output={target}") == (0, f"{target}\n", "")
    with PIL.Image.open(target) as image:
        drawn = np.asarray(image)
    height = drawn.shape[0] // 2
    assert drawn.shape[1] == 3 * SIDE + 2 * 8
    face, art = (rows[-SIDE:] for rows in (drawn[:height], drawn[height:]))

    left, top = chosen[0].corner
    reduced = PIL.Image.fromarray(skimage.data.astronaut()).reduce(4).crop((left, top, left + 60, top + 60))
    assert np.abs(face[::4, :SIDE:4].astype(int) - np.asarray(reduced)).mean() < 8  # less JPEG and another kernel

    lr = art[::4, :SIDE:4]
    assert {tuple(color) for color in lr.reshape(-1, 3)} >= {(0x58, 0xC0, 0x40), (0xE0, 0x70, 0x20)}
    large = np.asarray(PIL.Image.fromarray(lr).resize((SIDE, SIDE), PIL.Image.Resampling.BICUBIC))
    bicubic = art[:, SIDE + 8 : 2 * SIDE + 8]
    np.testing.assert_array_equal(bicubic[:-16, :-16], large[:-16, :-16])  # the detail goes on to the right and below
    assert np.abs(art[:, -SIDE:].astype(int) - bicubic).mean() < 8


def test_an_unknown_network_is_named(call_tool):
    status, _, errors = call_tool("draw_situations.py", "--networks=lanczos")
    assert status == 2 and "--networks: 'lanczos' is unknown" in errors
