"""The comparison of precisions."""

from experiments.runs import precisions
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import named_method
from srnet.json_files import read_json_lines


def test_differences_are_to_float32_and_measured_once(call_tool, picture_root, tmp_path, monkeypatch):
    monkeypatch.setattr("srnet.pretrained.cards.scales", lambda name: (2,))
    flags = ["--networks=full", "--sets=tiny", f"--data_root={picture_root}", f"--output={tmp_path}"]
    status, text, errors = call_tool("compare_precisions.py", *flags)
    assert status == 0, errors
    records = read_json_lines(tmp_path / "precisions.jsonl")
    psnr = {record["precision"]: record["value"] for record in records if record["scale"] == 2}
    (known,) = evaluate_sets(named_method("full"), ["tiny"], [2], picture_root)
    assert psnr["float32"] == known["psnr"]
    assert 0 < abs(psnr["mixed_bfloat16"] - psnr["float32"]) < 0.1
    row = next(line for line in text.splitlines() if line.startswith("| full | x2 | tiny | psnr |"))
    assert float(row.split("|")[6]) == round(psnr["mixed_bfloat16"] - psnr["float32"], 3)
    monkeypatch.setattr(precisions, "evaluate_sets", None)
    assert call_tool("compare_precisions.py", *flags)[:2] == (0, text)
