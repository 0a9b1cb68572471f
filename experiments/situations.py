"""Pictures as people have them, enlarged by several networks and drawn one below the other."""

import pathlib
from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import skimage

import srnet
from experiments.panels import arrange_panels
from experiments.recipes.situations import SCALE, SIDE, SITUATIONS, Situation
from srnet.data.degradation import degrade
from srnet.images.read import read_image
from srnet.images.resize import crop_to_multiple
from srnet.images.write import write_image

_DRAWN_SIDE = 80
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


def draw_situations(networks: Sequence[str], path: pathlib.Path) -> None:
    """Draws a detail of each situation: LR, bicubic, and by each network.

    Args:
      networks: names of pretrained networks.
      path: the picture file.

    Raises:
      DataError: if it cannot be written.
    """
    write_image(path, np.concatenate([_row(each, networks) for each in SITUATIONS]))


def _row(situation: Situation, networks: Sequence[str]) -> np.ndarray:
    hr = crop_to_multiple(_picture(situation.picture), situation.reduction)
    lr = degrade(hr, situation.reduction, situation.degradation, np.random.default_rng(0))
    lr = np.repeat(lr, 3 // lr.shape[2], axis=2)
    size = (lr.shape[1] * SCALE, lr.shape[0] * SCALE)
    bicubic = np.asarray(PIL.Image.fromarray(lr).resize(size, PIL.Image.Resampling.BICUBIC))
    large = {"bicubic": bicubic, **{name: srnet.enlarge(lr, SCALE, network=name) for name in networks}}
    left, top = situation.corner
    crops = [(situation.name, lr[top : top + SIDE, left : left + SIDE])]
    left, top, side = left * SCALE, top * SCALE, SIDE * SCALE
    return arrange_panels(crops + [(name, each[top : top + side, left : left + side]) for name, each in large.items()])


def _picture(name: str) -> np.ndarray:
    drawn = {"screenshot": _screenshot, "pixel art": _pixel_art}
    if name in drawn:
        return np.asarray(drawn[name]())
    image = read_image(pathlib.Path(skimage.__file__).parent / "data" / name)
    return image if image.ndim == 3 else image[..., None]


def _screenshot() -> PIL.Image.Image:
    image = PIL.Image.new("RGB", (_DRAWN_SIDE, _DRAWN_SIDE), "#f4f4f4")
    draw, font = PIL.ImageDraw.Draw(image), PIL.ImageFont.load_default(size=10)
    draw.rectangle((0, 0, _DRAWN_SIDE, 15), "#2a5db0")
    draw.text((4, 1), "Settings", "white", font)
    for number, text in enumerate(("Language", "Network", "Printer")):
        draw.rectangle((6, 22 + 14 * number, 14, 30 + 14 * number), "white", "#606060")
        draw.text((19, 19 + 14 * number), text, "black", font)
    draw.rounded_rectangle((34, 63, 74, 76), 3, "#2a5db0")
    draw.text((47, 63), "OK", "white", font)
    return image


def _pixel_art() -> PIL.Image.Image:
    image = PIL.Image.new("RGB", (_DRAWN_SIDE, _DRAWN_SIDE), _COLORS["."])
    for y, row in enumerate(_SPRITE):
        for x, color in enumerate(row):
            box = (4 * x + 8, 4 * y + 12, 4 * x + 11, 4 * y + 15)
            PIL.ImageDraw.Draw(image).rectangle(box, _COLORS[color])
    return image
