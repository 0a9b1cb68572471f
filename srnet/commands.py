"""What the commands share: flags, errors as one line, exit statuses.

Exit status 0 is success, 1 a failure (a file, the disk), 2 wrong usage, 128 + n a stop by signal n.
"""

import contextlib
import functools
import inspect
import logging
import os
import pathlib
import re
import sys
import tempfile

import absl.logging
from absl import app, flags

from srnet.data.datasets import default_data_root
from srnet.errors import DataError, UsageError


@contextlib.contextmanager
def without_notes():
    """Holds back what is written to standard error meanwhile, and then passes on all but TensorFlow's notes.

    TensorFlow 2.21 prints notes while it is imported, and converts, whatever TF_CPP_MIN_LOG_LEVEL says; on a machine
    without an NVIDIA device, that it found none is a note too.
    """
    notes = ["I0000 ", "W0000 ", "WARNING: All log messages before absl::InitializeLog()"]
    if not any(pathlib.Path("/dev").glob("nvidia*")):
        notes.append("E0000 ")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            lines = held.read().decode(errors="replace").splitlines()
            for line in lines:
                if not line.startswith(tuple(notes)):
                    print(line, file=sys.stderr)


try:
    with without_notes():
        import tensorflow as tf

        tf.config.list_physical_devices()

        from srnet import pretrained
        from srnet.inference import scale_of
        from srnet.training.runs import load_run
except KeyboardInterrupt:  # this takes seconds, in which who mistyped a command stops it
    print("error: interrupted", file=sys.stderr)
    sys.exit(130)


def run(main, define_flags):
    """Runs a command: parses its flags, calls it, and turns errors into one line and an exit status.

    Args:
      main: callable taking the positional arguments; may return an exit status.
      define_flags: callable that defines the command's flags.
    """
    sys.modules["__main__"].__doc__ = inspect.getmodule(main).__doc__  # --help shows it, in console scripts too
    before = set(flags.FLAGS)
    define_flags()
    for name in set(flags.FLAGS) - before:
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])  # --help shows key flags alone
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # names of files may be anything
    absl.logging.set_verbosity(absl.logging.WARNING)
    logging.getLogger("tensorflow").setLevel(logging.WARNING)

    def parse(argv):
        try:
            return flags.FLAGS(argv)
        except SystemExit:
            sys.stdout.flush()
            sys.exit(0)  # absl ends --help with 1
        except flags.Error as error:
            missing = re.match(r"flag --(\w+)=None:", str(error))
            required = missing and f"--{missing[1]} is required: {flags.FLAGS[missing[1]].help}"
            _fail(required or " ".join(str(error).split()), 2)

    def guarded(argv):
        try:
            return main(argv[1:])
        except UsageError as error:
            _fail(error, 2)
        except DataError as error:
            _fail(error, 1)
        except KeyboardInterrupt:
            _fail("interrupted", 130)

    try:
        app.run(guarded, flags_parser=parse)
    except BrokenPipeError:
        # Whoever read the output has read enough; what is left of it must not fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _fail(message, status):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)


def define_run_flags(required=True):
    """Defines --run and --checkpoint, which name the network of a run.

    Args:
      required: whether --run must be given.
    """
    flags.DEFINE_string("run", None, "Run folder of the network.", required=required)
    flags.DEFINE_enum("checkpoint", "last", ("last", "best"), "Newest weights, or those of the best validation PSNR.")


def define_network_flags():
    """Defines the flags that name a trained network: --run and --checkpoint, --model or --network."""
    define_run_flags(required=False)
    flags.DEFINE_string("model", None, "Network as a .keras file, in the place of --run.")
    flags.DEFINE_enum("network", pretrained.DEFAULT, pretrained.names(), "Network that comes with srnet, without both.")


def trained_networks():
    """Returns the networks that the flags of `define_network_flags` name, as a dict from scales to callables.

    Each callable loads, at its first call, the network of its scale.

    Raises:
      UsageError: if --run and --model are both given.
      DataError: if the run or the file cannot be used.
    """
    values = flags.FLAGS
    if values.run and values.model:
        raise UsageError("--run and --model cannot both be given")
    if values.run or values.model:
        model = load_run(values.run, values.checkpoint)[0] if values.run else pretrained.load_file(values.model)
        return {scale_of(model): lambda: model}
    scales = pretrained.scales(values.network)
    return {scale: functools.cache(functools.partial(pretrained.load, scale, values.network)) for scale in scales}


def default_scale(networks):
    """Returns the scale that is meant where none is given: 4, or the largest that there is."""
    return 4 if 4 in networks else max(networks)


def define_folder_flags():
    """Defines --data_root and --cache_dir, the folders of the image sets and of what is made from them."""
    flags.DEFINE_string(
        "data_root", default_data_root(), "Folder with a folder of pictures for each set; SRNET_DATA unless given."
    )
    cache = os.environ.get("SRNET_CACHE") or str(pathlib.Path.home() / ".cache" / "srnet")
    flags.DEFINE_string("cache_dir", cache, "Folder of patch stores and trained arrays; SRNET_CACHE unless given.")


def expect(arguments, count, names=""):
    """Returns the positional arguments after checking their number.

    Args:
      arguments: list of strings.
      count: how many there must be.
      names: what they are, for the message.

    Raises:
      UsageError: if there are more or fewer.
    """
    if len(arguments) != count:
        wanted = f"the arguments {names}" if count else "no arguments besides flags"
        raise UsageError(f"expected {wanted}, not {' '.join(arguments) or 'none'}")
    return arguments


def integers(name, values):
    """Returns the integers of a list flag, or None where it is not given.

    Args:
      name: the flag, or what stands for it, for the message.
      values: list of strings, or None.

    Raises:
      UsageError: if one is no integer.
    """
    try:
        return None if values is None else tuple(int(value) for value in values)
    except ValueError as error:
        raise UsageError(f"{name} {','.join(values)}: expected integers") from error
