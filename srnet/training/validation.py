"""What is measured and shown after each epoch."""

import numpy as np
import PIL.Image
import PIL.ImageDraw

from srnet.classical.bicubic import bicubic
from srnet.data.images import read_image, round_to_uint8, to_rgb
from srnet.metrics import degrade, evaluate

CROP = 128  # side of the HR crop in the picture strip, in pixels


def validate(method, paths, scale, channels):
    """Yields (name, value) of a method on validation images: mean PSNR in dB and mean SSIM.

    Args:
      method: callable as in `srnet.metrics.evaluate`.
      paths: the HR picture files.
      scale: integer enlargement.
      channels: image channels that the method takes.
    """
    scores = list(evaluate(method, paths, scale, channels))
    yield "psnr", float(np.mean([score.psnr for score in scores]))
    yield "ssim", float(np.mean([score.ssim for score in scores]))


def picture_strip(method, path, scale, channels):
    """Draws LR, bicubic, SR and HR of the middle of an image side by side, labelled.

    Args:
      method: callable as in `srnet.metrics.evaluate`.
      path: the HR picture file.
      scale: integer enlargement.
      channels: image channels that the method takes.

    Returns:
      uint8 array (H, W, 3).
    """
    image = read_image(path)
    side = min(CROP, *image.shape[:2])
    side -= side % scale
    top, left = ((size - side) // 2 for size in image.shape[:2])
    lr, hr = degrade(image[top : top + side, left : left + side], scale, channels)
    nearest = np.repeat(np.repeat(lr, scale, axis=0), scale, axis=1)
    panels = {"LR": nearest, "bicubic": bicubic(lr, scale), "SR": method(lr), "HR": hr}
    return np.concatenate([_panel(label, panel) for label, panel in panels.items()], axis=1)


def _panel(label, image):
    picture = to_rgb(round_to_uint8(image))
    picture = PIL.Image.fromarray(picture).resize((256, 256), PIL.Image.Resampling.NEAREST)
    panel = PIL.Image.new("RGB", (260, 276), "white")
    panel.paste(picture, (2, 18))
    PIL.ImageDraw.Draw(panel).text((4, 3), label, fill="black")
    return np.asarray(panel)
