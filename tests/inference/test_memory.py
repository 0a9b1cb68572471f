"""Free memory, also in a container or job with a limit."""

import types

import psutil
import pytest

from srnet.inference import memory

MACHINE = 2**33
FILES = {
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


@pytest.fixture
def limited(tmp_path, monkeypatch):
    """A callable that writes what the kernel says of a control group with a limit, and of the process in it."""
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "_OWN", tmp_path / "own")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(available=MACHINE))

    def limited(most, current=0, cached=0, group="", own="/", version=2):
        folder = tmp_path / ("memory" if version == 1 else "") / group
        folder.mkdir(parents=True, exist_ok=True)
        limit, use, cache = FILES[version]
        (folder / limit).write_text(f"{most}\n")
        (folder / use).write_text(f"{current}\n")
        (folder / "memory.stat").write_text(f"anon 5\n{cache} {cached}\nactive_file 7\n")
        line = f"0::{own}" if version == 2 else f"12:cpu,cpuacct:{own}\n4:memory:{own}\n0::/"
        (tmp_path / "own").write_text(f"{line}\n")

    return limited


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_may_have_less_than_the_machine(limited, version):
    limited(2**29, 2**28, 2**27, version=version)
    assert memory.free_memory() == 2**28 + 2**27
    limited(2**29, 2**29 + 4096, 0, version=version)
    assert memory.free_memory() == 0
    limited(2**29, 2**28, version=version, own="/docker/1a2b")  # the host's path, which is not there
    assert memory.free_memory() == 2**28


@pytest.mark.parametrize("version", [1, 2])
def test_the_smallest_limit_of_a_job_and_what_holds_it_counts(limited, version):
    for group, most in (("", MACHINE), ("slurm", 2**30), ("slurm/job_1", 2**29), ("slurm/job_1/step_0", 2**31)):
        limited(most, 2**20, group=group, own="/slurm/job_1/step_0", version=version)
    assert memory.free_memory() == 2**29 - 2**20


@pytest.mark.parametrize("limit", ["max", 2**60])
def test_without_a_limit_it_is_that_of_the_machine(limited, limit):
    limited(limit, 2**28)
    assert memory.free_memory() == MACHINE


def test_without_control_groups_it_is_that_of_the_machine(limited):
    assert memory.free_memory() == MACHINE
