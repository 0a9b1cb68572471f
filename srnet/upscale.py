"""Enlarges pictures: with the weights that come with srnet, or with the network of a run or a .keras file.

python -m srnet.upscale photo.jpg --output=large.png
python -m srnet.upscale photos more/*.png --output=large --scale=3 --recursive
python -m srnet.upscale - --output=- --size=1920x1080 --run=RUN_DIR < photo.jpg > large.jpg

Every scale above 1 is made: by the next larger one that there is a network for, more than once where needed, and a
reduction. Transparency, 16 bits, colour profile and EXIF are kept. A file that fails does not stop the others.
"""

import re
import sys

from absl import flags

from srnet import commands
from srnet.errors import DataError, UsageError
from srnet.picture_files import STANDARD, enlarge_file, find_jobs
from srnet.upscaler import upscalers_of


def define_flags():
    commands.define_network_flags()
    flags.DEFINE_string("output", None, "File, folder, or - for standard output.", required=True)
    flags.DEFINE_float("scale", None, "Enlargement, above 1; the network's own unless given, or 4.")
    flags.DEFINE_string("size", None, "Exact size of the results, WIDTHxHEIGHT, in the place of --scale.")
    flags.DEFINE_bool("recursive", False, "Take pictures in folders of folders, too.")
    flags.DEFINE_bool("overwrite", False, "Replace files that exist.")
    flags.DEFINE_bool("self_ensemble", False, "Mean over the eight flips and rotations: better, eight times slower.")
    flags.DEFINE_bool("preview", False, "Also write FILE.preview.png: bicubic and srnet, side by side.")
    flags.DEFINE_integer("tile", None, "Side of a tile in pixels; chosen by the free memory unless given.", 1)


def main(arguments):
    values = flags.FLAGS
    if not arguments:
        raise UsageError("expected pictures or folders to enlarge, not none")
    if values.size and values.scale:
        raise UsageError("--size and --scale cannot both be given")
    if values.scale is not None and not 1 < values.scale <= 64:
        raise UsageError(f"--scale={values.scale} cannot be used: it must be above 1, up to 64")
    if values.preview and values.output == STANDARD:
        raise UsageError("--preview needs --output to be a file or a folder")
    size = _parse_size(values.size)
    jobs, failed = find_jobs(arguments, values.output, values.recursive)
    for message in failed:
        _complain(message)
    upscalers = upscalers_of(commands.trained_networks(), tile=values.tile, self_ensemble=values.self_ensemble)
    scale = values.scale or commands.default_scale(upscalers)
    for number, job in enumerate(jobs, 1):
        label = f"[{number}/{len(jobs)}] "
        try:
            line = enlarge_file(job, scale, size, upscalers, values.overwrite, values.preview, label)
            print(line, file=sys.stderr if job.target == STANDARD else sys.stdout, flush=True)
        except (DataError, UsageError) as error:
            failed.append(str(error) if str(job.source) in str(error) else f"{job.source}: {error}")
            _complain(failed[-1])
    return 1 if failed else 0


def _complain(message):
    print(f"error: {message}", file=sys.stderr, flush=True)


def _parse_size(text):
    """Returns (height, width) of WIDTHxHEIGHT, or None for None."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})x(\d{1,6})", text)
    if not match or "0" in match.groups():
        raise UsageError(f"--size={text}: expected WIDTHxHEIGHT, such as 1920x1080")
    return int(match[2]), int(match[1])


def run():
    commands.run(main, define_flags)


if __name__ == "__main__":
    run()
