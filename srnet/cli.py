"""What the commands share: flags, errors as one line, exit statuses.

Exit status 0 is success, 1 a failure (a file, the disk), 2 wrong usage, 128 + n a stop by signal n.
TensorFlow is imported when the first network is needed, so that --help and usage errors are quick.
"""

import contextlib
import functools
import importlib
import inspect
import logging
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

import absl.logging
from absl import app, flags

from srnet.data.datasets import default_data_root
from srnet.errors import DataError, UsageError, printable
from srnet.files import reason, stderr_into

Main = Callable[[list[str]], int | None]

_FILTER = """
import sys
for line in sys.stdin.buffer:
    if not line.startswith(tuple(map(str.encode, sys.argv[1:]))):
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
"""
_received: list[int] = []  # signals that end the command


def run(main: Main, define_flags: Callable[[], None]) -> None:
    """Runs a command: parses its flags, calls it, and turns errors into one line and an exit status.

    Args:
      main: callable taking the positional arguments; may return an exit status.
      define_flags: callable that defines the command's flags.
    """
    if sys.platform == "win32":
        _fail("srnet needs Linux or macOS; on Windows, use WSL", 1)
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes; 0 shows them
    if os.path.expanduser("~") == "~":  # noqa: PTH111  no HOME, and a user without an entry, as in containers
        os.environ["HOME"] = tempfile.gettempdir()  # Keras would make a folder named ~
    _open_standard_streams()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as SIGINT is in the background of a shell
            signal.signal(number, _receive)
    module = inspect.getmodule(main)
    sys.modules["__main__"].__doc__ = module.__doc__ if module else None  # --help shows it, in console scripts too
    before = set(flags.FLAGS)
    define_flags()
    for name in set(flags.FLAGS) - before:
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])  # --help shows key flags alone
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names of files may be anything
    absl.logging.set_verbosity(absl.logging.WARNING)
    logging.getLogger("pyvips").setLevel(logging.ERROR)  # what it warns of is said in our own words

    def guarded(argv: list[str]) -> int | None:
        try:
            for name in ("run", "model", "output"):
                if name in flags.FLAGS and flags.FLAGS[name].value == "":  # of a shell variable that is not set
                    raise UsageError(f"--{name} is empty")
            if "plugin" in flags.FLAGS:
                import_plugins(flags.FLAGS.plugin)
            status = main(argv[1:])
            stop_if_asked()
            sys.stdout.flush()
            return status
        except (KeyboardInterrupt, Exception) as error:
            if _received or isinstance(error, KeyboardInterrupt):  # or what failed because a signal came in the midst
                _fail("interrupted", 128 + (_received or [signal.SIGINT])[0])
            if isinstance(error, (UsageError, DataError)):
                _fail(error, 2 if isinstance(error, UsageError) else 1)
            raise

    try:
        app.run(guarded, flags_parser=_parse)
    except BrokenPipeError:  # whoever read the output has read enough
        _discard_output()
        sys.exit(1)
    except OSError as error:
        _discard_output()
        _fail(f"{error.filename or 'standard output'}: {reason(error)}", 1)


def _open_standard_streams() -> None:
    """Opens the streams that the caller has closed, so that no other file gets their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # takes the lowest free number; writing a picture there still fails
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r"))  # noqa: PTH123, SIM115


def _discard_output() -> None:
    """Drops what standard output still holds, which would fail again at the end of the program."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _receive(number: int, frame: object) -> None:
    _received.append(number)
    raise KeyboardInterrupt


def stop_if_asked() -> None:
    """Raises KeyboardInterrupt where Ctrl-C or SIGTERM came and a library swallowed it."""
    if _received:
        raise KeyboardInterrupt


def wait_for_stop(message: str) -> None:
    """Prints a message, then waits for Ctrl-C or SIGTERM, which ends the command successfully.

    Args:
      message: says that the command is ready.
    """
    with contextlib.suppress(KeyboardInterrupt):
        print(message, flush=True)
        while True:
            time.sleep(1)  # locks break where a signal's exception comes while they are taken
    _received.clear()


def _parse(argv: list[str]) -> list[str]:
    try:
        arguments = flags.FLAGS(["--help" if each == "-h" else each for each in argv])
        for name in flags.FLAGS:
            flag = flags.FLAGS[name]
            if isinstance(flag.value, str):
                flag.value = os.path.expanduser(flag.value)  # noqa: PTH111  shells leave --output=~/x as it is
        return arguments
    except SystemExit:
        sys.stdout.flush()
        sys.exit(0)  # absl ends --help with 1
    except flags.Error as error:
        missing = re.match(r"flag --(\w+)=None:", str(error))
        required = missing and f"--{missing[1]} is required: {flags.FLAGS[missing[1]].help}"
        _fail(required or " ".join(str(error).split()), 2)


