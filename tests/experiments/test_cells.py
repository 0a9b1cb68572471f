"""Cells: which run a folder must hold, and which results are of the run as it is now."""

import dataclasses
import json
import os

import pytest

from experiments import cells, crops, records
from experiments.details import Detail
from experiments.sweeps import plus_cells
from experiments.workspace import Workspace
from srnet.errors import DataError, UsageError
from srnet.evaluation.bicubic import make_bicubic
from srnet.images.read import read_image
from srnet.json_files import write_json
from srnet.training.config import TrainConfig

COST = {"parameters": 1, "macs": 2, "seconds_per_megapixel": 0.5, "hardware": {}}


def _cell(folder, epochs, sets=None):
    config = TrainConfig(steps_per_epoch=10, epochs=epochs)
    return cells.Cell("full", 2, folder / "full_x2_seed0", {"Set5": 5} if sets is None else sets, config=config)


def _train(cell):
    """Writes what `srnet.train` leaves of a cell's run, or of its extension."""
    run, config = cell.run, cell.config
    (run.last).mkdir(parents=True, exist_ok=True)
    known = json.loads(run.origin.read_text()) if run.origin.exists() else {"started": "monday", "sessions": []}
    sessions = [*known["sessions"], {"epochs": config.epochs}]
    write_json(run.origin, {**known, "sessions": sessions, "command": [], "commit": None, "hardware": {}})
    write_json(run.config, config.to_json())
    line = {"psnr": 30.0, "ssim": 0.9, "seconds": 9.0}
    lines = [{"epoch": n, "step": 10 * n, **line} for n in range(1, config.epochs + 1)]
    run.metrics.write_text("".join(json.dumps(each) + "\n" for each in lines))
    end_of_table = bytes.fromhex("57fb808b247547db")  # as LevelDB ends a table
    (run.last / f"step-{config.total_steps}.index").write_bytes(end_of_table)
    run.saved_model.mkdir(exist_ok=True)
    for path in (run.model, run.saved_model / "saved_model.pb"):
        path.touch()


def _measure(cell, psnr):
    cells.add_results(cell, {"Set5": {"psnr": psnr, "ssim": 0.9, "images": 5, "seconds": 1.0}})


def _psnr(cell):
    return cells.results_of(cell)["measurements"]["Set5"]["psnr"]


def test_a_run_is_complete_when_its_last_step_is_exported(tmp_path):
    cell = _cell(tmp_path, 2)
    assert not cells.is_trained(cell)
    _train(cell)
    assert cells.is_trained(cell)
    checkpoint = cell.run.last / "step-20.index"
    newest = checkpoint.stat().st_mtime
    os.utime(cell.run.saved_model / "saved_model.pb", (newest - 10, newest - 10))
    assert not cells.is_trained(cell)
    checkpoint.unlink()
    with pytest.raises(DataError, match=r"no checkpoint that can be read, though metrics\.jsonl has 20 steps"):
        cells.is_trained(cell)


def test_lost_epochs_are_damage(tmp_path):
    cell = _cell(tmp_path, 2)
    _train(cell)
    cell.run.metrics.write_text("")
    with pytest.raises(DataError, match=r"metrics.jsonl: damaged \(epochs are missing\)"):
        cells.is_trained(cell)


def test_a_run_extended_beyond_the_budget_is_refused(tmp_path):
    cell = _cell(tmp_path, 2)
    _train(cell)
    _measure(cell, 30.0)
    assert cells.is_complete(cell)
    _train(_cell(tmp_path, 4))
    with pytest.raises(UsageError, match="holds a run of 40 steps, the budget has 20: choose another --runs"):
        cells.is_trained(cell)
    assert not cells.is_complete(cell)


def test_results_of_a_run_before_it_was_extended_are_not_those_of_the_run(tmp_path):
    first, extended = _cell(tmp_path, 2), _cell(tmp_path, 4)
    _train(first)
    _measure(first, 30.0)
    cells.add_results(first, {}, COST)
    assert _psnr(first) == 30 and cells.results_of(first)["cost"] == COST
    path = tmp_path / "results" / "cpu.jsonl"
    records.update_records(path, [records.record_of(first, "cpu")])

    assert not cells.is_trained(extended)
    _train(extended)
    assert cells.is_trained(extended)
    assert cells.missing_sets(extended) == ["Set5"] and cells.results_of(extended)["cost"] is None
    assert not cells.is_complete(extended)
    _measure(extended, 31.0)
    assert _psnr(extended) == 31 and cells.is_complete(extended)
    (record,) = records.update_records(path, [records.record_of(extended, "cpu")])
    assert (record["run"]["steps"], record["measurements"]["Set5"]["psnr"], record["cost"]) == (40, 31, None)

    _train(_cell(tmp_path, 6))
    assert cells.missing_sets(_cell(tmp_path, 6)) == ["Set5"]


