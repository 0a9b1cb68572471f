"""One detail of a photograph side by side as LR, bicubic, srnet and original, drawn with Pillow alone."""

import pathlib
from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from experiments.pictures.details import crop_of, downscale_and_enlarge, image_of_set, open_picture
from experiments.recipes.figure_6 import Crop
from srnet.errors import UsageError
from srnet.evaluation.methods import named_method
from srnet.images.color import round_to_uint8, to_rgb
from srnet.images.resize import imresize
from srnet.images.write import write_image

SIDE = 240  # approximate width of a panel in pixels; details are magnified by an integer
_GAP = 8
_TEXT = 18


def draw_comparison(
    source: str, scale: int, network: str, crop: Crop, path: pathlib.Path, data_root: str | None
) -> dict[str, float]:
    """Draws a detail of a photograph: LR, bicubic, srnet and original.

    Args:
      source: picture file, or SET:IMAGE.
      scale: integer scale.
      network: name of a pretrained network.
      crop: left, top, width and height in HR pixels, multiples of the scale.
      path: the PNG file.
      data_root: folder with a folder for each set, or None.

    Returns:
      A dict of the PSNR of bicubic and srnet, in dB: luma of the whole picture, by the benchmark protocol.

    Raises:
      UsageError: if the scale, the crop or the picture cannot be used.
      DataError: if a file cannot be read or written.
    """
    picture = open_picture(_find(source, data_root), scale, crop, source)
    if any(number % scale for number in crop):
        raise UsageError(f"--crop={','.join(map(str, crop))}: expected multiples of the scale, {scale}")
    lr = round_to_uint8(imresize(picture, 1 / scale))
    left, top, width, height = (number // scale for number in crop)
    panels = [(f"LR, 1/{scale} size", crop_of(lr, (left, top, width, height)))]
    psnr = {}
    for label, name in (("bicubic", "bicubic"), ("srnet", network)):
        method = named_method(name)
        method.check_scale(scale)
        sr, values = downscale_and_enlarge(method.at_scale(scale), picture, scale, method.channels)
        psnr[label] = values["psnr"]
        panels.append((f"{label}: {values['psnr']:.2f} dB", crop_of(sr, crop)))
    write_image(path, arrange_panels([*panels, ("original", crop_of(picture, crop))]))
    return psnr


def _find(source: str, data_root: str | None) -> pathlib.Path:
    name, _, number = source.rpartition(":")
    if pathlib.Path(source).exists() or not (name and number.isdecimal()):
        return pathlib.Path(source)
    return image_of_set(name, int(number), data_root)


def arrange_panels(panels: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """Returns pictures side by side, each under its label, magnified to the same width without interpolation.

    Args:
      panels: pairs of a label and a uint8 array (H, W) or (H, W, 3); the largest width is a multiple of every width.

    Returns:
      uint8 array (H, W, 3).
    """
    widest = max(image.shape[1] for _, image in panels)
    side = widest * max(1, round(SIDE / widest))
    magnified = [_magnify(image, side) for _, image in panels]
    above = _TEXT + _GAP
    size = (len(panels) * (side + _GAP) - _GAP, above + max(image.height for image in magnified))
    canvas = PIL.Image.new("RGB", size, "white")
    draw, font = PIL.ImageDraw.Draw(canvas), PIL.ImageFont.load_default(size=_TEXT)
    for number, ((label, _), image) in enumerate(zip(panels, magnified)):
        left = number * (side + _GAP)
        draw.text((left + side / 2, 0), label, "black", font, anchor="ma")
        canvas.paste(image, (left, above))
    return np.asarray(canvas)


def _magnify(image: np.ndarray, side: int) -> PIL.Image.Image:
    factor = side // image.shape[1]
    return PIL.Image.fromarray(to_rgb(image).repeat(factor, axis=0).repeat(factor, axis=1))
