"""The committed tables are those of the committed records."""

import json
import pathlib

import pytest

from experiments import documentation, weights
from experiments.pictures.crops import read_crops
from experiments.runs import records
from experiments.tables.ablation import describe_plus_ablation, describe_table_1
from experiments.tables.claims import describe_claims
from experiments.tables.comparison import describe_table_2
from experiments.tables.degradations import describe_degradations, describe_gains
from experiments.tables.precisions import describe_precisions
from srnet.images.read import read_image
from srnet.inference import choice
from srnet.json_files import read_json_lines
from srnet.pretrained import cards

RESULTS = pathlib.Path(__file__).parents[2] / "experiments" / "results"


@pytest.mark.parametrize("path", RESULTS.rglob("degradations.jsonl"), ids=lambda path: path.parent.name)
def test_the_tables_of_degradations_are_made_from_the_records(path):
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert path.with_suffix(".md").read_text() == describe_degradations(found)
    gains = path.with_name("photo_gains.md")
    assert (gains.read_text() if gains.exists() else "") == describe_gains(found)
    for each in found:
        shipped = each["method"] != "bicubic" and cards.card(each["scale"], each["method"])["sha256"]
        assert each["weights"] == (shipped or None)


def test_auto_takes_the_better_network_on_the_validation_images():
    found = [json.loads(line) for line in (RESULTS / "BSDval50" / "degradations.jsonl").read_text().splitlines()]
    psnr = {(each["scale"], each["degradation"], each["method"]): each["psnr"] for each in found}
    for scale in cards.scales(cards.PHOTO):
        assert (
            psnr[scale, f"jpeg{choice.HIGHEST_QUALITY}", "photo"]
            >= psnr[scale, f"jpeg{choice.HIGHEST_QUALITY}", "plus"]
        )
        assert psnr[scale, "bicubic", "plus"] > psnr[scale, "bicubic", "photo"]


@pytest.mark.parametrize(
    "path",
    sorted({*RESULTS.glob("*.jsonl")} - {RESULTS / "degradations.jsonl", RESULTS / "precisions.jsonl"}),
    ids=lambda path: path.stem,
)
def test_tables_are_made_from_the_records(path):
    if path.stem.startswith("figure_6"):
        for key, line in read_crops(path).items():
            _, _, width, height = key[3]
            assert read_image(RESULTS / line["file"]).shape[:2] == (height, width)
        return
    found = records.read_records(path)
    if path.stem.startswith("plus_ablation"):
        budget = path.stem.removeprefix("plus_ablation_")
        assert path.with_suffix(".md").read_text() == describe_plus_ablation(found, budget)
        return
    tables = {
        f"table_1_{path.stem}.md": describe_table_1(found, found[0]["budget"]),
        f"table_2_{path.stem}.md": describe_table_2(found, found[0]["budget"]),
        f"claims_{path.stem}.md": describe_claims(found, found[0]["budget"]),
    }
    for name, text in tables.items():
        if (RESULTS / name).exists():
            assert (RESULTS / name).read_text() == text
    kinds = {"cpu": ("table_1", "table_2", "claims")}.get(path.stem, ("table_1", "claims"))
    assert {name for name in tables if (RESULTS / name).exists()} == {f"{kind}_{path.stem}.md" for kind in kinds}
    assert all({"command", "commit", "hardware", "seconds"} <= set(each["run"]) for each in found if each["run"])


def test_the_table_of_precisions_is_made_from_the_records():
    found = read_json_lines(RESULTS / "precisions.jsonl")
    assert (RESULTS / "precisions.md").read_text() == describe_precisions(found)
    measured = {(each["network"], each["scale"], each["weights"]) for each in found}
    shipped = [(name, scale) for name in cards.names() for scale in cards.scales(name)]
    assert measured == {(name, scale, cards.card(scale, name)["sha256"]) for name, scale in shipped}


def test_pages_show_the_tables_of_the_results_and_of_the_cards():
    shown = {page.stem: documentation.read_tables(page) for page in documentation.DOCS.glob("*.md")}
    for page, tables in weights.tables().items():
        assert documentation.read_tables(page).items() >= tables.items()
    assert set(shown["networks"]) == {"weights", "published", "photo_gains.md"}
    names = ["claims_cpu.md", "table_1_cpu.md", "claims_cpu_noise.md", "table_2_cpu.md", "plus_ablation_cpu.md"]
    assert list(shown["reproduction"]) == names
    for name, text in {**shown["reproduction"], **shown["networks"]}.items():
        assert not name.endswith(".md") or text == documentation.table_of(RESULTS / name)
