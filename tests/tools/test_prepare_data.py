"""Image sets from archives and folders, and their comparison with the published pixels."""

import functools
import hashlib
import http.server
import os
import pathlib
import tarfile
import threading
import zipfile

import numpy as np
import PIL.Image
import pytest

from experiments import image_sets
from experiments.recipes.image_sets import IMAGE_SETS, ImageSet
from srnet.data.datasets import PUBLISHED_COUNTS


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A published set of three images, two of them equal; returns a folder with other names and formats of them."""
    pixels = {"a": np.zeros((9, 7, 3), np.uint8), "b": np.full((8, 8), 100, np.uint8)}
    pixels["a"][2:4] = 200
    pixels["c"] = pixels["a"]
    folder = tmp_path / "copies"
    folder.mkdir()
    for number, (name, suffix) in enumerate((("a", "webp"), ("b", "png"), ("c", "bmp"))):
        PIL.Image.fromarray(pixels[name]).save(folder / f"x{number}.{suffix}", lossless=True)
    digests = {
        name: hashlib.sha256(" ".join(map(str, (*each.shape, 1)[:3])).encode() + each.tobytes()).hexdigest()
        for name, each in pixels.items()
    }
    monkeypatch.setitem(IMAGE_SETS, "Letters", ImageSet(3, "", "*/good/*", "https://example.org"))
    known = image_sets.known_digests
    monkeypatch.setattr(image_sets, "known_digests", lambda name: digests if name == "Letters" else known(name))
    return folder


@pytest.fixture
def call(call_tool, tmp_path):
    def prepare(*arguments):
        folders = (f"--data_root={tmp_path / 'images'}", f"--cache_dir={tmp_path / 'cache'}")
        return call_tool("prepare_data.py", *arguments, *folders)

    return prepare


def _zip(path, folder, inside="set-master/good"):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{inside}/{file.name}")
        archive.writestr(f"{inside}/resized/x0.png", (folder / "x1.png").read_bytes())
        archive.writestr("set-master/README.md", "text")
        archive.writestr("__MACOSX/good/._x0.png", "no picture")


def test_from_a_folder(call, published, tmp_path):
    expected = (0, "Letters: all 3 images are as published, pixel by pixel\n", "")
    assert call("--sets=Letters", f"--source={published}") == expected
    assert sorted(path.name for path in (tmp_path / "images" / "Letters").iterdir()) == ["a.webp", "b.png", "c.bmp"]
    assert call("--verify") == expected == call("--verify", "--sets=Letters")
    message = f"Letters: {tmp_path / 'images' / 'Letters'} already exists; --verify checks it\n"
    assert call("--sets=Letters", f"--source={published}") == (0, message, "")


def test_from_archives(call, published, tmp_path):
    _zip(tmp_path / "set.zip", published)
    with tarfile.open(tmp_path / "set.tgz", "w:gz") as archive:
        archive.add(published, "deep/inside")
    with tarfile.open(tmp_path / "here.tar", "w") as archive:
        archive.add(published, ".")  # as `tar cf here.tar .` does
    for name in ("set.zip", "set.tgz", "here.tar"):
        assert call("--sets=Letters", f"--source={tmp_path / name}")[0] == 0
        (tmp_path / "images" / "Letters").rename(tmp_path / f"of_{name}")
    whole = (tmp_path / "set.zip").read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"no archive at all"):
        (tmp_path / "set.zip").write_bytes(content)
        status, _, errors = call("--sets=Letters", f"--source={tmp_path / 'set.zip'}")
        assert status == 1 and errors.count("\n") == 1
        assert errors.startswith(f"error: {tmp_path / 'set.zip'}: damaged, truncated, or not a zip or tar archive (")
    whole = (tmp_path / "set.tgz").read_bytes()
    (tmp_path / "set.tgz").write_bytes(whole[:-40])
    status, _, errors = call("--sets=Letters", f"--source={tmp_path / 'set.tgz'}")
    assert (status, errors.count("\n")) == (1, 1) and "set.tgz: damaged" in errors
    assert not list((tmp_path / "images").iterdir())


def test_of_a_local_copy_of_its_archive_only_its_part_is_taken(call, published, tmp_path, monkeypatch):
    monkeypatch.setattr(image_sets, "known_digests", lambda name: {})
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in published.iterdir():
            archive.write(file, f"set/good/{file.name}")
        archive.write(published / "x1.png", "set/resized/x1.png")
    assert call("--sets=Letters", f"--source={tmp_path / 'set.zip'}")[0] == 0
    assert len(list((tmp_path / "images" / "Letters").iterdir())) == 3


def test_a_picture_that_cannot_be_copied_is_named(call, published, monkeypatch):
    monkeypatch.setattr(image_sets, "known_digests", lambda name: {})
    read = pathlib.Path.read_bytes

    def refuse(path):
        if path.suffix == ".png":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(pathlib.Path, "read_bytes", refuse)
    status, _, errors = call("--sets=Letters", f"--source={published}")
    assert (status, errors) == (1, f"error: {published / 'x1.png'}: cannot be read (Permission denied)\n")


def test_from_its_url_once(call, published, tmp_path, monkeypatch):
    (tmp_path / "web").mkdir()
    _zip(tmp_path / "web" / "set.zip", published)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "web")
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *arguments: None)
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://localhost:{server.server_port}/set.zip"
        monkeypatch.setitem(IMAGE_SETS, "Letters", ImageSet(3, url, "*/good/*"))
        assert call("--sets=Letters")[::2] == (0, "")
        lost = url.replace("set.zip", "lost.zip")
        status, _, errors = call("--sets=Set5", f"--source={lost}")
        assert (status, errors) == (1, f"error: {lost}: cannot be downloaded (File not found)\n")
        monkeypatch.setattr(handler.func, "copyfile", lambda self, source, output: output.write(source.read(99)))
        short = url.replace("set.zip", "short.zip")
        (tmp_path / "web" / "set.zip").rename(tmp_path / "web" / "short.zip")
        size = (tmp_path / "web" / "short.zip").stat().st_size
        message = f"error: {short}: download incomplete (99 of {size} bytes); run again\n"
        assert call("--sets=Set5", f"--source={short}") == (1, "", message)
        server.shutdown()
    (tmp_path / "images" / "Letters").rename(tmp_path / "first")
    assert call("--sets=Letters")[::2] == (0, "")  # from the archive that was downloaded


def test_what_differs_is_named(call, published, tmp_path):
    changed = np.asarray(PIL.Image.open(published / "x1.png")).copy()
    changed[5, 5] += 1
    PIL.Image.fromarray(changed).save(published / "x1.png")
    message = "error: Letters: no file has the published pixels of b; files with other pixels: x1.png\n"
    assert call("--sets=Letters", f"--source={published}") == (1, "", message)
    assert not (tmp_path / "images" / "Letters").exists()
    os.renames(published, tmp_path / "images" / "Letters")
    assert call("--verify") == (1, "", message)
    (tmp_path / "images" / "Letters" / "x2.bmp").unlink()
    message = "error: Letters: no file has the published pixels of b, c; files with other pixels: x1.png\n"
    assert call("--verify") == (1, "", message)


def test_wrong_usage(call, published):
    assert call("--sets=Nothing")[2].startswith("error: --sets=Nothing: unknown; choose from T91, BSD200")
    message = "error: Letters: available on request from https://example.org; then use --source=ARCHIVE_OR_FOLDER\n"
    assert call("--sets=Letters") == (2, "", message)
    assert call("--sets=Letters,Set5", f"--source={published}")[2].startswith("error: --source needs one set")
    assert call()[2].startswith("error: --sets: name at least one of T91, BSD200")
    assert call("--verify")[2].endswith("images: contains no image set\n")
    status, output, errors = call("--sets=Letters,Set5", "--verify")
    assert (status, output) == (1, "") and errors.count("\n") == 2


def test_a_set_of_unknown_pixels_is_counted(call, published, monkeypatch):
    monkeypatch.setitem(IMAGE_SETS, "Numbers", ImageSet(3, "", "*"))
    expected = (0, "Numbers: 3 images; no published digests to compare\n", "")
    assert call("--sets=Numbers", f"--source={published}") == expected
    (published / "deep").mkdir()
    (published / "deep" / "x1.bmp").write_bytes((published / "x2.bmp").read_bytes())
    monkeypatch.setitem(IMAGE_SETS, "Others", ImageSet(4, "", "*"))
    message = f"error: {published}: 4 images with 3 different names; Others has 4\n"
    assert call("--sets=Others", f"--source={published}") == (1, "", message)
    monkeypatch.setitem(IMAGE_SETS, "Numbers", ImageSet(4, "", "*"))
    assert call("--verify", "--sets=Numbers") == (1, "", "error: Numbers: 3 images, not 4\n")


def test_the_table_is_that_of_the_published_counts():
    for name, known in IMAGE_SETS.items():
        expected = PUBLISHED_COUNTS.get(name, 0)
        assert len(image_sets.known_digests(name)) == expected and known.count == (expected or known.count)


def test_the_sets_at_hand(call_tool, data_root):
    status, output, errors = call_tool("prepare_data.py", "--verify", "--sets=Set5,Set14", f"--data_root={data_root}")
    assert (status, errors) == (0, "") and output.count("as published, pixel by pixel") == 2
