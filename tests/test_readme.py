"""README's length, and what docs/exporting.md tells TensorFlow programmers to write, run as it stands."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import PIL.Image

from srnet.formats.saved_model import export_saved_model
from srnet.images.read import read_image
from srnet.models import build

ROOT = pathlib.Path(__file__).parents[1]


def test_readme_is_read_in_three_minutes():
    assert 120 <= len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_readme_compares_what_its_table_says():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"<!-- x4 -->\n(.+?)<!-- end -->", text, re.S)
    rows = {}
    for line in table.splitlines()[2:]:
        name, _, cost, *psnr = (cell.strip().strip("*") for cell in line.strip("|").split("|"))
        rows[name] = (cost, [float(each) for each in psnr])
    (plus,) = (row for name, row in rows.items() if name.startswith("`plus`,"))
    gains = {
        name: [round(ours - theirs, 2) for ours, theirs in zip(plus[1], rows[f"{name} (published)"][1])]
        for name in ("VDSR", "IDN")
    }
    cost = {name: float(plus[0]) / float(rows[f"{name} (published)"][0]) for name in gains}
    words = " ".join(text.split())
    assert f"`plus` is {min(gains['VDSR']):.2f} to {max(gains['VDSR']):.2f} dB better than VDSR" in words
    assert f"at a {1 / cost['VDSR']:.0f}th of its cost. At {100 * cost['IDN']:.0f}% of the cost of IDN," in words
    assert f"between {-min(gains['IDN']):.2f} dB worse and {max(gains['IDN']):.2f} dB better" in words


def test_the_pipeline_on_the_saved_model(tmp_path):
    page = (ROOT / "docs" / "exporting.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(import tensorflow as tf\n.+?)```", page, re.S)
    export_saved_model(build("full", 2, filters=4), tmp_path / "exported")
    (tmp_path / "photos").mkdir()
    sizes = {"a.png": (9, 14), "b.jpg": (20, 7)}
    for name, (width, height) in sizes.items():
        PIL.Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(tmp_path / "photos" / name)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    made = {read_image(path).shape[1::-1] for path in tmp_path.glob("large_*.png")}
    assert made == {(2 * width, 2 * height) for width, height in sizes.values()}
