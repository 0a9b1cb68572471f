"""README's length, and what docs/exporting.md tells TensorFlow programmers to write, run as it stands."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from srnet.formats.saved_model import export_saved_model
from srnet.images.read import read_image
from srnet.models import build

ROOT = pathlib.Path(__file__).parents[1]


def test_readme_has_120_to_150_lines():
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


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the example leaves its file to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("page", ["README.md", "docs/enlarging.md"])
def test_the_examples_in_python_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PIL.Image.new("RGB", (12, 7)).save("photo.jpg")
    with PIL.Image.open("photo.jpg") as opened:
        image = opened.copy()
    known = {"image": image, "picture": image, "data": pathlib.Path("photo.jpg").read_bytes()}
    for code in re.findall(r"```python\n(.*?srnet\.[eU].+?)```", (ROOT / page).read_text(encoding="utf-8"), re.S):
        exec(code.replace("(1920, 1080)", "(50, 30)"), known)
        assert known["large"].size in ((36, 21), (50, 30), (48, 28))
    made = {"README.md": {"large.jpg"}, "docs/enlarging.md": {"photo_x4.jpg", "large.png"}}[page]
    assert {path.name for path in tmp_path.iterdir()} == {"photo.jpg", *made}


def test_the_pipeline_on_the_saved_model(tmp_path):
    page = (ROOT / "docs" / "exporting.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(import tensorflow as tf\n.+?)```", page, re.S)
    export_saved_model(build("full", 2, filters=4), tmp_path / "exported")
    (tmp_path / "photos").mkdir()
    sizes = {"a.png": (9, 14), "b.jpg": (20, 7)}
    for name, (width, height) in sizes.items():
        PIL.Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(tmp_path / "photos" / name)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (first,) = re.findall(r"```python\n(import numpy as np\n.+?)```", readme, re.S)
    PIL.Image.new("RGB", (12, 7)).save(tmp_path / "photo.jpg")
    code = f"{first}\nassert large.shape == (14, 24, 3)\n{code}"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    made = {read_image(path).shape[1::-1] for path in tmp_path.glob("large_*.png")}
    assert made == {(2 * width, 2 * height) for width, height in sizes.values()}
