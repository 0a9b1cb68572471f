"""Files appear complete or not at all."""

import contextlib
import errno
import fcntl
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

import pytest

from srnet import durable
from srnet.errors import DataError, UsageError, printable
from srnet.files import LOCK, atomic_write, check_writable, locked, write_text
from srnet.json_files import read_json, write_json


def test_nothing_appears_after_an_error(tmp_path):
    (tmp_path / "x").write_text("old")
    with pytest.raises(KeyError), atomic_write(tmp_path / "x") as partial:
        partial.write_text("half")
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "old"


def test_what_a_killed_process_left_is_removed(tmp_path):
    program = "import os, sys; from srnet.files import atomic_write\n"
    program += "with atomic_write(sys.argv[1]) as partial: partial.write_text('half'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "x")], check=False)
    (left,) = tmp_path.iterdir()
    assert left.suffix == ".partial" and (left / "new" / "x").read_text() == "half"
    durable._swept.clear()  # as in a new process
    write_json(tmp_path / "x", [1])
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_folders_of_other_programs_are_left_alone(tmp_path):
    other = tmp_path / ".rsync.partial"
    other.mkdir()
    (other / "kept").touch()
    durable._swept.clear()  # as in a new process
    write_json(tmp_path / "x", [1])
    assert (other / "kept").exists()


def test_a_folder_with_other_things_is_never_replaced(tmp_path, monkeypatch):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    monkeypatch.chdir(tmp_path)
    for place in ("thesis", ".", "thesis/..", "/"):
        with pytest.raises(DataError, match="a folder that holds other files"):
            write_json(place, [])
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_a_folder_that_can_be_written_but_not_read(tmp_path, monkeypatch):
    open_file = os.open

    def refuse(path, flags, *mode):
        if pathlib.Path(path) == tmp_path and not flags & os.O_DIRECTORY:
            raise PermissionError(13, "Permission denied", str(path))
        return open_file(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse)
    write_json(tmp_path / "x", [1])
    assert read_json(tmp_path / "x") == [1]


def test_a_folder_of_assets_alone_is_no_saved_model(tmp_path):
    (tmp_path / "site" / "assets").mkdir(parents=True)
    with pytest.raises(DataError, match="site: a folder that holds other files, such as assets"):
        write_json(tmp_path / "site", [])
    assert (tmp_path / "site" / "assets").is_dir()


def test_errors_name_the_file(tmp_path):
    (tmp_path / "file").write_text("{")
    with pytest.raises(DataError, match="file: not JSON"):
        read_json(tmp_path / "file")
    with pytest.raises(DataError, match=r"missing\.json: cannot be read \(No such file or directory\)"):
        read_json(tmp_path / "missing.json")
    with pytest.raises(DataError, match=r"below.*: cannot be written \(Not a directory|File exists"):
        write_json(tmp_path / "file" / "below" / "x.json", [])


def _program(tmp_path, text, *arguments):
    text = "import os, pathlib, sys, time; from srnet.files import *; path = pathlib.Path(sys.argv[1])\n" + text
    return [sys.executable, "-c", text, str(tmp_path), *arguments]


def test_a_working_folder_in_use_is_left_alone(tmp_path):
    text = "with atomic_write(path / 'x') as partial:\n partial.write_text('mine'); print('ready', flush=True); input()"
    # In a container of its own a process has other numbers, which must not matter.
    apart = ["unshare", "--pid", "--fork"] if os.getuid() == 0 and shutil.which("unshare") else []
    command = apart + _program(tmp_path, text)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "ready\n"
        durable._swept.clear()
        write_text(tmp_path / "x", "theirs")
        assert (tmp_path / "x").read_text() == "theirs"
        writer.communicate("\n")
    assert writer.returncode == 0 and (tmp_path / "x").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_target_that_appears_meanwhile_is_not_replaced(tmp_path):
    for path in (tmp_path / "file", tmp_path / "folder"):
        with pytest.raises(DataError, match="exists and may not be replaced"), atomic_write(path, False) as partial:
            for each, text in ((partial, "late"), (path, "early")):
                if path.name == "folder":
                    each.mkdir()
                    each = each / "saved_model.pb"
                each.write_text(text)
    assert [path.read_text() for path in sorted(tmp_path.rglob("*")) if path.is_file()] == ["early", "early"]


def test_a_folder_that_another_process_sweeps_is_made_again(tmp_path, monkeypatch):
    mkdir = pathlib.Path.mkdir

    def swept(folder, **options):
        mkdir(folder, **options)
        if durable.SUFFIX in folder.suffixes:
            monkeypatch.setattr(pathlib.Path, "mkdir", mkdir)
            folder.rmdir()

    monkeypatch.setattr(pathlib.Path, "mkdir", swept)
    with atomic_write(tmp_path / "x") as partial:
        partial.write_text("whole")
    assert (tmp_path / "x").read_text() == "whole"


