"""The patch store: aligned LR and HR patches of a list of pictures, in one HDF5 file.

Each picture is augmented (unchanged, rotated by 90 degrees, mirrored, flipped: section 3.1 of the paper, 291 images
become 1,164; optionally in the other four orientations and at smaller sizes), cropped to a multiple of the scale and
degraded as a whole; then aligned patches are cut from the HR and LR pictures.

The file holds two uncompressed uint8 arrays. Up to a size limit they are the patches, `hr` (N, patch, patch, channels)
and `lr` (N, patch/scale, patch/scale, channels). Patches overlap and take many times the space of their pictures (59
times at the paper's settings). Beyond the limit, the arrays are the pixels of the cropped pictures, one after the
other; `sizes` holds the sizes of the HR ones, and patches are cut as they are read. The attributes `version` and
`description` describe the file; `srnet.data.checksums` protects all of it.
"""

import collections
import concurrent.futures
import dataclasses
import itertools
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from srnet.data.augmentation import ORIENTATIONS, Copy, Source, copies
from srnet.data.checksums import add_checksums, head_size
from srnet.data.degradation import degrade, find_degradation
from srnet.data.recipes import parse_recipe
from srnet.data.store import PATCHES, PICTURES, REMEDY, VERSION, PatchStore, open_store, window_counts
from srnet.digests import digest, file_digests
from srnet.errors import DataError, UsageError
from srnet.files import atomic_write, locked, reason
from srnet.images.color import in_channels
from srnet.images.read import read_size
from srnet.images.resize import crop_to_multiple
from srnet.progress import progress_bar, say

_HDF5 = b"\x89HDF\r\n\x1a\n"  # the beginning of a file without a head

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclasses.dataclass(frozen=True)
class PatchOptions:
    """How patches are cut.

    Attributes:
      scale: integer downscaling factor from HR to LR.
      patch: side of an HR patch in pixels, a multiple of `scale`.
      stride: distance between HR patches in pixels, a multiple of `scale`.
      channels: 1 for luma, 3 for RGB.
      orientations: number of flips and rotations of a picture: 1 (no augmentation), 4 (section 3.1) or 8.
      augment_scales: scale factors of the copies that patches are cut from, each above 0 and at most 1; 1 is the
        picture itself. Downscaled copies smaller than a patch are left out.
      degradation: how the LR picture is made, as for `srnet.data.degradation.find_degradation`.
      seed: of random degradations, together with the picture and the copy.
    """

    scale: int
    patch: int
    stride: int
    channels: int
    orientations: int
    augment_scales: tuple[float, ...]
    degradation: str
    seed: int

    def __post_init__(self) -> None:
        if min(self.patch, self.stride) < 1 or self.patch % self.scale or self.stride % self.scale:
            raise UsageError(
                f"patch {self.patch} and stride {self.stride} must be positive multiples of the scale {self.scale}"
            )
        if self.orientations not in ORIENTATIONS:
            choices = ", ".join(map(str, ORIENTATIONS))
            raise UsageError(f"orientations {self.orientations!r} is unknown: choose one of {choices}")
        find_degradation(self.degradation)


def ensure_store(
    folder: Path | str, label: str, paths: Sequence[Path], options: PatchOptions, limit: float = math.inf
) -> PatchStore:
    """Opens the patch store of some pictures; builds it first if missing, one process at a time per folder.

    The file name contains a digest of the description, so other pictures, options or versions make another file.
    Both kinds of file yield the same patches, so an existing one is used whatever the limit.

    Args:
      folder: folder of patch stores; created if missing.
      label: readable beginning of the file name.
      paths: the picture files.
      options: `PatchOptions`.
      limit: maximum bytes of patches; if they would take more, a new file holds pictures.

    Returns:
      A `PatchStore`.

    Raises:
      DataError: if a picture cannot be used, there is no disk space left, or the existing file is damaged.
    """
    description = describe(paths, options)
    path = Path(folder) / f"{label}_x{options.scale}_{digest(description)}.h5"
    if not _is_there(path):
        with locked(path.parent):
            if not _is_there(path):  # another process may have built it
                build_store(path, paths, options, description, limit)
    store = open_store(path)
    if store.description != description:
        raise DataError(f"{path}: made from other pictures or options; {REMEDY}")
    return store


