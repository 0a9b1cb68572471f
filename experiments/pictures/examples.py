"""Everyday pictures, enlarged by several networks and drawn one below the other."""

import pathlib
from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import skimage

import srnet
from experiments.pictures.details import crop_of
from experiments.pictures.panels import arrange_panels
from experiments.recipes.examples import EXAMPLES, SCALE, SIDE, Example
from srnet.data.degradation import degrade
from srnet.images.read import read_image
from srnet.images.resize import crop_to_multiple
from srnet.images.write import write_image

_SPRITE = (
    "..a.....a..",
    "...a...a...",
    "..aaaaaaa..",
    ".aabaaabaa.",
    "aaaaaaaaaaa",
    "a.aaaaaaa.a",
    "a.a.....a.a",
    "...cc.cc...",
)
_COLORS = {".": "#101830", "a": "#58c040", "b": "#f0f0f0", "c": "#e07020"}


def draw_examples(networks: Sequence[str], path: pathlib.Path) -> None:
    """Draws a detail of each example: LR, bicubic, and enlarged by each network.

    Args:
      networks: names of pretrained networks.
      path: the picture file.

    Raises:
      DataError: if it cannot be written.
    """
    write_image(path, np.concatenate([_row(each, networks) for each in EXAMPLES]))


def _row(example: Example, networks: Sequence[str]) -> np.ndarray:
    hr = crop_to_multiple(_picture(example.picture), example.factor)
    lr = degrade(hr, example.factor, example.degradation, np.random.default_rng(0))
    lr = np.repeat(lr, 3 // lr.shape[2], axis=2)
    size = (lr.shape[1] * SCALE, lr.shape[0] * SCALE)
    bicubic = np.asarray(PIL.Image.fromarray(lr).resize(size, PIL.Image.Resampling.BICUBIC))
    large = {"bicubic": bicubic, **{name: srnet.enlarge(lr, SCALE, network=name) for name in networks}}
    crop = (*example.corner, SIDE, SIDE)
    left, top, width, height = (number * SCALE for number in crop)
    details = [(name, crop_of(each, (left, top, width, height))) for name, each in large.items()]
    return arrange_panels([(example.name, crop_of(lr, crop)), *details])


def _picture(name: str) -> np.ndarray:
    drawn = {"screenshot": _screenshot, "page": _page, "pixel art": _pixel_art}
    if name in drawn:
        return np.asarray(drawn[name]())
    image = read_image(pathlib.Path(skimage.__file__).parent / "data" / name)
    return image if image.ndim == 3 else image[..., None]


def _screenshot() -> PIL.Image.Image:
    image = PIL.Image.new("RGB", (SIDE, SIDE), "#f4f4f4")
    draw, font = PIL.ImageDraw.Draw(image), PIL.ImageFont.load_default(size=10)
    draw.rectangle((0, 0, SIDE, 13), "#2a5db0")
    draw.text((4, 0), "Settings", "white", font)
    for top, text in ((19, "Sound"), (31, "Printer")):
        draw.rectangle((5, top, 12, top + 7), "white", "#606060")
        draw.text((17, top - 3), text, "black", font)
    draw.rounded_rectangle((20, 44, 56, 57), 3, "#2a5db0")
    draw.text((31, 44), "OK", "white", font)
    return image


def _page() -> PIL.Image.Image:
    shade = np.linspace(235, 190, SIDE).astype(np.uint8)[None, :, None]
    image = PIL.Image.fromarray(np.broadcast_to(shade, (SIDE, SIDE, 3)).copy())
    for number, text in enumerate(("The network", "removes noise", "from features,", "then enlarges")):
        place = (2, 3 + 13 * number)
        PIL.ImageDraw.Draw(image).text(place, text, "#302820", PIL.ImageFont.load_default(size=9))
    return image


def _pixel_art() -> PIL.Image.Image:
    image = PIL.Image.new("RGB", (SIDE, SIDE), _COLORS["."])
    for y, row in enumerate(_SPRITE):
        for x, color in enumerate(row):
            box = (4 * x + 8, 4 * y + 12, 4 * x + 11, 4 * y + 15)
            PIL.ImageDraw.Draw(image).rectangle(box, _COLORS[color])
    return image
