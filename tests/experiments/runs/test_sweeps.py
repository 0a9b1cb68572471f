"""Sweeps: their settings are valid, and records of other settings are not mixed in."""

import dataclasses
import pathlib

import pytest

from experiments.recipes.ablation import NETWORKS
from experiments.recipes.budgets import BUDGETS
from experiments.runs.jobs import Job
from experiments.runs.sweeps import budget_settings, check_alike, job_of
from experiments.workspace import Workspace
from srnet.errors import DataError
from srnet.evaluation.classical import CLASSICAL
from srnet.json_files import write_json
from srnet.training.config import TrainConfig
from srnet.training.presets import preset_settings
from srnet.training.run_folder import Run
from tests.experiments.conftest import ablation_record


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("scale", [2, 4])
def test_budgets_are_configurations(budget, scale):
    for network in sorted({*BUDGETS[budget]["methods"], *NETWORKS} - set(CLASSICAL)):
        preset, changes = budget_settings(budget, network, scale, 1)
        config = TrainConfig(**{**preset_settings(preset, network), **changes})
        assert (config.variant, config.scale, config.seed) == (network, scale, 1)


@pytest.mark.parametrize("scale", [2, 4])
def test_rcan_has_its_papers_patches(scale):
    preset, changes = budget_settings("paper", "rcan", scale, 0)
    assert TrainConfig(**{**preset_settings(preset, "rcan"), **changes}).patch == 48 * scale


@pytest.fixture
def jobs(tmp_path):
    config = TrainConfig(epochs=2, steps_per_epoch=10, batch_size=16, patch=48, validation_images=5)
    config = dataclasses.replace(config, validation_set="Urban100")
    return [Job(name, 2, Run(tmp_path / name), {}, config=config) for name in ("full", "no_skips")]


def test_runs_of_other_settings_are_not_mixed(jobs):
    path = pathlib.Path("quick.jsonl")
    found = [
        ablation_record("full", [25, 26, 27]),
        ablation_record("long_only", [24, 25]),
        ablation_record("vdsr", [30, 31, 32]),
    ]
    check_alike(found, jobs, path)
    found.append(ablation_record("long_only", [24, 25, 26], seed=1))
    message = "quick.jsonl: long_only x2 seed 1 has steps 30, the new runs would have 20; remove"
    with pytest.raises(DataError, match=message):
        check_alike(found, jobs, path)


def test_a_finished_run_in_another_precision_is_not_mixed_in(jobs):
    """`auto` chooses another precision on another machine; a finished run is not trained again."""
    found = [ablation_record("full", [25, 26], precision="mixed_bfloat16")]
    check_alike(found, jobs, pathlib.Path("quick.jsonl"))
    finished = jobs[0]
    finished.run.last.mkdir(parents=True)
    (finished.run.last / "step-20.index").touch()
    (finished.run.last / "checkpoint").write_text('model_checkpoint_path: "step-20"\n')
    write_json(finished.run.config, {**finished.config.to_json(), "precision": "mixed_bfloat16"})
    write_json(finished.run.origin, {"sessions": []})
    check_alike(found, [finished], pathlib.Path("quick.jsonl"))  # nothing is trained
    with pytest.raises(DataError, match="full x2 seed 0 has precision mixed_bfloat16, the new runs would have float32"):
        check_alike(found, jobs, pathlib.Path("quick.jsonl"))


def test_a_run_continued_in_another_precision_is_refused_before_it_goes_on(jobs):
    job, path = jobs[0], pathlib.Path("quick.jsonl")
    job.run.last.mkdir(parents=True)
    (job.run.last / "step-10.index").touch()
    (job.run.last / "checkpoint").write_text('model_checkpoint_path: "step-10"\n')
    write_json(job.run.config, {**job.config.to_json(), "precision": "mixed_bfloat16"})
    write_json(job.run.origin, {"sessions": [{"first_step": 0, "precision": "mixed_bfloat16"}]})
    with pytest.raises(DataError, match=r"the new runs would have float32\+mixed_bfloat16"):
        check_alike([ablation_record("no_skips", [24, 25])], [job], path)
    sessions = [(0, "float32"), (10, "mixed_bfloat16")]  # the second was killed before its first checkpoint
    write_json(job.run.origin, {"sessions": [{"first_step": step, "precision": each} for step, each in sessions]})
    check_alike([ablation_record("no_skips", [24, 25])], [job], path)


def test_seeds_of_another_method_are_trained_alike(jobs):
    config = dataclasses.replace(jobs[0].config, variant="vdsr", loss="mae")
    added = [Job("vdsr", 2, jobs[0].run, {}, config=config, seed=1)]
    of_x4 = ablation_record("vdsr", [24, 25], scale=4, loss="mse")
    check_alike([ablation_record("vdsr", [24, 25], loss="mae"), of_x4], added, pathlib.Path("quick.jsonl"))
    message = "vdsr x2 seed 0 has precision mixed_bfloat16, the new runs would have float32"
    with pytest.raises(DataError, match=message):
        check_alike([ablation_record("vdsr", [24, 25], precision="mixed_bfloat16")], added, pathlib.Path("quick.jsonl"))


def test_rows_of_the_ablation_of_plus_differ_only_in_what_they_name(jobs):
    config = dataclasses.replace(jobs[0].config, loss="mae")
    added, group = [Job("mse", 2, jobs[0].run, {}, config=config)], {"plus": (), "mse": ("loss",), "wide": ()}
    check_alike([ablation_record("wide", [24, 25], loss="psnr")], added, pathlib.Path("x.jsonl"), group)
    with pytest.raises(DataError, match="wide x2 seed 0 has steps 10, the new runs would have 20"):
        check_alike([ablation_record("wide", [24])], added, pathlib.Path("x.jsonl"), group)


def test_each_run_is_told_its_precision(picture_root, tmp_path):
    place = Workspace("quick", tmp_path / "runs", tmp_path / "results", str(picture_root), str(tmp_path))
    job = job_of(place, "full", 2, {})
    assert f"--precision={job.config.precision}" in job.train and job.config.precision != "auto"


def test_networks_of_a_comparison_are_checked_too(jobs, tmp_path):
    """`compare_methods.py` replaces runs of the ablation, beside networks with settings of their own."""
    other = dataclasses.replace(jobs[0].config, variant="plus", loss="mae")
    compared = [Job("bicubic", 2, Run(tmp_path), {}), Job("plus", 2, Run(tmp_path), {}, config=other), jobs[0]]
    with pytest.raises(DataError, match="long_only x2 seed 0 has orientations 1, the new runs would have 4"):
        check_alike([ablation_record("long_only", [24, 25], augment=False)], compared, pathlib.Path("quick.jsonl"))
