"""The system calls that change files or wait for the disk, on x86-64."""

from typing import NamedTuple


class Call(NamedTuple):
    """A system call: its name, and which of its arguments say what it works on.

    Attributes:
      name: as in its manual page.
      descriptor: number of the argument with a descriptor, of the file or of the folder that a path begins in.
      path: number of the argument with a path.
      flags: number of the argument with the flags of opening; one that creates no file needs no room.
      fills: whether it needs room on the disk.
    """

    name: str
    descriptor: int | None = None
    path: int | None = None
    flags: int | None = None
    fills: bool = False


CALLS = {
    1: Call("write", descriptor=0, fills=True),
    2: Call("open", path=0, flags=1),
    18: Call("pwrite64", descriptor=0, fills=True),
    20: Call("writev", descriptor=0, fills=True),
    40: Call("sendfile", descriptor=0, fills=True),
    74: Call("fsync", descriptor=0),
    75: Call("fdatasync", descriptor=0),
    76: Call("truncate", path=0, fills=True),
    77: Call("ftruncate", descriptor=0, fills=True),
    82: Call("rename", path=0, fills=True),
    83: Call("mkdir", path=0, fills=True),
    84: Call("rmdir", path=0),
    85: Call("creat", path=0, fills=True),
    86: Call("link", path=0, fills=True),
    87: Call("unlink", path=0),
    90: Call("chmod", path=0),
    91: Call("fchmod", descriptor=0),
    257: Call("openat", descriptor=0, path=1, flags=2),
    258: Call("mkdirat", descriptor=0, path=1, fills=True),
    263: Call("unlinkat", descriptor=0, path=1),
    264: Call("renameat", descriptor=0, path=1, fills=True),
    265: Call("linkat", descriptor=0, path=1, fills=True),
    268: Call("fchmodat", descriptor=0, path=1),
    285: Call("fallocate", descriptor=0, fills=True),
    296: Call("pwritev", descriptor=0, fills=True),
    316: Call("renameat2", descriptor=0, path=1, fills=True),
    326: Call("copy_file_range", descriptor=2, fills=True),
}