def test_one_of_many_writers_wins(tmp_path):
    text = "with atomic_write(path / 'x', False) as partial: partial.write_text(sys.argv[2]); time.sleep(0.2)"
    writers = [subprocess.Popen(_program(tmp_path, text, str(n)), stderr=subprocess.PIPE, text=True) for n in range(4)]
    errors = [writer.communicate()[1] for writer in writers]
    winners = [n for n, writer in enumerate(writers) if writer.returncode == 0]
    assert len(winners) == 1 and (tmp_path / "x").read_text() == str(winners[0])
    losers = [error for n, error in enumerate(errors) if n not in winners]
    assert all("exists and may not be replaced" in error for error in losers), losers


@pytest.mark.parametrize(("atomic", "name"), [(True, "model"), (False, "model"), (True, "old"), (False, "old")])
def test_an_old_folder_stays_until_the_new_one_is_there(tmp_path, monkeypatch, atomic, name):
    """A kill at each rename and removal leaves one of both folders in its place, or the next command puts it there."""
    if not atomic:
        monkeypatch.setattr(durable, "_renameat2", lambda *arguments: False)
    steps = "import srnet.durable as d, shutil\n"
    steps += "" if atomic else "d._renameat2 = lambda *a: False\n"
    steps += f"name = {name!r}\n"
    steps += """
left = [int(sys.argv[2])]
def killing(function):
    def run(*arguments, **options):
        left[0] -= 1
        if left[0] < 0: os.kill(os.getpid(), 9)
        return function(*arguments, **options)
    return run
pathlib.Path.rename, pathlib.Path.replace = killing(pathlib.Path.rename), killing(pathlib.Path.replace)
d._renameat2, shutil.rmtree = killing(d._renameat2), killing(shutil.rmtree)
with atomic_write(path / name) as partial:
    partial.mkdir(); (partial / 'saved_model.pb').write_text('new')
"""
    seen = []
    for kill_at in range(8):
        place = tmp_path / str(kill_at)
        with atomic_write(place / name) as partial:
            partial.mkdir()
            (partial / "saved_model.pb").write_text("old")
        done = subprocess.run(_program(place, steps, str(kill_at)), check=False).returncode == 0
        durable._swept.clear()
        write_text(place / "other", "")
        seen.append((place / name / "saved_model.pb").read_text())
        assert {path.name for path in place.iterdir()} == {name, "other"}
        if done:
            break
    assert done and seen[0] == "old" and seen[-1] == "new"


def test_an_interruption_puts_an_old_folder_back(tmp_path, monkeypatch):
    """Ctrl-C between the two renames of a file system that cannot exchange names."""
    monkeypatch.setattr(durable, "_renameat2", lambda *arguments: False)
    rename = pathlib.Path.rename

    def rename_then_interrupt(self, target):
        monkeypatch.setattr(pathlib.Path, "rename", rename)
        rename(self, target)
        raise KeyboardInterrupt

    def write(text):
        with atomic_write(tmp_path / "model") as partial:
            partial.mkdir()
            (partial / "saved_model.pb").write_text(text)

    write("old")
    monkeypatch.setattr(pathlib.Path, "rename", rename_then_interrupt)
    with pytest.raises(KeyboardInterrupt):
        write("new")
    assert (tmp_path / "model" / "saved_model.pb").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("atomic", [True, False])
