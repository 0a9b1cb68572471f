"""Files that are made to harm: none starts a program, fills the memory or hangs the reader."""

import io
import os
import pathlib
import socket
import struct
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import tifffile

from srnet.errors import DataError
from srnet.images import read, recognize
from srnet.images.read import is_image_name, read_image, read_picture, read_size

RANDOM = np.random.default_rng(0)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
READERS = (read_picture, read_image, read_size)


def _is_refused(path, message):
    for reader in READERS:
        with pytest.raises(DataError) as error:
            reader(path)
        assert message in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)


def _peak(path):
    """What each reader says of a file, and the most memory in MiB that reading took a process of its own."""
    code = """if True:
        import pathlib, re, sys
        import pyvips
        from srnet.errors import DataError
        from srnet.images.read import read_picture, read_size
        from srnet.images.recognize import formats
        formats()
        def most():  # of this program; getrusage counts that of the process which started it
            return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
        before = most()
        for reader in read_picture, read_size:
            try:
                reader(pathlib.Path(sys.argv[1]))
            except DataError as error:
                print(error)
        print(most() - before)
    """
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=60, check=True)
    *said, peak = done.stdout.splitlines()
    return said, int(peak) / 1024


@pytest.fixture
def ghostscript(tmp_path, monkeypatch):
    """The file that a `gs`, the first on the path, writes when it is started."""
    mark, program = tmp_path / "started", tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    return mark


def test_no_program_is_started(tmp_path, monkeypatch, ghostscript):
    started, start = [], subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **named: started.append(given) or start(*given, **named))
    iptc = b"\x1c\x03\x3c\0\x02\0\0" + b"\x1c\x08\x0a" + len(EPS).to_bytes(2, "big") + EPS
    for name, data in {"holiday.jpg": EPS, "holiday.png": iptc, "holiday.tif": b"\xc5\xd0\xd3\xc6" + EPS}.items():
        (tmp_path / name).write_bytes(data)
        _is_refused(tmp_path / name, "not a picture in a format that can be read")
    assert not started and not ghostscript.exists()


def test_names_say_what_is_opened():
    assert all(
        is_image_name(f"x{suffix}") for suffix in (".PNG", ".jpg", ".jp2", ".avif", ".gif", ".mpo", ".psd", ".tga")
    )
    others = (".eps", ".ps", ".wmf", ".emf", ".pdf", ".fits", ".iim", ".h5", ".grib", ".mpg", ".ico", ".txt", "")
    assert not any(is_image_name(f"x{suffix}") for suffix in others) and not is_image_name(".x.png")


def test_names_are_known_from_the_first_one():
    code = "from srnet.images.read import is_image_name; assert is_image_name('x.png')"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", [kind for kind in recognize.formats() if kind != "PSD"])  # which Pillow does not write
def test_every_listed_format_is_opened(tmp_path, kind):
    PIL.Image.fromarray(RANDOM.integers(0, 256, (16, 24, 3), np.uint8)).save(tmp_path / "x", kind)
    assert read_picture(tmp_path / "x").format == kind
    assert read_size(tmp_path / "x") == (16, 24)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_channels_are_counted_before_they_are_decoded(tmp_path, dtype):
    path = tmp_path / "x.tif"
    pixels = np.zeros((160, 200, 3000), dtype)
    tifffile.imwrite(path, pixels, photometric="minisblack", planarconfig="contig", compression="deflate")
    said, peak = _peak(path)
    assert len(said) == 2 and all(line.startswith(f"{path}: 3000 channels of {dtype}") for line in said)
    assert peak < 60


def _overwrite(path, **tags):
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name, value in tags.items():
            file.pages[0].tags[name].overwrite(value)


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])  # Pillow does not know the latter
def test_pixels_are_counted_before_they_are_decoded(tmp_path, photometric):
    path = tmp_path / "x.tif"
    shape = (16, 16, 3) if photometric == "rgb" else (16, 16)
    tifffile.imwrite(path, np.zeros(shape, np.float32), photometric=photometric, tile=(16, 16))
    _overwrite(path, ImageWidth=16000, ImageLength=16000)
    said, peak = _peak(path)
    assert said == 2 * [f"{path}: more than 179 megapixels"]
    assert peak < 60


