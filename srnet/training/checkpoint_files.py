"""TensorFlow's checkpoint files in a folder: which exist, and which is the newest."""

import re
from pathlib import Path

LIST = "checkpoint"  # TensorFlow's list of the checkpoints in a folder
_NUMBER = r"(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?"
_LIST_LINE = re.compile(
    r'''model_checkpoint_path: "[^"'\\\0-\x1f]*"|all_model_checkpoint_paths: "[^"'\\\0-\x1f]*"'''
    rf"|all_model_checkpoint_timestamps: {_NUMBER}|last_preserved_timestamp: {_NUMBER}"
)
_END_OF_INDEX = bytes.fromhex("57fb808b247547db")  # the magic number of LevelDB's table format


def newest_checkpoint(folder: Path) -> Path | None:
    """Returns the newest checkpoint in a folder, or None if there is none.

    TensorFlow's list names it; if the list is lost or damaged, it is the one with the highest step.

    Args:
      folder: `Run.last` or `Run.best`.

    Returns:
      The prefix of the checkpoint's files, such as "checkpoints/step-2000".
    """
    listed = listed_checkpoint(folder)
    return listed or max(all_checkpoints(folder), key=step_of, default=None)


def listed_checkpoint(folder: Path) -> Path | None:
    """Returns the newest checkpoint by TensorFlow's list, or None if the list is lost or damaged.

    Args:
      folder: `Run.last` or `Run.best`.
    """
    try:
        lines = (folder / LIST).read_bytes().decode().removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError):
        return None
    if not all(_LIST_LINE.fullmatch(line) for line in lines):
        return None
    named = [found[1] for line in lines if (found := re.fullmatch(r'model_checkpoint_path: "(.*)"', line))]
    path = folder / Path(named[0]).name if named else None
    return path if path and path.with_suffix(".index").exists() else None


def all_checkpoints(folder: Path) -> list[Path]:
    """Returns the prefixes of the checkpoints in a folder, except those with an incomplete index.

    Args:
      folder: `Run.last` or `Run.best`.
    """
    there = [path for path in folder.glob("step-*.index") if re.fullmatch(r"step-\d+", path.stem)]
    return [path.with_suffix("") for path in there if _is_written(path)]


def _is_written(index: Path) -> bool:
    """Whether an index is complete: TensorFlow writes it in place, and may be killed meanwhile."""
    try:
        return index.read_bytes().endswith(_END_OF_INDEX)
    except OSError:  # removed meanwhile
        return False


def step_of(checkpoint: Path) -> int:
    """Returns the step in the name of a checkpoint, such as 2000 for "checkpoints/step-2000".

    Args:
      checkpoint: prefix of the checkpoint's files.
    """
    return int(checkpoint.name.removeprefix("step-"))
