"""The page of the demo: in a headless browser, and what it refuses."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import PIL.Image
import pytest

import srnet
from srnet import demo, models
from srnet.errors import DataError
from srnet.inference.upscaler import Upscaler

PHOTO = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8))


@pytest.fixture(scope="module")
def upscalers():
    upscaler = Upscaler(models.build("srcnn", 3, initializer="identity", filters=(2, 2)))
    return {3: lambda: upscaler}


def _free_port():
    with socket.socket() as free:
        free.bind((demo.ADDRESS, 0))
        return free.getsockname()[1]


@pytest.fixture
def page():
    """The address of the page, served by the command."""
    command = [sys.executable, "-m", "srnet.demo", f"--port={_free_port()}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if "is ready" not in line:
        pytest.fail(process.communicate(timeout=60)[1])
    yield line.split()[0]
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors == "error: interrupted\n"


def _wait(for_it, seconds=60):
    end = time.monotonic() + seconds
    while not (found := for_it()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.2)
    return found


def test_upload_slider_download(page, browser, tmp_path):
    PHOTO.save(tmp_path / "photo.png")
    (tmp_path / "text.png").write_text("no picture")
    browser.get(page)
    css = browser.find_elements

    def give(path):
        _wait(lambda: css("css selector", "input[type=file]"))[0].send_keys(str(path))
        _wait(lambda: path.name in browser.page_source)
        next(button for button in css("tag name", "button") if button.text == "Enlarge").click()

    give(tmp_path / "text.png")
    _wait(lambda: "text.png: not a picture" in browser.find_element("tag name", "body").text)
    css("css selector", "button[aria-label='Clear'], button[title='Clear']")[0].click()
    give(tmp_path / "photo.png")
    _wait(lambda: "photo.png, enlarged to 144x96" in browser.page_source)
    pair = _wait(lambda: [image for image in css("tag name", "img") if image.get_property("naturalWidth") == 144])
    assert len(pair) == 2
    _wait(lambda: [button for button in css("tag name", "button") if button.text == "Download"])[0].click()
    saved = tmp_path / "downloads" / "photo_x4.png"
    _wait(saved.exists)
    with PIL.Image.open(saved) as image:
        np.testing.assert_array_equal(image, srnet.Upscaler(srnet.load(scale=4))(PHOTO))


@pytest.mark.parametrize("header", [{"Host": "elsewhere.example"}, {"Origin": "http://elsewhere.example"}])
def test_pages_of_other_sites_are_refused(page, header):
    with urllib.request.urlopen(f"{page}/config") as own:
        assert own.status == 200
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(f"{page}/config", headers=header))


def test_the_end_leaves_no_files(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "srnet.demo", f"--port={_free_port()}"],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    assert "is ready" in process.stdout.readline() and list(tmp_path.iterdir())
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 130 and not list(tmp_path.iterdir())


def test_results_too_large_for_the_page_are_refused(upscalers, tmp_path, monkeypatch):
    PHOTO.save(tmp_path / "photo.png")
    monkeypatch.setattr(demo, "_MOST_PIXELS", 36 * 24 * 9 - 1)
    with pytest.raises(DataError, match=r"photo\.png: 108x72 would be too large: the page's limit is"):
        demo.enlarge_upload(tmp_path / "photo.png", 3, upscalers, tmp_path, lambda share: None)


@pytest.mark.parametrize(
    ("name", "mode", "result"),
    [("a.gif", "P", "a_x3.png"), ("a.tif", "CMYK", "a_x3.tif"), ("a.jpeg", "L", "a_x3.jpeg")],
)
def test_results_keep_the_format_where_it_holds_them(upscalers, tmp_path, name, mode, result):
    PHOTO.convert(mode).save(tmp_path / name)
    told = []
    bicubic, ours, path = demo.enlarge_upload(tmp_path / name, 3, upscalers, tmp_path, told.append)
    assert bicubic.size == ours.size == (108, 72) and bicubic.mode == ours.mode == "RGB"
    assert path.endswith(f"/{result}") and told[-1] == 1
    with PIL.Image.open(path) as image:
        assert image.size == (108, 72)


def test_results_have_the_suffix_of_their_format(upscalers, tmp_path):
    PHOTO.save(tmp_path / "a.png", format="JPEG")
    assert demo.enlarge_upload(tmp_path / "a.png", 3, upscalers, tmp_path, lambda share: None)[2].endswith("/a_x3.jpg")


def test_a_port_in_use_is_one_line():
    with socket.socket() as taken:
        taken.bind((demo.ADDRESS, 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "srnet.demo", f"--port={port}"], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2 and "(Address already in use); choose another\n" in done.stderr
