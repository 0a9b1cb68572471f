"""What every tool does: quick help, one line for wrong usage and for a package that is missing."""

import importlib
import pathlib
import subprocess
import sys

import pytest

from srnet import cli

TOOLS = sorted((pathlib.Path(__file__).parents[2] / "tools").glob("*.py"))
NEEDED = {
    "show_degradation": ["picture"],
    "export_steps": ["run", "steps"],
    "take_steps": ["steps", "output"],
    "import_steps": ["run", "taken"],
}
WITH_BUDGET = ("ablation_sweep", "compare_methods", "plus_ablation", "report", "visual_comparison")

# Runs a tool in a Python that lacks some packages.
_DRIVER = """
import runpy, sys
sys.modules.update(dict.fromkeys(sys.argv[1].split(",")))
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("tool", TOOLS, ids=lambda path: path.stem)
def test_help_needs_neither_tensorflow_nor_matplotlib_nor_dask(tool):
    run = [sys.executable, "-c", _DRIVER, "tensorflow,keras,matplotlib,markdown,distributed", str(tool), "--help"]
    result = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"python tools/{tool.name}" in result.stdout
    assert ("--budget: <paper|cpu_long|cpu|quick>" in result.stdout) == (tool.stem in WITH_BUDGET)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda path: path.stem)
def test_wrong_usage_needs_neither_tensorflow_nor_dask(call_tool, monkeypatch, tool):
    monkeypatch.setattr(cli, "import_tensorflow", lambda: pytest.fail("TensorFlow is imported"))
    monkeypatch.setitem(sys.modules, "distributed", None)
    needed = [f"--{name}=x" for name in NEEDED.get(tool.stem, ())]
    message = "error: expected only flags, not stray\n"
    assert call_tool(tool.name, "stray", *needed) == (2, "", message)


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("picture_sheet.py", "experiments.pictures.plots", "matplotlib"),
        ("report.py", "experiments.page", "Markdown"),
        ("compare_methods.py", "experiments.runs.runner", "distributed"),
    ],
)
def test_a_missing_package_is_named(call_tool, monkeypatch, name, module, package):
    for missing in ("matplotlib.axes", "markdown", "distributed"):
        monkeypatch.setitem(sys.modules, missing, None)
    parent, name_within = module.rsplit(".", 1)
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.delattr(importlib.import_module(parent), name_within, raising=False)
    assert call_tool(name) == (2, "", f"error: this tool needs {package}: pip install -e '.[experiments]'\n")


def test_preset_is_another_name_of_budget(call_tool, tmp_path):
    for flag in ("--preset=quick", "--budget=quick"):
        status, _, errors = call_tool("report.py", flag, f"--results={tmp_path}")
        assert status == 1 and "no results of budget quick" in errors
