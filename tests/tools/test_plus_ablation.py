"""The ablation of `plus`: rows made at a tiny budget, interrupted and resumed, and refusals."""

import json
import signal

from srnet import models


def test_rows_are_made_after_an_interruption_and_compared_with_the_first(start_tool, run_tool, tmp_path, wait_for):
    results = tmp_path / "results" / "plus_ablation_quick.jsonl"
    process = start_tool("plus_ablation.py", "--rows=plus,no_encoder")
    wait_for(tmp_path / "runs/plus_x4_no_encoder/config.json")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, "Traceback" in errors, "| `plus` |" in output) == (130, False, False)
    assert json.loads(results.read_text())["cost"] is None

    # The interrupted row alone, without the row that it is compared with.
    status, output, errors = run_tool("plus_ablation.py", "--rows=no_encoder")
    assert (status, errors) == (0, [])
    (row,) = (line for line in output.splitlines() if line.startswith("| two residual blocks"))
    assert row.endswith("| - |") and "| `plus` |" not in output

    status, output, errors = run_tool("plus_ablation.py", "--rows=plus,no_encoder")
    assert (status, errors) == (0, [])
    found = {line["method"]: line for line in map(json.loads, results.read_text().splitlines())}
    assert set(found) == {"plus", "no_encoder"}
    without = models.build("plus", 4, filters=2, depth=0, blocks=7).count_params()
    assert found["no_encoder"]["cost"]["parameters"] == without
    gain = found["no_encoder"]["measurements"]["held_out"]["psnr"] - found["plus"]["measurements"]["held_out"]["psnr"]
    (row,) = (line for line in output.splitlines() if line.startswith("| two residual blocks"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:2] == ["two residual blocks for the encoder-decoder", f"{without:,}"]
    assert cells[-1] == f"{gain:+.2f}"
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*.json")}
    assert run_tool("plus_ablation.py", "--rows=plus,no_encoder")[0] == 0
    assert made == {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*.json")}


def test_unknown_row(run_tool):
    status, _, errors = run_tool("plus_ablation.py", "--rows=plus,narrower")
    assert status == 2 and "--rows: 'narrower' is unknown: choose among plus, seed_1" in errors[0]
