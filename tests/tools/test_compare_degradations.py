"""The comparison under degradations: measured once, kept, drawn up."""

import json

import pytest

from experiments.recipes.degradations import METRICS
from experiments.runs import degradations
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import named_method


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(degradations, "NAMES", ("bicubic", "jpeg30"))


def test_a_table_is_measured_and_goes_on_after_an_interruption(few, call_tool, picture_root, tmp_path, monkeypatch):
    flags = ["--methods=bicubic", "--scales=2", "--sets=held_out,tiny", f"--data_root={picture_root}"]
    flags.append(f"--output={tmp_path}")
    measured = []

    def evaluate(method, sets, scales, data_root, metrics, names):
        measured.append((*sets, *names))
        if len(measured) == 3:
            raise KeyboardInterrupt
        return evaluate_sets(method, sets, scales, data_root, metrics, names)

    monkeypatch.setattr(degradations, "evaluate_sets", evaluate)
    assert call_tool("compare_degradations.py", *flags)[0] == 130
    status, text, errors = call_tool("compare_degradations.py", *flags)
    assert status == 0, errors
    assert measured == [
        *(("held_out", "bicubic"), ("held_out", "jpeg30")),
        *(("tiny", "bicubic"), ("tiny", "bicubic"), ("tiny", "jpeg30")),
    ]
    (known,) = evaluate_sets(named_method("bicubic"), ["tiny"], [2], picture_root, METRICS, ["jpeg30"])
    figures = f"{known['psnr_rgb']:.2f} / {known['psnr']:.2f} / {known['ssim']:.4f}"
    assert (tmp_path / "degradations.md").read_text() in text
    row = next(line for line in text.splitlines() if line.startswith("| `jpeg30` | bicubic |"))
    assert row.endswith(f" | {figures} |")


def test_measurements_of_other_weights_are_replaced(few, picture_root, tmp_path):
    path = tmp_path / "degradations.jsonl"
    for weights in ("a", "b"):
        found = degradations.measure_degradations(path, named_method("bicubic"), weights, 2, ["held_out"], picture_root)
        assert [record["weights"] for record in found] == [weights] * 2
    assert [json.loads(line)["degradation"] for line in path.read_text().splitlines()] == ["bicubic", "jpeg30"]


@pytest.mark.parametrize("name", ["plus", "photo"])
def test_a_run_that_has_the_name_of_a_method_is_refused(call_tool, tmp_path, name):
    status, _, errors = call_tool("compare_degradations.py", f"--run={tmp_path / name}")
    assert status == 2 and errors == f"error: --run={tmp_path / name}: its folder has the name of a method; rename it\n"


def test_a_method_that_is_not_there_is_named(call_tool):
    status, _, errors = call_tool("compare_degradations.py", "--methods=lanczos")
    assert status == 2 and "--methods: 'lanczos' is unknown: choose from bicubic, plus" in errors
