"""Progress: a bar on a terminal, lines in a log."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time

PROGRAM = """
from srnet.progress import progress_bar
import time
with progress_bar(3, "cutting", "image") as bar:
    for _ in range(3):
        time.sleep(0.3)
        bar.update()
        bar.write("one")
"""


def _run(stderr, **environment):
    command = [sys.executable, "-c", PROGRAM]
    environment = {**os.environ, **environment}
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, env=environment, text=True, check=True)


def test_logs_get_whole_lines():
    start = time.monotonic()
    done = _run(subprocess.PIPE, TQDM_MININTERVAL="0.5")
    elapsed = time.monotonic() - start
    assert done.stdout == "one\n" * 3
    lines = done.stderr.splitlines()
    assert "\r" not in done.stderr and "\x1b" not in done.stderr and done.stderr.endswith("\n")
    assert 1 <= len(lines) <= elapsed / 0.5 and lines[0].startswith("cutting: ") and "/3 [00:0" in lines[0]


def test_short_work_leaves_no_line_in_a_log():
    assert _run(subprocess.PIPE).stderr == ""


def test_terminals_get_a_bar():
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    _run(writer)
    os.close(writer)
    shown = b""
    with contextlib.suppress(OSError):  # the end
        while piece := os.read(reader, 100_000):
            shown += piece
    os.close(reader)
    assert b"\rcutting: 100%|" in shown
