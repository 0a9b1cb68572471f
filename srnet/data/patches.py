"""The patch store: aligned LR and HR patches of a list of pictures, in one HDF5 file.

Each picture is augmented (as it is, rotated by 90 degrees, mirrored, flipped: section 3.1 of the paper, 291 images
become 1,164; where asked for, by the other four flips and rotations, and by smaller copies), cropped to a multiple of
the scale, reduced as a whole by the benchmark recipe and rounded to 8 bits; then aligned patches are cut from both. The
file holds two uint8 arrays without compression, `hr` (N, patch, patch, channels) and `lr` (N, patch/scale, patch/scale,
channels), so that they can be mapped into memory, and the attributes `version` and `description`.
"""

import collections
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil

import h5py
import numpy as np
import tqdm

from srnet.data.images import crop_to_multiple, image_size, read_image, round_to_uint8, to_luma, to_rgb
from srnet.data.resize import imresize, resized_length
from srnet.errors import DataError, UsageError
from srnet.files import reason, written_whole

VERSION = 1

# Quarter turns after mirroring or not: the paper's four flips and rotations, then the other four.
_AUGMENTATIONS = ((0, False), (1, False), (0, True), (2, True), (2, False), (3, False), (1, True), (3, True))
ORIENTATIONS = (4, len(_AUGMENTATIONS))


@dataclasses.dataclass(frozen=True)
class PatchOptions:
    """How patches are cut.

    Attributes:
      scale: integer reduction from HR to LR.
      channels: 1 for luma, 3 for RGB.
      patch: side of an HR patch in pixels, a multiple of `scale`.
      stride: distance between HR patches in pixels, a multiple of `scale`.
      augment: whether rotated, mirrored and flipped copies are added.
      orientations: how many of the eight flips and rotations these make with the picture itself, 4 or 8.
      augment_scales: factors of the copies that patches are cut from, each above 0 and at most 1; 1 is the picture
        itself. Copies smaller than a patch are left out.
    """

    scale: int
    channels: int = 1
    patch: int = 64
    stride: int = 16
    augment: bool = True
    orientations: int = 4
    augment_scales: tuple[float, ...] = (1.0,)

    def __post_init__(self):
        if min(self.patch, self.stride) < 1 or self.patch % self.scale or self.stride % self.scale:
            raise UsageError(
                f"patch {self.patch} and stride {self.stride} must be positive multiples of the scale {self.scale}"
            )


@dataclasses.dataclass(frozen=True)
class PatchStore:
    """An opened patch store.

    Attributes:
      path: the HDF5 file.
      description: what it was made from, as a dict: the fields of `PatchOptions` and the sources' digests.
      lr: uint8 array (N, patch/scale, patch/scale, channels), mapped from the file.
      hr: uint8 array (N, patch, patch, channels), mapped from the file.
    """

    path: pathlib.Path
    description: dict
    lr: np.ndarray
    hr: np.ndarray

    def __len__(self):
        return len(self.hr)

    @property
    def digest(self):
        return digest(self.description)


def ensure_store(folder, label, paths, options):
    """Opens the patch store of some pictures, after making it where it is missing.

    The file name carries a digest of the description, so other pictures, options or versions make another file.

    Args:
      folder: folder of patch stores; made when missing.
      label: readable beginning of the file name.
      paths: the picture files.
      options: `PatchOptions`.

    Returns:
      A `PatchStore`.

    Raises:
      DataError: if a picture cannot be used, the disk has no room, or the file there is damaged.
    """
    description = describe(paths, options)
    path = pathlib.Path(folder) / f"{label}_x{options.scale}_{digest(description)}.h5"
    if not path.exists():
        build_store(path, paths, options, description)
    store = open_store(path)
    if store.description != description:
        raise DataError(f"{path}: made from other pictures or options; delete it to have it made again")
    return store


def describe(paths, options):
    """Returns what determines a patch store: its version, the options and each source's name and SHA-256.

    Args:
      paths: the picture files.
      options: `PatchOptions`.
    """
    fields = {**dataclasses.asdict(options), "augment_scales": list(options.augment_scales)}
    for name, default in (("orientations", 4), ("augment_scales", [1.0])):
        if fields[name] == default:  # so that stores of srnet versions without this field are still found
            del fields[name]
    return {"version": VERSION, **fields, "sources": source_digests(paths)}


def source_digests(paths):
    """Returns the name and SHA-256 of each file, as a list of lists.

    Args:
      paths: the files.

    Raises:
      DataError: if one cannot be read.
    """
    sources = []
    for path in paths:
        try:
            sources.append([path.name, hashlib.sha256(path.read_bytes()).hexdigest()])
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    return sources


def digest(description):
    """Returns twelve hexadecimal digits that stand for a description, for names of files made from it.

    Args:
      description: anything that the json module writes.
    """
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:12]


