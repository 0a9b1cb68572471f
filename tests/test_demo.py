"""The page of the demo: in a headless browser, and what it leaves behind. tests/test_demo_guard.py: what it refuses."""

import contextlib
import dataclasses
import http.client
import importlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import PIL.Image
import psutil
import pytest

import srnet
from srnet import demo
from srnet.errors import DataError
from srnet.images.read import read_size
from srnet.inference.choice import fixed_chooser
from srnet.inference.upscaler import Upscaler
from tests import forked
from tests.networks import bicubic_network

pytest.importorskip("gradio")
demo_page = importlib.import_module("srnet.demo_page")


def _wide():
    return PHOTO.resize((800, 600), PIL.Image.Resampling.BICUBIC)


PHOTO = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8))


@pytest.fixture(scope="module")
def choose():
    upscaler = Upscaler(bicubic_network(3))
    return fixed_chooser({3: lambda: upscaler})


def _free_port():
    with socket.socket() as free:
        free.bind((demo.ADDRESS, 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The address of the page, served by the command, which uses no proxies and settings of Gradio."""
    folder = tmp_path_factory.mktemp("temporary")
    settings = {"http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "TMPDIR": str(folder)}
    settings |= {"ALL_PROXY": "socks5://127.0.0.1:9", "GRADIO_ROOT_PATH": "/elsewhere", "GRADIO_SERVER_NAME": "0.0.0.0"}
    port = _free_port()
    command = [sys.executable, "-m", "srnet.demo", f"--port={port}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env={**os.environ, **settings}, **pipes)
    line = process.stdout.readline()
    if line != f"http://127.0.0.1:{port} is ready; Ctrl-C ends it\n":
        pytest.fail(line + process.communicate(timeout=60)[1])
    connections = psutil.Process(process.pid).net_connections("inet")
    listening = {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
    yield line.split()[0]
    assert [path.name for path in folder.iterdir()] == [f"srnet-demo-{os.getuid()}"]
    process.send_signal(signal.SIGINT)
    assert (process.communicate(timeout=60), process.returncode) == (("", ""), 0)
    assert not list(folder.glob("*/*"))


def _wait(for_it, seconds=60):
    end = time.monotonic() + seconds
    while not (found := for_it()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.2)
    return found


class _Visitor:
    """What a person does on the page, and sees."""

    def __init__(self, browser):
        self.browser = browser

    def all(self, css):
        return self.browser.find_elements("css selector", css)

    def button(self, name):
        return next(button for button in self.all("button") if button.text == name)

    def choose(self, path):
        _wait(lambda: self.all("input[type=file]"))[0].send_keys(str(path))
        _wait(lambda: path.name in self.browser.page_source)

    def told(self):
        return next(iter(self.all("textarea"))).get_property("value")

    def shown(self, width):
        """The visible pictures of the comparison that have this width."""
        return [image for image in self.all(".detail img") if image.get_property("naturalWidth") == width]


def test_upload_compare_download(page, browser, tmp_path):
    PHOTO.save(tmp_path / "photo.png")
    (tmp_path / "text.png").write_text("no picture")
    visitor = _Visitor(browser)
    browser.get(page)
    visitor.choose(tmp_path / "text.png")
    visitor.button("Enlarge").click()
    _wait(lambda: visitor.told() == "Error: text.png: not a picture in a format that can be read")
    visitor.all("button[aria-label='Clear'], button[title='Clear']")[0].click()
    _wait(lambda: visitor.told() == "")
    visitor.choose(tmp_path / "photo.png")
    visitor.button("Enlarge").click()
    _wait(
        lambda: re.fullmatch(
            r"photo\.png, enlarged to 144x96 by plus \(PNG, not JPEG\) in \d+\.\d s",
            visitor.told(),
        )
    )
    _wait(lambda: len(visitor.shown(144)) == 2)  # they are loaded one after the other
    _wait(lambda: visitor.button("Download").is_enabled())
    visitor.button("Download").click()
    saved = tmp_path / "downloads" / "photo_x4.png"
    _wait(saved.exists)
    with PIL.Image.open(saved) as image:
        np.testing.assert_array_equal(image, srnet.Upscaler(srnet.load(scale=4))(PHOTO))
    # Another picture is chosen: nothing of the last one stays.
    visitor.all("button[aria-label='Clear'], button[title='Clear']")[0].click()
    _wait(lambda: visitor.told() == "" and not visitor.shown(144) and not visitor.button("Download").is_enabled())


def test_a_detail_is_shown_pixel_by_pixel(page, browser, tmp_path):
    _wide().resize((200, 150)).save(tmp_path / "wide.png")
    visitor = _Visitor(browser)
    browser.set_window_size(1300, 1000)
    browser.get(page)
    visitor.choose(tmp_path / "wide.png")
    visitor.button("Enlarge").click()
    pair = _wait(lambda: len(visitor.shown(768)) == 2 and visitor.shown(768))
    for image in pair:
        assert image.value_of_css_property("object-fit") == "none"


def test_two_visitors_wait_for_one_another(page, tmp_path):
    client = pytest.importorskip("gradio_client")
    PHOTO.resize((300, 300)).save(tmp_path / "small.png")
    visitors = [client.Client(page, verbose=False, download_files=False) for _ in range(2)]
    (endpoint,) = [name for name in visitors[0].view_api(return_format="dict")["named_endpoints"] if "enlarge" in name]
    given = client.handle_file(tmp_path / "small.png")
    start = time.monotonic()
    jobs = [visitor.submit(given, 2, "plus", api_name=endpoint) for visitor in visitors]
    told = [job.result(timeout=120)[0] for job in jobs]
    elapsed = time.monotonic() - start
    assert all("small.png, enlarged to 600x600 by plus in" in each for each in told)
    assert sum(float(re.search(r" in ([\d.]+) s", each)[1]) for each in told) < elapsed + 0.1  # rounded


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


def test_results_too_large_for_the_page_are_refused_by_the_header(choose, tmp_path, monkeypatch):
    PIL.Image.new("L", (9000, 9000)).save(tmp_path / "photo.png")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda image: pytest.fail("decoded"))
    message = (
        r"^photo\.png: 729\.0 megapixels would be too large: the page's limit is 256; python -m srnet\.upscale has"
    )
    with pytest.raises(DataError, match=message):
        demo_page.enlarge_upload(tmp_path / "photo.png", 3, choose, tmp_path, lambda share: None)


def test_what_cannot_be_enlarged_leaves_no_folder(tmp_path):
    PIL.Image.new("L", (9, 9)).save(tmp_path / "photo.png")
    (tmp_path / "results").mkdir()

    def fail(picture):
        raise DataError("not enough memory")

    with pytest.raises(DataError, match="not enough memory"):
        demo_page.enlarge_upload(tmp_path / "photo.png", 3, fail, tmp_path / "results", lambda share: None)
    assert not list((tmp_path / "results").iterdir())


@pytest.mark.parametrize(
    ("name", "mode", "result"),
    [
        ("a.gif", "P", "a_x3.png"),
        ("a.tif", "CMYK", "a_x3.tif"),
        ("a.jpeg", "L", "a_x3.jpeg"),
        ("a.j2k", "RGB", "a_x3.jp2"),
    ],
)
def test_results_keep_the_format_where_it_holds_them(choose, tmp_path, name, mode, result):
    PHOTO.convert(mode).save(tmp_path / name)
    told = []
    made = demo_page.enlarge_upload(tmp_path / name, 3, choose, tmp_path, told.append)
    bicubic, ours = demo_page.view(made, 1)
    assert bicubic.size == ours.size == (108, 72) and bicubic.mode == ours.mode == "RGB"
    assert made.path.endswith(f"/{result}") and told[-1] == 1
    with PIL.Image.open(made.path) as image:
        assert image.size == (108, 72)


def test_parts_are_those_of_the_whole(choose, tmp_path):
    photo = _wide()
    photo.save(tmp_path / "a.png")
    result = demo_page.enlarge_upload(tmp_path / "a.png", 3, choose, tmp_path, lambda share: None)
    whole = photo.resize((2400, 1800), PIL.Image.Resampling.BICUBIC)
    for center, zoom, box in (((0, 1), 1, (0, 1288, 768, 1800)), ((0.5, 0.5), 4, (1104, 836, 1296, 964))):
        bicubic, ours = demo_page.view(dataclasses.replace(result, center=center), zoom)
        assert bicubic.size == ours.size == (768, 512)
        size = (768 // zoom, 512 // zoom)
        shown = np.asarray(bicubic.resize(size, PIL.Image.Resampling.NEAREST)).astype(int)
        assert abs(shown - np.asarray(whole.crop(box))).max() <= 1
        with PIL.Image.open(result.path) as image:
            expected = image.crop(box).resize((768, 512), PIL.Image.Resampling.NEAREST)
        np.testing.assert_array_equal(ours, expected)
    assert [image.size for image in demo_page.view(result, None)] == [(683, 512)] * 2


def test_results_have_the_suffix_of_their_format(choose, tmp_path):
    PHOTO.save(tmp_path / "a.png", format="JPEG")
    assert demo_page.enlarge_upload(tmp_path / "a.png", 3, choose, tmp_path, lambda share: None).path.endswith(
        "/a_x3.jpg"
    )


def test_a_port_in_use_is_one_line():
    with socket.socket() as taken:
        taken.bind((demo.ADDRESS, 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = forked.run("srnet.demo", f"--port={port}")
    message = f"error: --port={port} cannot be used (Address already in use); choose another\n"
    assert (done.returncode, done.stderr) == (2, message)


@pytest.mark.parametrize(
    ("module", "status", "message"),
    [
        ("raise ModuleNotFoundError(name='gradio')", 2, "error: the page needs Gradio: pip install -e '.[demo]'\n"),
        ("import missing_part", 1, "error: Gradio cannot be imported (No module named 'missing_part')\n"),
    ],
)
def test_why_gradio_cannot_be_imported(tmp_path, module, status, message):
    (tmp_path / "gradio.py").write_text(module)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "srnet.demo", f"--port={_free_port()}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (status, message)


def test_the_largest_result_can_be_read_again(tmp_path):
    path = tmp_path / "large.png"
    PIL.Image.new("1", (16_000, 16_000)).save(path)
    with pytest.raises(DataError, match="more than 179 megapixels"):
        read_size(path)
    program = "import sys; from srnet import demo_page; from srnet.images.read import read_size; "
    program += "demo_page.build_page({'plus': None}, (4,), None); print(read_size(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout == "(16000, 16000)\n", done.stderr