def test_tiles_are_no_larger_than_pictures(tmp_path):
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), tile=(16, 16), compression="deflate")
    _overwrite(path, TileWidth=32000, TileLength=32000)
    said, peak = _peak(path)
    assert said == 2 * [f"{path}: more than 179 megapixels"]
    assert peak < 60


def test_pixels_are_counted_as_libtiff_reads_them(tmp_path):
    path = tmp_path / "x.tif"
    small = [(code, "H", 1, 16, False) for code in (65001, 65002)]
    tifffile.imwrite(path, np.zeros((16, 16), np.uint16), extratags=small)
    _overwrite(path, ImageWidth=65535, ImageLength=65535, RowsPerStrip=65535)
    data = path.read_bytes()
    for code, twice in ((65001, 256), (65002, 257)):  # Pillow takes the last of tags that stand twice
        data = data.replace(struct.pack("<H", code), struct.pack("<H", twice))
    with pytest.raises(DataError, match="more than 179 megapixels"):
        read_picture(data, "x")


@pytest.mark.parametrize("head", [b"", b"\x89PNG", b"RIFF", b"II*\0"])
def test_sparse_giants_are_refused_at_once(tmp_path, head):
    path, file = tmp_path / "x.png", io.BytesIO()
    if head:
        kind = {b"RIFF": "WEBP", b"II*\0": "TIFF"}.get(head, "PNG")
        PIL.Image.new("RGB", (16, 16)).save(file, kind)
        assert file.getvalue().startswith(head)
    path.write_bytes(file.getvalue())
    os.truncate(path, 2**40)
    said, peak = _peak(path)
    assert said == 2 * [f"{path}: larger than 2.9 GiB, more than any supported picture needs"] and peak < 20


def test_bytes_have_the_same_limit(monkeypatch):
    monkeypatch.setattr(read, "LARGEST_FILE", 2**20)
    with pytest.raises(DataError, match=r"^standard input: larger than 0\.0 GiB"):
        read_picture(bytes(2**20 + 1), "standard input")


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "fifo.png")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "socket.png"))
        (tmp_path / "zero.png").symlink_to("/dev/zero")
        (tmp_path / "folder.png").mkdir()
        for name in ("fifo", "socket", "zero", "folder"):
            _is_refused(tmp_path / f"{name}.png", "not a regular file")


def test_a_fifo_put_there_after_the_look_does_not_hang(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "x.png")
    monkeypatch.setattr(pathlib.Path, "stat", lambda path: os.stat(__file__))  # noqa: PTH116
    _is_refused(tmp_path / "x.png", "not a regular file")


def test_a_folder_goes_on_after_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    PIL.Image.new("RGB", (6, 6)).save(tmp_path / "b.png")
    (tmp_path / "c.png").symlink_to("/dev/zero")
    command = [sys.executable, "-m", "srnet.upscale", tmp_path, f"--output={tmp_path / 'out'}", "--scale=2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and [path.name for path in (tmp_path / "out").iterdir()] == ["b.png"]
    assert done.stderr.splitlines() == [f"error: {tmp_path / name}.png: not a regular file" for name in "ac"]


def test_read_size_says_what_the_decoder_says(tmp_path, monkeypatch):
    PIL.Image.new("RGB", (16, 16)).save(tmp_path / "x.avif")

    def fail(*_):
        raise RuntimeError("Failed to decode image:\nsomething")

    monkeypatch.setattr("PIL.AvifImagePlugin.AvifImageFile._open", fail)
    _is_refused(tmp_path / "x.avif", "damaged or unreadable picture (Failed to decode image: something)")


def test_a_lack_of_memory_is_one_line(tmp_path, monkeypatch):
    PIL.Image.new("RGB", (16, 16)).save(tmp_path / "x.png")

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(PIL.Image.Image, "convert", fail)
    with pytest.raises(DataError, match=r"x\.png: not enough memory"):
        read_picture(tmp_path / "x.png")


def test_files_are_not_read_whole(tmp_path):
    path = tmp_path / "x.png"
    PIL.Image.new("RGB", (16, 16)).save(path)
    with path.open("ab") as file:
        file.truncate(2**31)  # what follows the picture
    said, peak = _peak(path)
    assert said == [] and peak < 20
