"""Image sets from their archives or folders, compared with the published ones pixel by pixel.

`image_digests.csv` lists the SHA-256 of the pixels of each image whose pixels are known: file formats and names may
differ from copy to copy, pixels must not.
"""

import collections
import concurrent.futures
import contextlib
import csv
import dataclasses
import fnmatch
import hashlib
import http.client
import lzma
import os
import pathlib
import shutil
import tarfile
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import IO

from experiments.recipes.image_sets import IMAGE_SETS
from srnet.data.datasets import find_images
from srnet.errors import DataError, UsageError
from srnet.files import atomic_write, reason, writing
from srnet.images.read import is_image_name, read_image
from srnet.progress import progress_bar

_DIGESTS = pathlib.Path(__file__).with_name("image_digests.csv")
_BLOCK = 2**20  # bytes
_SECONDS = 60  # timeout while a server sends nothing
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How the images at hand differ from the published set.

    Attributes:
      names: dict from the file of each published image to its name in the set.
      missing: names of published images whose pixels no file has.
      others: files that match no image of the set.
    """

    names: dict[pathlib.Path, str]
    missing: list[str]
    others: list[pathlib.Path]


def pixel_digest(path: pathlib.Path) -> str:
    """Returns the SHA-256 of an image's pixels: of the text "HEIGHT WIDTH CHANNELS" and the uint8 array.

    Args:
      path: the picture file, read as in training and measuring.

    Raises:
      DataError: if it cannot be read.
    """
    pixels = read_image(path)
    height, width, *channels = pixels.shape
    header = f"{height} {width} {channels[0] if channels else 1}"
    return hashlib.sha256(header.encode() + pixels.tobytes()).hexdigest()


def known_digests(name: str) -> dict[str, str]:
    """Returns a dict from the names of a set's images to the SHA-256 of their pixels; empty if unknown.

    Args:
      name: the set.
    """
    with _DIGESTS.open(encoding="utf-8", newline="") as file:
        return {row["image"]: row["sha256"] for row in csv.DictReader(file) if row["set"] == name}


def compare(paths: Iterable[pathlib.Path], digests: Mapping[str, str]) -> Comparison:
    """Compares images with the published ones by their pixels.

    Args:
      paths: the picture files.
      digests: what `known_digests` returns.

    Raises:
      DataError: if a file cannot be read.
    """
    paths = list(paths)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(paths, pool.map(pixel_digest, paths)))
    free = collections.defaultdict(list)  # T91 has one image twice
    for path, digest in found.items():
        free[digest].append(path)
    names, missing = {}, []
    for name, digest in digests.items():
        if free[digest]:
            names[free[digest].pop(0)] = name
        else:
            missing.append(name)
    return Comparison(names, missing, [path for path in paths if path not in names])


def verify(name: str, data_root: str) -> str:
    """Compares a set's folder with the published set, and returns a one-line report.

    Args:
      name: one of `IMAGE_SETS`.
      data_root: folder with a folder for each set.

    Raises:
      DataError: if the set or a file there cannot be read, or images differ; the message names them.
    """
    paths, digests, count = find_images(name, data_root), known_digests(name), IMAGE_SETS[name].count
    if not digests:
        if len(paths) != count:
            raise DataError(f"{name}: {len(paths)} images, not {count}")
        return f"{name}: {count} images; no published digests to compare"
    found = compare(paths, digests)
    _check(name, found)
    if found.others:
        more = _listed(path.name for path in found.others)
        raise DataError(f"{name}: all {count} images are as published, but there are extra files: {more}")
    return f"{name}: all {count} images are as published, pixel by pixel"


def _check(name: str, found: Comparison) -> None:
    if found.missing:
        others = f"; files with other pixels: {_listed(path.name for path in found.others)}" if found.others else ""
        raise DataError(f"{name}: no file has the published pixels of {_listed(found.missing)}{others}")


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def prepare(name: str, source: str, data_root: str, downloads: pathlib.Path) -> str:
    """Copies a set from an archive or a folder, atomically, and returns a one-line report.

    Args:
      name: one of `IMAGE_SETS`.
      source: URL or path of an archive, or path of a folder; "" for the set's own URL.
      data_root: folder in which the set's folder is created.
      downloads: folder for downloaded archives, which are reused.

    Raises:
      UsageError: if the set has no URL and no source is given.
      DataError: if the source cannot be downloaded or read, or images are missing or differ.
    """
    known, target = IMAGE_SETS[name], pathlib.Path(data_root) / name
    if target.exists():
        return f"{name}: {target} already exists; --verify checks it"
    source = source or known.url
    if not source:
        raise UsageError(f"{name}: available on request from {known.page}; then use --source=ARCHIVE_OR_FOLDER")
    if "://" in source:
        source = str(_download(source, downloads))
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(source)
        if not folder.is_dir():
            folder = stack.enter_context(_unpacked(folder, known.inside, downloads))
        digests = known_digests(name)
        paths = sorted(path for path in folder.rglob("*") if is_image_name(path.name) and path.is_file())
        names = {path: path.stem for path in paths}
        if digests:
            found = compare(paths, digests)
            _check(name, found)
            names = found.names
        if not len(names) == len(set(names.values())) == known.count:
            both = f"{len(names)} images with {len(set(names.values()))} different names"
            raise DataError(f"{source}: {both}; {name} has {known.count}")
        with atomic_write(target, overwrite=False) as made, writing(target):
            made.mkdir()
            for path, stem in names.items():
                try:
                    content = path.read_bytes()
                except OSError as error:
                    raise DataError(f"{path}: cannot be read ({reason(error)})") from error
                (made / f"{stem}{path.suffix.lower()}").write_bytes(content)
    return verify(name, data_root)


def _download(url: str, folder: pathlib.Path) -> pathlib.Path:
    """The downloaded file of a URL, written atomically; an existing file is reused."""
    path = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:8]}_{url.rpartition('/')[2]}"
    if path.exists():
        return path
    with atomic_write(path) as partial, _naming(url), urllib.request.urlopen(url, timeout=_SECONDS) as answer:
        size, done = int(answer.headers.get("Content-Length") or 0), 0
        with progress_bar(size, url.rpartition("/")[2], "B", unit_scale=True) as bar, partial.open("wb") as file:
            while block := answer.read(_BLOCK):
                with writing(path):
                    done += file.write(block)
                bar.update(len(block))
        if done < size:
            raise DataError(f"{url}: download incomplete ({done} of {size} bytes); run again")
    return path


@contextlib.contextmanager
def _naming(url: str) -> Iterator[None]:
    """Turns network errors into a DataError that names the URL."""
    try:
        yield
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DataError(f"{url}: cannot be downloaded ({getattr(error, 'reason', None) or error})") from error


@contextlib.contextmanager
def _unpacked(path: pathlib.Path, inside: str, parent: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a temporary folder in `parent` with the pictures of a zip or tar archive, each as NUMBER/NAME."""
    with writing(parent):
        parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        try:
            with zipfile.ZipFile(path) if zipfile.is_zipfile(path) else tarfile.open(path) as archive:
                if not _unpack(archive, inside, folder):  # not the set's own archive
                    _unpack(archive, "*", folder)
        except _DAMAGED as error:
            advice = "; delete it to have it downloaded again" if path.parent == parent else ""
            raise DataError(f"{path}: damaged, truncated, or not a zip or tar archive ({error}){advice}") from error
        except OSError as error:
            raise DataError(f"{path}: cannot be unpacked into {parent} ({reason(error)})") from error
        yield pathlib.Path(folder)


def _unpack(archive: zipfile.ZipFile | tarfile.TarFile, inside: str, folder: str) -> int:
    """Unpacks the pictures whose path in an archive matches a pattern, and returns their number."""
    number = 0
    for number, (name, file) in enumerate(_members(archive, inside), 1):
        place = pathlib.Path(folder) / str(number) / pathlib.PurePosixPath(name).name
        place.parent.mkdir()
        with file, place.open("wb") as copy:
            shutil.copyfileobj(file, copy)
    return number


def _members(archive: zipfile.ZipFile | tarfile.TarFile, inside: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Yields the name and the open file of each picture in an archive whose path matches a pattern."""

    def wanted(name: str) -> bool:
        base = pathlib.PurePosixPath(name).name
        return is_image_name(base) and fnmatch.fnmatchcase(name, inside) and "__MACOSX" not in name

    if isinstance(archive, zipfile.ZipFile):
        for entry in archive.infolist():
            if wanted(entry.filename) and not entry.is_dir():
                yield entry.filename, archive.open(entry)
    else:
        for member in archive:
            file = archive.extractfile(member) if wanted(member.name) and member.isfile() else None
            if file:
                yield member.name, file
