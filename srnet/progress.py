"""Messages and progress: bars on terminals, occasional lines in logs, and where standard error goes."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import tqdm

from srnet.errors import printable

Progress = Callable[[float], object]  # receives the share done, up to 1

_redirecting = threading.RLock()  # held by the thread that has redirected standard error
_LOG_SECONDS = 60
_LOG_FORMAT = "{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


def say(message: str) -> None:
    """Prints what is being done, as one line on standard output, above any progress bar.

    Args:
      message: one line.
    """
    tqdm.tqdm.write(printable(message))


def note(message: str) -> None:
    """Prints what a user should know, as one line on standard error, above any progress bar.

    Args:
      message: one line, with the name of the file.
    """
    tqdm.tqdm.write(printable(message), file=sys.stderr)


def progress_bar(total: int, desc: str, unit: str, **options: Any) -> tqdm.tqdm:
    """Returns a progress bar on standard error; if that is not a terminal, it prints a line each minute.

    Args:
      total: number of units to do.
      desc: what is being done.
      unit: name of a unit.
      options: further options of `tqdm.tqdm`.
    """
    options = {"total": total, "desc": desc, "unit": unit, **options}
    if sys.stderr.isatty():
        return tqdm.tqdm(**options)
    seconds = float(os.environ.get("TQDM_MININTERVAL", _LOG_SECONDS))
    return _Lines(bar_format=_LOG_FORMAT, mininterval=seconds, maxinterval=seconds, delay=seconds, **options)


class _Lines(tqdm.tqdm):
    """A progress bar that prints lines instead of moving the cursor."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if msg is None:
            print(self, file=self.fp, flush=True)

    def refresh(self, nolock: bool = False, lock_args: tuple | None = None) -> None:
        if not nolock:  # `write` calls it with nolock after each message
            super().refresh(lock_args=lock_args)

    def clear(self, nolock: bool = False) -> None:
        pass

    def close(self) -> None:
        self.leave = False  # the next message shows that it has ended
        super().close()


@contextlib.contextmanager
def stderr_into(descriptor: int) -> Iterator[None]:
    """Redirects standard error, including that of C libraries; threads do so one at a time.

    Args:
      descriptor: of the open file or pipe to redirect to.
    """
    with _redirecting:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(descriptor, 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
