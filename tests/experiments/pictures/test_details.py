"""Details of pictures: checked, downscaled and enlarged by the protocol; the window where two results differ most."""

import numpy as np
import pytest

from experiments.pictures.details import (
    downscale_and_enlarge,
    image_of_set,
    largest_window,
    open_detail,
    open_picture,
    parse_detail,
)
from srnet.errors import UsageError
from srnet.evaluation.bicubic import make_bicubic
from srnet.evaluation.protocol import evaluate
from srnet.images.resize import imresize


def test_grayscale_pictures_are_luma_as_they_are(picture_root):
    path = image_of_set("tiny", 3, picture_root)
    assert path.name == "grey.png"
    picture = open_picture(path, 2, (0, 0, 8, 8), "grey.png")
    sr, values = downscale_and_enlarge(make_bicubic(2), picture, 2)
    (score,) = evaluate(make_bicubic(2), [path], 2)
    assert sr.shape == picture.shape == (32, 46)
    assert values == pytest.approx(score.values, abs=1e-6)


def test_networks_of_rgb_enlarge_color_and_grayscale(picture_root):
    def enlarge(lr):
        assert lr.shape[2] == 3
        return imresize(lr, 2)

    for number in (1, 3):
        path = image_of_set("tiny", number, picture_root)
        picture = open_picture(path, 2, (0, 0, 8, 8), path.name)
        sr, values = downscale_and_enlarge(enlarge, picture, 2, channels=3)
        (score,) = evaluate(enlarge, [path], 2, channels=3)
        assert sr.shape == picture.shape and sr.dtype == np.uint8
        assert values == pytest.approx(score.values, abs=1e-6)


def test_files_of_a_set_named_by_its_path_stay_in_their_folder():
    detail = parse_detail("../mydata:1:4:0,0,64,64")
    assert "/" not in detail.stem and detail.set == "../mydata"


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        ("held_out:1:2:30,5,16,12", "crop 30,5,16,12 is not inside held_out image 1, 40x36"),
        ("held_out:1:2:3,5,0,12", "is not inside"),
        ("held_out:2:2:3,5,16,12", "held_out has images 1 to 1, not 2"),
        ("held_out:1:1:3,5,16,12", "scale 1"),
        ("held_out:1", "expected SET:IMAGE:SCALE:X,Y,W,H"),
    ],
)
def test_bad_pictures(picture_root, picture, message):
    with pytest.raises(UsageError, match=message):
        open_detail(parse_detail(picture), picture_root)


@pytest.mark.parametrize("shape", [(9, 12), (4, 11), (3, 3)])
@pytest.mark.parametrize("side", [4, 5])
def test_window_of_the_largest_sum(shape, side):
    values = np.random.default_rng(0).normal(size=shape)
    height, width = min(side, shape[0]), min(side, shape[1])
    sums = {
        (left, top, width, height): values[top : top + height, left : left + width].sum()
        for top in range(shape[0] - height + 1)
        for left in range(shape[1] - width + 1)
    }
    assert largest_window(values, side) == max(sums, key=sums.get)
