"""Runs commands in forks of a process that has imported TensorFlow already, which saves each of them seconds."""

import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.forked_server"])


def run(module, *arguments, text=True, input=b"", **environment):
    """Runs `python -m MODULE ARGUMENTS` with additional environment variables, and returns a CompletedProcess."""
    command = [module, *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        streams = [pathlib.Path(folder) / name for name in ("input", "output", "errors")]
        streams[0].write_bytes(input)
        place = (pathlib.Path.cwd(), {**os.environ, **environment})
        process = _CONTEXT.Process(target=_main, args=(command, streams, *place))
        process.start()
        process.join()
        said = [stream.read_text() if text else stream.read_bytes() for stream in streams[1:]]
    return subprocess.CompletedProcess(command, process.exitcode, *said)


def _main(command, streams, folder, environment):
    for number, stream in enumerate(streams):
        os.dup2(os.open(stream, os.O_RDWR | os.O_CREAT), number)
    sys.stdin = os.fdopen(0)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)
