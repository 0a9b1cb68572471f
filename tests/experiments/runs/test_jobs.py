"""Jobs: which run a folder must hold, and which results are kept of it."""

import json

import pytest

from experiments.pictures import crops
from experiments.pictures.details import Detail
from experiments.runs import jobs, records
from experiments.runs.sweeps import comparison_jobs, plus_jobs
from experiments.workspace import Workspace
from srnet.errors import DataError, UsageError
from srnet.evaluation.bicubic import make_bicubic
from srnet.images.read import read_image
from srnet.json_files import read_json, write_json
from srnet.training.config import TrainConfig
from srnet.training.run_folder import Run

COST = {"parameters": 1, "macs": 2, "seconds_per_megapixel": 0.5, "hardware": {}}


def _job(folder, epochs, sets=None):
    config = TrainConfig(steps_per_epoch=10, epochs=epochs)
    return jobs.Job("full", 2, Run(folder / "full_x2_seed0"), {"Set5": 5} if sets is None else sets, config=config)


def _train(job):
    """Writes what `srnet.train` leaves of a job's run, or of its extension."""
    run, config = job.run, job.config
    (run.last).mkdir(parents=True, exist_ok=True)
    known = json.loads(run.origin.read_text()) if run.origin.exists() else {"started": "monday", "sessions": []}
    known |= {"sessions": [*known["sessions"], {"epochs": config.epochs}], "exported": config.total_steps}
    write_json(run.origin, {**known, "command": [], "commit": None, "hardware": {}})
    write_json(run.config, config.to_json())
    line = {"psnr": 30.0, "ssim": 0.9, "seconds": 9.0}
    lines = [{"epoch": n, "step": 10 * n, **line} for n in range(1, config.epochs + 1)]
    run.metrics.write_text("".join(json.dumps(each) + "\n" for each in lines))
    end_of_table = bytes.fromhex("57fb808b247547db")  # as LevelDB ends a table
    (run.last / f"step-{config.total_steps}.index").write_bytes(end_of_table)
    run.saved_model.mkdir(exist_ok=True)
    for path in (run.model, run.saved_model / "saved_model.pb"):
        path.touch()


def _measured(job, psnr):
    measurement = {"psnr": psnr, "ssim": 0.9, "images": 5, "seconds": 1.0}
    return {**records.record_of(job, "cpu"), "measurements": {"Set5": measurement}}


def test_a_run_is_trained_when_its_last_step_is_exported(tmp_path):
    job = _job(tmp_path, 2)
    assert not jobs.is_trained(job)
    _train(job)
    assert jobs.is_trained(job)
    origin = read_json(job.run.origin)
    write_json(job.run.origin, {**origin, "exported": 10})
    assert not jobs.is_trained(job)
    write_json(job.run.origin, origin)
    (job.run.saved_model / "saved_model.pb").unlink()
    assert not jobs.is_trained(job)
    (job.run.last / "step-20.index").unlink()
    with pytest.raises(DataError, match=r"no checkpoint that can be read, though metrics\.jsonl has 20 steps"):
        jobs.is_trained(job)


def test_the_log_of_a_run_has_its_whole_name(tmp_path):
    job = jobs.Job("average_0.99", 4, Run(tmp_path / "plus_x4_average_0.99"), {})
    assert job.log == tmp_path / "plus_x4_average_0.99.log"


def test_a_run_resumed_in_another_precision_is_recorded_in_both(tmp_path):
    job = _job(tmp_path, 2)
    _train(job)
    known = read_json(job.run.origin)
    sessions = [
        {"first_step": 0, "precision": "mixed_bfloat16"},
        {"first_step": 10, "precision": "mixed_float16"},  # without a step
        {"first_step": 10, "precision": "float32"},
    ]
    write_json(job.run.origin, {**known, "sessions": sessions})
    write_json(job.run.config, {**job.config.to_json(), "precision": "float32"})
    assert records.record_of(job, "cpu")["run"]["precision"] == "float32+mixed_bfloat16"


def test_lost_epochs_are_damage(tmp_path):
    job = _job(tmp_path, 2)
    _train(job)
    job.run.metrics.write_text("")
    with pytest.raises(DataError, match=r"metrics.jsonl: damaged \(epochs are missing\)"):
        records.record_of(job, "cpu")


@pytest.mark.parametrize("epochs", [1, 4])
def test_a_run_of_another_length_is_refused(tmp_path, epochs):
    _train(_job(tmp_path, epochs))
    with pytest.raises(
        UsageError, match=f"holds a run of {10 * epochs} steps, but the budget needs 20: choose another --runs"
    ):
        jobs.is_trained(_job(tmp_path, 2))


def test_results_of_a_run_before_it_was_extended_or_trained_again_are_not_kept(tmp_path):
    path = tmp_path / "results" / "cpu.jsonl"
    first, extended = _job(tmp_path, 2), _job(tmp_path, 4)
    _train(first)
    records.add_record(path, {**_measured(first, 30.0), "cost": COST})
    again = records.add_record(path, records.record_of(first, "cpu"))
    assert (again["measurements"]["Set5"]["psnr"], again["cost"]) == (30, COST)

    _train(extended)
    assert jobs.is_trained(extended)
    record = records.add_record(path, records.record_of(extended, "cpu"))
    assert (record["run"]["steps"], record["measurements"], record["cost"]) == (40, {}, None)
    records.add_record(path, _measured(extended, 31.0))

    origin = extended.run.origin
    write_json(origin, {**json.loads(origin.read_text()), "started": "tuesday", "crc32": None})
    records.add_record(path, records.record_of(extended, "cpu"))
    (record,) = records.read_records(path)
    assert (record["run"]["started"], record["measurements"]) == ("tuesday", {})


def test_crops_of_an_extended_run_are_made_again(tmp_path, monkeypatch, picture_root):
    monkeypatch.setattr(crops, "method_of", lambda job, workspace: make_bicubic(2))
    monkeypatch.setattr(crops, "job_of", lambda *_: job)
    workspace = Workspace("quick", tmp_path, tmp_path / "results", None, str(tmp_path))
    picture, detail = read_image(picture_root / "held_out/a.png"), Detail("held_out", 1, 2, (3, 5, 16, 12))

    def add():
        lines, failed = crops.add_crops(workspace, detail, picture, ("full",))
        file = tmp_path / "results" / lines["full"]["file"]
        return lines["full"].get("steps"), failed, file.stat().st_mtime_ns

    job = _job(tmp_path, 2, {})
    _train(job)
    made = add()
    assert made[:2] == (20, {})
    assert add() == made
    job = _job(tmp_path, 4, {})
    _train(job)
    again = add()
    assert again[:2] == (40, {}) and again[2] > made[2]


def test_each_network_has_a_run_for_each_seed_and_a_classical_method_one(tmp_path):
    workspace = Workspace("quick", tmp_path, tmp_path, None, str(tmp_path))
    made = comparison_jobs(workspace, [2], ["bicubic", "srcnn"], [0, 1])
    assert [job.name for job in made] == ["bicubic_x2", "srcnn_x2_seed0", "srcnn_x2_seed1"]
    assert [job.seed for job in made] == [0, 0, 1]


def test_rows_of_plus_give_their_settings_to_training(tmp_path):
    workspace = Workspace("quick", tmp_path, tmp_path, None, str(tmp_path))
    (job,) = plus_jobs(workspace, ["dilation"])
    options = {"blocks": 18, "dilation_rates": [1, 1, 2, 4]}
    assert f"--model_options={json.dumps(options)}" in job.train and job.config.model_options == options
    assert "--augment_scales=1.0" in job.train and job.config.augment_scales == (1.0,)
