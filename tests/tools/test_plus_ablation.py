"""The ablation of `plus`: rows made at a tiny budget, interrupted and resumed, and refusals."""

import json
import signal

import pytest

from srnet import models


@pytest.mark.slow
def test_rows_are_made_after_an_interruption_and_compared_with_the_first(start_tool, run_tool, tmp_path, wait_for):
    results = tmp_path / "results" / "plus_ablation_quick.jsonl"
    process = start_tool("plus_ablation.py", "--rows=plus,wide")
    wait_for(tmp_path / "runs/plus_x4_wide/config.json")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, "Traceback" in errors, "| `plus` |" in output) == (130, False, False)
    assert json.loads(results.read_text())["cost"] is None

    # The interrupted row alone, without the row that it is compared with.
    status, output, errors = run_tool("plus_ablation.py", "--rows=wide")
    assert (status, errors) == (0, [])
    (row,) = (line for line in output.splitlines() if line.startswith("| 1 residual block of 64"))
    assert row.endswith("| - |") and "| `plus` |" not in output

    status, output, errors = run_tool("plus_ablation.py", "--rows=plus,wide")
    assert (status, errors) == (0, [])
    found = {line["method"]: line for line in map(json.loads, results.read_text().splitlines())}
    assert set(found) == {"plus", "wide"}
    wide = models.build("plus", 4, filters=64, blocks=1, depth=1).count_params()
    assert found["wide"]["cost"]["parameters"] == wide
    gain = found["wide"]["measurements"]["held_out"]["psnr"] - found["plus"]["measurements"]["held_out"]["psnr"]
    (row,) = (line for line in output.splitlines() if line.startswith("| 1 residual block of 64"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:2] == ["1 residual block of 64 filters", f"{wide:,}"]
    assert cells[-1] == f"{gain:+.2f}"
    made = results.read_text()  # with the seconds of each measurement
    assert run_tool("plus_ablation.py", "--rows=plus,wide")[0] == 0
    assert results.read_text() == made


def test_unknown_row(run_tool):
    status, _, errors = run_tool("plus_ablation.py", "--rows=plus,narrower")
    assert status == 2 and "--rows: 'narrower' is unknown: choose from plus, seed_1" in errors[0]
