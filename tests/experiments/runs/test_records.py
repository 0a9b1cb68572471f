"""Records: tools that run at the same time, and what older measurements are kept."""

import concurrent.futures

import pytest

from experiments.runs import records
from srnet.errors import DataError

BLANK = {"version": records.VERSION, "budget": "cpu", "scale": 2, "measurements": {}, "cost": None, "run": None}


def test_tools_that_run_together_lose_no_records(tmp_path):
    path = tmp_path / "results" / "cpu.jsonl"

    def add(seed):
        records.add_record(path, {**BLANK, "method": "full", "seed": seed})

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(100)))
    assert [record["seed"] for record in records.read_records(path)] == list(range(100))


def test_measurements_of_the_same_run_are_kept_and_of_another_replaced(tmp_path):
    path = tmp_path / "cpu.jsonl"
    run = {"started": "monday", "steps": 20}
    first = {**BLANK, "method": "full", "seed": 0, "run": run, "measurements": {"Set5": 1}}
    records.add_record(path, {**first, "cost": {"macs": 1}})
    record = records.add_record(path, {**first, "measurements": {"Set14": 2}})
    assert (record["measurements"], record["cost"]) == ({"Set5": 1, "Set14": 2}, {"macs": 1})
    for other in ({"started": "monday", "steps": 40}, {"started": "tuesday", "steps": 40}):
        record = records.add_record(path, {**first, "run": other, "measurements": {"Set14": 3}})
        assert (record["measurements"], record["cost"]) == ({"Set14": 3}, None)
        records.add_record(path, {**first, "run": other, "cost": {"macs": 1}})


def test_repeated_lines_are_named(tmp_path):
    path = tmp_path / "cpu.jsonl"
    records.add_record(path, {**BLANK, "method": "full", "seed": 0})
    path.write_text(path.read_text() * 2)
    with pytest.raises(DataError, match="cpu.jsonl: lines 1 and 2 hold the same result"):
        records.read_records(path)


def test_a_folder_that_cannot_be_created_is_named(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(DataError, match="taken: cannot be written"):
        records.add_record(tmp_path / "taken" / "cpu.jsonl", BLANK)
