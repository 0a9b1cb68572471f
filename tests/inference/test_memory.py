"""Free memory, also in a container with a limit."""

import types

import psutil
import pytest

from srnet.inference import memory


@pytest.fixture
def limited(tmp_path, monkeypatch):
    """A callable that writes what the kernel says of a container with a limit."""
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)

    def limited(most, current, cached):
        (tmp_path / "memory.max").write_text(f"{most}\n")
        (tmp_path / "memory.current").write_text(f"{current}\n")
        (tmp_path / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\nactive_file 7\n")

    return limited


def test_a_container_may_have_less_than_the_machine(limited):
    limited(2**29, 2**28, 2**27)
    assert memory.free_memory() == 2**28 + 2**27
    limited(2**29, 2**29 + 4096, 0)
    assert memory.free_memory() == 0


@pytest.mark.parametrize("limit", ["max", 2**60, None])
def test_without_a_limit_it_is_that_of_the_machine(limited, limit, monkeypatch):
    if limit:
        limited(limit, 2**28, 0)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(available=2**33))
    assert memory.free_memory() == 2**33