def test_results_of_a_run_that_was_trained_again_are_not_those_of_the_run(tmp_path):
    cell = _cell(tmp_path, 2)
    _train(cell)
    _measure(cell, 30.0)
    write_json(cell.run.origin, {**json.loads(cell.run.origin.read_text()), "started": "tuesday", "crc32": None})
    assert cells.missing_sets(cell) == ["Set5"]


def test_results_of_another_degradation_or_number_of_images_are_none(tmp_path):
    values = {"psnr": 20.0, "ssim": 0.5, "images": 1, "seconds": 1}
    cell = cells.Cell("bicubic", 2, tmp_path, {"held_out": 1, "other": 2})
    cells.add_results(cell, {"held_out": values, "other": values, "kept": values})
    assert cells.missing_sets(cell) == ["other"] and set(cells.results_of(cell)["measurements"]) == {"held_out", "kept"}
    noisy = dataclasses.replace(cell, degradation="noise25")
    assert cells.missing_sets(noisy) == ["held_out", "other"]
    cells.add_results(noisy, {"held_out": values})
    assert cells.missing_sets(noisy) == ["other"] and cells.missing_sets(cell) == ["held_out", "other"]


def test_steps_are_those_of_finished_epochs_and_of_measured_images(tmp_path):
    cell, bicubic = _cell(tmp_path, 2), cells.Cell("bicubic", 2, tmp_path / "bicubic_x2", {"Set5": 5, "Set14": 14})
    total = 20 + 24 * cells.IMAGE_WORTH
    assert cells.steps_of([cell, bicubic]) == (0, total)
    _train(cell)
    cell.run.metrics.write_text(cell.run.metrics.read_text().splitlines(True)[0])
    assert cells.steps_of([cell, bicubic]) == (10, total)
    _train(cell)
    _measure(cell, 30.0)
    assert cells.steps_of([cell, bicubic]) == (20 + 5 * cells.IMAGE_WORTH, total)
    cells.add_results(bicubic, {"Set14": {"psnr": 30.0, "ssim": 0.9, "images": 14, "seconds": 1.0}})
    assert cells.steps_of([cell, bicubic]) == (20 + 19 * cells.IMAGE_WORTH, total)
    cell.run.metrics.write_text("{\n")
    assert cells.steps_of([cell, bicubic]) == (14 * cells.IMAGE_WORTH, total)


def test_crops_of_an_extended_run_are_made_again(tmp_path, monkeypatch, picture_root):
    monkeypatch.setattr(crops, "method_of", lambda cell, workspace: make_bicubic(2))
    monkeypatch.setattr(crops, "find_cell", lambda *_: cell)
    workspace = Workspace("quick", tmp_path, tmp_path / "results", None, str(tmp_path))
    picture, detail = read_image(picture_root / "held_out/a.png"), Detail("held_out", 1, 2, (3, 5, 16, 12))

    def add():
        lines, failed = crops.add_crops(workspace, detail, picture, ("full",))
        file = tmp_path / "results" / lines["full"]["file"]
        return lines["full"].get("steps"), failed, file.stat().st_mtime_ns

    cell = _cell(tmp_path, 2, {})
    _train(cell)
    made = add()
    assert made[:2] == (20, {})
    assert add() == made
    cell = _cell(tmp_path, 4, {})
    _train(cell)
    again = add()
    assert again[:2] == (40, {}) and again[2] > made[2]


def test_rows_of_plus_give_their_settings_to_training(tmp_path):
    workspace = Workspace("quick", tmp_path, tmp_path, None, str(tmp_path))
    (cell,) = plus_cells(workspace, ["smaller_copies"])
    assert "--augment_scales=1.0,0.8,0.6" in cell.train and cell.config.augment_scales == (1.0, 0.8, 0.6)
