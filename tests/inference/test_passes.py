"""Pictures to any size: passes, downscaling, CMYK, memory."""

import io

import numpy as np
import PIL.Image
import pytest
import skimage.data

import srnet
from srnet.errors import DataError, UsageError
from srnet.images.picture import Picture
from srnet.inference import passes
from srnet.inference.passes import enlarge_picture, needed_passes, target_size
from srnet.inference.upscaler import Upscaler
from tests.networks import bicubic_network

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def upscalers():
    made = {scale: Upscaler(bicubic_network(scale), precision="float32") for scale in (2, 3)}
    return {scale: lambda scale=scale: made[scale] for scale in made}


@pytest.mark.parametrize(
    ("factor", "scales", "expected"),
    [
        (2, [2, 3, 4], [2]),
        (2.5, [2, 3, 4], [3]),
        (4, [2, 3, 4], [4]),
        (5, [2, 3, 4], [2, 3]),
        (6, [2, 3, 4], [2, 3]),
        (6.01, [2, 3, 4], [2, 4]),
        (8, [2, 3, 4], [2, 4]),
        (9, [2, 3, 4], [3, 3]),
        (12, [2, 3, 4], [3, 4]),
        (16, [2, 3, 4], [4, 4]),
        (17, [2, 3, 4], [2, 3, 3]),
        (64, [2, 3, 4], [4, 4, 4]),
        (3, [2, 4], [4]),
        (500, [2], [2] * 9),
        (1, [2, 4], [2]),
        (5, [3], [3, 3]),
        (1.1, [4], [4]),
    ],
)
def test_passes(factor, scales, expected):
    assert needed_passes(factor, scales) == expected


@pytest.mark.parametrize("size", [(18, 24), (27, 36), (36, 48), (13, 17), (9, 13), (30, 12)])
def test_any_size(upscalers, size):
    pixels = np.full((9, 12, 3), (10, 100, 200), np.uint8)
    enlarged = enlarge_picture(Picture(pixels, "RGB", "PNG"), size, upscalers)
    assert enlarged.pixels.shape == (*size, 3) and (enlarged.pixels == (10, 100, 200)).all()