def test_a_folder_replaces_a_file(tmp_path, monkeypatch, atomic):
    if not atomic:
        monkeypatch.setattr(durable, "_renameat2", lambda *arguments: False)
    (tmp_path / "model").write_text("old")
    (tmp_path / "model").chmod(0o600)
    with atomic_write(tmp_path / "model") as partial:
        partial.mkdir()
        (partial / "saved_model.pb").write_text("new")
    assert (tmp_path / "model" / "saved_model.pb").read_text() == "new"
    assert (tmp_path / "model").stat().st_mode & 0o100
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_everything_is_on_the_disk_before_it_appears(tmp_path, monkeypatch):
    events = []
    fsync, rename, replace = os.fsync, durable._renameat2, pathlib.Path.replace

    def sync(descriptor):
        events.append(pathlib.Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(durable, "_renameat2", lambda *args: events.append("rename") or rename(*args))
    monkeypatch.setattr(pathlib.Path, "replace", lambda *args: events.append("rename") or replace(*args))
    for overwrite in (False, True):
        events.clear()
        with atomic_write(tmp_path / "new" / "x", overwrite) as partial:
            partial.write_text("text")
        assert events[-3:] == ["x", "rename", "new"]
    with atomic_write(tmp_path / "model") as partial:
        (partial / "variables").mkdir(parents=True)
        (partial / "saved_model.pb").touch()
        (partial / "variables" / "data").touch()
        events.clear()
    assert set(events[:4]) == {"saved_model.pb", "data", "variables", "model"}
    assert events[4:] == [tmp_path.name] or events[4:] == ["rename", tmp_path.name]


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    write_text(tmp_path / "x", "old")
    (tmp_path / "x").chmod(0o640)
    write_text(tmp_path / "x", "new")
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


def test_a_device_is_never_replaced(tmp_path):
    with pytest.raises(DataError, match="not a regular file"):
        write_text("/dev/null", "x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="not a regular file"):
        write_text(tmp_path / "pipe", "x")


def test_names_as_long_as_the_file_system_allows(tmp_path):
    for name in ("x" * 251 + ".txt", "木" * 85):
        write_text(tmp_path / name, "text")
        assert (tmp_path / name).read_text() == "text"


def test_a_file_system_without_locks(tmp_path, monkeypatch, capsys):
    def fail(number):
        def flock(*arguments):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", flock)

    for number in (errno.ENOLCK, errno.ENOSYS):
        fail(number)
        write_text(tmp_path / "x", str(number))
        with locked(tmp_path / str(number), busy="in use"):
            pass
        assert (tmp_path / "x").read_text() == str(number)
    assert "this file system has no locks; use it from one process at a time" in capsys.readouterr().err


def test_files_are_written_where_locks_are_forbidden(tmp_path, monkeypatch):
    def flock(*arguments):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(fcntl, "flock", flock)
    write_text(tmp_path / "x", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_loop_of_links_is_an_error(tmp_path):
    (tmp_path / "x").symlink_to("y")
    (tmp_path / "y").symlink_to("x")
    for write in (check_writable, lambda path: write_text(path, "text")):
        with pytest.raises(DataError, match=r"cannot be written \(File exists\)"):  # as x is no folder
            write(tmp_path / "x" / "file")


def test_a_file_that_cannot_be_written_is_known_before_the_work(tmp_path):
    check_writable(tmp_path / "new" / "x")
    assert not list((tmp_path / "new").iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        check_writable(tmp_path / "file" / "x")
    with pytest.raises(DataError, match="cannot be written"):
        check_writable(tmp_path / ("x" * 300))
    with pytest.raises(DataError, match="new: a folder; choose another path"):
        check_writable(tmp_path / "new")


def test_a_locked_folder_is_busy(tmp_path):
    text = "with locked(path, 'in use'): print('ready', flush=True); input()"
    command = _program(tmp_path, text)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        holder.stdout.readline()
        with pytest.raises(UsageError, match="in use"), locked(tmp_path, busy="in use"):
            pass
        holder.communicate("\n")


def test_a_locked_folder_is_waited_for(tmp_path, capsys):
    command = _program(tmp_path, "with locked(path): print('ready', flush=True); input()")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        holder.stdout.readline()
        threading.Timer(0.5, holder.communicate, ["\n"]).start()
        with locked(tmp_path):
            assert holder.wait() == 0
    assert f"{tmp_path}: waiting for another process of srnet that uses it\n" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("mode", [0o666, 0o644])
def test_a_folder_that_users_share_is_locked_for_each(tmp_path, mode):
    shared = tmp_path / "shared"
    with locked(shared):
        pass
    assert (shared / LOCK).stat().st_mode & 0o777 == 0o666
    (shared / LOCK).chmod(mode)
    for path in (tmp_path, *tmp_path.parents):
        if "pytest-of" in str(path):
            path.chmod(0o755)
    shared.chmod(0o777)

    def lock_as_another_user(refused):
        os.setuid(65534)
        with contextlib.ExitStack() as stack:
            if refused:
                stack.enter_context(pytest.raises(UsageError, match="in use"))
            stack.enter_context(locked(shared, busy="in use"))

    def status(refused):
        process = multiprocessing.get_context("fork").Process(target=lock_as_another_user, args=(refused,))
        process.start()
        process.join(60)
        return process.exitcode

    with locked(shared):
        assert status(refused=True) == 0
    assert status(refused=False) == 0


def test_a_lock_ends_with_its_block_though_a_child_lives_on(tmp_path):
    with locked(tmp_path):
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
    try:
        with locked(tmp_path, busy="in use"):
            pass
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_a_lock_that_fails_is_an_error(tmp_path, monkeypatch):
    def flock(*arguments):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(DataError, match=r"\.lock: cannot be locked \(Input/output error\)"), locked(tmp_path):
        pass


def test_control_characters_do_not_reach_the_terminal():
    assert printable("photo\x1b[2J\n\u202e\x9b.jpg") == r"photo\x1b[2J\n\u202e\x9b.jpg"
    assert printable("Ärger 木 ☂.jpg") == "Ärger 木 ☂.jpg"
