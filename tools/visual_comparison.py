"""Regenerates Figure 6 of the paper: details of pictures, enlarged by each method, beside the original.

python tools/visual_comparison.py --preset=cpu
python tools/visual_comparison.py --preset=cpu --picture=Set5:2:4:60,80,64,64    set, image, scale, crop (x,y,w,h)

It uses the runs of compare_methods.py. Each method's crop is kept as a PNG file, with its figures as a JSON line, so
that methods may be added one at a time; what is there already, of the same run, is not made again.
"""

import pathlib
import re
import sys

import numpy as np
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import figure_6, table_2
from srnet import commands
from srnet.classical.bicubic import bicubic
from srnet.data.datasets import find_images
from srnet.data.images import crop_to_multiple, rgb_to_ycbcr, round_to_uint8, write_image, ycbcr_to_rgb
from srnet.data.resize import imresize
from srnet.errors import DataError, UsageError
from srnet.files import read_json
from srnet.metrics import compare_luma, degrade, measurable_image
from tools import cells, places, records
from tools.plots import draw_crops

KEY = ("set", "image", "scale", "crop", "method")


def define_flags():
    places.define_flags()
    places.define_method_flag()
    flags.DEFINE_multi_string("picture", None, "SET:IMAGE:SCALE:X,Y,W,H, repeatable; Figure 6's unless given.")


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
    """Returns the HR picture, cropped to a multiple of the scale.

    Args:
      name: the set.
      image: number of the picture in it, from 1.
      scale: integer enlargement.
      crop: left, top, width and height in HR pixels.
      data_root: folder with a folder for each set, or None.

    Returns:
      uint8 array (H, W) or (H, W, 3).

    Raises:
      UsageError: if there is no such picture, or the crop is not inside it.
    """
    paths = find_images(name, data_root)
    if not 1 <= image <= len(paths):
        raise UsageError(f"--picture: {name} has images 1 to {len(paths)}, not {image}")
    if scale < 2:
        raise UsageError(f"--picture: scale {scale} cannot be used: it must be at least 2")
    picture = crop_to_multiple(measurable_image(paths[image - 1], scale), scale)
    left, top, width, height = crop
    if min(width, height) < 1 or left + width > picture.shape[1] or top + height > picture.shape[0]:
        size = f"{picture.shape[1]}x{picture.shape[0]}"
        raise UsageError(f"--picture: crop {left},{top},{width},{height} is not inside {name} image {image}, {size}")
    return picture


def enlarge(method, picture, scale):
    """Reduces a picture by the protocol and enlarges it again: luma by the method, chroma by bicubic interpolation.

    Args:
      method: callable from LR luma to SR luma.
      picture: uint8 (H, W) or (H, W, 3), H and W multiples of the scale.
      scale: integer enlargement.

    Returns:
      uint8 array of the picture's shape, and (PSNR, SSIM) of its luma before any conversion to RGB.
    """
    lr, hr = degrade(picture, scale)
    luma = method(lr)
    figures = compare_luma(hr, luma, scale)
    if picture.ndim == 2:
        return round_to_uint8(luma), figures
    chroma = bicubic(imresize(rgb_to_ycbcr(picture.astype(np.float64))[..., 1:], 1 / scale), scale)
    ycbcr = np.concatenate([np.clip(luma, 0, 255)[..., None], chroma], axis=-1)
    return round_to_uint8(ycbcr_to_rgb(ycbcr)), figures


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    pictures = figure_6.EMBEDDED_PICTURES if values.preset == "quick" else figure_6.PICTURES
    pictures = dict.fromkeys(map(parse_picture, values.picture)) if values.picture else pictures
    opened = {place: open_picture(*place, values.data_root) for place in pictures}
    results = places.results_file().parent / f"figure_6_{values.preset}.jsonl"
    lines = read_lines(results)
    failed = {}
    for place, picture in opened.items():
        _write_crop(results, place, "original", picture)
        for method in places.methods():
            cell = places.find_cell(method, place[2], {})
            try:
                line = _line(cell, results, place, lines.get((*place, method)), picture)
            except (UsageError, DataError) as error:
                failed[cell.folder] = (cell, str(error))
            else:
                with records.alone_in(results.parent):  # another process may have added to the file
                    lines = {**read_lines(results), (*place, method): line}
                    records.write_lines(results, [lines[key] for key in sorted(lines)])
        shown = {label: lines.get((*place, method)) for label, (method, _) in table_2.ROWS.items()}
        if not any(shown.values()):
            continue
        name, image, scale, crop = place
        figure = results.with_name(f"{results.stem}_{_stem(place)}.png")
        draw_crops(picture, crop, f"{name} image {image}, x{scale}", shown, results.parent, figure)
        print(figure)
    return places.report_failures(failed.values())


def _line(cell, results, place, known, picture):
    """What is known of a method on a picture, made anew unless it comes from the run that is there, or no run is."""
    complete = cells.is_trained(cell)
    if known and not complete:
        return known
    if not complete:
        command = f"tools/compare_methods.py --preset={flags.FLAGS.preset}"
        command += f" --methods={cell.method} --scales={cell.scale}"
        raise DataError(f"{cell.folder}: no complete run; make it with {command}")
    started = read_json(cell.run.origin).get("started") if cell.config else None
    if known and known["started"] == started and (results.parent / known["file"]).exists():
        return known
    sr, (psnr, ssim) = enlarge(places.method_of(cell), picture, cell.scale)
    file = _write_crop(results, place, cell.method, sr)
    named = dict(zip(KEY, (*place, cell.method)))
    return {"version": records.VERSION, **named, "started": started, "psnr": psnr, "ssim": ssim, "file": file}


def _stem(place):
    name, image, scale, crop = place
    return f"{name}_{image}_x{scale}_{'-'.join(map(str, crop))}"


def _write_crop(results, place, label, picture):
    """Writes the crop of a picture beside the results and returns its path relative to them."""
    left, top, width, height = place[3]
    file = f"{results.stem}/{_stem(place)}_{label}.png"
    write_image(results.parent / file, picture[top : top + height, left : left + width])
    return file


def read_lines(path):
    """Returns the lines of a figure's results as a dict from (set, image, scale, crop, method).

    Args:
      path: the JSON lines file; it may be missing.

    Raises:
      DataError: if it is damaged or of another version.
    """
    lines = records.read_lines(path, {*KEY, "started", "psnr", "ssim", "file"})
    for line in lines:
        line["crop"] = tuple(line["crop"])
    return {tuple(line[field] for field in KEY): line for line in lines}


if __name__ == "__main__":
    commands.run(main, define_flags)
