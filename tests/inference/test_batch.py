"""Files enlarged one after another."""

import _thread
import gc
import pathlib
import threading
import time
import weakref

import numpy as np
import pytest

from srnet.errors import DataError
from srnet.images.picture import Picture
from srnet.images.write import write_image
from srnet.inference import batch
from srnet.inference.batch import Enlarged, enlarge_file, enlarge_files, write_file
from srnet.inference.choice import Choice, fixed_chooser
from srnet.inference.jobs import STANDARD, Job

JOBS = [Job(pathlib.Path(name), pathlib.Path(f"{name}.png")) for name in ("a", "b", "c")]
LIMIT = 60  # seconds, after which a test has failed


def _enlarged(job):
    picture = Picture(np.zeros((2, 3), np.uint8), "L", "PNG")
    return Enlarged(job, picture.size, None, picture, Choice({}), "PNG", 0.0)


def test_a_result_that_appears_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", np.zeros((4, 5), np.uint8))
    target = tmp_path / "x.png"
    job = Job(tmp_path / "a.png", target)

    def enlarge_slowly(picture, size, upscalers, progress):
        target.write_text("of another program")
        return picture

    monkeypatch.setattr(batch, "enlarge_picture", enlarge_slowly)
    with pytest.raises(DataError, match=r"x\.png: exists and may not be replaced"):
        write_file(enlarge_file(job, lambda _: (8, 10), fixed_chooser({})))
    assert target.read_text() == "of another program"
    target.chmod(0o600)
    write_file(enlarge_file(job, lambda _: (8, 10), fixed_chooser({}), overwrite=True), overwrite=True)
    assert target.read_bytes().startswith(b"\x89PNG") and target.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "x.png"]


def test_a_picture_is_written_while_the_next_is_enlarged():
    begun = {job: threading.Event() for job in JOBS}
    written = {job: threading.Event() for job in JOBS}

    def enlarge(job):
        begun[job].set()
        if job != JOBS[0]:
            assert written[JOBS[JOBS.index(job) - 1]].wait(LIMIT)
        return _enlarged(job)

    def write(enlarged):
        if enlarged.job != JOBS[-1]:
            assert begun[JOBS[JOBS.index(enlarged.job) + 1]].wait(LIMIT)
        written[enlarged.job].set()
        return enlarged.job.source.name

    assert list(enlarge_files(JOBS, enlarge, write)) == [(job, job.source.name) for job in JOBS]


def test_large_results_are_written_and_gone_before_the_next_is_enlarged(monkeypatch):
    monkeypatch.setattr(batch, "_LARGE", 5)
    made, calls = [], []

    def enlarge(job):
        gc.collect()
        assert not any(reference() for reference in made)
        enlarged = _enlarged(job)
        made.append(weakref.ref(enlarged.picture))
        calls.append(("enlarge", job))
        return enlarged

    def write(enlarged):
        calls.append(("write", enlarged.job))
        return "written"

    assert [outcome for _, outcome in enlarge_files(JOBS, enlarge, write)] == ["written"] * 3
    assert calls == [(step, job) for job in JOBS for step in ("enlarge", "write")]


def test_standard_output_is_written_where_a_signal_comes():
    job = Job(pathlib.Path("a"), STANDARD)
    threads = []
    outcomes = list(enlarge_files([job], _enlarged, lambda _: threads.append(threading.current_thread()) or "written"))
    assert outcomes == [(job, "written")] and threads == [threading.main_thread()]


def test_lines_of_pictures_that_are_passed_over_keep_their_place():
    outcomes = enlarge_files(JOBS, lambda job: "there" if job == JOBS[1] else _enlarged(job), lambda _: "written")
    assert list(outcomes) == [*zip(JOBS, ("written", "there", "written"))]


def test_what_fails_stops_no_other_picture():
    def enlarge(job):
        if job == JOBS[1]:
            raise DataError("cannot be read")
        return _enlarged(job)

    def write(enlarged):
        if enlarged.job == JOBS[0]:
            raise DataError("cannot be written")
        return "written"

    assert [(job, str(outcome)) for job, outcome in enlarge_files(JOBS, enlarge, write)] == [
        *zip(JOBS, ("cannot be written", "cannot be read", "written"))
    ]


def test_an_interruption_leaves_no_result_unreported():
    def enlarge(job):
        if job == JOBS[1]:
            raise KeyboardInterrupt
        return _enlarged(job)

    outcomes = []
    with pytest.raises(KeyboardInterrupt):
        outcomes.extend(enlarge_files(JOBS, enlarge, lambda enlarged: "written"))
    assert outcomes == [(JOBS[0], "written")]


def test_an_interruption_while_the_last_picture_is_written_leaves_no_result_unreported():
    outcomes = []

    def write(enlarged):
        if enlarged.job == JOBS[-1]:
            _thread.interrupt_main()
            time.sleep(0.5)  # the main thread waits for this
        return "written"

    with pytest.raises(KeyboardInterrupt):
        for outcome in enlarge_files(JOBS, _enlarged, write):
            outcomes.append(outcome)
    assert outcomes == [(job, "written") for job in JOBS]
