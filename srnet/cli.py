"""Code shared by the commands: flags, one-line errors, exit statuses.

Exit status 0 is success, 1 a failure (a file, the disk), 2 wrong usage, 128 + n a stop by signal n.
TensorFlow is imported only when the first network is needed, so that --help and usage errors are quick.
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

import srnet
from srnet.data.datasets import default_data_root
from srnet.errors import DataError, UsageError, printable
from srnet.files import reason
from srnet.progress import stderr_into

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
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up messages; 0 shows them
    if os.path.expanduser("~") == "~":  # noqa: PTH111  no HOME and no passwd entry, as in containers
        os.environ["HOME"] = tempfile.gettempdir()  # Keras would create a folder named ~
    _open_standard_streams()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as SIGINT is in shell background jobs
            signal.signal(number, _receive)
    module = inspect.getmodule(main)
    sys.modules["__main__"].__doc__ = module.__doc__ if module else None  # shown by --help, also in console scripts
    before = set(flags.FLAGS)
    define_flags()
    for name in set(flags.FLAGS) - before:
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])  # --help shows only key flags
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # file names may contain anything
    absl.logging.set_verbosity(absl.logging.WARNING)
    logging.getLogger("pyvips").setLevel(logging.ERROR)  # srnet prints its own messages instead

    def guarded(argv: list[str]) -> int | None:
        try:
            for name in flags.FLAGS:
                flag = flags.FLAGS[name]
                if flag.present and flag.value in ("", []):  # from an unset shell variable
                    raise UsageError(f"--{flag.name} is empty")
                if flag.present and isinstance(flag.value, list) and "" in flag.value:
                    raise UsageError(f"--{flag.name}: an item is empty")
            if "plugin" in flags.FLAGS:
                _import_plugins(flags.FLAGS.plugin)
            status = main(argv[1:])
            stop_if_asked()
            sys.stdout.flush()
            return status
        except (KeyboardInterrupt, Exception) as error:
            if _received or isinstance(error, KeyboardInterrupt):  # or an error that the signal caused
                _fail("interrupted", 128 + (_received or [signal.SIGINT])[0])
            if isinstance(error, MemoryError):
                _fail(str(error) or "not enough memory", 1)
            if isinstance(error, (UsageError, DataError)):
                _fail(error, 2 if isinstance(error, UsageError) else 1)
            raise

    try:
        app.run(guarded, flags_parser=_parse)
    except BrokenPipeError:  # the reader of the output has closed it
        _discard_output()
        sys.exit(1)
    except OSError as error:
        _discard_output()
        _fail(f"{error.filename or 'standard output'}: {reason(error)}", 1)


def _open_standard_streams() -> None:
    """Opens the streams that the caller has closed, so that no other file gets their descriptors."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # gets the lowest free descriptor; writing a picture there still fails
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r"))  # noqa: PTH123, SIM115


def _discard_output() -> None:
    """Discards buffered standard output, which would fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _receive(number: int, frame: object) -> None:
    _received.append(number)
    raise KeyboardInterrupt


def stop_if_asked() -> None:
    """Raises KeyboardInterrupt if Ctrl-C or SIGTERM arrived and a library swallowed it."""
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
            time.sleep(1)  # locks break if a signal's exception arrives while they are acquired
    _received.clear()


def _parse(argv: list[str]) -> list[str]:
    if "--version" in argv[1:]:
        print(f"srnet {srnet.__version__}", flush=True)
        sys.exit(0)
    try:
        arguments = flags.FLAGS(["--help" if each == "-h" else each for each in argv])
        for name in flags.FLAGS:
            flag = flags.FLAGS[name]
            if isinstance(flag.value, str):
                flag.value = os.path.expanduser(flag.value)  # noqa: PTH111  shells do not expand --output=~/x
        return arguments
    except SystemExit:
        sys.stdout.flush()
        sys.exit(0)  # absl exits --help with 1
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
      DataError: if the system lacks something it needs, such as a folder for temporary files.
    """
    try:
        with without_tensorflow_log():
            import tensorflow as tf

            for gpu in tf.config.list_physical_devices("GPU"):
                with contextlib.suppress(RuntimeError):  # if the program has used it already
                    tf.config.experimental.set_memory_growth(gpu, True)  # so that several commands share it
    except OSError as error:
        raise DataError(f"TensorFlow cannot be imported ({error.strerror or error})") from error
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its warnings are for developers


@contextlib.contextmanager
def without_tensorflow_log() -> Iterator[None]:
    """Suppresses TensorFlow's log messages on standard error; everything else is printed.

    TensorFlow 2.21 prints messages during import and conversion, whatever TF_CPP_MIN_LOG_LEVEL says; without an NVIDIA
    device, one of them says that none was found. A separate process filters them, since it outlives an abort.
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
            os.close(writer)  # ends the filter's input; `with` then waits for the filter


def define_plugin_flag() -> None:
    """Defines --plugin."""
    text = "Python modules that register networks, losses, metrics or degradations; they are imported first."
    flags.DEFINE_list("plugin", [], text)


def _import_plugins(names: Sequence[str]) -> None:
    """Imports modules, in the working directory or on the Python path, that register networks, losses and others."""
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise UsageError(f"--plugin={name!r}: not the name of a module, such as mine or my.networks")
    if names:
        import_tensorflow()
        sys.path.insert(0, str(pathlib.Path.cwd()))  # console scripts do not search it
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
    define_cache_flag("patch stores and trained A+ models")


def define_cache_flag(content: str) -> None:
    """Defines --cache_dir.

    Args:
      content: what the command keeps there, for the help.
    """
    cache = os.environ.get("SRNET_CACHE") or str(pathlib.Path.home() / ".cache" / "srnet")
    flags.DEFINE_string("cache_dir", cache, f"Folder for {content}. Default: $SRNET_CACHE, else ~/.cache/srnet.")


def expect_no_arguments(arguments: Sequence[str]) -> None:
    """Checks that there are no positional arguments.

    Raises:
      UsageError: if there are any.
    """
    if arguments:
        raise UsageError(f"expected only flags, not {' '.join(arguments)}")


def integers(name: str, values: Sequence[str] | None) -> tuple[int, ...] | None:
    """Returns the integers of a list flag, or None where it is not given.

    Args:
      name: the flag, or its placeholder, for the message.
      values: strings, or None.

    Raises:
      UsageError: if one is not an integer.
    """
    try:
        return None if values is None else tuple(int(value) for value in values)
    except ValueError as error:
        raise UsageError(f"{name} {','.join(values or ())}: expected integers") from error
