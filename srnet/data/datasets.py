"""Named image sets: where their files are, and the photographs that need no download.

A set is a folder of pictures under the data root (`--data_root`, else the environment variable SRNET_DATA), with any
file names. The sets `skimage_train` and `skimage_test` are photographs bundled with scikit-image.
"""

import functools
import os
import re
from pathlib import Path

import skimage

from srnet.errors import DataError
from srnet.images.read import is_image_name, is_unsupported_picture_name, note_unsupported

# The stereo pair stays together, so that no scene is in both sets.
BUNDLED: dict[str, tuple[str, ...]] = {
    "skimage_train": (
        "brick.png",
        "camera.png",
        "coins.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "motorcycle_left.png",
        "motorcycle_right.png",
        "page.png",
        "rocket.jpg",
        "text.png",
    ),
    "skimage_test": ("astronaut.png", "chelsea.png", "coffee.png"),
}

TEST_SETS: list[str] = ["Set5", "Set14", "BSD100", "Urban100"]

# Images in each set as its authors published it; see the papers named in docs/data.md.
PUBLISHED_COUNTS: dict[str, int] = {
    "T91": 91,
    "BSD200": 200,
    "BSDval50": 50,
    "BSDextra150": 150,
    "Set5": 5,
    "Set14": 14,
    "BSD100": 100,
    "Urban100": 100,
}


def default_data_root() -> str | None:
    """Returns the folder that the environment variable SRNET_DATA names, or None."""
    return os.environ.get("SRNET_DATA") or None


def has_set(name: str, data_root: Path | str | None) -> bool:
    """Tells whether a set exists.

    Args:
      name: a set's name, or the path of its folder.
      data_root: folder that holds one folder per set, or None.
    """
    folder = _folder(name, data_root)
    return name in BUNDLED or (folder is not None and folder.is_dir())


def _folder(name: str, data_root: Path | str | None) -> Path | None:
    """Where the pictures of a set are, or should be; None for a bare name without a data root."""
    path = Path(os.path.expanduser(name))  # noqa: PTH111  Path.expanduser fails for an unknown user
    if data_root is not None and not ("/" in name and path.is_dir()):
        return Path(data_root) / path
    return path if "/" in name else None


def find_images(name: str, data_root: Path | str | None) -> list[Path]:
    """Returns the picture files of a set, in natural order of their names.

    Args:
      name: a set's name: a folder under `data_root`, one of `BUNDLED`, or the path of a folder, with a slash.
      data_root: folder that holds one folder per set, or None.

    Returns:
      A non-empty list.

    Raises:
      DataError: if the set, or a bundled picture of it, is missing, or it has no pictures.
    """
    if name in BUNDLED:
        paths = [Path(skimage.__file__).parent / "data" / file for file in BUNDLED[name]]
        for path in paths:
            if not path.is_file():
                raise DataError(f"{path}: missing from the installed scikit-image; reinstall it")
        return paths
    folder = _folder(name, data_root)
    if folder is None:
        place = f"--data_root, or SRNET_DATA, must name the folder that holds {name}/"
        raise DataError(f"set {name}: {place}; without it there are {' and '.join(BUNDLED)}")
    if data_root is not None and not folder.is_dir() and not Path(data_root).is_dir():
        raise DataError(f"{data_root}: no such folder (--data_root or SRNET_DATA)")
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; the data root must hold a folder of pictures for each set")
    paths = [path for path in folder.iterdir() if is_image_name(path.name) and path.is_file()]
    _note_unsupported(folder)
    if not paths:
        inner = sorted(path.name for path in folder.iterdir() if path.is_dir())
        below = f"; each subfolder is a set of its own, such as {name}/{inner[0]}" if inner else ""
        raise DataError(f"{folder}: no pictures in it{below}")
    return sorted(paths, key=lambda path: (_natural_order(path.name), path.name))


@functools.cache  # once, though a set is looked for several times
def _note_unsupported(folder: Path) -> None:
    names = (path.name for path in folder.iterdir() if path.is_file())
    note_unsupported(folder, sorted(filter(is_unsupported_picture_name, names)))


def evenly_spaced(paths: list[Path], count: int) -> list[Path]:
    """Returns `count` of the paths, evenly spread over the list; all of them for 0 or if there are no more.

    Args:
      paths: list of paths.
      count: integer, at least 0.
    """
    if count == 0 or count >= len(paths):
        return paths
    return [paths[(2 * i + 1) * len(paths) // (2 * count)] for i in range(count)]


def count_warning(name: str, count: int) -> str | None:
    """Returns a warning if the number of images differs from the published set's, else None.

    Args:
      name: a set's name.
      count: number of images found.
    """
    published = PUBLISHED_COUNTS.get(name, count)
    return None if count == published else f"{name} has {count} images here and {published} as published"


def _natural_order(name: str) -> list[int | str]:
    return [int(part) if part.isdecimal() else part.lower() for part in re.split(r"(\d+)", name)]
