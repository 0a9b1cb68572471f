"""The comparison of precisions."""

import json

from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import named_method


def test_differences_are_to_float32(call_tool, picture_root, tmp_path):
    flags = ["--networks=plus", "--sets=tiny", f"--data_root={picture_root}", f"--output={tmp_path}"]
    status, text, errors = call_tool("compare_precisions.py", *flags)
    assert status == 0, errors
    records = json.loads((tmp_path / "precisions.json").read_text())["records"]
    psnr = {record["precision"]: record["value"] for record in records if record["scale"] == 2}
    (known,) = evaluate_sets(named_method("plus"), ["tiny"], [2], picture_root)
    assert psnr["float32"] == known["psnr"]
    assert 0 < abs(psnr["mixed_bfloat16"] - psnr["float32"]) < 0.1
    row = next(line for line in text.splitlines() if line.startswith("| plus | x2 | tiny | psnr |"))
    assert float(row.split("|")[6]) == round(psnr["mixed_bfloat16"] - psnr["float32"], 3)
