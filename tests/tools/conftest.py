"""Runs the tools, in this process or as a user does, at a budget small enough for tests."""

import json
import os
import pathlib
import runpy
import subprocess
import sys
import time

import absl.logging  # noqa: F401  (its flags must be there before those of a tool)
import pytest
from absl import app, flags

from experiments.recipes.budgets import BUDGETS

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
    "networks": {
        "srcnn": {"model_options": {"filters": [2, 2]}},
        "plus": {"model_options": {"filters": 2, "blocks": 1, "depth": 1}},
    },
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
def call_tool(monkeypatch, capsys):
    """A callable (name, *flags) that runs a tool in this process: (exit status, output, error output).

    What it starts itself are processes; starting TensorFlow once more for the tool would show nothing.
    """

    def call(name, *arguments):
        app.define_help_flags()  # once for all calls
        before, values = set(flags.FLAGS), flags.FLAGS
        path = str(ROOT / "tools" / name)
        try:
            with monkeypatch.context() as patch:
                patch.setattr(sys, "argv", [path, *map(str, arguments)])
                patch.setattr(sys, "path", [*sys.path])
                with pytest.raises(SystemExit) as end:
                    runpy.run_path(path, run_name="__main__")
        finally:
            for flag in set(values) - before:
                delattr(values, flag)
            values.unparse_flags()
        output = capsys.readouterr()
        return end.value.code or 0, output.out, output.err

    return call


@pytest.fixture
def arguments(picture_root, tmp_path):
    """A callable that returns the flags of a tool's folders: the small pictures, and the test's own for the rest."""

    def of(name):
        if name == "report.py":
            return ["--budget=quick", f"--results={tmp_path / 'results'}", f"--page={tmp_path / 'report.html'}"]
        places = {"data_root": picture_root, "cache_dir": tmp_path / "cache", "runs": tmp_path / "runs"}
        places["output"] = tmp_path / "results"
        return ["--budget=quick", *(f"--{key}={path}" for key, path in places.items())]

    return of


@pytest.fixture
def run_tool(call_tool, arguments, monkeypatch):
    """A callable (name, *flags) that runs a tool at the budget TINY: (exit status, output, error lines)."""
    monkeypatch.setitem(BUDGETS, "quick", TINY)
    monkeypatch.setenv("SRNET_DATA", "")

    def run(name, *given):
        status, output, errors = call_tool(name, *arguments(name), *given)
        return status, output, [line for line in errors.splitlines() if line.startswith("error: ")]

    return run


@pytest.fixture
def start_tool(arguments, tmp_path):
    """A callable (name, *flags) that starts a tool at the budget TINY as a process, to be stopped."""

    def start(name, *given):
        return subprocess.Popen(
            [sys.executable, "-c", _DRIVER, ROOT, json.dumps(TINY), ROOT / "tools" / name, *arguments(name), *given],
            cwd=tmp_path,
            env={**os.environ, "SRNET_DATA": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def wait_for():
    """A callable that waits until a file is there."""

    def wait(path):
        limit = time.monotonic() + 300
        while not path.exists():
            assert time.monotonic() < limit
            time.sleep(0.05)

    return wait
