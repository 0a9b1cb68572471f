"""The sheet of a degradation."""

import numpy as np
import PIL.Image

from srnet.data.degradation import degrade


def test_a_sheet_of_draws(call_tool, picture_root, tmp_path):
    source, target = picture_root / "tiny" / "b10.png", tmp_path / "sheet.png"
    flags = (f"--picture={source}", f"--output={target}", "--degradation=noise20", "--count=5", "--seed=7")
    assert call_tool("show_degradation.py", *flags) == (0, f"{target}\n", "")
    sheet, hr = (np.asarray(PIL.Image.open(path)) for path in (target, source))
    assert sheet.shape == (2 * 20, 4 * 28, 3)
    np.testing.assert_array_equal(sheet[:20, :28], degrade(hr, 2, "bicubic", np.random.default_rng(0)))
    np.testing.assert_array_equal(sheet[20:, 28:56], degrade(hr, 2, "noise20", np.random.default_rng([7, 4])))
    assert (sheet[20:, 56:] == 255).all()


def test_bad_use_is_one_line(call_tool, tmp_path):
    status, _, errors = call_tool("show_degradation.py", f"--picture={tmp_path / 'no.png'}")
    assert status == 1 and errors.count("\n") == 1 and "no.png: " in errors
    status, _, errors = call_tool("show_degradation.py", "--picture=x.png", "--degradation=fog")
    assert status == 2 and "degradation 'fog' is unknown" in errors
