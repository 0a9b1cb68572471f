"""The committed tables are those of the committed records."""

import concurrent.futures
import pathlib

import pytest

from srnet.data.images import read_image
from tools import ablation_sweep, compare_methods, plus_ablation, records, ship_weights, visual_comparison

RESULTS = pathlib.Path(__file__).parents[2] / "experiments" / "results"


@pytest.mark.parametrize("path", RESULTS.glob("*.jsonl"), ids=lambda path: path.stem)
def test_tables_are_made_from_the_records(path):
    if path.stem.startswith("figure_6"):
        for key, line in visual_comparison.read_lines(path).items():
            left, top, width, height = key[3]
            assert read_image(RESULTS / line["file"]).shape[:2] == (height, width)
        return
    found = records.read_records(path)
    if path.stem.startswith("plus_ablation"):
        assert path.with_suffix(".md").read_text() == plus_ablation.describe_table(found)
        return
    tables = {
        f"table_1_{path.stem}.md": ablation_sweep.describe_table(found, path.stem),
        f"table_2_{path.stem}.md": compare_methods.describe_table(found, path.stem),
    }
    for name, text in tables.items():
        if (RESULTS / name).exists():
            assert (RESULTS / name).read_text() == text
    assert any((RESULTS / name).exists() for name in tables)
    assert all({"command", "commit", "hardware", "seconds"} <= set(each["run"]) for each in found if each["run"])


def test_tools_that_run_together_lose_no_records(tmp_path):
    path = tmp_path / "results" / "cpu.jsonl"
    blank = {"version": records.VERSION, "budget": "cpu", "scale": 2, "measurements": {}, "cost": None, "run": None}

    def add(seed):
        records.update_records(path, [{**blank, "method": "full", "seed": seed}])

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(100)))
    assert [record["seed"] for record in records.read_records(path)] == list(range(100))


def test_readme_gives_what_the_cards_of_the_shipped_weights_say():
    text = ship_weights.README.read_text(encoding="utf-8")
    assert ship_weights.TABLE.search(text)[0] == ship_weights.describe_weights()
