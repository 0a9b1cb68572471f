"""Comparison pictures: a result beside bicubic interpolation."""

import dataclasses
import pathlib

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter

from srnet.images.metadata import Metadata
from srnet.images.picture import Picture
from srnet.images.pillow import as_rgb
from srnet.images.write import write_picture

_SIDE, _LABEL_HEIGHT, _SPACE = 512, 14, 8  # pixels
_SEARCHED_SIDE, _DETAIL_RADIUS = 128, 6  # pixels, for finding the busiest part

Box = tuple[int, int, int, int]  # left, top, right, bottom


def box_around(center: tuple[float, float], size: tuple[int, int], part: tuple[int, int]) -> Box:
    """Returns the box of a part of a picture, cut to the size of the picture and moved inside it.

    Args:
      center: (x, y) of the part, each from 0 to 1; the box is moved if it would extend beyond the picture.
      size: (width, height) of the picture in pixels.
      part: (width, height) of the part in pixels.
    """
    width, height = (min(side, whole) for side, whole in zip(part, size))
    left = min(max(round(center[0] * size[0] - width / 2), 0), size[0] - width)
    top = min(max(round(center[1] * size[1] - height / 2), 0), size[1] - height)
    return left, top, left + width, top + height


def busiest_point(image: PIL.Image.Image) -> tuple[float, float]:
    """Returns the point with the most edges around it, as (x, y), each from 0 to 1.

    Args:
      image: Pillow image.
    """
    small = image.copy()
    small.thumbnail((_SEARCHED_SIDE, _SEARCHED_SIDE))
    edges = np.asarray(small.convert("L").filter(PIL.ImageFilter.FIND_EDGES)).copy()
    edges[[0, -1]] = edges[:, [0, -1]] = 0  # the filter leaves the border unchanged
    around = np.asarray(PIL.Image.fromarray(edges).filter(PIL.ImageFilter.BoxBlur(_DETAIL_RADIUS)))
    y, x = np.unravel_index(around.argmax(), around.shape)
    return (int(x) + 0.5) / small.width, (int(y) + 0.5) / small.height


def bicubic_part(image: PIL.Image.Image, size: tuple[int, int], box: Box) -> PIL.Image.Image:
    """Returns a part of a picture enlarged by bicubic interpolation.

    Args:
      image: the picture.
      size: (width, height) of the whole enlarged picture.
      box: of the part, in pixels of the enlarged picture.
    """
    across, down = image.width / size[0], image.height / size[1]
    source = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
    return image.resize((box[2] - box[0], box[3] - box[1]), PIL.Image.Resampling.BICUBIC, source)


def write_comparison(
    path: str | pathlib.Path, picture: Picture, enlarged: Picture, network: str, overwrite: bool = True
) -> None:
    """Writes the middle of a result, to the right of the same part enlarged bicubically, both labeled.

    Args:
      path: the file.
      picture: the picture before enlarging.
      enlarged: the result.
      network: name of the network, its label.
      overwrite: whether an existing file may be replaced.

    Raises:
      DataError: if the file cannot be written.
    """
    height, width = enlarged.size
    box = left, top, right, bottom = box_around((0.5, 0.5), (width, height), (_SIDE, _SIDE))
    bicubic = bicubic_part(as_rgb(picture), (width, height), box)
    ours = as_rgb(dataclasses.replace(enlarged, pixels=enlarged.pixels[top:bottom, left:right]))
    sheet = PIL.Image.new("RGB", (2 * ours.width + _SPACE, ours.height + _LABEL_HEIGHT), "white")
    draw = PIL.ImageDraw.Draw(sheet)
    for x, label, half in ((0, "bicubic", bicubic), (ours.width + _SPACE, network, ours)):
        sheet.paste("white", (x, 0, sheet.width, _LABEL_HEIGHT))  # in case the first label is too wide
        draw.text((x + 2, 0), label, fill="black")
        sheet.paste(half, (x, _LABEL_HEIGHT))
    metadata = enlarged.metadata
    colors = Metadata(metadata.icc, metadata.png_colors) if enlarged.mode.startswith("RGB") else Metadata()
    write_picture(path, Picture(np.asarray(sheet), "RGB", metadata=colors), overwrite)
