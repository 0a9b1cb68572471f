"""Methods: pretrained networks of any number of channels are measured as what they are."""

import math

import numpy as np
import pytest

from srnet.data.datasets import find_images
from srnet.errors import UsageError
from srnet.evaluation.benchmark import describe_records, evaluate_sets
from srnet.evaluation.methods import NamedMethod, named_method
from srnet.evaluation.protocol import COLOR_METRICS, METRICS, evaluate, register_metric
from srnet.images.read import read_image
from srnet.pretrained import cards
from tests.networks import ship_network


@pytest.mark.parametrize("channels", [1, 3])
def test_a_card_says_how_many_channels_a_network_takes(picture_root, tmp_path, monkeypatch, channels):
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    model = ship_network(tmp_path, "srcnn", 2, channels, filters=[4, 4], initializer="identity")
    (record,) = evaluate_sets(named_method("srcnn"), ["held_out"], None, picture_root)

    def enlarge(lr):
        sr = model(lr.reshape(1, *lr.shape[:2], channels)).numpy()[0]
        return sr if channels == 3 else sr[..., 0]

    (score,) = evaluate(enlarge, find_images("held_out", picture_root), 2, channels)
    assert record["psnr"] == pytest.approx(score.values["psnr"], abs=1e-6)


def test_registered_metrics_are_measured(picture_root, monkeypatch):
    monkeypatch.setattr("srnet.evaluation.protocol.METRICS", dict(METRICS))
    monkeypatch.setattr("srnet.evaluation.protocol.COLOR_METRICS", dict(COLOR_METRICS))

    def largest_error(reference, image):
        return float(np.abs(reference.astype(int) - image).max())

    register_metric("largest_error", largest_error)
    register_metric("largest_error", largest_error)  # a plugin may be imported twice
    with pytest.raises(UsageError, match="'psnr' is registered already"):
        register_metric("psnr", largest_error)
    with pytest.raises(UsageError, match="'largest_error' is registered already"):
        register_metric("largest_error", largest_error, channels=3)
    with pytest.raises(UsageError, match="channels 4 cannot be used"):
        register_metric("of_four", largest_error, channels=4)
    register_metric("largest_blue", lambda reference, image: float(reference[..., 2].max()), channels=3)
    black = NamedMethod("black", lambda scale: lambda lr: np.zeros((scale * lr.shape[0], scale * lr.shape[1])), (2,))
    (record,) = evaluate_sets(black, ["held_out"], None, picture_root, ["psnr", "largest_error", "largest_blue"])
    (path,) = find_images("held_out", picture_root)
    luma = np.rint(16 + read_image(path) @ [65.481, 128.553, 24.966] / 255)
    assert record["largest_error"] == record["per_image"][0]["largest_error"] == luma[2:-2, 2:-2].max()
    assert record["largest_blue"] == read_image(path)[2:-2, 2:-2, 2].max()
    assert "ssim" not in record
    assert "largest_error" in describe_records([record], ["psnr", "largest_error"])
    with pytest.raises(UsageError, match="metric 'lpips' is unknown: choose from psnr, ssim, largest_error, psnr_rgb"):
        evaluate_sets(black, ["held_out"], None, picture_root, ["lpips"])
    register_metric("nothing", lambda reference, image: None)
    with pytest.raises(UsageError, match="metric 'nothing' returned NoneType, not a number"):
        evaluate_sets(black, ["held_out"], None, picture_root, ["nothing"])
    register_metric("undefined", lambda reference, image: math.nan)
    (other,) = evaluate_sets(black, ["held_out"], None, picture_root, ["undefined"])
    assert math.isnan(other["undefined"])
    assert "1 of 1 images have no finite undefined" in describe_records([other], ["undefined"])
