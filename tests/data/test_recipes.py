"""Degradations of steps, against closed forms, Pillow and statistics."""

import io
import json
import pathlib
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from srnet.data.degradation import degrade, find_degradation, register
from srnet.data.patches import ensure_store
from srnet.data.recipes import RECIPES, Draw, Recipe
from srnet.errors import UsageError
from srnet.images.color import round_to_uint8
from srnet.images.resize import imresize
from tests.conftest import draw_picture
from tests.patch_options import patch_options

GRAY = np.full((240, 240, 3), 128, np.uint8)


def _random(seed=0):
    return np.random.default_rng(seed)


def test_blur_is_a_gaussian():
    point = np.zeros((65, 65, 1), np.uint8)
    point[32, 32] = 255
    y, x = np.mgrid[-32:33, -32:33]
    bell = np.exp(-(x**2 + y**2) / (2 * 2.0**2))
    expected = 255 * bell / bell.sum()
    for anisotropic in (0.0, 1.0):
        recipe = Recipe(blur=Draw(2, 2), anisotropic=anisotropic)
        blurred = recipe(point, 1, _random())[..., 0].astype(float)
        spread = np.sqrt((blurred * x**2).sum() / blurred.sum()), np.sqrt((blurred * y**2).sum() / blurred.sum())
        if anisotropic:
            assert min(spread) < 1.9
        else:
            assert abs(blurred - expected).max() <= 0.5


def test_kernels():
    picture = draw_picture(1, 48, 64)
    area = Recipe(kernels=("area",))(picture, 4, _random())
    means = picture.reshape(12, 4, 16, 4, 3).astype(float).mean((1, 3))
    assert abs(area - means).max() <= 0.5
    bilinear = Recipe(kernels=("bilinear",))(picture, 2, _random())
    expected = PIL.Image.fromarray(picture).resize((32, 24), PIL.Image.Resampling.BILINEAR)
    assert abs(bilinear.astype(int) - np.asarray(expected)).max() <= 1
    np.testing.assert_array_equal(degrade(picture, 2, "noise0", _random()), round_to_uint8(imresize(picture, 0.5)))


def test_noise_has_its_deviation():
    noise = degrade(GRAY, 2, "noise10", _random()).astype(float) - 128
    assert (
        noise.std() == pytest.approx(10, rel=0.02)
        and abs(np.corrcoef(noise[..., 0].flat, noise[..., 1].flat)[0, 1]) < 0.03
    )
    same = Recipe(noise=Draw(10, 10), gray=1.0)(GRAY, 2, _random())
    assert (same[..., 0] == same[..., 2]).all() and same.std() == pytest.approx(10, rel=0.02)
    for level in (64, 192):  # the variance of Poisson noise grows with the light
        light = np.full_like(GRAY, level)
        assert degrade(light, 2, "poisson12", _random()).std() == pytest.approx(12 * (level / 255) ** 0.5, rel=0.03)


@pytest.mark.parametrize("channels", [1, 3])
def test_webp_is_pillows(channels):
    picture = draw_picture(0, 48, 64, channels).reshape(48, 64, channels)
    lr = degrade(picture, 2, "bicubic", _random())
    file = io.BytesIO()
    PIL.Image.fromarray(lr.squeeze()).save(file, "WEBP", quality=40)
    read = PIL.Image.open(file).convert("L" if channels == 1 else "RGB")
    np.testing.assert_array_equal(degrade(picture, 2, "webp40", _random()).squeeze(), np.asarray(read))


def test_jpeg_is_pillows():
    picture = draw_picture(2, 48, 64)
    file = io.BytesIO()
    PIL.Image.fromarray(round_to_uint8(imresize(picture, 0.5))).save(file, "JPEG", quality=40, subsampling=0)
    np.testing.assert_array_equal(degrade(picture, 2, "jpeg40", _random()), np.asarray(PIL.Image.open(file)))
    assert degrade(picture[..., :1], 2, "jpeg40", _random()).shape == (24, 32, 1)


