"""Figure 5: which networks and runs share it."""

import pytest

from experiments.pictures import plots
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
    runs = "full x2 seed 0, 30 steps in 3 epochs in float32 and no_deconv_no_dilation x4 seed 0, 10 steps in 1 epochs"
    with pytest.raises(DataError, match=f"{runs} in float32, are not comparable: remove one of their lines"):
        draw_curves(found, tmp_path / "figure.png")


def test_nothing_to_show_is_no_figure(tmp_path):
    assert not draw_curves([ablation_record("vdsr", [30])], tmp_path / "figure.png")
    assert not any(tmp_path.iterdir())


def test_a_curve_is_the_mean_of_its_seeds_and_the_band_their_range(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda figure, path: drawn.append(figure))
    psnrs = {network: 20.0 + number for number, network in enumerate(figure_5.NETWORKS)}
    found = [ablation_record(network, [psnr, psnr + 1]) for network, psnr in psnrs.items()]
    found.append(ablation_record("full", [psnrs["full"] + 0.5, psnrs["full"] + 3], seed=1))
    for record in found:
        record["run"]["degradation"] = "noise"
    assert draw_curves(found, tmp_path / "figure.png")
    (figure,) = drawn
    assert figure.get_suptitle().startswith("Figure 5 under noise, trained on T91 + BSD200: 20 steps")
    assert [axes.get_title() for axes in figure.axes] == [f"{title}, x2" for title in figure_5.PANELS]
    for axes, curves in zip(figure.axes, figure_5.PANELS.values()):
        lines = {line.get_label(): line for line in axes.get_lines()}
        assert set(lines) == {f"{label} ({network})" for label, network in curves.items()}
        for label, network in curves.items():
            line, psnr = lines[f"{label} ({network})"], psnrs[network]
            more = (0.25, 2.0) if network == "full" else (0.0, 1.0)
            assert list(line.get_xdata()) == [1, 2] and list(line.get_ydata()) == [psnr + each for each in more]
        (band,) = axes.collections
        edges = {tuple(point) for point in band.get_paths()[0].vertices.tolist()}
        low = psnrs["full"]
        assert {(1, low), (1, low + 0.5), (2, low + 1), (2, low + 3)} <= edges


def test_panels_name_networks():
    assert {network for panel in figure_5.PANELS.values() for network in panel.values()} <= set(VARIANTS)
