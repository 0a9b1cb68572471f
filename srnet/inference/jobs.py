"""Which pictures to enlarge, and where their results go."""

import dataclasses
import os
import pathlib
import re
from collections.abc import Callable, Sequence

from srnet.digests import digest
from srnet.errors import UsageError
from srnet.files import reason
from srnet.images.file_formats import output_format
from srnet.images.read import is_image_name, is_unsupported_picture_name, note_unsupported

STANDARD = "-"  # standard input or output
_PREVIEW = ".preview.png"
_LONGEST_NAME = 255  # bytes

Place = pathlib.Path | str  # a path, or STANDARD


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to enlarge: `source` and `target` are paths, or `STANDARD`.

    Attributes:
      suffix: of the format on standard output, such as ".webp"; None for the picture's own.
    """

    source: Place
    target: Place
    suffix: str | None = None

    @property
    def source_name(self) -> str:
        """What messages call the source."""
        return "standard input" if self.source == STANDARD else str(self.source)

    @property
    def target_name(self) -> str:
        """What messages call the target."""
        return "standard output" if self.target == STANDARD else str(self.target)


def find_jobs(
    sources: Sequence[str],
    output: str | None,
    recursive: bool,
    label: Callable[[], str],
    suffix: str | None = None,
    skip_existing: bool = False,
) -> tuple[list[Job], list[str]]:
    """Finds the pictures to enlarge, and where their results go.

    Args:
      sources: files and folders, or `STANDARD`.
      output: a file, for one picture; else a folder, which may be new; `STANDARD`; or None for files beside the
        sources, whose names end with the label.
      recursive: whether subfolders are searched; links to folders are not followed.
      label: callable that returns the label, such as "x4"; called only if needed.
      suffix: of the results, such as ".webp", unless `output` names a file; by default that of each picture.
      skip_existing: whether sources that would be the result of another source are left out, as earlier results.

    Returns:
      (jobs, failed): the jobs, and a message for each folder that cannot be read, and for each picture whose result
      would replace a source or another result.

    Raises:
      UsageError: if several pictures, or a folder, would go to one file, an output is missing or is a file of no output
        format, or there are no pictures.
    """
    spellings: dict[Place, str] = {}
    for spelling in sources:
        spellings.setdefault(_absolute(spelling), spelling)
    jobs, unread = _planned(list(spellings.values()), output, recursive, label, suffix)
    jobs, clashing = _without_clashes(jobs, skip_existing)
    return jobs, unread + clashing


def _planned(
    sources: Sequence[str], output: str | None, recursive: bool, label: Callable[[], str], suffix: str | None
) -> tuple[list[Job], list[str]]:
    """The jobs of `find_jobs`, even if their results would clash, and a message for each folder that cannot be read."""
    if output is None:
        return [Job(pathlib.Path(source), _beside(source, label, suffix)) for source in sources], []
    alone = len(sources) == 1 and (sources[0] == STANDARD or not is_folder(sources[0]))
    if STANDARD in (output, *sources) and not alone:
        raise UsageError("standard input and output are for one picture")
    if alone and (output == STANDARD or _names_file(output)):
        target: Place = output if output == STANDARD else pathlib.Path(output)
        if target != STANDARD:
            output_format(target)
        source = sources[0] if sources[0] == STANDARD else pathlib.Path(sources[0])
        return [Job(source, target, suffix if target == STANDARD else None)], []
    if STANDARD in sources:
        raise UsageError("standard input needs --output to be a file, or -")
    if _names_file(output) and is_image_name(pathlib.Path(output).name):
        raise UsageError(f"--output={output}: more than one picture needs a folder")
    jobs, failed = list[Job](), list[str]()
    for place in map(pathlib.Path, sources):
        inside = _pictures_in(place, recursive, pathlib.Path(output), failed) if is_folder(place) else [place]
        base = place if is_folder(place) else place.parent
        jobs += [Job(path, pathlib.Path(output) / _written_name(path.relative_to(base), suffix)) for path in inside]
    if not jobs and not failed:
        raise UsageError(f"no pictures in {', '.join(sources)}")
    return jobs, failed


def _names_file(output: str) -> bool:
    """Whether an output is meant as a file: it ends in a suffix of letters, such as .png, and is not a folder."""
    suffix = pathlib.Path(output).suffix.lower()
    return not output.endswith("/") and not is_folder(output) and bool(re.fullmatch(r"\.([a-z]+|jp2|j2[ck])", suffix))


def _absolute(place: Place) -> Place:
    """A place however it is spelled; links to files are kept, since each has a result of its own."""
    path = pathlib.Path(place)
    return place if place == STANDARD else pathlib.Path(os.path.realpath(path.parent)) / path.name


def _without_clashes(jobs: list[Job], skip_existing: bool) -> tuple[list[Job], list[str]]:
    """The jobs, each picture once, without those whose result would replace a source or another, and their messages."""
    if any(STANDARD in (job.source, job.target) for job in jobs):
        return jobs, []
    failed = []
    of_source: dict[Place, Job] = {}
    for job in jobs:
        of_source.setdefault(_absolute(job.source), job)
    if skip_existing:
        ends = {place: tuple(map(os.path.realpath, (job.source, job.target))) for place, job in of_source.items()}
        results = {target for source, target in ends.values() if source != target}
        results |= {str(preview_name(pathlib.Path(target))) for target in results}
        of_source = {place: job for place, job in of_source.items() if ends[place][0] not in results}
    pictures = {os.path.realpath(job.source): job.source for job in of_source.values()}
    kept: dict[str, Job] = {}  # by target; of several pictures, the one already in the result's format
    for job in sorted(of_source.values(), key=lambda job: _suffix(job.source) != _suffix(job.target)):
        own, target = os.path.realpath(job.source), os.path.realpath(job.target)
        if target in pictures:
            which = "it" if target == own else pictures[target]
            failed.append(f"{job.source}: its result would replace {which}; choose another output")
        elif target in kept:
            other = kept[target].source
            failed.append(f"{job.source}: its result would replace that of {other}; enlarge it separately")
        else:
            kept[target] = job
    unique = set(kept.values())
    return [job for job in of_source.values() if job in unique], failed


def _suffix(place: Place) -> str:
    return pathlib.Path(place).suffix.lower()


def is_folder(path: Place) -> bool:
    """Tells whether a path is a folder; False if that cannot be determined.

    Args:
      path: the path.
    """
    try:
        return pathlib.Path(path).is_dir()
    except OSError:  # such as a name that is too long
        return False


def _beside(source: str, label: Callable[[], str], suffix: str | None) -> pathlib.Path:
    """The path of the result if no output is given: photo.jpg becomes photo_x4.jpg."""
    if source == STANDARD or is_folder(source):
        kind = "standard input" if source == STANDARD else f"the folder {source}"
        raise UsageError(f"--output is required for {kind}")
    written = _written_name(pathlib.Path(source), suffix)
    return written.with_name(_name(written.stem, f"_{label()}{written.suffix}"))


def _pictures_in(folder: pathlib.Path, recursive: bool, output: pathlib.Path, failed: list[str]) -> list[pathlib.Path]:
    """The pictures in a folder, except previews and everything in the output folder, which are earlier results."""
    found, unread = [], []
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        failed.append(f"{folder}: cannot be read ({reason(error)})")
        inside = []
    for path in inside:
        inner = is_folder(path)
        if inner and not path.is_symlink() and recursive and not path.name.startswith("."):
            if os.path.realpath(path) != os.path.realpath(output):
                found += _pictures_in(path, recursive, output, failed)
        elif not inner and is_image_name(path.name) and not path.name.endswith(_PREVIEW):
            found.append(path)
        elif not inner and is_unsupported_picture_name(path.name):
            unread.append(path.name)
    note_unsupported(folder, unread)
    return found


def _written_name(path: pathlib.Path, suffix: str | None) -> pathlib.Path:
    """The path with a suffix; without one, the path itself, or with .png if its own is not that of an output format."""
    if suffix is None:
        try:
            output_format(path)
            return path
        except UsageError:
            suffix = ".png"
    return path.with_name(_name(path.stem, suffix))


def _name(stem: str, ending: str) -> str:
    """A file name; if it would be too long for a file system, a digest replaces the end of the stem."""
    if len(os.fsencode(stem + ending)) <= _LONGEST_NAME:
        return stem + ending
    ending = f"~{digest(stem)}{ending}"
    return os.fsencode(stem)[: _LONGEST_NAME - len(os.fsencode(ending))].decode("utf-8", "ignore") + ending


def preview_name(target: pathlib.Path) -> pathlib.Path:
    """Returns the path of the preview of a result.

    Args:
      target: the path of the result.
    """
    return target.with_name(_name(target.name, _PREVIEW))