def describe(paths: Sequence[Path], options: PatchOptions) -> dict[str, Any]:
    """Returns what determines a patch store: its version, the options and each source's name and SHA-256.

    The format is that of the first srnet versions; later options are included only if used, so that stores of those
    versions are still found.

    Args:
      paths: the picture files.
      options: `PatchOptions`.

    Raises:
      DataError: if a picture cannot be read.
    """
    description: dict[str, Any] = {
        "version": VERSION,
        "scale": options.scale,
        "channels": options.channels,
        "patch": options.patch,
        "stride": options.stride,
        "augment": options.orientations > 1,
    }
    if options.orientations > 4:
        description["orientations"] = options.orientations
    if options.augment_scales != (1.0,):
        description["augment_scales"] = list(options.augment_scales)
    if options.degradation != "bicubic":
        description["degradation"] = options.degradation
        recipe = parse_recipe(options.degradation)
        if recipe:
            description["recipe"] = json.loads(json.dumps(dataclasses.asdict(recipe)))  # as read back from JSON
        if options.seed:
            description["seed"] = options.seed
        if options.channels == 1:
            description["degraded"] = "picture"  # some early stores of srnet 0.2 degraded its luma
    return {**description, "sources": file_digests(paths)}


def _is_there(path: Path) -> bool:
    """Whether there is a store; one of srnet 0.1, which cannot be told from a damaged one, does not count."""
    try:
        with path.open("rb") as file:
            return file.read(len(_HDF5)) != _HDF5
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error


