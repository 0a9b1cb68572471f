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

from srnet.data.images import is_image_name
from srnet.data.picture_output import encode, format_for, own_format, write_picture, written_format
from srnet.data.pictures import read_picture, to_pillow
from srnet.enlarge import enlarge_picture
from srnet.errors import DataError, UsageError
from srnet.files import reason, without_library_messages

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
      recursive: whether folders are searched in depth; links to folders are not followed.

    Returns:
      (jobs, failed): a list of `Job`, and a message for each folder that cannot be read.

    Raises:
      UsageError: if several pictures, or a folder, would go to one file.
    """
    sources = list(dict.fromkeys(sources))
    alone = len(sources) == 1 and (sources[0] == STANDARD or not _is_folder(sources[0]))
    if STANDARD in (output, *sources) and not alone:
        raise UsageError("standard input and output are for one picture")
    if alone and (output == STANDARD or (pathlib.Path(output).suffix and not _is_folder(output))):
        target = output if output == STANDARD else pathlib.Path(output)
        if target != STANDARD:
            written_format(target)
        return [Job(sources[0] if sources[0] == STANDARD else pathlib.Path(sources[0]), target)], []
    if STANDARD in sources:
        raise UsageError("standard input needs --output to be a file, or -")
    if is_image_name(output) and not _is_folder(output):
        raise UsageError(f"--output={output}: a folder is needed, for more than one picture")
    jobs, failed = {}, []
    for source in map(pathlib.Path, sources):
        inside = _pictures_in(source, recursive, failed) if _is_folder(source) else [source]
        base = source if _is_folder(source) else source.parent
        for path in inside:
            jobs.setdefault(path, Job(path, pathlib.Path(output) / _target_name(path.relative_to(base))))
    taken = {}
    for job in jobs.values():
        if taken.setdefault(job.target, job.source) != job.source:
            raise UsageError(f"{taken[job.target]} and {job.source} would both become {job.target}")
    if not jobs and not failed:
        raise UsageError(f"no pictures in {', '.join(sources)}")
    return list(jobs.values()), failed


def _is_folder(path):
    try:
        return pathlib.Path(path).is_dir()
    except OSError:  # such as a name that is too long
        return False


def _pictures_in(folder, recursive, failed):
    found = []
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        failed.append(f"{folder}: cannot be read ({reason(error)})")
        inside = []
    for path in inside:
        if path.is_dir() and not path.is_symlink() and recursive and not path.name.startswith("."):
            found += _pictures_in(path, recursive, failed)
        elif not path.is_dir() and is_image_name(path.name):
            found.append(path)
    return found


def _target_name(path):
    """The name of a result in a folder: the picture's own, as PNG where its format is not written."""
    try:
        written_format(path)
        return path
    except UsageError:
        return path.with_suffix(".png")


def preview_name(target):
    """Returns the path of the preview of a result."""
    return target.with_name(f"{target.name}.preview.png")


def enlarge_file(job, scale, size, upscalers, overwrite=False, preview=False, label=""):
    """Enlarges one picture.

    Args:
      job: `Job`.
      scale: enlargement, above 1.
      size: exact (height, width) in its place, or None.
      upscalers: as for `srnet.enlarge.enlarge_picture`.
      overwrite: whether a file may be replaced.
      preview: whether `write_preview` is called, too; not for standard output.
      label: what the progress bar begins with.

    Returns:
      A line that says what was done.

    Raises:
      DataError: if a file cannot be read or written, or the result does not fit the memory.
      UsageError: if the size is no enlargement of the picture's.
    """
    start = time.monotonic()
    to_file = job.target != STANDARD
    for path in [job.target, *([preview_name(job.target)] if preview else [])] if to_file and not overwrite else []:
        if os.path.lexists(path):
            raise DataError(f"{path} exists; --overwrite replaces it")
    with without_library_messages():
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
    # By more than half a pixel, which rounding explains.
    stretched = abs(size[1] * height - size[0] * width) > max(height, width)
    shape = ", its proportions changed," if stretched else ""
    return f"{job.target}: {width}x{height} enlarged to {size[1]}x{size[0]}{shape} in {seconds:.1f} s"


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
    """Writes the middle of a result, on the right of the same by bicubic interpolation, to `preview_name`.

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
        preview_name(target),
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