@pytest.mark.parametrize(
    "name, clean, jpeg", [("photo", 0.3, 0.55), ("photo_clean", 0.5, 0.55), ("photo_jpeg", 0.3, 0.85)]
)
def test_photos_have_the_documented_share_of_clean_and_jpeg(name, clean, jpeg):
    # What else leaves a picture as it is: no blur, no noise of either kind, bicubic reduction, no earlier round.
    other = 0.8 * 0.8 * 0.9 * 14 / 16 * 0.85
    picture = draw_picture(3, 24, 24)
    untouched = degrade(picture, 2, "bicubic", _random())
    share = np.mean([(degrade(picture, 2, name, _random(seed)) == untouched).all() for seed in range(1500)])
    assert share == pytest.approx(clean + (1 - clean) * other * (1 - jpeg), abs=0.035)


def test_recipes_draw_from_their_ranges():
    levels = [Draw(5, 25, 0.5).level(_random(seed)) for seed in range(2000)]
    taken = [level for level in levels if level is not None]
    assert len(taken) / 2000 == pytest.approx(0.5, abs=0.05) and 5 <= min(taken) < 6 and 24 < max(taken) <= 25
    picture = draw_picture(3, 60, 84)
    for name in RECIPES:
        results = [degrade(picture, 2, name, _random(seed)) for seed in (0, 0, *range(1, 9))]
        np.testing.assert_array_equal(results[0], results[1])
        assert len({result.tobytes() for result in results}) > 2
    clean = Recipe(noise=Draw(20, 20), clean=1.0)
    np.testing.assert_array_equal(clean(picture, 2, _random()), degrade(picture, 2, "bicubic", _random()))
    stored = Recipe(earlier=Recipe(jpeg=Draw(10, 10)), earlier_probability=1.0)
    assert (stored(picture, 2, _random()) != degrade(picture, 2, "bicubic", _random())).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: find_degradation("fog"),
            "degradation 'fog' is unknown: choose one of bicubic, noise, photo, photo_clean, photo_jpeg, or a chain",
        ),
        (lambda: find_degradation("noise25-5"), "25-5 is not a range"),
        (lambda: find_degradation("webp0"), "webp0-0: the quality must be from 1 to 100"),
        (lambda: find_degradation("jpeg101"), "jpeg101-101: the quality must be from 1 to 100"),
        (lambda: find_degradation("noise5+noise6"), "noise is given twice"),
        (lambda: Draw(0, 1, 2), "probability 2 cannot be used"),
        (lambda: Recipe(kernels=("lanczos",)), "kernels lanczos: choose from bicubic, bilinear, area"),
        (lambda: register("jpeg40", lambda hr, scale, random: hr), "'jpeg40' is registered already"),
    ],
)
def test_bad_recipes(make, message):
    with pytest.raises(UsageError, match=message):
        make()


_BUILD = """if True:
    import json, pathlib, sys
    from srnet.data.patches import ensure_store
    from tests.patch_options import patch_options
    folder, seed, *paths = sys.argv[1:]
    options = patch_options(channels=3, degradation="photo", seed=int(seed))
    print(ensure_store(folder, "store", [pathlib.Path(path) for path in paths], options).path)
"""


def test_stores_are_the_same_in_every_process(picture_root, tmp_path):
    paths = [str(path) for path in sorted((picture_root / "tiny").iterdir())]

    def build(folder, seed):
        command = [sys.executable, "-c", _BUILD, str(tmp_path / folder), str(seed), *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1]

    one, two, other = build("one", 0), build("two", 0), build("one", 1)
    content = [pathlib.Path(path).read_bytes() for path in (one, two, other)]
    assert content[0] == content[1] != content[2] and one != other
    options = patch_options(channels=3, degradation="photo", seed=1)
    store = ensure_store(tmp_path / "one", "store", sorted((picture_root / "tiny").iterdir()), options)
    assert store.description["recipe"]["noise"] == json.loads(json.dumps(vars(RECIPES["photo"].noise)))
