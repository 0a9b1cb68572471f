"""Figure 5: which networks and runs share it."""

import pytest

from experiments.pictures.plots import draw_curves
from experiments.recipes import figure_5
from srnet.errors import DataError
from srnet.models.hybrid import VARIANTS
from tests.experiments.conftest import ablation_record


def test_runs_of_different_lengths_share_no_figure(tmp_path):
    found = [
        ablation_record("full", [25, 26, 27]),
        ablation_record("vdsr", [30]),
        ablation_record("no_deconv_no_dilation", [20], scale=4),
    ]
    message = "full x2 seed 0, 30 steps in 3 epochs and no_deconv_no_dilation x4 seed 0, 10 steps in 1 epochs, are not"
    with pytest.raises(DataError, match=f"{message} comparable: remove one of their lines"):
        draw_curves(found, tmp_path / "figure.png")


def test_nothing_to_show_is_no_figure(tmp_path):
    assert not draw_curves([ablation_record("vdsr", [30])], tmp_path / "figure.png")
    assert not any(tmp_path.iterdir())


def test_panels_name_networks():
    assert {network for panel in figure_5.PANELS.values() for network in panel.values()} <= set(VARIANTS)