def build_store(
    path: Path, paths: Sequence[Path], options: PatchOptions, description: dict[str, Any], limit: float
) -> None:
    """Builds a patch store with all cores; the file appears complete or not at all.

    Args:
      path: the HDF5 file to make.
      paths: the picture files.
      options: `PatchOptions`.
      description: what `describe` returns for them; stored in the file.
      limit: maximum bytes of patches; if they would take more, the file holds pictures.

    Raises:
      DataError: if a picture cannot be used or there is no disk space left.
    """
    made = _copies(paths, options, description)
    cropped = np.array([[side - side % options.scale for side in copy.size] for copy in made])
    count = int(np.prod(window_counts(cropped, options.patch, options.stride), axis=1).sum())
    pixels = {"lr": options.channels, "hr": options.channels * options.scale**2}  # bytes per LR pixel
    small = options.patch // options.scale
    as_patches = count * small**2 * sum(pixels.values()) <= limit
    shapes: dict[str, tuple[int, ...]]
    if as_patches:
        sides = {"lr": small, "hr": options.patch}
        shapes = {name: (count, side, side, options.channels) for name, side in sides.items()}
    else:
        area = int(np.prod(cropped // options.scale, axis=1).sum())
        shapes = {name: (area * each,) for name, each in pixels.items()}
    needed = sum(math.prod(shape) for shape in shapes.values())
    with atomic_write(path) as partial:
        free = shutil.disk_usage(path.parent).free
        if free < needed * 1.01:
            raise DataError(f"{path}: no space left: {needed / 1e9:.2f} GB needed, {free / 1e9:.2f} GB free")
        head = head_size(2 * needed)
        kind = f"cutting {count} patches" if as_patches else f"storing {len(made)} images for {count} patches"
        say(f"{kind} into {path} ({needed / 1e9:.2f} GB)")
        places = _lay_out(partial, description, shapes, None if as_patches else cropped, head)
        progress = progress_bar(len(made), "cutting patches", "image")
        with progress, partial.open("r+b") as file:
            if hasattr(os, "posix_fallocate"):  # a quota or another writer may leave less than disk_usage says
                os.posix_fallocate(file.fileno(), 0, partial.stat().st_size)
            for pair in _bounded_map(lambda job: _cut(*job, options, as_patches), _with_sources(made)):
                for name, array in zip(("lr", "hr"), pair):
                    file.seek(places[name])
                    places[name] += file.write(array.tobytes())
                progress.update()
        add_checksums(partial, head)


def _copies(paths: Sequence[Path], options: PatchOptions, description: dict[str, Any]) -> list[Copy]:
    """The copies that patches are cut from."""
    made = []
    for path, (_, sha256) in zip(paths, description["sources"], strict=True):
        for copy in copies(path, read_size(path), sha256, options.orientations, options.augment_scales):
            if min(copy.size) >= options.patch:
                made.append(copy)
            elif copy.factor == 1:
                height, width = copy.size
                small = f"{width}x{height} is smaller than a patch of {options.patch}x{options.patch}"
                raise DataError(f"{path}: {small}")
    if not made:
        factors = ",".join(map(str, options.augment_scales))
        raise DataError(f"augment_scales {factors}: no copy is as large as a patch of {options.patch}x{options.patch}")
    return made


def _lay_out(
    path: Path,
    description: dict[str, Any],
    shapes: dict[str, tuple[int, ...]],
    sizes: np.ndarray | None,
    head: int,
) -> dict[str, int]:
    """Creates the HDF5 file with space for a head and its arrays, and returns the offset of each array in bytes.

    The arrays are filled without HDF5, which cannot be closed cleanly after a failed write.
    """
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    early.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    try:
        with h5py.File(path, "w", userblock_size=head) as file:
            file.attrs["version"] = PATCHES if sizes is None else PICTURES
            file.attrs["description"] = json.dumps(description)
            if sizes is not None:
                file["sizes"] = sizes
            datasets = {name: file.create_dataset(name, shape, np.uint8, dcpl=early) for name, shape in shapes.items()}
            return {name: dataset.id.get_offset() for name, dataset in datasets.items()}
    except RuntimeError as error:
        raise DataError(f"{path}: cannot be written ({reason(error)})") from error


def _with_sources(made: Iterable[Copy]) -> Iterator[tuple[Copy, Source]]:
    """Yields each copy with the `Source` that copies of the same picture share."""
    for _, of_picture in itertools.groupby(made, lambda copy: copy.path):
        source = Source()
        for copy in of_picture:
            yield copy, source


def _cut(copy: Copy, source: Source, options: PatchOptions, as_patches: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns the LR and HR patches of a copy, uint8 (n, side, side, channels), or its LR and HR picture."""
    # As in the protocol, but for rounding: bicubic downscales the luma; after any other degradation, the luma is taken.
    luma_after = options.channels == 1 and options.degradation != "bicubic"
    image = crop_to_multiple(source.read(copy, None if luma_after else options.channels), options.scale)
    seed = (*copy.seed, options.seed) if options.seed else copy.seed
    degraded = degrade(image, options.scale, options.degradation, np.random.default_rng(seed))
    lr, hr = (in_channels(each, options.channels) for each in (degraded, image))
    return (_windows(lr, options, options.scale), _windows(hr, options, 1)) if as_patches else (lr, hr)


def _windows(image: np.ndarray, options: PatchOptions, scale: int) -> np.ndarray:
    side, stride = options.patch // scale, options.stride // scale
    windows = np.lib.stride_tricks.sliding_window_view(image, (side, side), axis=(0, 1))
    windows = np.moveaxis(windows[::stride, ::stride], 2, -1)
    return windows.reshape(-1, side, side, image.shape[2])


def _bounded_map(function: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Maps in threads, in order, with few results waiting; NumPy, SciPy and Pillow release the GIL."""
    workers = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        pending: collections.deque[concurrent.futures.Future[_R]] = collections.deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
