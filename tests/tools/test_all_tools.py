"""What every tool does: quick help, one line for wrong usage and for a package that is missing."""

import pathlib
import subprocess
import sys

import pytest

TOOLS = sorted((pathlib.Path(__file__).parents[2] / "tools").glob("*.py"))
WITH_BUDGET = ("ablation_sweep", "compare_methods", "plus_ablation", "report", "visual_comparison")

# Runs a tool in a Python that lacks some packages.
_DRIVER = """
import runpy, sys
sys.modules.update(dict.fromkeys(sys.argv[1].split(",")))
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def _run_without(packages, *command):
    run = [sys.executable, "-c", _DRIVER, packages, *map(str, command)]
    return subprocess.run(run, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda path: path.stem)
def test_help_needs_neither_tensorflow_nor_matplotlib(tool):
    result = _run_without("tensorflow,keras,matplotlib,markdown", tool, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"python tools/{tool.name}" in result.stdout
    assert ("--budget: <paper|cpu|quick>" in result.stdout) == (tool.stem in WITH_BUDGET)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda path: path.stem)
def test_wrong_usage_needs_no_tensorflow(tool):
    result = _run_without("tensorflow,keras,matplotlib,markdown", tool, "stray")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: expected no arguments besides flags, not stray\n"


@pytest.mark.parametrize(("name", "package"), [("picture_sheet.py", "matplotlib"), ("report.py", "markdown")])
def test_a_missing_package_is_named(tmp_path, name, package):
    result = _run_without(package, TOOLS[0].with_name(name))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"error: this tool needs {package.replace('mark', 'Mark')}: pip install '.[experiments]'\n"


def test_preset_is_another_name_of_budget(tmp_path):
    for flag in ("--preset=quick", "--budget=quick"):
        command = [sys.executable, TOOLS[0].with_name("report.py"), flag, f"--results={tmp_path}"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 1 and "no results of budget quick" in result.stderr
