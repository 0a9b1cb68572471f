"""Details of pictures: downscaled by the benchmark protocol, enlarged by a method, and cropped."""

import dataclasses
import pathlib
import re

import numpy as np
from scipy.ndimage import uniform_filter

from experiments.recipes.figure_6 import Crop
from srnet.data.datasets import find_images
from srnet.errors import UsageError
from srnet.evaluation.protocol import benchmark_pair, compare_luma, in_color, read_benchmark_image, with_channels_of
from srnet.images.color import round_to_uint8
from srnet.images.resize import crop_to_multiple
from srnet.inference.method import Method


@dataclasses.dataclass(frozen=True)
class Detail:
    """A crop of an image of a set, at one scale.

    Attributes:
      set: name of the set.
      image: number of the image in it, from 1.
      scale: integer scale.
      crop: left, top, width and height in HR pixels.
    """

    set: str
    image: int
    scale: int
    crop: Crop

    @property
    def stem(self) -> str:
        """The prefix of its file names."""
        return f"{self.set.replace('/', '_')}_{self.image}_x{self.scale}_{'-'.join(map(str, self.crop))}"


def parse_detail(text: str) -> Detail:
    """Returns the detail that a --picture flag names.

    Args:
      text: SET:IMAGE:SCALE:X,Y,W,H.

    Raises:
      UsageError: if the text has another form.
    """
    match = re.fullmatch(r"(.+):(\d+):(\d+):(\d+),(\d+),(\d+),(\d+)", text)
    if not match:
        raise UsageError(f"--picture={text}: expected SET:IMAGE:SCALE:X,Y,W,H, such as Set14:8:4:208,60,96,96")
    name, *numbers = match.groups()
    image, scale, left, top, width, height = map(int, numbers)
    return Detail(name, image, scale, (left, top, width, height))


def open_detail(detail: Detail, data_root: pathlib.Path | str | None) -> np.ndarray:
    """Returns the whole HR picture of a detail, cropped to a multiple of the scale.

    Args:
      detail: `Detail`.
      data_root: folder with a folder for each set, or None.

    Returns:
      uint8 array (H, W) or (H, W, 3).

    Raises:
      UsageError: if there is no such picture, the scale is below 2, or the crop is not inside the picture.
      DataError: if the set or the picture cannot be read.
    """
    path = image_of_set(detail.set, detail.image, data_root)
    return open_picture(path, detail.scale, detail.crop, f"{detail.set} image {detail.image}")


def image_of_set(name: str, number: int, data_root: pathlib.Path | str | None) -> pathlib.Path:
    """Returns the file of an image of a set.

    Args:
      name: the set.
      number: the image's number, from 1.
      data_root: folder with a folder for each set, or None.

    Raises:
      UsageError: if there is no such image.
      DataError: if there is no such set.
    """
    paths = find_images(name, data_root)
    if not 1 <= number <= len(paths):
        raise UsageError(f"{name} has images 1 to {len(paths)}, not {number}")
    return paths[number - 1]


def open_picture(path: pathlib.Path, scale: int, crop: Crop, name: str) -> np.ndarray:
    """Returns an HR picture, cropped to a multiple of the scale.

    Args:
      path: its file.
      scale: integer scale, at least 2.
      crop: left, top, width and height in HR pixels; checked, not applied.
      name: the picture's name, used in messages.

    Returns:
      uint8 array (H, W) or (H, W, 3).

    Raises:
      UsageError: for a scale below 2, or a crop that is not inside the picture.
      DataError: if the picture cannot be read, or is too small.
    """
    if scale < 2:
        raise UsageError(f"scale {scale} cannot be used: it must be at least 2")
    picture = crop_to_multiple(read_benchmark_image(path, scale), scale)
    left, top, width, height = crop
    if min(left, top) < 0 or min(width, height) < 1 or left + width > picture.shape[1] or top + height > len(picture):
        size = f"{picture.shape[1]}x{picture.shape[0]}"
        raise UsageError(f"crop {left},{top},{width},{height} is not inside {name}, {size}")
    return picture


def downscale_and_enlarge(
    method: Method, picture: np.ndarray, scale: int, channels: int = 1
) -> tuple[np.ndarray, dict[str, float]]:
    """Downscales a picture by the protocol and enlarges it again; with a luma method, chroma is enlarged bicubically.

    Args:
      method: callable from LR to SR luma, or RGB, float32 in [0, 255].
      picture: uint8 (H, W) or (H, W, 3), H and W multiples of the scale.
      scale: integer scale.
      channels: image channels that the method takes, 1 or 3.

    Returns:
      uint8 array of the picture's shape, and a dict of psnr and ssim of its luma before any conversion to RGB.
    """
    lr, hr = benchmark_pair(picture, scale, channels)
    sr = with_channels_of(hr, method(lr))
    return round_to_uint8(in_color(sr, picture, scale)), compare_luma(hr, sr, scale)


def crop_of(picture: np.ndarray, crop: Crop) -> np.ndarray:
    """Returns a crop of a picture.

    Args:
      picture: array (H, W) or (H, W, C).
      crop: left, top, width and height in pixels.
    """
    left, top, width, height = crop
    return picture[top : top + height, left : left + width]


def largest_window(values: np.ndarray, side: int) -> Crop:
    """Returns the square window of an array with the largest sum; a rectangle where the array is smaller.

    Args:
      values: array (H, W).
      side: the square's side.

    Returns:
      Its left, top, width and height.
    """
    height, width = (min(side, length) for length in values.shape)
    sums = uniform_filter(values, (height, width), mode="constant")
    inside = sums[height // 2 : len(values) - (height - 1) // 2, width // 2 : values.shape[1] - (width - 1) // 2]
    top, left = np.unravel_index(np.argmax(inside), inside.shape)
    return int(left), int(top), width, height
