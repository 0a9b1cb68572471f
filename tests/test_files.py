"""Files appear complete or not at all."""

import subprocess
import sys

import pytest

from srnet.errors import DataError
from srnet.files import read_json, write_json, written_whole


def test_nothing_appears_after_an_error(tmp_path):
    (tmp_path / "x").write_text("old")
    with pytest.raises(KeyError), written_whole(tmp_path / "x") as partial:
        partial.write_text("half")
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "old"


def test_what_a_killed_process_left_is_removed(tmp_path):
    program = "import os, sys; from srnet.files import written_whole\n"
    program += "with written_whole(sys.argv[1]) as partial: partial.write_text('half'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "x")], check=False)
    (left,) = tmp_path.iterdir()
    assert ".partial" in left.name
    write_json(tmp_path / "x", [1])
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_folder_with_other_things_is_never_replaced(tmp_path, monkeypatch):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    monkeypatch.chdir(tmp_path)
    for place in ("thesis", ".", "thesis/..", "/"):
        with pytest.raises(DataError, match="a folder with other things in it"):
            write_json(place, [])
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_errors_name_the_file(tmp_path):
    (tmp_path / "file").write_text("{")
    with pytest.raises(DataError, match="file: not JSON"):
        read_json(tmp_path / "file")
    with pytest.raises(DataError, match=r"missing\.json: cannot be read \(No such file or directory\)"):
        read_json(tmp_path / "missing.json")
    with pytest.raises(DataError, match=r"below.*: cannot be written \(Not a directory|File exists"):
        write_json(tmp_path / "file" / "below" / "x.json", [])
