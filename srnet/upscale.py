"""Enlarges pictures with a pretrained network, the network of a run, or a .keras file.

python -m srnet.upscale photo.jpg                                            writes photo_x4.jpg
python -m srnet.upscale photo.jpg --output=large.png --scale=2.5
python -m srnet.upscale photos more/*.png --output=large --scale=3 --recursive
python -m srnet.upscale - --output=- --size=1920x1080 --run=RUN_DIR < photo.jpg > large.jpg

Other scales use the network of the next higher scale, or several in turn (x5: x2 and then x3), and downscale the
result.
Transparency, 16 bits and metadata are kept. Each failure prints one line; processing continues and the exit
status is 1. SRNET_DEBUG=1 prints the traceback, too.
"""

import functools
import os
import re
import sys
import traceback

from absl import flags

from srnet import cli, network_flags
from srnet.errors import DataError, UsageError, printable
from srnet.files import reason
from srnet.images.file_formats import SUFFIXES
from srnet.images.read import read_quietly
from srnet.inference.batch import Enlarged, enlarge_file, enlarge_files, write_file
from srnet.inference.choice import Chooser, default_scale, fixed_chooser, per_picture_chooser, upscalers_of
from srnet.inference.jobs import STANDARD, Job, find_jobs
from srnet.inference.passes import LARGEST_SCALE, Sides, target_size
from srnet.pretrained import cards

FORMATS = tuple(suffix[1:] for suffix in SUFFIXES.values())


def define_flags() -> None:
    network_flags.define(cards.AUTO)
    text = "File, folder, or - for standard output. Default: beside each picture."
    flags.DEFINE_string("output", None, text, short_name="o")
    text = (
        f"Scale, from 1 to {LARGEST_SCALE}. 1 keeps the size: --network=photo then removes noise and artifacts. "
        "Default: 4, or that of --run or --model."
    )
    flags.DEFINE_float("scale", None, text, short_name="s")
    text = "Exact size of the results, WIDTHxHEIGHT, instead of --scale. WIDTHx or xHEIGHT keeps the proportions."
    flags.DEFINE_string("size", None, text)
    flags.DEFINE_bool("fit", False, "With --size: keep the proportions and fit within that size.")
    flags.DEFINE_enum(
        "format", None, FORMATS, "Format of the results, unless --output names a file. Default: each picture's own."
    )
    flags.DEFINE_integer("quality", None, "Quality of JPEG, WebP and AVIF files. Default: 95, AVIF 90.", 1, 100)
    flags.DEFINE_bool("recursive", False, "Search subfolders.")
    flags.DEFINE_bool("overwrite", False, "Replace existing files.")
    flags.DEFINE_bool("skip_existing", False, "Skip pictures whose result exists.")
    flags.DEFINE_bool("self_ensemble", False, network_flags.SELF_ENSEMBLE)
    network_flags.define_precision()
    flags.DEFINE_bool("preview", False, "Also write FILE.preview.png: bicubic and srnet, side by side.")
    text = "A tile has at most as many LR pixels as a square of this side. Default: by free memory."
    flags.DEFINE_integer("tile", None, text, 1)


def main(arguments: list[str]) -> int:
    values = flags.FLAGS
    if not arguments:
        raise UsageError("name a picture or folder: python -m srnet.upscale photo.jpg (--help lists the options)")
    _check_flags()
    size = _parse_size(values.size)
    suffix = f".{values.format}" if values.format else None
    chosen = functools.cache(network_flags.chosen)  # loading a run takes seconds; usage errors come first

    def label() -> str:
        return values.size or f"x{values.scale or default_scale(chosen().at_scale):g}"

    jobs, failed = find_jobs(arguments, values.output, values.recursive, label, suffix, values.skip_existing)
    for message in failed:
        cli.complain(message)
    network = chosen()
    scale = values.scale or default_scale(network.at_scale)
    size_of = functools.partial(target_size, scale=scale, exact=size, fit=values.fit)
    choose = _chooser(network)
    labels = {job: f"[{number}/{len(jobs)}] " for number, job in enumerate(jobs, 1)}

    def enlarge(job: Job) -> Enlarged | str:
        cli.stop_if_asked()
        if values.skip_existing and job.target != STANDARD and os.path.lexists(job.target):
            return f"{job.target} exists, skipped"
        return enlarge_file(job, size_of, choose, values.overwrite, values.preview, labels[job], read_quietly)

    def write(enlarged: Enlarged) -> str:
        return write_file(enlarged, values.overwrite, values.quality)

    for job, outcome in enlarge_files(jobs, enlarge, write):
        if isinstance(outcome, Exception):
            if os.environ.get("SRNET_DEBUG"):
                traceback.print_exception(outcome)
            failed.append(_described(outcome, job.source_name))
            cli.complain(failed[-1])
        else:
            print(printable(outcome), file=sys.stderr if job.target == STANDARD else sys.stdout, flush=True)
        del outcome  # an exception keeps the picture in memory
    return 1 if failed else 0


def _chooser(network: network_flags.ScaledNetwork) -> Chooser:
    values = flags.FLAGS
    make = functools.partial(
        upscalers_of, tile=values.tile, self_ensemble=values.self_ensemble, precision=values.precision
    )
    if network_flags.is_chosen_per_picture():
        return per_picture_chooser(functools.cache(lambda name: make(network_flags.pretrained(name).at_scale)))
    upscalers = make(network.at_scale)
    if values.run or values.model:
        upscalers[default_scale(upscalers)]()  # fails once here, not once per picture
    return fixed_chooser(upscalers, network.name)


def _check_flags() -> None:
    values = flags.FLAGS
    if values.size and values.scale:
        raise UsageError("--size and --scale cannot both be given")
    if values.scale is not None and not 1 <= values.scale <= LARGEST_SCALE:
        raise UsageError(f"--scale={values.scale:g} cannot be used: it must be from 1 to {LARGEST_SCALE}")
    if values.fit and not values.size:
        raise UsageError("--fit needs --size")
    if values.overwrite and values.skip_existing:
        raise UsageError("--overwrite and --skip_existing cannot both be given")
    if values.output == STANDARD and sys.stdout.isatty():
        raise UsageError("--output=-: standard output is a terminal; send it to a file or a program")
    if values.preview and values.output == STANDARD:
        raise UsageError("--preview needs --output to be a file or a folder")


def _described(error: Exception, source: str) -> str:
    if not isinstance(error, (DataError, UsageError)):
        return f"{source}: {type(error).__name__} ({reason(error)}); SRNET_DEBUG=1 shows where"
    return str(error) if str(error).startswith((f"{source}:", "standard output:")) else f"{source}: {error}"


def _parse_size(text: str | None) -> Sides | None:
    """Returns (height, width) of WIDTHxHEIGHT, either of which may be left out, or None for None."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{0,6})x(\d{0,6})", text)
    width, height = (int(side) if side else None for side in match.groups()) if match else (None, None)
    if (width, height) == (None, None) or 0 in (width, height):
        raise UsageError(f"--size={text}: expected WIDTHxHEIGHT, such as 1920x1080, or 1920x, or x1080")
    return height, width


def run() -> None:
    cli.run(main, define_flags)


if __name__ == "__main__":
    run()