def _fail(message: object, status: int) -> NoReturn:
    complain(message)
    sys.exit(status)


def complain(message: object) -> None:
    """Prints an error as one line.

    Args:
      message: what is wrong, with the name of the file or flag.
    """
    with contextlib.suppress(OSError):  # a closed or full standard error
        print(f"error: {printable(message)}", file=sys.stderr, flush=True)


@functools.cache
def import_tensorflow() -> None:
    """Imports TensorFlow and suppresses its start-up messages.

    Raises:
      DataError: if the system does not have what it needs, such as a folder for temporary files.
    """
    try:
        with without_notes():
            import tensorflow as tf

            for gpu in tf.config.list_physical_devices("GPU"):
                with contextlib.suppress(RuntimeError):  # in a program that uses it already
                    tf.config.experimental.set_memory_growth(gpu, True)  # so that several commands share it
    except OSError as error:
        raise DataError(f"TensorFlow cannot be imported ({error.strerror or error})") from error
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its warnings are for those who write programs


@contextlib.contextmanager
def without_notes() -> Iterator[None]:
    """Suppresses TensorFlow's log messages on standard error; everything else is printed.

    TensorFlow 2.21 prints messages while it is imported, and converts, whatever TF_CPP_MIN_LOG_LEVEL says; on a machine
    without an NVIDIA device, that it found none is one of them. Another process filters them, which outlives an abort.
    """
    notes = ["I0000 ", "W0000 ", "WARNING: All log messages before absl::InitializeLog()", "To enable the following "]
    if not any(pathlib.Path("/dev").glob("nvidia*")):
        notes.append("E0000 ")
    command = [sys.executable, "-I", "-S", "-c", _FILTER, *notes]
    reader, writer = os.pipe()
    with subprocess.Popen(command, stdin=reader, start_new_session=True):
        os.close(reader)
        try:
            with stderr_into(writer):
                yield
        finally:
            os.close(writer)  # the end of the filter's input, which is waited for


def define_plugin_flag() -> None:
    """Defines --plugin."""
    text = "Python modules to import first, which register networks, losses, metrics or degradations."
    flags.DEFINE_list("plugin", [], text)


def import_plugins(names: Sequence[str]) -> None:
    """Imports modules that register networks, losses, metrics or degradations.

    Args:
      names: modules, in the working directory or on the Python path.

    Raises:
      UsageError: if one cannot be found.
    """
    if names:
        import_tensorflow()
        sys.path.insert(0, str(pathlib.Path.cwd()))  # a console script does not look there
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise UsageError(f"--plugin={name}: {error}") from error


def define_data_root_flag() -> None:
    """Defines --data_root."""
    text = "Folder with a subfolder for each image set. Default: $SRNET_DATA."
    flags.DEFINE_string("data_root", default_data_root(), text)


def define_folder_flags() -> None:
    """Defines --data_root and --cache_dir, the folders of the image sets and of what is made from them."""
    define_data_root_flag()
    define_cache_flag("patch stores and trained A+")


def define_cache_flag(content: str) -> None:
    """Defines --cache_dir.

    Args:
      content: what the command keeps there, for the help.
    """
    cache = os.environ.get("SRNET_CACHE") or str(pathlib.Path.home() / ".cache" / "srnet")
    flags.DEFINE_string("cache_dir", cache, f"Folder of {content}. Default: $SRNET_CACHE, else ~/.cache/srnet.")


def expect_no_arguments(arguments: Sequence[str]) -> None:
    """Checks that there are no positional arguments.

    Raises:
      UsageError: if there are any.
    """
    if arguments:
        raise UsageError(f"expected no arguments besides flags, not {' '.join(arguments)}")


def integers(name: str, values: Sequence[str] | None) -> tuple[int, ...] | None:
    """Returns the integers of a list flag, or None where it is not given.

    Args:
      name: the flag, or what stands for it, for the message.
      values: strings, or None.

    Raises:
      UsageError: if one is no integer.
    """
    try:
        return None if values is None else tuple(int(value) for value in values)
    except ValueError as error:
        raise UsageError(f"{name} {','.join(values or ())}: expected integers") from error
