"""The sheet of the pictures where a network gains most and least."""

import re

import numpy as np
import pytest

from srnet.data.datasets import find_images
from srnet.evaluation.bicubic import make_bicubic
from srnet.evaluation.protocol import evaluate
from srnet.images.read import read_image
from srnet.pretrained import cards
from srnet.pretrained.load import load


def test_mean_gain_over_the_pictures_of_two_sets(call_tool, picture_root, tmp_path):
    flags = ("--sets=tiny,held_out", f"--data_root={picture_root}", f"--output={tmp_path / 'sheets'}")
    status, output, _ = call_tool("picture_sheet.py", *flags)
    assert status == 0
    network = load(4)
    methods = (lambda lr: network(lr[None, ..., None])[0, ..., 0].numpy(), make_bicubic(4))
    paths = [path for name in ("tiny", "held_out") for path in find_images(name, picture_root)]
    ours, bicubic = (np.array([score.values["psnr"] for score in evaluate(each, paths, 4)]) for each in methods)
    (gain,) = re.findall(r"4 pictures of tiny, held_out: ([+-][\d.]+) dB", output)
    assert float(gain) == pytest.approx(np.mean(ours - bicubic), abs=0.006)
    assert f"worse on {np.sum(ours < bicubic)}" in output
    order = sorted(zip(bicubic - ours, paths))
    for line, end in zip(output.splitlines()[1:3], (order[:2], order[:1:-1])):
        assert line == ", ".join(f"{path.parent.name} {path.stem}: {-loss:+.2f} dB" for loss, path in end)
    height, width = read_image(tmp_path / "sheets" / "sheet_x4_plus_bicubic.png").shape[:2]
    assert width > 1000 and height > 500


def test_unknown_rival(call_tool):
    known = ", ".join(("bicubic", *cards.names()))
    message = f"error: --rivals: 'esrgan' is unknown: choose from {known}\n"
    assert call_tool("picture_sheet.py", "--rivals=bicubic,esrgan") == (2, "", message)
