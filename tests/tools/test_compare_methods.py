"""Table 2: made at a tiny budget."""

import json
import shutil

import numpy as np
import pytest

from srnet.data.datasets import find_images
from srnet.evaluation.bicubic import make_bicubic
from srnet.evaluation.protocol import evaluate


@pytest.mark.slow
def test_methods_are_trained_measured_and_kept(run_tool, picture_root, tmp_path):
    flags, results = ("compare_methods.py", "--scales=2", "--methods=bicubic,srcnn"), tmp_path / "results/quick.jsonl"
    status, output, errors = run_tool(*flags)
    assert (status, errors) == (0, [])
    expected = list(evaluate(make_bicubic(2), find_images("held_out", picture_root), 2))
    bicubic, srcnn = map(json.loads, results.read_text().splitlines())
    assert bicubic["measurements"]["held_out"]["psnr"] == pytest.approx(
        np.mean([score.values["psnr"] for score in expected])
    )
    assert srcnn["run"]["model_options"] == {"filters": [2, 2]}
    assert srcnn["cost"]["parameters"] == 81 * 2 + 2 + 25 * 4 + 2 + 25 * 2 + 1
    assert f"| SRCNN, filters [2, 2] | {srcnn['cost']['parameters']} |" in output
    kept = results.read_text()  # with the seconds of each measurement
    assert run_tool(*flags)[0] == 0
    assert results.read_text() == kept

    # Results of a method without training are of this machine, too, not those that came with the records.
    older = {name: value for name, value in bicubic.items() if name not in ("origin", "crc32")}
    older["measurements"] = {"held_out": {**bicubic["measurements"]["held_out"], "psnr": 99.0}}
    results.write_text(json.dumps(older) + "\n" + kept.splitlines(True)[1])
    assert run_tool(*flags)[0] == 0
    again = json.loads(results.read_text().splitlines()[0])
    assert again["measurements"]["held_out"]["psnr"] == bicubic["measurements"]["held_out"]["psnr"]

    # A damaged file of a job affects that job alone.
    for name in ("run.json", "metrics.jsonl"):
        results.unlink()
        damaged = tmp_path / "runs/srcnn_x2_seed0" / name
        sound = damaged.read_text()
        damaged.write_text('{"psnr": 1}\n')
        status, _, errors = run_tool(*flags)
        assert status == 1 and len(errors) == 1 and "srcnn_x2_seed0: " in errors[0] and name in errors[0]
        assert [json.loads(line)["method"] for line in results.read_text().splitlines()] == ["bicubic"]
        damaged.write_text(sound)

    # A set that has changed is measured again.
    shutil.copy(picture_root / "tiny/b2.png", picture_root / "held_out/b.png")
    assert run_tool("compare_methods.py", "--scales=2", "--methods=bicubic")[0] == 0
    (record,) = map(json.loads, results.read_text().splitlines())
    assert record["measurements"]["held_out"]["images"] == 2


def test_unknown_method(run_tool):
    status, _, errors = run_tool("compare_methods.py", "--methods=edsr")
    assert status == 2 and "--methods: 'edsr' is unknown: choose from bicubic, aplus, srcnn" in errors[0]


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        (("--scales=1,2",), 2, "--scales=1,2: scales are integers of at least 2"),
        (("--output=taken",), 1, "--output=taken: cannot be written (File exists)"),
    ],
)
def test_what_cannot_work_ends_before_it_begins(run_tool, tmp_path, monkeypatch, flags, status, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    assert run_tool("compare_methods.py", "--methods=bicubic", *flags)[::2] == (status, [f"error: {message}"])
    assert not (tmp_path / "runs").exists()
