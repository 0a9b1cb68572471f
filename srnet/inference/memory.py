"""The memory that is free for enlarging."""

import math
import pathlib
from collections.abc import Iterator

import psutil

_CGROUPS = pathlib.Path("/sys/fs/cgroup")
_OWN = pathlib.Path("/proc/self/cgroup")
# By version of control groups: the files with the limit and the use, and the name of what is given back when needed.
_NAMES = {
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def free_memory() -> int:
    """Returns the free memory in bytes: the machine's, or what the limit of a container or job leaves if less."""
    left = min((_left(*each) for each in _limited_groups()), default=math.inf)
    return int(max(0, min(psutil.virtual_memory().available, left)))


def _limited_groups() -> Iterator[tuple[pathlib.Path, int]]:
    """Yields the control groups that may limit this process, and their version: its own, and all that hold it."""
    try:
        lines = [line.split(":", 2) for line in _OWN.read_text().splitlines()]
    except OSError:  # not Linux
        return
    for number, controllers, path in lines:
        if number == "0" or "memory" in controllers.split(","):
            version, root = (2, _CGROUPS) if number == "0" else (1, _CGROUPS / "memory")
            own = pathlib.PurePath(path.lstrip("/"))  # in a container it may be the host's, which is not there
            for group in (own, *own.parents):
                yield root / group, version


def _left(group: pathlib.Path, version: int) -> float:
    """The bytes that the limit of a control group leaves; infinite if there is none."""
    limit_name, use_name, cache_name = _NAMES[version]
    try:
        limit, used = (int((group / name).read_text()) for name in (limit_name, use_name))
        counts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return limit - used + int(counts[cache_name])
    except (OSError, ValueError, KeyError):
        return math.inf
