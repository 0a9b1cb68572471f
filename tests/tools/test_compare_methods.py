"""Table 2: made at a tiny budget, and its text from records alone, beside the published figures."""

import json
import shutil

import numpy as np
import pytest

from srnet import metrics, models
from srnet.classical.bicubic import make_bicubic
from srnet.data.datasets import find_images
from srnet.models.cost import multiply_accumulates
from tools import compare_methods


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


def test_published_figures_have_sources_and_none_is_unconfirmed():
    literature = compare_methods.published()
    assert literature["VDSR", "Set5", 2][:2] == ("37.53", "0.9587")
    assert literature["A+", "Urban100", 4][:2] == ("24.32", "0.7183")
    assert all(source and "unconfirmed" not in source for _, _, source in literature.values())


def _record(method, scale, psnr, parameters, **options):
    measurement = {"psnr": psnr, "ssim": 0.9, "images": 5, "seconds": 1.0}
    cost = {"parameters": parameters, "macs": parameters and 1e9, "seconds_per_megapixel": 0.5, "hardware": {}}
    run = {"steps": 2000, "batch_size": 16, "patch": 48, "precision": "mixed_bfloat16", "seconds": 500.0}
    found = {"method": method, "scale": scale, "seed": 0, "cost": cost, "measurements": {"Set5": measurement}}
    return {**found, "run": {**run, "model_options": options} if parameters else None}


def test_table_gives_ours_and_the_published_figure():
    found = [
        _record("vdsr", 2, 36.5, 665921),
        _record("bicubic", 2, 33.66, None),
        _record("rednet", 2, 36.25, 1035201, filters=64),
        {**_record("full", 2, 36.0, 406913), "cost": None},
        _record("no_skips", 2, 30.0, 406913),
    ]
    lines = compare_methods.describe_table(found, "cpu").splitlines()
    assert lines[2] == "x2, PSNR in dB / SSIM:"
    starts = (
        "| Bicubic | - | - | 0.50 | - | - | 33.66 / 0.9000<br>*33.66 / 0.9299* | -<br>*30.24 / 0.8688* |",
        "| VDSR | 665,921 | 1.0 | 0.50 | 2,000 x 16, 48x48 | bfloat16, 8 | 36.50 / 0.9000<br>*37.53 / 0.9587* |",
        "| RED-Net, filters 64 | 1,035,201 | 1.0 | 0.50 | 2,000 x 16, 48x48 | bfloat16, 8 | 36.25 / 0.9000 | - |",
    )
    rows = [line for line in lines if line.startswith("| ")][2:]
    assert len(rows) == 3 and all(row.startswith(start) for row, start in zip(rows, starts))
    assert "Lim et al. 2017 (EDSR), comparison table" in lines[-1]


def test_methods_are_trained_measured_and_kept(run_tool, picture_root, tmp_path):
    flags = ("compare_methods.py", "--scales=2", "--methods=bicubic,srcnn")
    status, output, errors = run_tool(*flags)
    assert (status, errors) == (0, [])
    expected = list(metrics.evaluate(make_bicubic(2), find_images("held_out", picture_root), 2))
    bicubic, srcnn = map(json.loads, (tmp_path / "results/quick.jsonl").read_text().splitlines())
    assert bicubic["measurements"]["held_out"]["psnr"] == pytest.approx(np.mean([score.psnr for score in expected]))
    assert srcnn["run"]["model_options"] == {"filters": [2, 2]}
    assert srcnn["cost"]["parameters"] == 81 * 2 + 2 + 25 * 4 + 2 + 25 * 2 + 1
    assert f"| SRCNN, filters [2, 2] | {srcnn['cost']['parameters']} |" in output
    costs = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*.json")}
    assert run_tool(*flags)[0] == 0
    assert costs == {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*.json")}


def test_damaged_files_of_a_cell_cost_that_cell_alone(run_tool, tmp_path):
    flags = ("compare_methods.py", "--scales=2", "--methods=bicubic,srcnn")
    assert run_tool(*flags)[0] == 0
    results = tmp_path / "results/quick.jsonl"
    for name in ("run.json", "cost.json", "evaluation_held_out.json", "metrics.jsonl"):
        results.unlink()
        damaged = tmp_path / "runs/srcnn_x2_seed0" / name
        sound = damaged.read_text()
        damaged.write_text('{"psnr": 1}\n')
        status, _, errors = run_tool(*flags)
        assert status == 1 and len(errors) == 1 and "srcnn_x2_seed0: " in errors[0] and name in errors[0]
        assert [json.loads(line)["method"] for line in results.read_text().splitlines()] == ["bicubic"]
        damaged.write_text(sound)


def test_a_set_that_has_changed_is_measured_again(run_tool, picture_root, tmp_path):
    flags = ("compare_methods.py", "--scales=2", "--methods=bicubic")
    assert run_tool(*flags)[0] == 0
    shutil.copy(picture_root / "tiny/b2.png", picture_root / "held_out/b.png")
    assert run_tool(*flags)[0] == 0
    (record,) = map(json.loads, (tmp_path / "results/quick.jsonl").read_text().splitlines())
    assert record["measurements"]["held_out"]["images"] == 2


def test_unknown_method(run_tool):
    status, _, errors = run_tool("compare_methods.py", "--methods=esrgan")
    assert status == 2 and "'esrgan' is none of the quick budget's: bicubic, aplus, srcnn" in errors[0]


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        (("--scales=1,2",), 2, "--scales=1,2: scales are integers of at least 2"),
        (("--output=taken",), 1, "--output=taken: cannot be written (File exists)"),
    ],
)
def test_what_cannot_work_ends_before_it_begins(run_tool, tmp_path, flags, status, message):
    (tmp_path / "taken").touch()
    assert run_tool("compare_methods.py", "--methods=bicubic", *flags)[::2] == (status, [f"error: {message}"])
    assert not (tmp_path / "runs").exists()
