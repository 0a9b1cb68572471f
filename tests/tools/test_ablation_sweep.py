"""Table 1 and Figure 5: made once, gone on with after a stop, from records alone."""

import dataclasses
import json
import signal
import statistics

import PIL.Image
import pytest

from experiments import figure_5, table_1
from experiments.budgets import BUDGETS
from srnet.errors import DataError
from srnet.models.hybrid import VARIANTS
from srnet.training.config import TrainConfig, preset_settings
from tools import ablation_sweep
from tools.cells import Cell
from tools.records import VERSION


def _record(method, psnrs, scale=2, seed=0, end=None):
    epochs = [
        {"epoch": n, "step": 10 * n, "psnr": psnr, "ssim": psnr / 100, "seconds": 5.0}
        for n, psnr in enumerate(psnrs, 1)
    ]
    run = {"epochs": epochs, "validation_set": "Urban100", "validation_images": 5, "steps_per_epoch": 10}
    run |= {"learning_rate": 1e-3, "batch_size": 16, "patch": 48, "precision": "float32", "optimizer": "adam"}
    run |= {"initializer": "he", "beta_2": 0.9999, "schedule": "staircase"}
    measurements = {"Urban100": {"psnr": end, "ssim": 0.5}} if end else {}
    return {
        "method": method,
        "scale": scale,
        "seed": seed,
        "measurements": measurements,
        "run": {**run, "train_sets": ["T91", "BSD200"], "steps": 10 * len(psnrs)},
    }


def test_the_sweep_holds_all_variants_at_x2_and_table_1_at_x4():
    pairs = ablation_sweep.needed((2, 4), None)
    assert {name for name, scale in pairs if scale == 2} == set(VARIANTS)
    assert {name for name, scale in pairs if scale == 4} == {"no_skips", "local_only", "long_only", "full"}
    assert len(pairs) == len(set(pairs)) == 11


@pytest.mark.parametrize("budget", BUDGETS)
def test_budgets_are_configurations(budget):
    row = BUDGETS[budget]
    for network in ("full", "srcnn", "vdsr", "rednet"):
        changes = {**row["changes"], **row["networks"].get(network, {})}
        TrainConfig(**{**preset_settings(row["preset"], network), **changes})


def test_table_gives_each_column_its_network_and_seeds_their_spread():
    found = [
        _record("full", [25, 26, 27], end=26.5),
        _record("full", [25, 26, 28], seed=1, end=26.7),
        _record("no_skips", [20, 21, 22], end=21.25),
    ]
    lines = ablation_sweep.describe_table(found, "cpu").splitlines()
    header = next(line for line in lines if line.startswith("| epoch"))
    assert [cell.strip() for cell in header.strip("|").split("|")] == ["epoch", *table_1.COLUMNS]
    last = next(line for line in lines if line.startswith("| 3 (30 steps), 5 images of Urban100"))
    spread = statistics.stdev([27, 28])
    assert last.endswith(f"| 22.00 / 0.2200 | - | - | 27.50 ± {spread:.2f} / 0.2750 |")
    end = next(line for line in lines if line.startswith("| the end, all of Urban100"))
    assert end.endswith("| 21.25 / 0.5000 | - | - | 26.60 ± 0.14 / 0.5000 |")


def test_runs_that_were_trained_otherwise_are_not_mixed(tmp_path):
    config = TrainConfig(epochs=2, steps_per_epoch=10, batch_size=16, patch=48, validation_images=5)
    config = dataclasses.replace(config, validation_set="Urban100")
    sweep = [Cell(name, 2, tmp_path, {}, config=config) for name in ("full", "no_skips")]
    found = [_record("full", [25, 26, 27]), _record("long_only", [24, 25]), _record("vdsr", [30, 31, 32])]
    ablation_sweep.check_alike(found, sweep, "quick.jsonl")
    found.append(_record("long_only", [24, 25, 26], seed=1))
    with pytest.raises(
        DataError, match="quick.jsonl: long_only x2 seed 1 has steps 30, this sweep would have 20; remove"
    ):
        ablation_sweep.check_alike(found, sweep, "quick.jsonl")


