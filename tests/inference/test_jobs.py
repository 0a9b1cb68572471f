"""Which pictures are enlarged, and where to."""

import errno
import pathlib

import pytest

from srnet.errors import UsageError
from srnet.inference.jobs import Job, find_jobs


def _x4():
    return "x4"


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "c.tif", "d.gif", "inner/a.png", "notes.txt"):
        (folder / name).touch()
    return folder


def test_links_duplicates_and_unreadable_folders(photos, tmp_path, monkeypatch):
    (photos / "inner" / "up").symlink_to(photos)
    jobs, _ = find_jobs([str(photos), str(photos / "a.png")], str(tmp_path), True, _x4)
    assert [job.source.name for job in jobs] == ["a.png", "b.jpg", "c.tif", "d.gif", "a.png"]
    usual = pathlib.Path.iterdir

    def without_permission(folder):
        if folder.name == "inner":
            raise PermissionError(errno.EACCES, "no")
        return usual(folder)

    monkeypatch.setattr(pathlib.Path, "iterdir", without_permission)
    jobs, failed = find_jobs([str(photos)], str(tmp_path), True, _x4)
    assert [job.source.name for job in jobs] == ["a.png", "b.jpg", "c.tif", "d.gif"]
    assert failed == [f"{photos / 'inner'}: cannot be read (Permission denied)"]
    assert find_jobs(["x" * 300], str(tmp_path), False, _x4)[0][0].source == pathlib.Path("x" * 300)


def test_an_entry_without_permission_stops_no_other(photos, tmp_path, monkeypatch):
    usual = pathlib.Path.is_dir

    def without_permission(path):
        if path.name == "b.jpg":
            raise PermissionError(errno.EACCES, "no")
        return usual(path)

    monkeypatch.setattr(pathlib.Path, "is_dir", without_permission)
    jobs, _ = find_jobs([str(photos)], str(tmp_path / "out"), False, _x4)
    assert [job.source.name for job in jobs] == ["a.png", "b.jpg", "c.tif", "d.gif"]  # b.jpg fails when it is read


def test_pictures_of_a_folder_do_not_replace_themselves(photos, tmp_path):
    (tmp_path / "link").symlink_to(photos)
    for output in (photos, tmp_path / "link"):
        jobs, failed = find_jobs([str(photos)], str(output), False, _x4)
        assert [job.source.name for job in jobs] == ["d.gif"]  # becomes d.png
        assert failed[0] == f"{photos}/a.png: its result would replace it; choose another output"


def test_results_do_not_replace_other_pictures(tmp_path):
    first, second = tmp_path / "photo.png", tmp_path / "photo_x4.png"
    for order in ([first, second], [second, first]):
        jobs, failed = find_jobs([str(path) for path in order], None, False, _x4)
        assert jobs == [Job(second, tmp_path / "photo_x4_x4.png")]
        assert failed == [f"{first}: its result would replace {second}; choose another output"]


def test_earlier_results_are_not_enlarged_again(photos, tmp_path):
    first, second = tmp_path / "photo.png", tmp_path / "photo_x4.png"
    jobs, failed = find_jobs([str(first), str(second)], None, False, _x4, skip_existing=True)
    assert (jobs, failed) == ([Job(first, second)], [])
    (photos / "a.webp").write_bytes(b"")
    jobs, failed = find_jobs([str(photos)], str(photos), False, _x4, ".webp", skip_existing=True)
    assert [job.source.name for job in jobs] == ["a.png", "b.jpg", "c.tif", "d.gif"] and not failed


def test_a_result_does_not_replace_its_source(photos, tmp_path):
    link = tmp_path / "link.png"
    link.symlink_to(photos / "a.png")
    for output in (photos / "a.png", link):
        message = f"{photos}/a.png: its result would replace it; choose another output"
        assert find_jobs([str(photos / "a.png")], str(output), False, _x4) == ([], [message])


def test_earlier_previews_are_not_enlarged(tmp_path):
    sources = [str(tmp_path / name) for name in ("a.png", "a_x4.png", "a_x4.png.preview.png")]
    jobs, failed = find_jobs(sources, None, False, _x4, skip_existing=True)
    assert (jobs, failed) == ([Job(tmp_path / "a.png", tmp_path / "a_x4.png")], [])


def test_jobs(photos, tmp_path):
    out = str(tmp_path / "out")
    assert find_jobs([str(photos / "a.png")], str(tmp_path / "x.jpg"), False, _x4) == (
        [Job(photos / "a.png", tmp_path / "x.jpg")],
        [],
    )
    names = lambda jobs: [str(job.target.relative_to(out)) for job in jobs]  # noqa: E731
    assert names(find_jobs([str(photos)], out, False, _x4)[0]) == ["a.png", "b.jpg", "c.tif", "d.png"]
    assert names(find_jobs([str(photos)], out, True, _x4)[0]) == ["a.png", "b.jpg", "c.tif", "d.png", "inner/a.png"]
    assert names(find_jobs([str(photos / "notes.txt")], out, False, _x4)[0]) == ["notes.png"]
    both, failed = find_jobs([str(photos / "a.png"), str(photos / "inner" / "a.png")], out, False, _x4)
    assert names(both) == ["a.png"]
    assert failed == [f"{photos}/inner/a.png: its result would replace that of {photos}/a.png; enlarge it separately"]
    with pytest.raises(UsageError, match="x.docx: no picture format"):
        find_jobs([str(photos / "a.png")], str(tmp_path / "x.docx"), False, _x4)
    with pytest.raises(UsageError, match="x.j2c: bare JPEG 2000 codestreams are not written"):
        find_jobs([str(photos / "a.png")], str(tmp_path / "x.j2c"), False, _x4)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UsageError, match="no pictures in"):
        find_jobs([str(tmp_path / "nothing")], out, False, _x4)


