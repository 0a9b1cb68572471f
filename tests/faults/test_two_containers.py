"""Processes of two containers, which see neither each other nor other numbers than their own, work in one place."""

import shutil
import subprocess
import sys

import PIL.Image
import pytest

from tests.conftest import draw_picture
from tests.faults.commands import needs_root
from tests.faults.results import TRAIN, arrays, digests, finished_training

pytestmark = [pytest.mark.slow, needs_root, pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare")]

ROUNDS = 2
_PROGRAM = """
import importlib, os, sys
from srnet import cli
module, *arguments = sys.argv[1:]
cli.import_tensorflow()
import srnet.training.run
print(os.getpid(), flush=True)
input()
sys.argv = [module, *arguments]
importlib.import_module(module).run()
"""


def _run_at_once(folder, commands):
    """Runs commands, each as the first process of a container, from one moment; returns their status and errors."""
    container = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", _PROGRAM]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    starts = [[*container, *command.split()] for command in commands]
    processes = [subprocess.Popen(start, **pipes, text=True, cwd=folder) for start in starts]
    numbers = [process.stdout.readline().strip() for process in processes]
    if "" in numbers:
        pytest.skip(f"needs namespaces: {processes[numbers.index('')].communicate()[1]}")
    assert numbers == ["1"] * len(commands)
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=300)[1] for process in processes]
    return list(zip([process.returncode for process in processes], errors))


def _leftovers(folder):
    return [str(path) for path in folder.rglob("*.partial")]


def _draw(path, seed, side):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(draw_picture(seed, side, side)).save(path)
    return path


def test_two_trainings_build_one_store(tmp_path, picture_root):
    _draw(picture_root / "tiny" / "large.png", 4, 500)  # so that both build it at the same time
    train = TRAIN.format(root=picture_root) + "1"
    for place in range(ROUNDS):
        folder = tmp_path / str(place)
        folder.mkdir()
        commands = [train.replace("--run_dir=run", f"--run_dir={name}/run") for name in ("a", "b")]
        done = _run_at_once(folder, commands)
        assert [status for status, _ in done] == [0, 0], done
        built = sum("cutting patches" in errors for _, errors in done)
        print(f"{built} of 2 trainings built the store")
        for name in ("a", "b"):
            shutil.copytree(folder / "cache", folder / name / "cache")
        first, second = (finished_training(folder / name) for name in ("a", "b"))
        assert first == second and not _leftovers(folder)
        assert len(list((folder / "cache").glob("*.h5"))) == 1


def test_two_upscales_to_one_file(tmp_path):
    photo = _draw(tmp_path / "photo.png", 0, 60)
    for place in range(ROUNDS):
        folder = tmp_path / str(place)
        folder.mkdir()
        commands = [f"srnet.upscale {photo} --scale=2 --output=out.png"] * 2
        (lost, errors), won = sorted(_run_at_once(folder, commands), reverse=True)
        assert won == (0, "") and lost == 1
        assert errors.startswith("error: ") and "out.png: exists" in errors and errors.count("\n") == 1
        print(f"the loser: {errors.strip()}")
        with PIL.Image.open(folder / "out.png") as image:
            image.load()
            assert image.size == (120, 120)
        assert [path.name for path in folder.iterdir()] == ["out.png"]


def test_two_exports_to_one_folder(tmp_path):
    for place in range(ROUNDS):
        folder = tmp_path / str(place)
        folder.mkdir()
        done = _run_at_once(folder, ["srnet.export --scale=2 --output=model --overwrite"] * 2)
        assert done == [(0, ""), (0, "")]
        assert [path.name for path in folder.iterdir()] == ["model"]
    results = [tmp_path / str(place) / "model" for place in range(ROUNDS)]
    assert len({tuple(digests(result)) for result in results}) == 1  # of names
    weights = [arrays(result / "variables" / "variables") for result in results]
    assert weights == weights[:1] * ROUNDS


def test_two_trainings_of_one_run(tmp_path, picture_root):
    train = TRAIN.format(root=picture_root) + "2"
    (lost, errors), (won, _) = sorted(_run_at_once(tmp_path, [train] * 2), reverse=True)
    assert (lost, won) == (2, 0)
    assert errors.endswith("error: run: another process is training this run\n")
    assert len(finished_training(tmp_path)["metrics"]) == 2 and not _leftovers(tmp_path)