@pytest.mark.parametrize(("dtype", "peak"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
def test_between_two_scales_the_picture_is_that_of_the_larger_one_reduced(upscalers, dtype, peak):
    rows, columns = np.mgrid[:40, :40] / 39
    smooth = ((0.5 + 0.4 * np.sin(6 * rows) * np.cos(5 * columns)) * peak).astype(dtype)
    enlarged = enlarge_picture(Picture(smooth, "L", "PNG"), (100, 100), upscalers).pixels
    places = (np.arange(100) + 0.5) / 2.5 - 0.5
    expected = (0.5 + 0.4 * np.sin(6 * places[:, None] / 39) * np.cos(5 * places / 39)) * peak
    assert np.abs(enlarged.astype(np.float64) - expected)[6:-6, 6:-6].max() < 0.008 * peak


@pytest.mark.parametrize("size", [(101, 60), (64, 171), (199, 199)])
def test_bands_reduce_as_the_whole(monkeypatch, size):
    pixels = RANDOM.uniform(0, 1, (200, 200, 3)).astype(np.float32)
    whole = [PIL.Image.fromarray(pixels[..., i]).resize(size[::-1], PIL.Image.Resampling.BICUBIC) for i in range(3)]
    monkeypatch.setattr(passes, "_BAND", 7)
    np.testing.assert_allclose(passes._downscale(pixels, size, "RGB"), np.clip(np.stack(whole, -1), 0, 1), atol=2e-6)


def test_memory_that_does_not_suffice_is_said():
    class Exhausted:
        def enlarge(self, pixels, mode, progress):
            raise MemoryError

    with pytest.raises(DataError, match="12x9 to 24x18: not enough memory"):
        enlarge_picture(Picture(np.zeros((9, 12), np.uint8), "L", "PNG"), (18, 24), {2: Exhausted})


def test_cmyk_is_enlarged_ink_by_ink(upscalers):
    pixels = RANDOM.integers(0, 256, (8, 9, 4), np.uint8)
    enlarged = enlarge_picture(Picture(pixels, "CMYK", "JPEG"), (16, 18), upscalers).pixels
    for i in range(4):
        np.testing.assert_array_equal(enlarged[..., i], upscalers[2]()(pixels[..., i]))


def test_progress_reaches_the_whole(upscalers):
    told = []
    picture = Picture(np.zeros((8, 9, 4), np.uint8), "CMYK", "JPEG")
    enlarge_picture(picture, (16, 18), upscalers, told.append)
    assert told == [0.25, 0.5, 0.75, 1]


def test_progress_of_several_passes_goes_up_to_the_end_once(upscalers):
    told = []
    enlarge_picture(Picture(np.zeros((8, 9), np.uint8), "L", "PNG"), (32, 36), {2: upscalers[2]}, told.append)
    assert told == [0.2, 1]  # the second pass has four times the pixels


@pytest.mark.parametrize("size", [(8, 40), (40, 11)])
def test_sizes_that_are_smaller(size):
    with pytest.raises(UsageError, match="is smaller than the picture, 12x9"):
        target_size((9, 12), 4, size)


@pytest.mark.parametrize("scale", [0.9, 0.5, 65, float("nan")])
def test_scales_out_of_range(scale):
    with pytest.raises(UsageError, match="it must be from 1 to 64"):
        target_size((9, 12), scale, None)


def test_a_scale_of_1_cleans_a_photograph():
    original = skimage.data.coffee()[:96, :128]
    file = io.BytesIO()
    PIL.Image.fromarray(original).save(file, "JPEG", quality=40)
    compressed = PIL.Image.open(file)
    cleaned = srnet.enlarge(compressed, 1, network="photo")
    assert cleaned.size == compressed.size
    before, after = (np.square(np.asarray(each, float) - original).mean() for each in (compressed, cleaned))
    assert after < 0.93 * before


def test_sizes_of_scales_are_rounded():
    assert target_size((9, 12), 1.5, None) == (14, 18)
    assert target_size((9, 12), 4, (20, 50)) == (20, 50)


def test_memory_holds_three_times_the_result_before_it_is_downscaled(upscalers, monkeypatch):
    picture = Picture(np.zeros((9, 12), np.uint8), "L", "PNG")
    needed = 3 * (3 * 9) * (3 * 12)
    for size in ((25, 30), (27, 36)):
        monkeypatch.setattr(passes, "free_memory", lambda: needed)
        assert enlarge_picture(picture, size, upscalers).size == size
        monkeypatch.setattr(passes, "free_memory", lambda: needed - 1)
        with pytest.raises(DataError, match=r"enlarging needs 0\.0 GiB of memory, but only 0\.0 GiB are free"):
            enlarge_picture(picture, size, upscalers)


@pytest.mark.parametrize("alpha", [0, 1])
def test_hidden_colours_do_not_bleed_where_a_picture_is_reduced(alpha):
    pixels = np.empty((20, 20, 4), np.uint8)
    pixels[:, :9] = (200, 0, 0, 255)
    pixels[:, 9:] = (0, 255, 0, alpha)
    result = passes._downscale(pixels, (13, 13), "RGBA")
    assert 0 < result[0, 5, 3] < 255
    visible = result[..., 3] > 16
    assert np.abs(result[visible].astype(int)[:, :3] - (200, 0, 0)).max() <= 16 * alpha


def test_sizes_that_keep_the_proportions():
    for exact, fit, expected in (
        ((None, 24), False, (18, 24)),
        ((27, None), False, (27, 36)),
        ((27, 100), True, (27, 36)),
        ((100, 24), True, (18, 24)),
        ((27, 100), False, (27, 100)),
    ):
        assert target_size((9, 12), 4, exact, fit) == expected
    with pytest.raises(UsageError, match="8x6 is smaller than the picture, 12x9"):
        target_size((9, 12), 4, (None, 8))


def test_pillow_images_know_the_jpeg_that_they_were_read_from():
    file = io.BytesIO()
    PIL.Image.fromarray(RANDOM.integers(0, 256, (12, 16, 3), np.uint8)).save(file, "JPEG", quality=40)
    image = PIL.Image.open(file)
    by_photo = srnet.enlarge(image, 4, network="photo")
    np.testing.assert_array_equal(np.asarray(srnet.enlarge(image, 4)), np.asarray(by_photo))
    by_plus = srnet.enlarge(np.asarray(image), 4)
    np.testing.assert_array_equal(np.asarray(srnet.enlarge(image.copy(), 4)), by_plus)
    assert (np.asarray(by_photo) != by_plus).any()


def test_arrays_and_other_pillow_images_say_nothing():
    image = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8))
    by_plus = srnet.enlarge(np.asarray(image), 2, network="plus")
    np.testing.assert_array_equal(srnet.enlarge(np.asarray(image), 2), by_plus)
    np.testing.assert_array_equal(srnet.enlarge(image, 2, network="auto"), by_plus)