def open_store(path):
    """Opens a patch store, mapping its arrays into memory.

    Args:
      path: the HDF5 file.

    Raises:
      DataError: if the file is missing, cut short, of another version or no patch store.
    """
    path = pathlib.Path(path)
    remedy = "delete it to have it made again"
    try:
        with h5py.File(path, "r") as file:
            version = file.attrs.get("version")
            if version != VERSION:
                raise DataError(f"{path}: patch store of version {version}, this srnet reads {VERSION}; {remedy}")
            description = json.loads(file.attrs["description"])
            arrays = {name: _map(path, file[name]) for name in ("lr", "hr")}
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path}: damaged or cut short, not a patch store ({error}); {remedy}") from error
    return PatchStore(path, description, **arrays)


def _map(path, dataset):
    return np.memmap(path, np.uint8, "r", offset=dataset.id.get_offset(), shape=dataset.shape).view(np.ndarray)


def build_store(path, paths, options, description):
    """Makes a patch store with all cores; the file appears complete or not at all.

    Args:
      path: the HDF5 file to make.
      paths: the picture files.
      options: `PatchOptions`.
      description: what `describe` gives for them; stored in the file.

    Raises:
      DataError: if a picture cannot be used or the disk has no room.
    """
    jobs = [
        (source, augmentation, factor)
        for source in paths
        for augmentation in _augmentations(options)
        for factor in options.augment_scales
        if factor == 1 or min(_reduced_size(source, factor)) >= options.patch
    ]
    if not jobs:
        factors = ",".join(map(str, options.augment_scales))
        raise DataError(f"augment_scales {factors}: no copy is as large as a patch of {options.patch}x{options.patch}")
    count = sum(_patch_count(*job, options) for job in jobs)
    hr_shape = (count, options.patch, options.patch, options.channels)
    small = options.patch // options.scale
    lr_shape = (count, small, small, options.channels)
    with written_whole(path) as partial:
        needed = int(np.prod(hr_shape) + np.prod(lr_shape))
        free = shutil.disk_usage(path.parent).free
        if free < needed * 1.01:
            raise DataError(f"{path}: no space left: {needed / 1e9:.2f} GB needed, {free / 1e9:.2f} GB free")
        places = _lay_out(partial, description, {"lr": lr_shape, "hr": hr_shape})
        progress = tqdm.tqdm(total=len(jobs), desc="cutting patches", unit="image")
        with progress, partial.open("r+b") as file:
            if hasattr(os, "posix_fallocate"):  # a quota or another writer may leave less than disk_usage says
                os.posix_fallocate(file.fileno(), 0, partial.stat().st_size)
            for patches in _bounded_map(lambda job: _cut(*job, options), jobs):
                for name, array in zip(("lr", "hr"), patches):
                    file.seek(places[name])
                    places[name] += file.write(array.tobytes())
                progress.update()


def _lay_out(path, description, shapes):
    """Makes the HDF5 file with room for its arrays, and returns where in the file each begins, in bytes.

    HDF5 itself cannot be left cleanly once a write has failed, so the patches are written without it.
    """
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    early.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    try:
        with h5py.File(path, "w") as file:
            file.attrs["version"] = VERSION
            file.attrs["description"] = json.dumps(description)
            datasets = {name: file.create_dataset(name, shape, np.uint8, dcpl=early) for name, shape in shapes.items()}
            return {name: dataset.id.get_offset() for name, dataset in datasets.items()}
    except RuntimeError as error:
        raise DataError(f"{path}: cannot be written ({reason(error)})") from error


def _augmentations(options):
    return _AUGMENTATIONS[: options.orientations if options.augment else 1]


def _reduced_size(path, factor):
    return tuple(resized_length(size, factor) for size in image_size(path))


def _patch_count(path, augmentation, factor, options):
    height, width = _reduced_size(path, factor)
    if min(height, width) < options.patch:
        raise DataError(f"{path}: {width}x{height} is smaller than a patch of {options.patch}x{options.patch}")
    turns, _ = augmentation
    if turns % 2:
        height, width = width, height
    sides = ((size - size % options.scale - options.patch) // options.stride + 1 for size in (height, width))
    return int(np.prod(list(sides)))


def _cut(path, augmentation, factor, options):
    image = read_image(path)
    image = to_luma(image)[..., None] if options.channels == 1 else to_rgb(image)
    if factor != 1:
        image = round_to_uint8(imresize(image, factor))
    turns, mirrored = augmentation
    hr = crop_to_multiple(np.rot90(image[:, ::-1] if mirrored else image, turns), options.scale)
    lr = round_to_uint8(imresize(hr, 1 / options.scale))
    return _windows(lr, options, options.scale), _windows(hr, options, 1)


def _windows(image, options, reduction):
    side, stride = options.patch // reduction, options.stride // reduction
    windows = np.lib.stride_tricks.sliding_window_view(image, (side, side), axis=(0, 1))
    windows = np.moveaxis(windows[::stride, ::stride], 2, -1)
    return windows.reshape(-1, side, side, image.shape[2])


def _bounded_map(function, items):
    """Maps in threads, in order, with few results waiting: NumPy, SciPy and Pillow release the interpreter's lock."""
    workers = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        pending = collections.deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
