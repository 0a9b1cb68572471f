"""Runs the tools as a user does, at a budget small enough for tests."""

import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]

TINY = {
    "preset": "quick",
    "changes": {
        "train_sets": ["tiny"],
        "validation_set": "held_out",
        "model_options": {"filters": 2},
        "patch": 16,
        "batch_size": 4,
        "steps_per_epoch": 3,
        "epochs": 2,
    },
    "networks": {"srcnn": {"model_options": {"filters": [2, 2]}}},
    "methods": ["bicubic", "aplus", "srcnn", "vdsr", "full"],
    "sets": ["held_out"],
}

# Replaces the quick budget by TINY, then acts as the tool itself.
_DRIVER = """
import json, runpy, sys
sys.path.insert(0, sys.argv[1])
from experiments.recipes.budgets import BUDGETS
BUDGETS["quick"] = json.loads(sys.argv[2])
tool = sys.argv[3]
sys.argv = [tool, *sys.argv[4:]]
runpy.run_path(tool, run_name="__main__")
"""


@pytest.fixture
def tool(picture_root, tmp_path):
    """A callable (name, *flags) that starts a tool on the small pictures: a `subprocess.Popen`."""

    def start(name, *flags):
        places = {"data_root": picture_root, "cache_dir": tmp_path / "cache", "runs": tmp_path / "runs"}
        arguments = ["--budget=quick", *(f"--{key}={path}" for key, path in places.items())]
        if name == "report.py":
            arguments = ["--budget=quick", f"--results={tmp_path / 'results'}", f"--page={tmp_path / 'report.html'}"]
        else:
            arguments.append(f"--output={tmp_path / 'results'}")
        return subprocess.Popen(
            [sys.executable, "-c", _DRIVER, ROOT, json.dumps(TINY), ROOT / "tools" / name, *arguments, *flags],
            cwd=tmp_path,
            env={**os.environ, "SRNET_DATA": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def run_tool(tool):
    """A callable (name, *flags) that runs a tool to its end: (exit status, output, error lines)."""

    def run(name, *flags):
        process = tool(name, *flags)
        output, errors = process.communicate(timeout=300)
        assert "Traceback" not in errors, errors
        return process.returncode, output, [line for line in errors.splitlines() if line.startswith("error: ")]

    return run


@pytest.fixture
def wait_for():
    """A callable that waits until a file is there."""

    def wait(path):
        limit = time.monotonic() + 120
        while not path.exists():
            assert time.monotonic() < limit
            time.sleep(0.05)

    return wait
