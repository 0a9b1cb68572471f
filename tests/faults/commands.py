"""Runs commands of srnet and lets one of their file operations fail.

The kernel asks for each file operation of a watched command what is to become of it (seccomp's user notification), so
every library and thread is seen, also what C buffers, and operations below one folder alone are counted; strace counts
for each thread apart, and wherever the files are.
"""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import pathlib
import platform
import re
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

from tests.faults.system_calls import CALLS, Call

_ACTIONS = pathlib.Path("/proc/sys/kernel/seccomp/actions_avail")
needs_watch = pytest.mark.skipif(
    platform.machine() != "x86_64" or not _ACTIONS.exists() or "user_notif" not in _ACTIONS.read_text(),
    reason="needs Linux on x86-64, with seccomp's user notification",
)
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")

_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # ioctl
_NOTIFICATION = struct.Struct("QIIiIQ6Q")  # number, thread, flags; the call's number, architecture, place, arguments
_ANSWER = struct.Struct("QqiI")  # number, value, error, flags
_CONTINUE = 1
_HERE = -100 & 0xFFFFFFFF  # AT_FDCWD
_PAGE = 4096
_PROGRESS = re.compile(r"\s*|(cutting patches|training): .*")


@dataclasses.dataclass(frozen=True)
class Fault:
    """What happens to one file operation.

    Attributes:
      number: which one, counted from 0.
      kind: "ENOSPC": it fails, and so does whatever needs room after it; "EIO": it fails; "KILL": the process is
        killed before it.
    """

    number: int
    kind: str


@dataclasses.dataclass(frozen=True)
class Done:
    """What a command has done.

    Attributes:
      status: its exit status, -9 where it was killed.
      errors: lines on standard error, without progress bars.
      operations: its file operations, such as "write run/metrics.jsonl", as far as they were watched.
    """

    status: int
    errors: list[str]
    operations: list[str]


class Commands:
    """Runs commands, by a process of its own that has imported what they need.

    Args:
      logs: folder for the files behind their standard streams.
      modules: what is imported; it must not start threads of TensorFlow, which do not live on in a fork.
    """

    def __init__(self, logs: pathlib.Path, modules: Sequence[str]) -> None:
        self._output = logs / "output"
        self._connection, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other, (logs / "server").open("w") as log:
            root = pathlib.Path(__file__).parents[2]
            command = [sys.executable, "-m", "tests.faults.server", str(other.fileno()), *modules]
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}  # as srnet.cli sets it before the import
            self._server = subprocess.Popen(command, pass_fds=[other.fileno()], cwd=root, stderr=log, env=environment)

    def close(self) -> None:
        self._connection.close()
        self._server.wait()

    def run(
        self, folder: pathlib.Path, command: str, watch: bool = False, fault: Fault | None = None, syncs: bool = True
    ) -> Done:
        """Runs a command in a folder.

        Args:
          folder: its working folder; operations in it are counted.
          command: such as "srnet.export --output=model".
          watch: whether its file operations are listed.
          fault: what happens to one of them.
          syncs: whether fsync does something; otherwise it only says so.
        """
        module, *arguments = command.split()
        watched = watch or fault is not None or not syncs
        request = {"module": module, "arguments": arguments, "folder": str(folder), "watched": watched}
        self._connection.send(json.dumps({**request, "output": str(self._output)}).encode())
        process, listeners, *_ = socket.recv_fds(self._connection, 16, 1)
        operations = []
        for listener in listeners:
            operations = list(_supervise(listener, int(process), folder, fault, syncs))
            os.close(listener)
        status = int(self._connection.recv(16))
        text = self._output.with_suffix(".err").read_text()
        errors = [line for line in re.split("[\r\n]", text) if not _PROGRESS.fullmatch(line)]
        return Done(status, errors, operations)


def _supervise(listener: int, process: int, folder: pathlib.Path, fault: Fault | None, syncs: bool) -> Iterator[str]:
    """Answers what the kernel asks, and yields the operations below a folder."""
    count = -1
    waiting = select.poll()
    waiting.register(listener, select.POLLIN)
    while waiting.poll()[0][1] & select.POLLIN:
        buffer = bytearray(_NOTIFICATION.size)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread was killed meanwhile
            fcntl.ioctl(listener, _RECEIVE, buffer)
            notification, thread, _, number, _, _, *arguments = _NOTIFICATION.unpack(buffer)
            call, failure = CALLS[number], 0
            path = _path(call, arguments, thread)
            if path.is_relative_to(folder):
                count += 1
                failure = _failure(call, arguments, count, fault)
                yield f"{call.name} {path.relative_to(folder)}"
                if fault == Fault(count, "KILL"):
                    os.kill(process, signal.SIGKILL)
            skipped = failure or (call.name in ("fsync", "fdatasync") and not syncs)
            fcntl.ioctl(listener, _SEND, _ANSWER.pack(notification, 0, -failure, 0 if skipped else _CONTINUE))


def _failure(call: Call, arguments: Sequence[int], count: int, fault: Fault | None) -> int:
    """The error number of an operation, 0 where it does not fail."""
    if fault is None or fault.kind == "KILL" or count < fault.number:
        return 0
    fills = call.fills if call.flags is None else arguments[call.flags] & os.O_CREAT
    full = fault.kind == "ENOSPC" and fills
    return getattr(errno, fault.kind) if full or count == fault.number else 0


def _path(call: Call, arguments: Sequence[int], thread: int) -> pathlib.Path:
    """What a call works on."""
    base = "cwd"
    if call.descriptor is not None and arguments[call.descriptor] & 0xFFFFFFFF != _HERE:
        base = f"fd/{arguments[call.descriptor] & 0xFFFFFFFF}"
    with contextlib.suppress(OSError):  # a descriptor that is not open, an address that is none
        name = "" if call.path is None else _text(thread, arguments[call.path])
        return pathlib.Path(os.path.normpath(pathlib.Path(f"/proc/{thread}/{base}").readlink() / name))
    return pathlib.Path()


def _text(thread: int, address: int) -> str:
    """The string at an address of another process."""
    text = b""
    with open(f"/proc/{thread}/mem", "rb", 0) as memory:  # noqa: PTH123
        while b"\0" not in text:
            memory.seek(address + len(text))
            text += memory.read(_PAGE - memory.tell() % _PAGE)
    return os.fsdecode(text.split(b"\0")[0])
