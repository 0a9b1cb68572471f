"""Table 1 and Figure 5: which runs they need, which may share a table, and their text from records alone."""

import dataclasses
import pathlib
import statistics

import pytest

from experiments.pictures.plots import draw_curves
from experiments.recipes import figure_5, table_1
from experiments.recipes.ablation import NETWORKS, needed
from experiments.recipes.budgets import BUDGETS
from experiments.runs.cells import Cell
from experiments.runs.sweeps import check_alike, run_settings
from experiments.tables.ablation import describe_plus_ablation, describe_table_1
from srnet.errors import DataError
from srnet.models.hybrid import VARIANTS
from srnet.training.config import TrainConfig
from srnet.training.presets import preset_settings
from srnet.training.run_folder import Run


def _record(method, psnrs, scale=2, seed=0, end=None, **settings):
    epochs = [
        {"epoch": n, "step": 10 * n, "psnr": psnr, "ssim": psnr / 100, "seconds": 5.0}
        for n, psnr in enumerate(psnrs, 1)
    ]
    run = {"epochs": epochs, "validation_set": "Urban100", "validation_images": 5, "steps_per_epoch": 10}
    run |= {"learning_rate": 1e-3, "batch_size": 16, "patch": 48, "precision": "float32", "optimizer": "adam"}
    run |= {"initializer": "he", "beta_2": 0.9999, "schedule": "staircase", "augment": True, "orientations": 4}
    run |= {"train_sets": ["T91", "BSD200"], "steps": 10 * len(psnrs), **settings}
    measurements = {"Urban100": {"psnr": end, "ssim": 0.5}} if end else {}
    return {"method": method, "scale": scale, "seed": seed, "measurements": measurements, "run": run}


def test_the_sweep_holds_all_variants_at_x2_and_table_1_at_x4():
    pairs = needed((2, 4), None)
    assert {name for name, scale in pairs if scale == 2} == set(VARIANTS) == set(NETWORKS)
    assert {name for name, scale in pairs if scale == 4} == {"no_skips", "local_only", "long_only", "full"}
    assert len(pairs) == len(set(pairs)) == 11


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("network", ["full", "plus", "srcnn", "vdsr", "rednet"])
def test_budgets_are_configurations(budget, network):
    preset, changes = run_settings(budget, network, 2, 1)
    config = TrainConfig(**{**preset_settings(preset, network), **changes})
    assert (config.variant, config.scale, config.seed) == (network, 2, 1)


def test_table_gives_each_column_its_network_and_seeds_their_spread():
    found = [
        _record("full", [25, 26, 27], end=26.5),
        _record("full", [25, 26, 28], seed=1, end=26.7),
        _record("no_skips", [20, 21, 22], end=21.25),
    ]
    lines = describe_table_1(found, "cpu").splitlines()
    header = next(line for line in lines if line.startswith("| epoch"))
    assert [cell.strip() for cell in header.strip("|").split("|")] == ["epoch", *table_1.COLUMNS]
    last = next(line for line in lines if line.startswith("| 3 (30 steps), 5 images of Urban100"))
    spread = statistics.stdev([27, 28])
    assert last.endswith(f"| 22.00 / 0.2200 | - | - | 27.50 ± {spread:.2f} / 0.2750 |")
    end = next(line for line in lines if line.startswith("| the end, all of Urban100"))
    assert end.endswith("| 21.25 / 0.5000 | - | - | 26.60 ± 0.14 / 0.5000 |")


def test_runs_of_different_lengths_share_neither_table_nor_figure(tmp_path):
    found = [_record("full", [25, 26, 27]), _record("vdsr", [30]), _record("no_deconv_no_dilation", [20], scale=4)]
    describe_table_1(found, "cpu")
    message = "full x2 seed 0, 30 steps in 3 epochs and {}, are not comparable: remove one of their lines"
    with pytest.raises(DataError, match=message.format("no_deconv_no_dilation x4 seed 0, 10 steps in 1 epochs")):
        draw_curves(found, tmp_path / "figure.png")
    for each in ({"seed": 1, "method": "full"}, {"method": "no_skips"}):
        with pytest.raises(DataError, match="20 steps in 2 epochs, are not comparable"):
            describe_table_1([*found, _record(**{"psnrs": [25, 26], **each})], "cpu")


def test_nothing_to_show_is_no_table(tmp_path):
    found = [{**_record("vdsr", [30]), "cost": None}]
    assert describe_table_1(found, "cpu") == describe_plus_ablation(found, "cpu") == ""
    assert not draw_curves(found, tmp_path / "figure.png") and not any(tmp_path.iterdir())


@pytest.fixture
def cells(tmp_path):
    config = TrainConfig(epochs=2, steps_per_epoch=10, batch_size=16, patch=48, validation_images=5)
    config = dataclasses.replace(config, validation_set="Urban100")
    return [Cell(name, 2, Run(tmp_path), {}, config=config) for name in ("full", "no_skips")]


def test_runs_of_other_settings_are_not_mixed(cells):
    path = pathlib.Path("quick.jsonl")
    found = [_record("full", [25, 26, 27]), _record("long_only", [24, 25]), _record("vdsr", [30, 31, 32])]
    check_alike(found, cells, path)
    found.append(_record("long_only", [24, 25, 26], seed=1))
    message = "quick.jsonl: long_only x2 seed 1 has steps 30, this sweep would have 20; remove"
    with pytest.raises(DataError, match=message):
        check_alike(found, cells, path)


def test_a_record_of_srnet_01_without_augmentation_differs(cells):
    found = [_record("long_only", [24, 25], augment=False)]
    with pytest.raises(DataError, match="long_only x2 seed 0 has orientations 1, this sweep would have 4"):
        check_alike(found, cells, pathlib.Path("quick.jsonl"))


def test_panels_name_networks():
    assert {network for panel in figure_5.PANELS.values() for network in panel.values()} <= set(VARIANTS)