def test_results_stand_beside_the_pictures_where_no_output_is_given(photos):
    sources = [str(photos / name) for name in ("a.png", "d.gif", "b.jpg")]
    jobs, failed = find_jobs(sources, None, False, lambda: "x2.5")
    assert [job.target.relative_to(photos).name for job in jobs] == ["a_x2.5.png", "d_x2.5.png", "b_x2.5.jpg"]
    assert [str(job.source) for job in jobs] == sources and not failed
    again, _ = find_jobs([*sources, f"{photos}/./a.png"], None, False, lambda: "x2.5")
    assert again == jobs
    jobs, failed = find_jobs([str(photos / "a.png"), str(photos / "a.gif")], None, False, _x4)
    message = f"{photos}/a.gif: its result would replace that of {photos}/a.png; enlarge it separately"
    assert len(jobs) == 1 and failed == [message]
    for source, kind in ((str(photos), "the folder"), ("-", "standard input")):
        with pytest.raises(UsageError, match=f"--output is required for {kind}"):
            find_jobs([source], None, False, _x4)


def test_results_are_no_sources_of_the_next_run(photos):
    for name in ("large/a.png", "large/inner/a.png", "b.jpg.preview.png"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).touch()
    jobs, _ = find_jobs([str(photos)], str(photos / "large"), True, _x4)
    assert [str(job.source.relative_to(photos)) for job in jobs] == ["a.png", "b.jpg", "c.tif", "d.gif", "inner/a.png"]
    jobs, failed = find_jobs([str(photos)], str(photos), False, _x4)
    assert [job.source.name for job in jobs] == ["d.gif"] and len(failed) == 3


def test_names_of_folders(photos, tmp_path, monkeypatch):
    for output, target in (
        ("new/", "new/a.png"),
        ("results.2024", "results.2024/a.png"),
        ("album.png/", "album.png/a.png"),
        ("v1.0", "v1.0/a.png"),
        ("large.png", "large.png"),
        ("large.jp2", "large.jp2"),
    ):
        ((job,), _) = find_jobs([str(photos / "a.png")], f"{tmp_path}/{output}", False, _x4)
        assert str(job.target.relative_to(tmp_path)) == target
    monkeypatch.chdir(tmp_path)
    for output in (f"{tmp_path}/c.png", f"{tmp_path}/c.JPG", "c.png", "./c.png", "../c.png"):
        with pytest.raises(UsageError, match="more than one picture needs a folder"):
            find_jobs([str(photos)], output, False, _x4)


def test_a_picture_named_twice_is_enlarged_once(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(photos)
    spellings = ["a.png", f"{photos}/a.png", "../photos/a.png"]
    for output in (None, f"{tmp_path}/out", f"{tmp_path}/large.png"):
        jobs, failed = find_jobs(spellings, output, False, _x4)
        assert ([str(job.source) for job in jobs], failed) == (["a.png"], [])
    jobs, failed = find_jobs([".", *spellings[1:]], f"{tmp_path}/out", False, _x4)
    assert [job.source.name for job in jobs].count("a.png") == 1 and not failed


def test_pictures_in_linked_folders(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(photos)
    (tmp_path / "other" / "deep").mkdir(parents=True)
    (tmp_path / "other" / "a.png").touch()
    (tmp_path / "deep").symlink_to(tmp_path / "other" / "deep")
    (tmp_path / "linked").symlink_to(photos)
    (photos / "link.png").symlink_to("a.png")
    jobs, failed = find_jobs(["a.png", "../deep/../a.png", "link.png", "../linked/a.png"], None, False, _x4)
    assert [str(job.source) for job in jobs] == ["a.png", "../deep/../a.png", "link.png"] and not failed


def test_results_that_are_links_to_one_file_clash(photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.jpg").symlink_to("a.png")
    jobs, failed = find_jobs([f"{photos}/a.png", f"{photos}/b.jpg"], f"{tmp_path}/out", False, _x4)
    assert len(jobs) == 1 and "enlarge it separately" in failed[0]


def test_of_pictures_with_the_same_result_the_one_in_its_format_is_enlarged(tmp_path):
    folder = tmp_path / "sprites"
    folder.mkdir()
    for name in ("a.dds", "a.gif", "a.png", "b.png"):
        (folder / name).touch()
    jobs, failed = find_jobs([str(folder)], str(tmp_path / "large"), False, _x4)
    assert [job.source.name for job in jobs] == ["a.png", "b.png"]
    assert [line.split(":")[0] for line in failed] == [f"{folder}/a.dds", f"{folder}/a.gif"]
