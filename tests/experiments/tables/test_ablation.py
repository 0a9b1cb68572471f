"""Table 1: which runs it needs, which may share it, and its text from records alone."""

import statistics

import pytest

from experiments.recipes import table_1
from experiments.recipes.ablation import NETWORKS, needed
from experiments.recipes.budgets import BUDGETS
from experiments.tables.ablation import describe_plus_ablation, describe_table_1
from srnet.errors import DataError
from srnet.models.hybrid import VARIANTS
from tests.experiments.conftest import ablation_record


def test_the_sweep_holds_all_variants_at_x2_and_table_1_at_x4():
    pairs = needed((2, 4), None)
    assert {name for name, scale in pairs if scale == 2} == set(VARIANTS) == set(NETWORKS)
    assert {name for name, scale in pairs if scale == 4} == {"no_skips", "local_only", "long_only", "full"}
    assert len(pairs) == len(set(pairs)) == 11


def test_table_gives_each_column_its_network_and_seeds_their_spread():
    found = [
        ablation_record("full", [25, 26, 27], end=26.5),
        ablation_record("full", [25, 26, 28], seed=1, end=26.7),
        ablation_record("no_skips", [20, 21, 22], end=21.25),
    ]
    lines = describe_table_1(found, "cpu").splitlines()
    header = next(line for line in lines if line.startswith("| epoch"))
    assert [cell.strip() for cell in header.strip("|").split("|")] == ["epoch, images", *table_1.COLUMNS]
    last = next(line for line in lines if line.startswith("| 3 (30 steps), 5 images of Urban100"))
    spread = statistics.stdev([27, 28])
    assert last.endswith(f"| 22.00 / 0.2200 | - | - | 27.50 ± {spread:.2f} / 0.2750 |")
    end = next(line for line in lines if line.startswith("| after training, all of Urban100"))
    assert end.endswith("| 21.25 / 0.5000 | - | - | 26.60 ± 0.14 / 0.5000 |")
    found[1]["measurements"] = {}
    assert "| 26.50 / 0.5000 (1 of 2 runs) |" in describe_table_1(found, "cpu")


def test_captions_give_the_patch_that_was_trained_on():
    found = [ablation_record("full", [25, 26], scale=3, patch=64)]
    assert ", patch 63, float32; PSNR" in describe_table_1(found, "cpu")


@pytest.mark.parametrize("other", [{"seed": 1, "method": "full"}, {"method": "no_skips"}])
def test_runs_of_different_lengths_share_no_table(other):
    found = [ablation_record("full", [25, 26, 27]), ablation_record("no_deconv_no_dilation", [20], scale=4)]
    describe_table_1(found, "cpu")
    with pytest.raises(DataError, match="20 steps in 2 epochs in float32, are not comparable"):
        describe_table_1([*found, ablation_record(**{"psnrs": [25, 26], **other})], "cpu")


def test_runs_in_different_precisions_share_no_table():
    found = [ablation_record("full", [25, 26]), ablation_record("no_skips", [25, 26], precision="mixed_bfloat16")]
    with pytest.raises(DataError, match="20 steps in 2 epochs in mixed_bfloat16, are not comparable"):
        describe_table_1(found, "cpu")


def test_nothing_to_show_is_no_table():
    found = [{**ablation_record("vdsr", [30]), "cost": None}]
    assert describe_table_1(found, "cpu") == describe_plus_ablation(found, "cpu") == ""
    cost = {"parameters": 1, "macs": 1, "seconds_per_megapixel": 1.0, "hardware": {"cpu": "A", "gpus": []}}
    measured = dict.fromkeys(BUDGETS["cpu"]["sets"], {"psnr": 30.0, "ssim": 0.9})
    of_old_row = {**ablation_record("row_of_old", [30]), "cost": cost, "measurements": measured}
    assert describe_plus_ablation([of_old_row], "cpu") == ""
