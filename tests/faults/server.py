"""Runs commands of srnet, each in a fork of one process that has imported what they need, which takes seconds.

python -m tests.faults.server DESCRIPTOR MODULE...: the descriptor is that of a socket, which has
`tests.faults.commands` at its other end; the modules are imported first.

A request is a JSON object: the command's `module` and `arguments`; the `folder` that it runs in; whether it is
`watched`; `output`, the beginning of the names of two files for its standard streams. The answers are its process
number, with the descriptor of the watch, and its exit status.
"""

import ctypes
import gc
import importlib
import json
import os
import socket
import struct
import sys

from tests.faults.system_calls import CALLS

_PR_SET_NO_NEW_PRIVS, _SECCOMP, _SECCOMP_SET_MODE_FILTER, _NEW_LISTENER = 38, 317, 1, 8
_NOTIFY, _ALLOW = 0x7FC00000, 0x7FFF0000  # what a filter returns
_LOAD_NUMBER, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # instructions of a filter


def _watch() -> int:
    """Makes the system calls of `CALLS` wait for an answer; returns the descriptor to read them from."""
    instructions = [(_LOAD_NUMBER, 0, 0, 0)]
    instructions += [(_JUMP_IF_EQUAL, len(CALLS) - place, 0, number) for place, number in enumerate(CALLS)]
    instructions += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _NOTIFY)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in instructions))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    listener = libc.syscall(_SECCOMP, _SECCOMP_SET_MODE_FILTER, _NEW_LISTENER, program)
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


def _become(request: dict, connection: socket.socket) -> None:
    """Turns this process into the command of a request."""
    os.chdir(request["folder"])
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(f"{request['output']}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    sys.argv = [request["module"], *request["arguments"]]
    listeners = [_watch()] if request["watched"] else []
    socket.send_fds(connection, [str(os.getpid()).encode()], listeners)
    for each in listeners:
        os.close(each)
    connection.close()


def _serve(connection: socket.socket) -> str:
    """Forks for each request; in the fork, returns the module of the command. Ends with the connection."""
    while message := connection.recv(2**16):
        process = os.fork()
        request = json.loads(message)
        if process == 0:
            _become(request, connection)
            return request["module"]
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        connection.send(str(status).encode())
    sys.exit()


if __name__ == "__main__":
    for name in sys.argv[2:]:
        importlib.import_module(name)
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].config.list_physical_devices()  # says what it does not find, once
    gc.freeze()
    served = _serve(socket.socket(fileno=int(sys.argv[1])))
    importlib.import_module(served).run()
