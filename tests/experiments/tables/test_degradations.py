"""The tables of methods under degradations, from records whose figures are known."""

from experiments.recipes.degradations import METHODS, SHOWN
from experiments.tables.degradations import describe_degradations, describe_gains
from srnet.data.datasets import TEST_SETS
from srnet.pretrained import cards


def _record(method, name, degradation, psnr, scale=4):
    place = {"method": method, "set": name, "scale": scale, "degradation": degradation}
    place["weights"] = None if method == "bicubic" else cards.card(scale, method)["sha256"]
    return {**place, "psnr": psnr, "psnr_rgb": psnr - 1, "ssim": 0.5}


def test_sets_have_the_order_of_all_tables_and_own_ones_follow():
    found = [_record("bicubic", name, "noise10", 30.0) for name in ("mine", *sorted(TEST_SETS))]
    lines = describe_degradations(found).splitlines()
    assert lines[6] == "| degradation | method | Set5 | Set14 | BSD100 | Urban100 | mine |"
    assert lines[8].startswith("| `noise10` | bicubic | 29.00 / 30.00 / 0.5000 |")


def test_gains_are_means_over_the_test_sets():
    found = [
        _record(method, name, degradation, 20.0 + row + 10 * column + number / 10)
        for column, method in enumerate(METHODS)
        for row, degradation in enumerate(SHOWN)
        for number, name in enumerate(TEST_SETS)
    ]
    other = [_record("photo", "mine", SHOWN[0], 99.0), _record("photo", "Set5", SHOWN[0], 99.0, scale=2)]
    lines = describe_gains([*found, *other]).splitlines()
    assert lines[2] == "| degradation | bicubic | plus | photo |"
    assert lines[4:6] == ["| `bicubic` | 20.15 | 30.15 | 40.15 |", "| `jpeg50` | 21.15 | 31.15 | 41.15 |"]
    assert len(lines) == 4 + len(SHOWN)
    assert describe_gains(found[1:]) == ""


def test_results_of_two_weights_of_a_run_are_in_rows_of_their_own():
    found = [{**_record("bicubic", name, "noise10", 30.0), "method": "mine"} for name in ("Set5", "Set14")]
    for record, weights in zip(found, "ab"):
        record["weights"] = weights * 64
    lines = describe_degradations(found).splitlines()
    assert lines[8:10] == [
        "| `noise10` | mine, weights aaaaaaaa | 29.00 / 30.00 / 0.5000 | - |",
        "| `noise10` | mine, weights bbbbbbbb | - | 29.00 / 30.00 / 0.5000 |",
    ]


def test_results_of_older_weights_are_left_out():
    found = [_record("photo", name, "noise10", 30.0) for name in TEST_SETS]
    found[1]["weights"] = "0" * 64
    assert describe_degradations(found).splitlines()[8].count(" 29.00 / 30.00 / 0.5000 ") == len(TEST_SETS) - 1
    everything = [_record(method, name, each, 30.0) for method in METHODS for name in TEST_SETS for each in SHOWN]
    assert describe_gains(everything)
    everything[-1]["weights"] = "0" * 64
    assert describe_gains(everything) == ""
