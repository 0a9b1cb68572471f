"""A patch store that is open: its patches, read by their places.

`srnet.data.patches` says what the file holds, and builds it.
"""

import dataclasses
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
from srnet.errors import DataError
from srnet.files import digest, reason

VERSION = 1
REMEDY = "delete it to have it built again"


@dataclasses.dataclass(frozen=True)
class Patches:
    """An array of patches in the file of a `PatchStore`, which must live as long.

    Attributes:
      descriptor: of the open file.
      place: where in it the array begins, in bytes.
      shape: (N, side, side, channels) of uint8.
    """

    descriptor: int
    place: int
    shape: tuple[int, ...]

    def read(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """Returns some of the patches, uint8 (n, side, side, channels).

        A file mapped into memory would kill the process when it is cut short or its disk fails.

        Args:
          numbers: which, each in [0, N).

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
class PatchStore:
    """An opened patch store.

    Attributes:
      path: the HDF5 file.
      description: what it was made from, as `describe` returns it.
      lr: `Patches` (N, patch/scale, patch/scale, channels).
      hr: `Patches` (N, patch, patch, channels).
      failures: errors of reading patches, which TensorFlow passes on as an error of its own.
    """

    path: Path
    description: dict[str, Any]
    lr: Patches
    hr: Patches
    failures: list[Exception] = dataclasses.field(default_factory=list)

    def __len__(self) -> int:
        return self.hr.shape[0]

    @property
    def digest(self) -> str:
        return digest(self.description)


def open_store(path: Path | str) -> PatchStore:
    """Opens a patch store, after checking every byte of it.

    Args:
      path: the HDF5 file.

    Raises:
      DataError: if the file is missing, damaged, cut short, of another version or no patch store.
    """
    path = Path(path)
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            if durable.lock_open(descriptor, shared=True) is False:  # HDF5 locks a file that it may change
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
    """The store in a file that has been verified; HDF5's library may hang in a damaged one."""

    def patches(dataset: h5py.Dataset) -> Patches:
        if dataset.dtype != np.uint8 or dataset.ndim != 4 or dataset.id.get_offset() is None:
            raise DataError(f"{path}: {dataset.name} is no plain array of uint8 patches")
        return Patches(descriptor, dataset.id.get_offset(), dataset.shape)

    try:
        with h5py.File(path, "r", locking=False) as content:
            version = content.attrs.get("version")
            if version != VERSION:
                raise DataError(f"{path}: patch store of version {version}, this srnet reads {VERSION}")
            description = json.loads(content.attrs["description"])
            lr, hr = patches(content["lr"]), patches(content["hr"])
        side, small = description["patch"], description["patch"] // description["scale"]
        shapes = [(hr.shape[0], each, each, description["channels"]) for each in (small, side)]
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: damaged, not a patch store ({error})") from error
    if [lr.shape, hr.shape] != shapes:
        raise DataError(f"{path}: its arrays are not those of its description")
    return PatchStore(path, description, lr, hr)
