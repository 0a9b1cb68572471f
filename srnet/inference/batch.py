"""Reads, enlarges and writes picture files, one after another."""

import concurrent.futures
import dataclasses
import functools
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator

import tqdm

from srnet.errors import DataError, printable
from srnet.images.comparison import write_comparison
from srnet.images.file_formats import check_holds, fit_to_format, natural_format, output_format
from srnet.images.picture import Picture
from srnet.images.read import LARGEST_FILE, read_picture
from srnet.images.write import write_picture, write_standard_output
from srnet.inference.choice import Choice, Chooser
from srnet.inference.jobs import STANDARD, Job, preview_name
from srnet.inference.passes import enlarge_picture
from srnet.progress import note

_LARGE = 2**26  # bytes; a larger result is written before the next picture is read
_Outcome = concurrent.futures.Future[str]
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


@dataclasses.dataclass(frozen=True)
class Enlarged:
    """An enlarged picture that has not been written yet.

    Attributes:
      job: source and target.
      size: height and width before enlarging.
      before: the picture before enlarging, if a preview will be written.
      picture: the result.
      choice: what enlarged it.
      kind: Pillow's name for the format of the result; on standard output, the picture's own unless a suffix names one.
      start: when its source was opened, on the monotonic clock.
    """

    job: Job
    size: tuple[int, int]
    before: Picture | None
    picture: Picture
    choice: Choice
    kind: str
    start: float


def enlarge_file(
    job: Job,
    size_of: Callable[[tuple[int, int]], tuple[int, int]],
    choose: Chooser,
    overwrite: bool = False,
    preview: bool = False,
    label: str = "",
    read: Callable[[str | pathlib.Path | bytes, str], Picture] = read_picture,
) -> Enlarged:
    """Reads and enlarges a picture file.

    Args:
      job: source and target.
      size_of: callable from the (height, width) of the picture to that of the result, such as `target_size`.
      choose: callable from the picture to the `Choice` of what enlarges it.
      overwrite: whether existing files may be replaced.
      preview: whether a preview will be written, too; not for standard output.
      label: beginning of the progress bar's label.
      read: callable such as `read_picture`.

    Raises:
      DataError: if the file cannot be read, the target exists or cannot hold the result, or there is not enough memory.
      UsageError: if the size is not an enlargement of the picture's.
    """
    start = time.monotonic()
    target = None if job.target == STANDARD else pathlib.Path(job.target)
    if target and not overwrite:
        for path in [target, *([preview_name(target)] if preview else [])]:
            if os.path.lexists(path):
                raise DataError(f"{path} exists; --overwrite replaces it")
    source = sys.stdin.buffer.read(LARGEST_FILE + 1) if job.source == STANDARD else job.source
    picture = read(source, job.source_name)
    size = size_of(picture.size)
    choice = choose(picture)
    named = target or (f"-{job.suffix}" if job.suffix else None)
    if named:
        check_holds(named, picture, size, job.target_name)
    kind = output_format(named) if named else natural_format(picture, size)
    picture, changes = fit_to_format(picture, kind)
    for name, notes in ((job.source_name, picture.notes), (job.target_name, changes)):
        for line in notes:
            note(f"{name}: {line}")
    label = printable(f"{label}{job.source_name}")
    with tqdm.tqdm(total=1.0, desc=label, leave=False, disable=None, bar_format=_BAR) as bar:
        enlarged = enlarge_picture(picture, size, choice.upscalers, functools.partial(_show, bar))
    return Enlarged(job, picture.size, picture if preview else None, enlarged, choice, kind, start)


def write_file(enlarged: Enlarged, overwrite: bool = False, quality: int | None = None) -> str:
    """Writes an enlarged picture and, if `enlarge_file` was told of one, its preview.

    Args:
      enlarged: from `enlarge_file`.
      overwrite: whether existing files may be replaced.
      quality: as for `srnet.images.write.write_picture`.

    Returns:
      A line that says what was done.

    Raises:
      DataError: if a file cannot be written.
    """
    job, network, why = enlarged.job, enlarged.choice.network, enlarged.choice.why
    if job.target == STANDARD:
        write_standard_output(enlarged.picture, enlarged.kind, quality)
    else:
        target = pathlib.Path(job.target)
        write_picture(target, enlarged.picture, overwrite, quality)
        if enlarged.before:
            write_comparison(preview_name(target), enlarged.before, enlarged.picture, network, overwrite)
    seconds = time.monotonic() - enlarged.start
    (height, width), size = enlarged.size, enlarged.picture.size
    # By more than the half pixel that rounding explains.
    stretched = abs(size[1] * height - size[0] * width) > max(height, width)
    by = f" by {network} ({why})" if why else ""
    shape = ", its proportions changed," if stretched else ""
    return f"{job.target_name}: {width}x{height} enlarged to {size[1]}x{size[0]}{shape}{by} in {seconds:.1f} s"


def enlarge_files(
    jobs: Iterable[Job], enlarge: Callable[[Job], Enlarged | str], write: Callable[[Enlarged], str]
) -> Iterator[tuple[Job, str | Exception]]:
    """Enlarges pictures one after another; each is written while the next one is read and enlarged.

    Args:
      jobs: the pictures.
      enlarge: callable such as `enlarge_file`; for a picture that it skips, it returns a line that says so.
      write: callable such as `write_file`; called in another thread, except for standard output.

    Yields:
      (job, outcome) for each picture, in order: its line, or the exception raised by either callable.
    """
    waiting: list[tuple[Job, _Outcome]] = []
    with concurrent.futures.ThreadPoolExecutor(1) as writer:
        try:
            for job in jobs:
                waiting.append((job, _begin(job, enlarge, write, writer)))
                # The newest may still be being written. Failed and large ones are done, and not kept in memory.
                while len(waiting) > 1 or (waiting and waiting[0][1].done()):
                    yield _outcome(*waiting[0])
                    del waiting[0]
            if waiting:
                yield _outcome(*waiting[0])
        except KeyboardInterrupt:
            for each in waiting:
                yield _outcome(*each)
            raise


def _begin(
    job: Job,
    enlarge: Callable[[Job], Enlarged | str],
    write: Callable[[Enlarged], str],
    writer: concurrent.futures.Executor,
) -> _Outcome:
    """Enlarges a picture and starts writing it; waits until large ones, and standard output, are written."""
    done: _Outcome = concurrent.futures.Future()
    try:
        enlarged = enlarge(job)
        if isinstance(enlarged, str):
            done.set_result(enlarged)
        elif job.target == STANDARD:  # a thread could not be interrupted while nobody reads the output
            done.set_result(write(enlarged))
        else:
            done = writer.submit(write, enlarged)
            if enlarged.picture.pixels.nbytes > _LARGE:
                concurrent.futures.wait([done])
    except Exception as error:  # one picture's failure must not stop the others
        done.set_exception(error)
    return done


def _outcome(job: Job, begun: _Outcome) -> tuple[Job, str | Exception]:
    try:
        return job, begun.result()
    except Exception as error:
        return job, error


def _show(bar: tqdm.tqdm, share: float) -> None:
    bar.n = share
    bar.refresh()
