"""The run folder: what it holds, and what it refuses."""

import json
import subprocess
import sys

import PIL.Image
import pytest

from srnet.errors import UsageError
from srnet.training import run_folder
from srnet.training.config import load_config
from srnet.training.run_folder import Run, read_metrics


def test_another_configuration_is_refused_with_the_difference(train):
    train()
    with pytest.raises(UsageError, match=r"a run with learning_rate 0\.001, not 0\.002: choose another --run_dir"):
        train(learning_rate=0.002)


def test_other_images_are_refused(train, picture_root):
    train()
    PIL.Image.new("RGB", (50, 50)).save(picture_root / "tiny" / "new.png")
    with pytest.raises(UsageError, match="other training images"):
        train(epochs=2)
    (picture_root / "tiny" / "new.png").unlink()
    PIL.Image.new("RGB", (40, 40)).save(picture_root / "held_out" / "new.png")
    with pytest.raises(UsageError, match="other validation images"):
        train(epochs=2)


def test_a_run_of_an_older_version_keeps_the_data_that_it_is_resumed_with(train, picture_root):
    run = train()
    origin = json.loads(run.origin.read_text())
    del origin["validation"], origin["crc32"]
    run.origin.write_text(json.dumps(origin))
    train(epochs=3)
    PIL.Image.new("RGB", (40, 40)).save(picture_root / "held_out" / "new.png")
    with pytest.raises(UsageError, match="other validation images"):
        train(epochs=4)


def test_a_folder_in_use_is_not_written_to(train, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match="exists and is not a run folder"):
        train()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_a_run_in_training_is_left_alone(train, tmp_path):
    run = train()
    refused = pytest.raises(UsageError, match="another process is training this run")
    with run_folder.open_run(run, load_config(run.config), {}), refused:
        train()
    assert train() == run


def test_a_run_killed_in_its_first_moments_can_begin_again(train, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (".lock", "run.json", ".config.somewhere.12345.partial.json"):
        (folder / name).write_text("")
    assert len(read_metrics(train())) == 2


def test_metrics_cut_short_by_a_crash_are_mended(tmp_path):
    run = Run(tmp_path)
    run.metrics.write_text('{"step": 5}\n{"step": 10}\n{"step": 1')
    assert read_metrics(run) == [{"step": 5}, {"step": 10}]
    run_folder.drop_metrics_after(run, 5)
    assert run.metrics.read_text() == '{"step": 5, "crc32": "5eeb5439"}\n'


def test_a_run_of_an_older_version_is_resumed(train):
    """Before 0.2, config.json had `augment` and no `degradation`, and run.json one origin for all sessions."""
    runs = train("none", orientations=1), train("four")
    for run in runs:
        config, origin = (json.loads(path.read_text()) for path in (run.config, run.origin))
        del config["degradation"], config["crc32"], origin["sessions"], origin["crc32"]
        config.update(augment=config["orientations"] > 1, orientations=4)
        run.config.write_text(json.dumps(config))
        run.origin.write_text(json.dumps(origin))
    with pytest.raises(UsageError, match="a run with orientations 4, not 1: choose another"):
        train("four", orientations=1)
    train("none", orientations=1, epochs=3)
    run = train("four", epochs=3)
    assert [line["step"] for line in read_metrics(run)] == [5, 10, 15]
    sessions = json.loads(run.origin.read_text())["sessions"]
    assert [(each["first_step"], each["epochs"]) for each in sessions] == [(0, 2), (10, 3)]
    assert sessions[0]["command"] == origin["command"]
    assert "augment" not in json.loads(run.config.read_text())


def test_steps_done_are_those_of_the_newest_checkpoint(train, tmp_path):
    assert run_folder.steps_done(Run(tmp_path)) == 0
    run = train()
    assert run_folder.steps_done(run) == 10
    assert run_folder.history(run)["steps"] == 10


def test_the_folder_can_be_read_without_tensorflow():
    program = "import sys, srnet.training.run_folder; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
