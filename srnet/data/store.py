"""An open patch store, whose patches are read by number.

`srnet.data.patches` describes the file, and builds it.
"""

import dataclasses
import functools
import json
import math
import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from srnet import durable
from srnet.data.checksums import verify
from srnet.digests import digest
from srnet.errors import DataError
from srnet.files import reason

VERSION = 1  # of a store's content; part of the description
PATCHES, PICTURES = 1, 2  # versions of the file: with arrays of patches, or with the pictures to cut them from
REMEDY = "delete it, and it will be built again"


@dataclasses.dataclass(frozen=True)
class Patches:
    """An array of patches in the file of a `PatchStore`, which must live as long.

    Attributes:
      descriptor: of the open file.
      place: offset of the array in the file, in bytes.
      shape: (N, side, side, channels) of uint8.
    """

    descriptor: int
    place: int
    shape: tuple[int, ...]

    def read(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """Returns some of the patches, uint8 (n, side, side, channels).

        The file is not mapped into memory: if it were cut short, or its disk failed, that would kill the process.

        Args:
          numbers: of the patches, each in [0, N).

        Raises:
          DataError: if the file has been cut short.
          OSError: if it cannot be read.
        """
        size = math.prod(self.shape[1:])
        data = b"".join(os.pread(self.descriptor, size, self.place + int(number) * size) for number in numbers)
        if len(data) < size * len(numbers):
            raise DataError("cut short while it was being read")
        return np.frombuffer(data, np.uint8).reshape(-1, *self.shape[1:])


@dataclasses.dataclass(frozen=True)
class Windows:
    """Patches cut, as they are read, from pictures in the file of a `PatchStore`, which must live as long.

    Attributes:
      descriptor: of the open file.
      place: offset of the first picture in the file, in bytes; the others follow without gaps.
      sizes: int64 (pictures, 2), height and width of each.
      side: of a patch.
      stride: distance between patches.
      channels: of each picture.
    """

    descriptor: int
    place: int
    sizes: np.ndarray
    side: int
    stride: int
    channels: int

    @functools.cached_property
    def _begins(self) -> np.ndarray:
        """Bytes before each picture, then in total."""
        return np.concatenate([[0], np.cumsum(np.prod(self.sizes, axis=1) * self.channels)])

    @functools.cached_property
    def _firsts(self) -> np.ndarray:
        """Patches before each picture, then in total."""
        return np.concatenate([[0], np.cumsum(np.prod(window_counts(self.sizes, self.side, self.stride), axis=1))])

    @property
    def shape(self) -> tuple[int, ...]:
        return (int(self._firsts[-1]), self.side, self.side, self.channels)

    @property
    def nbytes(self) -> int:
        return int(self._begins[-1])

    def read(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """Returns some of the patches, uint8 (n, side, side, channels).

        Args:
          numbers: of the patches, each in [0, N).

        Raises:
          DataError: if the file has been cut short.
          OSError: if it cannot be read.
        """
        patches = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        for patch, number in zip(patches, numbers):
            picture = int(np.searchsorted(self._firsts, number, "right")) - 1
            width = int(self.sizes[picture, 1])
            across = (width - self.side) // self.stride + 1
            down, right = divmod(int(number - self._firsts[picture]), across)
            start = (down * width + right) * self.stride * self.channels
            row = width * self.channels
            size = (self.side - 1) * row + self.side * self.channels  # from its first pixel to its last
            data = os.pread(self.descriptor, size, self.place + int(self._begins[picture]) + start)
            if len(data) < size:
                raise DataError("cut short while it was being read")
            strides = (row, self.channels, 1)
            patch[...] = np.lib.stride_tricks.as_strided(np.frombuffer(data, np.uint8), patch.shape, strides)
        return patches


def window_counts(sizes: np.ndarray, side: int, stride: int) -> np.ndarray:
    """Returns the numbers of patches in pictures, down and across.

    Args:
      sizes: int array (..., 2) of heights and widths, each at least `side`.
      side: of a patch.
      stride: distance between patches.
    """
    return (sizes - side) // stride + 1


@dataclasses.dataclass(frozen=True)
class PatchStore:
    """An opened patch store.

    Attributes:
      path: the HDF5 file.
      description: what it was made from, as `describe` returns it.
      lr: (N, patch/scale, patch/scale, channels).
      hr: (N, patch, patch, channels).
      failures: errors from reading patches, which TensorFlow replaces with errors of its own.
    """

    path: Path
    description: dict[str, Any]
    lr: Patches | Windows
    hr: Patches | Windows
    failures: list[Exception] = dataclasses.field(default_factory=list)

    def __len__(self) -> int:
        return self.hr.shape[0]

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that identify the patches."""
        return digest(self.description)


def open_store(path: Path | str) -> PatchStore:
    """Opens a patch store, after checking every byte of it.

    Args:
      path: the HDF5 file.

    Raises:
      DataError: if the file is missing, damaged, cut short, of another version, in use or not a patch store.
    """
    path = Path(path)
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            if durable.lock_open(descriptor, shared=True) is False:  # HDF5 locks a file opened for writing
                raise DataError(f"{path}: another program has it open; close that program")
            store = _verified(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from error
    weakref.finalize(store, os.close, descriptor)
    return store


def _verified(descriptor: int, path: Path) -> PatchStore:
    try:
        verify(descriptor, path)
        return _opened(descriptor, path)
    except DataError as error:
        raise DataError(f"{error}; {REMEDY}") from error


def _opened(descriptor: int, path: Path) -> PatchStore:
    """The store in a verified file; the HDF5 library may hang on a damaged one."""
    try:
        with h5py.File(path, "r", locking=False) as content:
            version = content.attrs.get("version")
            if version not in (PATCHES, PICTURES):
                known = f"this srnet reads {PATCHES} and {PICTURES}"
                raise DataError(f"{path}: patch store of version {version}, {known}")
            description = json.loads(content.attrs["description"])
            read = _patches if version == PATCHES else _windows
            lr, hr = (read(descriptor, content, name, description) for name in ("lr", "hr"))
        side, small = description["patch"], description["patch"] // description["scale"]
        shapes = [(hr.shape[0], each, each, description["channels"]) for each in (small, side)]
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: damaged, not a patch store ({error})") from error
    if [lr.shape, hr.shape] != shapes:
        raise DataError(f"{path}: its arrays are not those of its description")
    return PatchStore(path, description, lr, hr)


def _place(dataset: h5py.Dataset, dimensions: int) -> int:
    if dataset.dtype != np.uint8 or dataset.ndim != dimensions or dataset.id.get_offset() is None:
        raise ValueError(f"{dataset.name} is not a plain uint8 array")
    return dataset.id.get_offset()


def _patches(descriptor: int, content: h5py.File, name: str, description: dict[str, Any]) -> Patches:
    return Patches(descriptor, _place(content[name], 4), content[name].shape)


def _windows(descriptor: int, content: h5py.File, name: str, description: dict[str, Any]) -> Windows:
    scale = description["scale"] if name == "lr" else 1
    sizes = content["sizes"][()].astype(np.int64) // scale
    side, stride = description["patch"] // scale, description["stride"] // scale
    windows = Windows(descriptor, _place(content[name], 1), sizes, side, stride, description["channels"])
    if (windows.nbytes,) != content[name].shape:
        raise ValueError(f"{name} is not as large as its pictures")
    return windows
