"""Regenerates Figure 6 of the paper: details of pictures, enlarged by each method, beside the original.

python tools/visual_comparison.py --preset=cpu
python tools/visual_comparison.py --preset=cpu --picture=Set5:2:4:60,80,64,64    set, image, scale, crop (x,y,w,h)

It uses the runs of compare_methods.py. Each method's crop is kept as a PNG file, with its figures as a JSON line, so
that methods may be added one at a time.
"""

import pathlib
import re
import sys

import numpy as np
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import figure_6, table_2
from srnet import commands
from srnet.benchmark import method_of_run, named_method
from srnet.classical.bicubic import bicubic
from srnet.data.datasets import find_images
from srnet.data.images import (
    crop_to_multiple,
    read_image,
    rgb_to_ycbcr,
    round_to_uint8,
    to_rgb,
    write_image,
    ycbcr_to_rgb,
)
from srnet.data.resize import imresize
from srnet.errors import UsageError
from srnet.metrics import compare_luma, degrade
from tools import cells, places, records
from tools.plots import draw_crops

LABELS = {method: label for label, (method, _) in table_2.ROWS.items()}


def define_flags():
    places.define_flags()
    flags.DEFINE_multi_string("picture", None, "SET:IMAGE:SCALE:X,Y,W,H, repeatable; Figure 6's three unless given.")
    flags.DEFINE_list("methods", list(LABELS), "Methods; those of Table 2 unless given.")


def parse_picture(text):
    """Returns (set, image, scale, crop) of a --picture flag.

    Args:
      text: SET:IMAGE:SCALE:X,Y,W,H.

    Raises:
      UsageError: if it has another form.
    """
    match = re.fullmatch(r"(.+):(\d+):(\d+):(\d+),(\d+),(\d+),(\d+)", text)
    if not match:
        raise UsageError(f"--picture={text}: expected SET:IMAGE:SCALE:X,Y,W,H, such as Set14:8:4:208,60,96,96")
    name, *numbers = match.groups()
    image, scale, *crop = map(int, numbers)
    return name, image, scale, tuple(crop)


def open_picture(name, image, scale, crop, data_root):
    """Returns the HR picture, RGB, cropped to a multiple of the scale.

    Args:
      name: the set.
      image: number of the picture in it, from 1.
      scale: integer enlargement.
      crop: left, top, width and height in HR pixels.
      data_root: folder with a folder for each set, or None.

    Raises:
      UsageError: if there is no such picture, or the crop is not inside it.
    """
    paths = find_images(name, data_root)
    if not 1 <= image <= len(paths):
        raise UsageError(f"--picture: {name} has images 1 to {len(paths)}, not {image}")
    if scale < 2:
        raise UsageError(f"--picture: scale {scale} cannot be used: it must be at least 2")
    picture = crop_to_multiple(to_rgb(read_image(paths[image - 1])), scale)
    left, top, width, height = crop
    if min(width, height) < 1 or left + width > picture.shape[1] or top + height > picture.shape[0]:
        size = f"{picture.shape[1]}x{picture.shape[0]}"
        raise UsageError(f"--picture: crop {left},{top},{width},{height} is not inside {name} image {image}, {size}")
    return picture


def enlarge(method, picture, scale):
    """Reduces a picture by the protocol and enlarges it again: luma by the method, chroma by bicubic interpolation.

    Args:
      method: callable from LR luma to SR luma.
      picture: uint8 (H, W, 3), H and W multiples of the scale.
      scale: integer enlargement.

    Returns:
      uint8 (H, W, 3), and PSNR and SSIM of its luma before the conversion to RGB.
    """
    lr, hr = degrade(picture, scale)
    luma = np.clip(method(lr), 0, 255)
    chroma = bicubic(imresize(rgb_to_ycbcr(picture.astype(np.float64))[..., 1:], 1 / scale), scale)
    rgb = round_to_uint8(ycbcr_to_rgb(np.concatenate([luma[..., None], chroma], axis=-1)))
    return rgb, compare_luma(hr, luma, scale)


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    for name in values.methods:
        if name not in LABELS:
            raise UsageError(f"--methods: {name!r} is unknown: choose among {', '.join(LABELS)}")
    wanted = [parse_picture(text) for text in values.picture] if values.picture else figure_6.PICTURES
    pictures = {each: open_picture(*each, values.data_root) for each in wanted}
    output = pathlib.Path(values.output)
    lines = read_lines(output / f"figure_6_{values.preset}.jsonl")
    missing = []
    for (name, image, scale, crop), picture in pictures.items():
        window = np.s_[crop[1] : crop[1] + crop[3], crop[0] : crop[0] + crop[2]]
        stem = f"{name}_{image}_x{scale}"
        folder = output / f"figure_6_{values.preset}"
        write_image(folder / f"{stem}_original.png", picture[window])
        for method in values.methods:
            key = (name, image, scale, method)
            cell = places.find_cell(method, scale, {})
            if cells.is_trained(cell):
                rgb, (psnr, ssim) = enlarge(_at_scale(cell), picture, scale)
                file = folder / f"{stem}_{method}.png"
                write_image(file, rgb[window])
                found = {"psnr": psnr, "ssim": ssim, "file": str(file.relative_to(output)), "crop": list(crop)}
                lines[key] = {"version": records.VERSION, "budget": values.preset, **_named(key), **found}
                _write_lines(output / f"figure_6_{values.preset}.jsonl", lines)
            elif lines.get(key, {}).get("crop") != list(crop):
                command = f"tools/compare_methods.py --preset={values.preset} --methods={method} --scales={scale}"
                missing.append(f"{method} x{scale}: no complete run in {cell.folder}; make it with {command}")
        shown = [(LABELS[m], lines[key]) for m in values.methods if (key := (name, image, scale, m)) in lines]
        figure = output / f"figure_6_{values.preset}_{stem}.png"
        draw_crops(picture, crop, f"{name} image {image}, x{scale}", shown, output, figure)
        print(figure)
    for line in dict.fromkeys(missing):
        print(f"error: {line}", file=sys.stderr)
    return 1 if missing else 0


def _at_scale(cell):
    if cell.config:
        return method_of_run(cell.folder).at_scale(cell.scale)
    return named_method(cell.method, flags.FLAGS.data_root, flags.FLAGS.cache_dir).at_scale(cell.scale)


def _named(key):
    return dict(zip(("set", "image", "scale", "method"), key))


def read_lines(path):
    """Returns the lines of a figure's results as a dict from (set, image, scale, method).

    Args:
      path: the JSON lines file; it may be missing.

    Raises:
      DataError: if it is damaged or of another version.
    """
    fields = ("set", "image", "scale", "method")
    return {
        tuple(line[field] for field in fields): line for line in records.read_lines(path, {*fields, "psnr", "file"})
    }


def _write_lines(path, lines):
    records.write_lines(path, [lines[key] for key in sorted(lines)])


if __name__ == "__main__":
    commands.run(main, define_flags)
