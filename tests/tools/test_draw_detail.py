"""README's picture: LR, bicubic, srnet and original side by side."""

import pathlib
import re

import numpy as np
import pytest

from srnet.data.datasets import find_images
from srnet.evaluation.methods import named_method
from srnet.evaluation.protocol import evaluate
from srnet.images.color import round_to_uint8
from srnet.images.read import read_image
from srnet.images.resize import imresize

ROOT = pathlib.Path(__file__).parents[2]


def test_panels_are_the_detail_and_psnr_that_of_the_picture(call_tool, picture_root, tmp_path):
    (path,) = find_images("held_out", picture_root)
    output = tmp_path / "drawn" / "detail.png"
    flags = (f"--picture={path}", "--scale=2", "--crop=4,6,20,16", f"--output={output}")
    status, text, errors = call_tool("draw_detail.py", *flags)
    assert (status, errors) == (0, "")
    drawn, original = read_image(output), read_image(path)
    factor, gap, top = 240 // 20, 8, drawn.shape[0] - 16 * 12
    panels = [drawn[top:, left : left + 240] for left in range(0, drawn.shape[1], 240 + gap)]
    assert len(panels) == 4 and drawn[:top].min() < 128  # labels
    np.testing.assert_array_equal(panels[3][::factor, ::factor], original[6:22, 4:24])
    lr = round_to_uint8(imresize(original, 0.5))
    np.testing.assert_array_equal(panels[0], lr[3:11, 2:12].repeat(24, axis=0).repeat(24, axis=1))
    for label, name in (("bicubic", "bicubic"), ("srnet", "plus")):
        (score,) = evaluate(named_method(name).at_scale(2), [path], 2)
        (printed,) = re.findall(rf"^{label}: PSNR ([\d.]+) dB$", text, re.M)
        assert float(printed) == pytest.approx(score.values["psnr"], abs=0.006)


def test_the_command_makes_the_committed_picture(call_tool, tmp_path):
    status, _, errors = call_tool("draw_detail.py", f"--output={tmp_path / 'detail.png'}")
    assert (status, errors) == (0, "")
    committed = ROOT / "docs" / "detail.png"
    assert committed.stat().st_size < 400_000
    made, kept = read_image(tmp_path / "detail.png").astype(int), read_image(committed)
    assert made.shape == kept.shape and 900 <= kept.shape[1] <= 1200
    # Other processors round the network's sums otherwise; labels are drawn by Pillow's own font.
    assert np.abs(made[26:] - kept[26:]).max() <= 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--crop=1,2,3",), "--crop=1,2,3: expected X,Y,WIDTH,HEIGHT"),
        (("--crop=0,0,100,100",), "--crop=0,0,100,100: expected multiples of the scale, 3"),
        (("--crop=600,0,120,120",), "crop 600,0,120,120 is not inside skimage_train:9, 639x426"),
        (("--scale=5", "--crop=0,0,100,100"), "scale 5: plus has scales 2, 3, 4"),
        (("--picture=skimage_test:4",), "skimage_test has images 1 to 3, not 4"),
    ],
)
def test_bad_input(call_tool, tmp_path, flags, message):
    status, _, errors = call_tool("draw_detail.py", *flags, f"--output={tmp_path / 'detail.png'}")
    assert status == 2 and errors.startswith("error: ") and errors.count("\n") == 1 and message in errors
    assert not (tmp_path / "detail.png").exists()
