"""Times enlarging a folder of small pictures of different sizes, and the network alone on the same pictures."""

import functools
import pathlib
import time
from typing import NamedTuple

import numpy as np
import psutil
import skimage.data

from srnet import cli
from srnet.images.read import read_picture
from srnet.images.write import write_image
from srnet.inference.batch import enlarge_file, enlarge_files, write_file
from srnet.inference.choice import Upscalers, fixed_chooser, upscalers_of
from srnet.inference.jobs import find_jobs
from srnet.inference.passes import target_size

_SIDES = (120, 480)  # range of picture sides in pixels
EARLY = 20  # pictures, after which memory is first read


class FolderRun(NamedTuple):
    """What enlarging a folder took.

    Attributes:
      seconds: the time.
      early: memory of the process after the first `EARLY` pictures, in bytes.
      late: memory of the process after the last picture, in bytes.
    """

    seconds: float
    early: int
    late: int


def make_pictures(folder: pathlib.Path, count: int, suffix: str) -> None:
    """Writes pictures of random sizes, cut from a photograph of scikit-image.

    Args:
      folder: folder for the pictures.
      count: number of pictures.
      suffix: suffix of their files, without the dot.
    """
    random, photo = np.random.default_rng(0), skimage.data.astronaut()
    for number in range(count):
        height, width = random.integers(*_SIDES, 2)
        top, left = (random.integers(side - part + 1) for side, part in zip(photo.shape, (height, width)))
        write_image(folder / f"{number:04}.{suffix}", photo[top : top + height, left : left + width])


def time_network_alone(folder: pathlib.Path, network: str, scale: int) -> float:
    """Returns the seconds that the network takes for the pictures of a folder, which are in memory; nothing is written.

    Args:
      folder: folder of the pictures.
      network: name of a pretrained network.
      scale: integer scale.
    """
    upscaler = _upscalers(network)[scale]()
    pictures = [read_picture(path).pixels for path in sorted(folder.iterdir())]
    upscaler(pictures[0])
    start = time.perf_counter()
    for picture in pictures:
        upscaler(picture)
    return time.perf_counter() - start


def time_folder(folder: pathlib.Path, output: pathlib.Path, network: str, scale: int) -> FolderRun:
    """Enlarges a folder as `srnet.upscale` does.

    Args:
      folder: folder of at least `EARLY` pictures.
      output: folder for the results.
      network: name of a pretrained network.
      scale: integer scale.

    Raises:
      DataError: if a picture cannot be enlarged.
    """
    upscalers = _upscalers(network)
    jobs, _ = find_jobs([str(folder)], str(output), False, lambda: f"x{scale}")
    upscalers[scale]()(read_picture(jobs[0].source).pixels)
    size_of = functools.partial(target_size, scale=scale)
    enlarge = functools.partial(enlarge_file, size_of=size_of, choose=fixed_chooser(upscalers, network))
    memory = []
    start = time.perf_counter()
    for _, outcome in enlarge_files(jobs, enlarge, write_file):
        if isinstance(outcome, Exception):
            raise outcome
        memory.append(psutil.Process().memory_info().rss)
    return FolderRun(time.perf_counter() - start, memory[EARLY - 1], memory[-1])


def _upscalers(network: str) -> Upscalers:
    cli.import_tensorflow()
    from srnet.pretrained.load import loaders

    return upscalers_of(loaders(network))