def test_an_older_table_of_other_runs_stops_a_sweep_before_it_begins(run_tool, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    record = {**_record("no_skips", [24, 25]), "version": VERSION, "budget": "quick", "cost": None}
    record["run"]["model_options"] = {}
    (results / "quick.jsonl").write_text(json.dumps(record) + "\n")
    status, _, errors = run_tool("ablation_sweep.py", "--variants=full", "--scales=2")
    assert status == 1 and len(errors) == 1 and "no_skips x2 seed 0 has" in errors[0]
    assert not (tmp_path / "runs").exists()


def test_sweep_makes_each_cell_once(run_tool, tmp_path):
    status, output, errors = run_tool("ablation_sweep.py", "--variants=full,no_deconv", "--scales=2", "--jobs=2")
    assert (status, errors) == (0, [])
    metrics = {name: (tmp_path / f"runs/{name}_x2_seed0/metrics.jsonl") for name in ("full", "no_deconv")}
    lines = [json.loads(line) for line in metrics["full"].read_text().splitlines()]
    assert f"{lines[-1]['psnr']:.2f} / {lines[-1]['ssim']:.4f}" in output
    results = tmp_path / "results"
    records = [json.loads(line) for line in (results / "quick.jsonl").read_text().splitlines()]
    assert [record["method"] for record in records] == ["bicubic", "full", "no_deconv"]
    assert f"Bicubic interpolation: {records[0]['measurements']['held_out']['psnr']:.2f} / " in output
    assert records[1]["run"]["epochs"] == lines
    assert {"command", "commit", "hardware", "seconds"} <= set(records[1]["run"])
    with PIL.Image.open(results / "figure_5_quick.png") as figure:
        assert figure.size[0] > 1000
    before = {path: path.stat().st_mtime_ns for path in metrics.values()}
    made = {path.name: path.read_bytes() for path in results.iterdir()}
    status, _, errors = run_tool("ablation_sweep.py", "--variants=full,no_deconv", "--scales=2")
    assert (status, errors) == (0, [])
    assert before == {path: path.stat().st_mtime_ns for path in metrics.values()}
    assert made == {path.name: path.read_bytes() for path in results.iterdir()}


# Killed, the tool leaves a command behind, which has not begun its run folder yet.
@pytest.mark.parametrize(
    ("stop", "file"), [(signal.SIGINT, "no_skips_x2_seed0/config.json"), (signal.SIGKILL, "no_skips_x2_seed0.log")]
)
def test_stopped_sweep_goes_on(tool, run_tool, tmp_path, wait_for, stop, file):
    process = tool("ablation_sweep.py", "--variants=full,no_skips", "--scales=2")
    wait_for(tmp_path / "runs" / file)
    process.send_signal(stop)
    process.communicate(timeout=120)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGKILL: -9}[stop]
    finished = tmp_path / "runs/full_x2_seed0/metrics.jsonl"
    before = finished.stat().st_mtime_ns
    status, output, errors = run_tool("ablation_sweep.py", "--variants=full,no_skips", "--scales=2")
    assert (status, errors) == (0, [])
    assert finished.stat().st_mtime_ns == before
    (last,) = (line for line in output.splitlines() if line.startswith("| 2 (6 steps), held_out |"))
    none, local, long, both = (cell.strip() for cell in last.split("|")[2:-1])
    assert (local, long) == ("-", "-") and none.count(" / ") == both.count(" / ") == 1


def test_what_cannot_be_made_is_named_and_the_rest_is_made(run_tool, tmp_path):
    folder = tmp_path / "runs/full_x2_seed0"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{")
    (tmp_path / "runs/long_only_x2_seed0").mkdir()
    (tmp_path / "runs/long_only_x2_seed0/notes.txt").write_text("mine")
    status, _, errors = run_tool("ablation_sweep.py", "--variants=full,long_only,no_skips", "--scales=2")
    assert status == 1
    assert [line.split(":")[1].strip() for line in errors] == ["full_x2_seed0", "long_only_x2_seed0"]
    assert "config.json" in errors[0] and "holds no run" in errors[1]
    made = (tmp_path / "results/quick.jsonl").read_text().splitlines()
    assert [json.loads(record)["method"] for record in made] == ["bicubic", "no_skips"]


@pytest.mark.parametrize(
    ("flag", "status", "message"),
    [
        ("--variants=fulll", 2, "'fulll' is unknown: choose among full, no_deconv"),
        ("--seeds=zero", 2, "--seeds zero: expected integers"),
        ("--data_root=/nowhere", 1, "/nowhere: no such folder"),
    ],
)
def test_bad_input(run_tool, flag, status, message):
    found, _, errors = run_tool("ablation_sweep.py", flag)
    assert found == status and len(errors) == 1 and message in errors[0]


def test_results_of_another_version_are_refused(run_tool, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results/quick.jsonl").write_text('{"version": 0}\n')
    status, _, errors = run_tool("ablation_sweep.py", "--variants=full", "--scales=2")
    assert status == 1 and "quick.jsonl: line 1 is no result of version 1" in errors[0]
    assert (tmp_path / "results/quick.jsonl").read_text() == '{"version": 0}\n'


def test_panels_name_networks():
    assert {network for panel in figure_5.PANELS.values() for network in panel.values()} <= set(VARIANTS)
