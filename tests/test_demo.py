"""The page of the demo: in a headless browser, and what it leaves behind. tests/test_demo_guard.py: what it refuses."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time

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


@pytest.fixture(scope="module")
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
    assert process.returncode == 143 and errors == "error: interrupted\n"


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


def test_the_page_is_guarded(page):
    def ask(method, path, body=None, **headers):
        with contextlib.closing(http.client.HTTPConnection(page.removeprefix("http://"), timeout=30)) as connection:
            connection.request(method, path, body, {name.replace("_", "-"): headers[name] for name in headers})
            answer = connection.getresponse()
            assert answer.getheader("X-Frame-Options") == "DENY", path
            assert answer.getheader("Content-Security-Policy") == "frame-ancestors 'none'", path
            return answer.status, answer.read()

    forwarded = {"X_Forwarded_Host": "elsewhere.example", "X_Forwarded_Proto": "https"}
    status, config = ask("GET", "/config", **forwarded)
    assert status == 200 and json.loads(config)["root"] == page
    assert b"elsewhere.example" not in ask("GET", "/", **forwarded)[1]
    assert ask("GET", "/config", Host="elsewhere.example")[0] == 403
    assert ask("GET", "/config", Origin="http://elsewhere.example")[0] == 403
    assert ask("GET", "/config", Sec_Fetch_Site="same-site")[0] == 403
    preflight = {"Origin": "http://elsewhere.example", "Access_Control_Request_Method": "POST"}
    assert ask("OPTIONS", "/gradio_api/queue/join", **preflight)[0] == 403
    assert ask("GET", "/nothing/there")[0] == 404
    as_json = {"Content_Type": "application/json"}
    assert ask("POST", "/gradio_api/queue/join", **as_json, Content_Length=str(200 * 2**20))[0] == 413
    body = iter([b'{"data": [["', bytes(2**20)])  # sent in chunks, without its length
    assert ask("POST", "/gradio_api/queue/join", body, **as_json)[0] == 413


def test_the_end_leaves_no_files(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "srnet.demo", f"--port={_free_port()}"],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    assert "is ready" in process.stdout.readline()
    assert [path.name for path in tmp_path.iterdir()] == [f"srnet-demo-{os.getuid()}"]
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143 and not list(tmp_path.glob("*/*"))


def test_results_too_large_for_the_page_are_refused_by_the_header(upscalers, tmp_path, monkeypatch):
    PIL.Image.new("L", (9000, 9000)).save(tmp_path / "photo.png")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda image: pytest.fail("decoded"))
    message = r"^photo\.png: 729\.0 megapixels would be too large: the page's limit is 24; python -m srnet\.upscale has"
    with pytest.raises(DataError, match=message):
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
