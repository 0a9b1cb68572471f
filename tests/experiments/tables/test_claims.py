"""Verdicts on the paper's claims, from records whose answer is known."""

import math

import pytest

from experiments.tables.claims import describe_claims, interval


def _record(method, last, seed=0, whole=None, sets=None, early=20.0, epochs=5):
    lines = [
        {"epoch": n, "step": 10 * n, "psnr": last if n == epochs else early, "ssim": 0.5} for n in range(1, epochs + 1)
    ]
    measured = {**(sets or {}), **({"Urban100": whole} if whole else {})}
    run = {"epochs": lines, "validation_set": "Urban100", "validation_images": 5, "steps": 10 * epochs}
    measurements = {name: {"psnr": psnr} for name, psnr in measured.items()}
    return {"method": method, "scale": 2, "seed": seed, "measurements": measurements, "run": run}


def _cells(found):
    """A dict from (compared, PSNR on) to what is found at x2."""
    lines = [line.strip("|").split("|") for line in describe_claims(found, "cpu").splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line] for line in lines[2:]]
    return {(row[2], row[3]): row[4] for row in rows}


def _inside(half, freedom):
    """The probability that Student's t is within +-half, by quadrature."""
    scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(freedom * math.pi)
    steps = 200_000
    values = ((1 + (half * (n + 0.5) / steps) ** 2 / freedom) ** (-(freedom + 1) / 2) for n in range(steps))
    return 2 * scale * half / steps * sum(values)


def test_the_interval_is_that_of_welch():
    # Variances 1 and 4 of three values each: standard error sqrt(5/3), and by Welch-Satterthwaite
    # (5/3)^2 / ((1/3)^2 / 2 + (4/3)^2 / 2) = 50/17 degrees of freedom.
    half = interval([27.0, 28.0, 29.0], [25.0, 27.0, 29.0])
    assert _inside(half / math.sqrt(5 / 3), 50 / 17) == pytest.approx(0.95, abs=1e-6)


def test_the_interval_beside_a_method_without_seeds_is_of_the_other_alone():
    half = interval([27.0, 28.0, 29.0], [26.0], (False, True))
    assert _inside(half / math.sqrt(1 / 3), 2) == pytest.approx(0.95, abs=1e-6)
    assert interval([27.0], [26.0], (True, True)) == 0 and interval([27.0], [26.0], (False, True)) == math.inf


def test_verdicts_need_seeds_and_whole_sets_come_first():
    found = [_record("full", 30 + seed / 100, seed, early=20 + seed / 100, whole=25 + seed / 100) for seed in range(3)]
    found += [_record("local_only", 29 + seed / 100, seed, early=21 + seed / 100) for seed in range(3)]
    found += [_record("no_deconv", 31 + seed / 100, seed) for seed in range(3)]
    found += [_record("no_dilation", 30 + seed, seed) for seed in (-1, 0, 1)]
    found += [_record("long_only", 20.0, whole=20.0), _record("no_deconv_no_dilation", 20.0, epochs=4)]
    cells = _cells(found)
    assert cells["`full`, `long_only`", "Urban100"] == "+5.01 (3, 1): undecided"
    early = "5 images of Urban100, after 10 steps"
    assert cells["`full`, `local_only`", early] == "-1.00 ± 0.02 (3, 3): does not hold"
    assert cells["`full`, `no_deconv`", "5 images of Urban100"] == "-1.00 ± 0.02 (3, 3): does not hold"
    text = cells["`full`, `no_dilation`", "5 images of Urban100"]
    assert text.startswith("+0.01 ± 2.4") and text.endswith(": undecided")
    assert not any("no_deconv_no_dilation" in compared for compared, _ in cells)  # of another length
    worse = [_record("no_dilation", 29 - seed / 100, seed) for seed in range(3)]
    assert _cells(found[:3] + worse)["`full`, `no_dilation`", "5 images of Urban100"].endswith("holds")


def test_the_order_of_methods_is_of_the_mean_of_all_sets():
    sets = dict.fromkeys(("Set5", "Set14", "BSD100", "Urban100"), 30.0)
    classical = [{**_record(name, 0), "run": None} for name in ("aplus", "bicubic")]
    found = [
        {**each, "measurements": {n: {"psnr": p - i} for n, p in sets.items()}} for i, each in enumerate(classical)
    ]
    found.append(_record("srcnn", 30.0, sets={**sets, "Set5": 32.0}, epochs=50))
    found.append(_record("vdsr", 40.0, sets={"Set5": 40.0}))
    place = "mean of 4 sets"
    assert _cells(found) == {
        ("`srcnn`, `aplus`", place): "+0.50 (1, -): undecided",
        ("`aplus`, `bicubic`", place): "+1.00 (-, -): holds",
    }
    found[-1] = _record("vdsr", 40.0, sets=sets)
    assert _cells(found)["`vdsr` (50 steps), `srcnn` (500 steps)", place] == "-0.50 (1, 1): undecided"
    narrow = _record("rednet", 30.0, sets=dict.fromkeys(sets, 29.0))
    narrow["run"]["model_options"] = {"filters": 64}
    cells = _cells([narrow, _record("full", 30.0, sets=sets)])
    assert cells["`full`, `rednet` (filters 64)", place] == "+1.00 (1, 1): undecided"


def test_scales_stand_side_by_side_and_the_degradation_is_named():
    found = [_record(name, psnr) for name, psnr in (("full", 30.0), ("no_deconv", 29.0))]
    found += [{**record, "scale": 4} for record in found]
    for record in found:
        record["run"]["degradation"] = "noise"
    found.append({**_record("no_dilation", 28.0), "scale": 4})
    text = describe_claims(found, "cpu")
    one = "+1.00 (1, 1): undecided"
    assert f"| 5 images of Urban100 | {one} | {one} |" in text
    assert "| 5 images of Urban100 | - | +2.00 (1, 1): undecided |" in text
    assert text.startswith("# The paper's claims, budget `cpu`, under `noise`\n")


def test_nothing_to_tell_is_no_table():
    assert describe_claims([_record("full", 30.0)], "cpu") == ""
