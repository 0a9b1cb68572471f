"""Measures how much slower enlarging a folder of small pictures of different sizes is than the network alone.

python tools/benchmark_folder.py

Runs of the network alone and of the folder are interleaved, each in its own process. The network alone has the pictures
in memory and writes nothing. The memory of the folder's process is shown after the 20th and the last picture.
"""

import concurrent.futures
import functools
import multiprocessing
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli
from srnet.images.read import read_picture
from srnet.images.write import write_image
from srnet.inference.batch import enlarge_file, enlarge_files, upscalers_of, write_file
from srnet.inference.jobs import find_jobs
from srnet.inference.passes import Upscalers, fixed_chooser
from srnet.pretrained import cards

SIDES = (120, 480)  # range of picture sides in pixels
EARLY = 20  # pictures, after which memory is first shown

Result = TypeVar("Result")


def define_flags() -> None:
    flags.DEFINE_enum("network", cards.DEFAULT, cards.names(), "Pretrained network.")
    flags.DEFINE_integer("scale", 4, "Scale.")
    flags.DEFINE_integer("pictures", 200, "Number of pictures.", lower_bound=EARLY)
    flags.DEFINE_enum("format", "jpg", ("jpg", "png"), "Format of the pictures and of the results.")
    flags.DEFINE_integer("rounds", 3, "Timed runs of each.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    cards.card(values.scale, values.network)
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place) / "pictures"
        _make_pictures(folder, values.pictures, values.format)
        alone, whole = [], []
        for number in range(values.rounds):
            alone.append(_in_own_process(network_alone, folder, values.network, values.scale))
            output = pathlib.Path(place) / f"{number}"
            seconds, early, late = _in_own_process(enlarge_folder, folder, output, values.network, values.scale)
            whole.append(seconds)
            print(f"memory after picture {EARLY}: {early / 2**20:.0f} MiB, after the last: {late / 2**20:.0f} MiB")
    ratio = statistics.median(one / other for one, other in zip(whole, alone))
    print(f"network alone {min(alone):.1f} s, folder {min(whole):.1f} s, {ratio:.2f} times as long")


def _make_pictures(folder: pathlib.Path, count: int, suffix: str) -> None:
    import skimage.data

    random, photo = np.random.default_rng(0), skimage.data.astronaut()
    for number in range(count):
        height, width = random.integers(*SIDES, 2)
        top, left = (random.integers(side - part + 1) for side, part in zip(photo.shape, (height, width)))
        write_image(folder / f"{number:04}.{suffix}", photo[top : top + height, left : left + width])


def _in_own_process(function: Callable[..., Result], *arguments: object) -> Result:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as process:
        return process.submit(function, *arguments).result()


def network_alone(folder: pathlib.Path, network: str, scale: int) -> float:
    """Returns the seconds that the network takes for the pictures of a folder."""
    upscaler = _upscalers(network)[scale]()
    pictures = [read_picture(path).pixels for path in sorted(folder.iterdir())]
    upscaler(pictures[0])
    start = time.perf_counter()
    for picture in pictures:
        upscaler(picture)
    return time.perf_counter() - start


def enlarge_folder(folder: pathlib.Path, output: pathlib.Path, network: str, scale: int) -> tuple[float, int, int]:
    """Enlarges a folder as `srnet.upscale` does; returns the seconds, and the memory early and at the end in bytes."""
    import psutil

    upscalers = _upscalers(network)
    jobs, _ = find_jobs([str(folder)], str(output), False, lambda: f"x{scale}")
    upscalers[scale]()(read_picture(jobs[0].source).pixels)
    enlarge = functools.partial(enlarge_file, scale=scale, size=None, choose=fixed_chooser(upscalers, network))
    memory = []
    start = time.perf_counter()
    for _, outcome in enlarge_files(jobs, enlarge, write_file):
        if isinstance(outcome, Exception):
            raise outcome
        memory.append(psutil.Process().memory_info().rss)
    return time.perf_counter() - start, memory[EARLY - 1], memory[-1]


def _upscalers(network: str) -> Upscalers:
    cli.import_tensorflow()
    from srnet.pretrained.load import loaders

    return upscalers_of(loaders(network))


if __name__ == "__main__":
    cli.run(main, define_flags)
