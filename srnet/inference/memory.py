"""The memory that is free for enlarging."""

import pathlib

import psutil

_CGROUP = pathlib.Path("/sys/fs/cgroup")  # in a container, its own limits (cgroup v2)


def free_memory() -> int:
    """Returns the free memory in bytes: the machine's, or what a container's limit leaves if that is less."""
    available = psutil.virtual_memory().available
    try:
        limit, used = (int((_CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        counts = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        cached = int(counts["inactive_file"])  # used, but given back when needed
    except (OSError, ValueError, KeyError):  # no container, or no limit
        return available
    return max(0, min(available, limit - used + cached))
