"""Table 1 and Figure 5: made once, and resumed after an interruption."""

import json
import signal

import PIL.Image
import pytest

from experiments.runs.records import VERSION
from srnet.json_files import read_json_lines
from srnet.training.config import TrainConfig


def test_an_older_table_of_other_runs_stops_a_sweep_before_it_begins(run_tool, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    run = {**TrainConfig().to_json(), "steps": 20, "epochs": [], "started": "2026-01-01"}
    record = {"version": VERSION, "budget": "quick", "method": "no_skips", "scale": 2, "seed": 0, "run": run}
    record |= {"measurements": {}, "cost": None}
    (results / "quick.jsonl").write_text(json.dumps(record) + "\n")
    status, _, errors = run_tool("ablation_sweep.py", "--variants=full", "--scales=2")
    assert status == 1 and len(errors) == 1 and "no_skips x2 seed 0 has" in errors[0]
    assert not (tmp_path / "runs").exists()


def test_sweep_makes_each_job_once_and_names_what_it_cannot_make(run_tool, tmp_path):
    status, output, errors = run_tool("ablation_sweep.py", "--variants=full", "--scales=2", "--jobs=2")
    assert (status, errors) == (0, [])
    metrics = tmp_path / "runs/full_x2_seed0/metrics.jsonl"
    lines = read_json_lines(metrics)
    assert f"{lines[-1]['psnr']:.2f} / {lines[-1]['ssim']:.4f}" in output
    results = tmp_path / "results"
    records = _records(tmp_path)
    assert [record["method"] for record in records] == ["bicubic", "full"]
    assert records[1]["run"]["command"][1:3] == ["-m", "srnet.train"]
    assert f"Bicubic interpolation: {records[0]['measurements']['held_out']['psnr']:.2f} / " in output
    assert records[1]["run"]["epochs"] == lines
    assert {"command", "commit", "hardware", "seconds"} <= set(records[1]["run"])
    with PIL.Image.open(results / "figure_5_quick.png") as figure:
        assert figure.size[0] > 1000
    before = metrics.stat().st_mtime_ns
    made = {path.name: path.read_bytes() for path in results.iterdir()}
    assert run_tool("ablation_sweep.py", "--variants=full", "--scales=2")[::2] == (0, [])
    assert made == {path.name: path.read_bytes() for path in results.iterdir()}
    other = {**records[1], "method": "no_deconv"}
    del other["crc32"]
    with (results / "quick.jsonl").open("a") as file:
        file.write(json.dumps(other) + "\n")
    status, _, errors = run_tool("ablation_sweep.py", "--variants=full", "--scales=2")
    assert (status, errors) == (0, [])
    assert before == metrics.stat().st_mtime_ns
    assert "| `full`, `no_deconv` | held_out |" in (results / "claims_quick.md").read_text()

    damaged = tmp_path / "runs/no_deconv_x2_seed0"
    damaged.mkdir()
    (damaged / "config.json").write_text("{")
    (tmp_path / "runs/long_only_x2_seed0").mkdir()
    (tmp_path / "runs/long_only_x2_seed0/notes.txt").write_text("mine")
    status, _, errors = run_tool("ablation_sweep.py", "--variants=full,long_only,no_deconv", "--scales=2")
    assert status == 1
    assert [line.split(":")[1].strip() for line in errors] == ["long_only_x2_seed0", "no_deconv_x2_seed0"]
    assert "is not a run folder" in errors[0] and "config.json" in errors[1]
    assert before == metrics.stat().st_mtime_ns


def _records(folder):
    return [json.loads(line) for line in (folder / "results/quick.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_a_killed_sweep_leaves_a_command_that_the_next_one_waits_for(start_tool, run_tool, tmp_path, wait_for):
    process = start_tool("ablation_sweep.py", "--variants=no_skips", "--scales=2")
    wait_for(tmp_path / "runs/no_skips_x2_seed0.log")  # the command has not begun its run folder yet
    process.kill()
    process.communicate(timeout=120)
    status, output, errors = run_tool("ablation_sweep.py", "--variants=no_skips", "--scales=2")
    assert (status, errors) == (0, [])
    assert len(json.loads((tmp_path / "runs/no_skips_x2_seed0/run.json").read_text())["sessions"]) == 1
    (last,) = (line for line in output.splitlines() if line.startswith("| 2 (6 steps), held_out |"))
    assert [" / " in cell for cell in last.split("|")[2:-1]] == [True, False, False, False]


@pytest.mark.slow  # test_plus_ablation.py interrupts a tool by SIGINT
def test_interrupted_sweep_resumes(start_tool, run_tool, tmp_path, wait_for):
    process = start_tool("ablation_sweep.py", "--variants=full,no_skips", "--scales=2")
    wait_for(tmp_path / "runs/no_skips_x2_seed0/config.json")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM
    finished = tmp_path / "runs/full_x2_seed0/metrics.jsonl"
    before = finished.stat().st_mtime_ns
    status, output, errors = run_tool("ablation_sweep.py", "--variants=full,no_skips", "--scales=2")
    assert (status, errors) == (0, [])
    assert finished.stat().st_mtime_ns == before
    (last,) = (line for line in output.splitlines() if line.startswith("| 2 (6 steps), held_out |"))
    none, local, long, both = (cell.strip() for cell in last.split("|")[2:-1])
    assert (local, long) == ("-", "-") and none.count(" / ") == both.count(" / ") == 1


@pytest.mark.parametrize(
    ("flag", "status", "message"),
    [
        ("--variants=fulll", 2, "'fulll' is unknown: choose from full, no_deconv"),
        ("--variants=", 2, "--variants is empty"),
        ("--seeds=zero", 2, "--seeds zero: expected integers"),
        ("--seeds=", 2, "--seeds is empty"),
        ("--scheduler=nowhere", 2, "--scheduler=nowhere: expected HOST:PORT, such as tcp://10.0.0.1:8786"),
        ("--scheduler=http://host:8786", 2, "--scheduler=http://host:8786: expected HOST:PORT"),
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
    assert status == 1 and "quick.jsonl: line 1 is not a record of version 1" in errors[0]
    assert (tmp_path / "results/quick.jsonl").read_text() == '{"version": 0}\n'


@pytest.mark.slow
def test_a_sweep_under_noise_has_files_of_its_own(run_tool, tmp_path):
    flags = ("--variants=full", "--scales=2", "--degradation=noise25")
    status, output, errors = run_tool("ablation_sweep.py", *flags)
    assert (status, errors) == (0, [])
    lines = (tmp_path / "results/quick_noise25.jsonl").read_text().splitlines()
    bicubic, full = map(json.loads, lines)
    assert full["run"]["degradation"] == "noise25" and "x2, under `noise25`, trained on tiny" in output
    assert bicubic["measurements"]["held_out"]["psnr"] < 30
    assert (tmp_path / "results/table_1_quick_noise25.md").exists()
    assert not (tmp_path / "results/quick.jsonl").exists()
    assert run_tool("ablation_sweep.py", *flags)[0] == 0
