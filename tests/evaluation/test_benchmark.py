"""Benchmarks: what the self-ensemble changes and what it leaves."""

import io
import json
import re

import numpy as np
import PIL.Image
import pytest
import skimage.color
import skimage.metrics

from srnet.errors import DataError, UsageError
from srnet.evaluation.benchmark import describe_records, evaluate_sets
from srnet.evaluation.bicubic import bicubic
from srnet.evaluation.methods import NamedMethod, named_method, self_ensembled
from srnet.images.color import round_to_uint8
from srnet.images.resize import imresize
from srnet.images.write import write_image
from srnet.inference.method import self_ensemble
from srnet.json_files import to_json, write_json


def test_self_ensemble_takes_the_mean_over_all_eight_flips_and_rotations():
    lr = np.random.default_rng(0).uniform(size=(3, 5))

    def leaning(lr):
        sr = np.kron(lr, np.ones((2, 2)))
        return sr + np.arange(sr.shape[1]) + 100.0 * (np.arange(sr.shape[0])[:, None] == 0)

    # The ramp runs along each side in both directions, so (W - 1) / 2 and (H - 1) / 2 remain; the bright row lies at
    # each of the four sides twice.
    expected = np.kron(lr, np.ones((2, 2))) + (9 / 2 + 5 / 2) / 2
    for side in (expected[0], expected[-1], expected[:, 0], expected[:, -1]):
        side += 25.0
    np.testing.assert_allclose(self_ensemble(leaning)(lr), expected, atol=1e-12)


def test_self_ensemble_leaves_bicubic_interpolation_as_it_is(picture_root):
    method = named_method("bicubic", None, None)
    (alone,), (mean,) = (
        evaluate_sets(each, ["held_out"], [3], picture_root) for each in (method, self_ensembled(method))
    )
    assert (alone["method"], mean["method"]) == ("bicubic", "bicubic+")
    assert mean["psnr"] == pytest.approx(alone["psnr"], abs=0.01)


def test_a_flat_picture_is_left_out_of_the_mean(picture_root, tmp_path):
    method = named_method("bicubic", None, None)
    (alone,) = evaluate_sets(method, ["held_out"], [2], picture_root)
    write_image(picture_root / "held_out" / "flat.png", np.full((40, 40), 7, np.uint8))
    (both,) = evaluate_sets(method, ["held_out"], [2], picture_root)
    assert both["psnr"] == alone["psnr"] and both["images"] == alone["images"] + 1 and both["infinite"] == {"psnr": 1}
    note = f"held_out x2: 1 of {both['images']} images have no finite psnr and are left out of its mean"
    assert note in describe_records([both])
    write_json(tmp_path / "results.json", [both])
    (written,) = json.loads((tmp_path / "results.json").read_text(), parse_constant=pytest.fail)
    assert [each["psnr"] for each in written["per_image"] if each["image"] == "flat.png"] == [None]
    for path in (picture_root / "held_out").iterdir():
        if path.name != "flat.png":
            path.unlink()
    (flat,) = evaluate_sets(method, ["held_out"], [2], picture_root)
    assert flat["psnr"] == np.inf and json.loads(to_json(flat), parse_constant=pytest.fail)["psnr"] is None


def test_a_damaged_image_is_named_before_anything_is_measured(picture_root):
    (picture_root / "held_out" / "b.png").write_bytes(b"\x89PNG")
    method = NamedMethod("none", lambda scale: pytest.fail, (2,))
    with pytest.raises(DataError, match=r"held_out/b\.png: "):
        evaluate_sets(method, ["tiny", "held_out"], None, picture_root)


def test_noise_is_drawn_from_the_image_alone(picture_root):
    """Every method gets the same LR image, whatever the file's name and its place in the set."""
    given = []
    method = NamedMethod("recorded", lambda scale: lambda lr: (given.append(lr), bicubic(lr, scale))[1], (2,))
    folder = picture_root / "flats"
    for name, level in (("a", 100), ("b", 101), ("c", 100)):
        write_image(folder / f"{name}.png", np.full((40, 40), level, np.uint8))
    for _ in range(2):
        evaluate_sets(method, ["flats"], [2], picture_root, degradations=["noise10"])
    first, other, same = given[:3]
    np.testing.assert_array_equal(first, same)
    np.testing.assert_array_equal(given[:3], given[3:])
    assert np.std(first) > 5 and np.abs((first - 100) - (other - 101)).max() > 10


def test_degraded_sets_are_measured_as_a_reader_would(picture_root):
    method = named_method("bicubic", None, None)
    names = ["bicubic", "jpeg30"]
    clean, record = evaluate_sets(method, ["held_out"], [2], picture_root, ["psnr", "psnr_rgb"], names)
    assert "degradation" not in clean and record["degradation"] == "jpeg30"
    with PIL.Image.open(picture_root / "held_out" / "a.png") as image:
        hr = np.asarray(image)
    file = io.BytesIO()
    lr = PIL.Image.fromarray(round_to_uint8(imresize(hr, 0.5)))
    lr.save(file, "JPEG", quality=30, subsampling=0)
    with PIL.Image.open(file) as image:
        enlarged = round_to_uint8(imresize(np.asarray(image), 2))
    shaved = np.s_[2:-2, 2:-2]
    expected = skimage.metrics.peak_signal_noise_ratio(hr[shaved], enlarged[shaved])
    assert record["psnr_rgb"] == pytest.approx(expected, abs=0.02)  # luma and chroma are rounded apart there
    luma = [skimage.color.rgb2ycbcr(each[shaved])[..., 0] for each in (hr, enlarged)]
    expected = skimage.metrics.peak_signal_noise_ratio(*luma, data_range=255)
    assert record["psnr"] == pytest.approx(expected, abs=0.2) and record["psnr"] < clean["psnr"] - 1
    table = describe_records([clean, record], ["psnr", "psnr_rgb"])
    assert "imresize in double precision" in table and "by the degradation named" in table
    assert re.search(r"bicubic +held_out +jpeg30 +x2 ", table)
    for given, message in (
        ({"degradations": []}, "no degradations: name at least one"),
        ({"sets": []}, "no sets: name at least one"),
        ({"scales": []}, "no scales: name at least one"),
    ):
        with pytest.raises(UsageError, match=message):
            evaluate_sets(method, **{"sets": ["held_out"], "scales": [2], "data_root": picture_root, **given})
    with pytest.raises(UsageError, match="degradation 'fog' is unknown"):
        evaluate_sets(method, ["held_out"], [2], picture_root, ["psnr"], ["fog"])
