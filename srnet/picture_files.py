"""Picture files to enlarge: which, where to, and one after another."""

import dataclasses
import functools
import os
import pathlib
import sys
import time

import numpy as np
import PIL.Image
import tqdm

from srnet.data.images import is_image_name, output_format
from srnet.data.pictures import encode, format_for, own_format, read_picture, to_pillow, write_picture
from srnet.enlarge import enlarge_picture
from srnet.errors import DataError, UsageError
from srnet.files import reason

STANDARD = "-"  # standard input or output
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
_PREVIEW_SIDE = 512  # HR pixels


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to enlarge: `source` and `target` are paths, or `STANDARD`."""

    source: pathlib.Path | str
    target: pathlib.Path | str


def find_jobs(sources, output, recursive):
    """Says which pictures are to be enlarged, and where to.

    Args:
      sources: list of files and folders, or `STANDARD`.
      output: a file, for one picture; else a folder, which may be new; or `STANDARD`.
      recursive: whether folders are searched in depth.

    Returns:
      (jobs, failed): a list of `Job`, and a message for each folder that cannot be read.

    Raises:
      UsageError: if several pictures would go to one file.
    """
    jobs, failed = [], []
    alone = len(sources) == 1 and (sources[0] == STANDARD or not pathlib.Path(sources[0]).is_dir())
    if STANDARD in (output, *sources) and not alone:
        raise UsageError("standard input and output are for one picture")
    if alone and (output == STANDARD or (pathlib.Path(output).suffix and not pathlib.Path(output).is_dir())):
        target = output if output == STANDARD else pathlib.Path(output)
        if target != STANDARD:
            output_format(target)
        return [Job(sources[0] if sources[0] == STANDARD else pathlib.Path(sources[0]), target)], []
    if STANDARD in sources:
        raise UsageError("standard input needs --output to be a file, or -")
    for source in map(pathlib.Path, sources):
        try:
            inside = _pictures_in(source, recursive) if source.is_dir() else [source]
        except OSError as error:
            failed.append(f"{source}: cannot be read ({reason(error)})")
            continue
        base = source if source.is_dir() else source.parent
        jobs += [Job(path, pathlib.Path(output) / _target_name(path.relative_to(base))) for path in inside]
    taken = {}
    for job in jobs:
        if taken.setdefault(job.target, job.source) != job.source:
            raise UsageError(f"{taken[job.target]} and {job.source} would both become {job.target}")
    if not jobs and not failed:
        raise UsageError(f"no pictures in {', '.join(sources)}")
    return jobs, failed


def _pictures_in(folder, recursive):
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and recursive and not path.name.startswith("."):
            found += _pictures_in(path, recursive)
        elif path.is_file() and is_image_name(path.name):
            found.append(path)
    return found


def _target_name(path):
    """The name of a result in a folder: the picture's own, as PNG where its format is for few colours or unknown."""
    try:
        return path.with_suffix(".png") if output_format(path) == "GIF" else path
    except UsageError:
        return path.with_suffix(".png")


def enlarge_file(job, scale, size, upscalers, overwrite=False, preview=False, label=""):
    """Enlarges one picture.

    Args:
      job: `Job`.
      scale: enlargement, above 1.
      size: exact (height, width) in its place, or None.
      upscalers: as for `srnet.enlarge.enlarge_picture`.
      overwrite: whether a file may be replaced.
      preview: whether `write_preview` is called, too.
      label: what the progress bar begins with.

    Returns:
      A line that says what was done.

    Raises:
      DataError: if a file cannot be read or written, or the result does not fit the memory.
      UsageError: if the size is no enlargement of the picture's.
    """
    start = time.monotonic()
    to_file = job.target != STANDARD
    if to_file and job.target.exists() and not overwrite:
        raise DataError(f"{job.target} exists; --overwrite replaces it")
    picture = read_picture(sys.stdin.buffer.read() if job.source == STANDARD else job.source, job.source)
    if to_file:
        format_for(job.target, picture)
    height, width = picture.pixels.shape[:2]
    size = size or (max(1, round(height * scale)), max(1, round(width * scale)))
    with tqdm.tqdm(total=1.0, desc=f"{label}{job.source}", leave=False, disable=None, bar_format=_BAR) as bar:
        enlarged = enlarge_picture(picture, size, upscalers, functools.partial(_show, bar))
    if to_file:
        write_picture(job.target, enlarged)
        if preview:
            write_preview(job.target, picture, enlarged)
    else:
        _write_to_standard_output(encode(enlarged, own_format(picture)))
    seconds = time.monotonic() - start
    return f"{job.target}: {width}x{height} enlarged to {size[1]}x{size[0]} in {seconds:.1f} s"


def _write_to_standard_output(data):
    try:
        # A file of its own: what sys.stdout could not write it would try again at the end of the program.
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as file:
            file.write(data)
    except OSError as error:
        raise DataError(f"standard output: cannot be written ({reason(error)})") from error


def _show(bar, done, whole):
    bar.n = done / whole
    bar.refresh()


def write_preview(target, picture, enlarged):
    """Writes the middle of a result, on the right of the same by bicubic interpolation, as NAME.preview.png.

    Args:
      target: path of the result.
      picture: `srnet.data.pictures.Picture` before it was enlarged.
      enlarged: the result.
    """
    height, width = enlarged.pixels.shape[:2]
    box = [max(0, (width - _PREVIEW_SIDE) // 2), max(0, (height - _PREVIEW_SIDE) // 2)]
    box += [min(width, box[0] + _PREVIEW_SIDE), min(height, box[1] + _PREVIEW_SIDE)]
    bicubic = as_rgb(picture).resize((width, height), PIL.Image.Resampling.BICUBIC).crop(box)
    ours = as_rgb(dataclasses.replace(enlarged, pixels=enlarged.pixels[box[1] : box[3], box[0] : box[2]]))
    sheet = np.concatenate([np.asarray(bicubic), np.full((ours.height, 8, 3), 255, np.uint8), np.asarray(ours)], axis=1)
    write_picture(
        target.with_name(f"{target.stem}.preview.png"),
        dataclasses.replace(enlarged, pixels=sheet, mode="RGB", icc=None),
    )


def as_rgb(picture):
    """Returns a picture as it is seen, as a Pillow image in 8-bit RGB; transparency is white.

    Args:
      picture: `srnet.data.pictures.Picture`.
    """
    pixels = picture.pixels
    if pixels.dtype != np.uint8:
        peak = 1.0 if pixels.dtype.kind == "f" else 65535.0
        pixels = np.floor(pixels * (255 / peak) + 0.5).astype(np.uint8)
    image = to_pillow(pixels, picture.mode)
    if picture.mode in ("LA", "RGBA"):
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")
