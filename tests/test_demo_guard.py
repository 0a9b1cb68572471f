"""What the demo's page refuses, and which files it keeps."""

import asyncio
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from srnet import demo_guard
from srnet.demo_guard import Guard, make_room, mark_used, private_folder
from srnet.errors import DataError

HOST = "localhost:7860"
MIB = 2**20
LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def _ask(folder, method="GET", path="/", body=(), app=None, **headers):
    """What a guarded application answers: status, headers, and what reached it: its scope and the bytes of the body."""
    sent, reached = [], []
    parts = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    parts.append({"type": "http.request", "body": b"", "more_body": False})

    async def reads(scope, receive, send):
        size = 0
        while (message := await receive())["type"] == "http.request":
            size += len(message["body"])
            if not message["more_body"]:
                break
        reached.extend([scope, size])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if message["type"] == "http.disconnect":
            raise RuntimeError("the client went away")

    async def receive():
        return parts.pop(0)

    async def send(message):
        sent.append(message)

    given = [(name.lower().encode(), value.encode()) for name, value in {"Host": HOST, **headers}.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": given}
    asyncio.run(Guard(app or reads, [HOST], folder)(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), reached


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": f"http://{HOST}"}, 200),
        ({"Host": "elsewhere.example"}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "cross-site", **LINK}, 200),
        ({"Sec-Fetch-Site": "cross-site", **LINK, "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "cross-site", **LINK, "method": "POST"}, 403),
        ({"Sec-Fetch-Site": "cross-site", **LINK, "path": "/config"}, 403),
    ],
)
def test_only_the_page_itself_and_links_to_it_come_in(tmp_path, headers, status):
    answered, sent, reached = _ask(tmp_path, **headers)
    assert answered == status and bool(reached) == (status == 200)
    assert sent[b"x-frame-options"] == b"DENY" and sent[b"content-security-policy"] == b"frame-ancestors 'none'"


@pytest.mark.parametrize(("path", "limit"), [("/gradio_api/upload", 33 * MIB), ("/gradio_api/queue/join", MIB)])
def test_bodies_are_limited_by_what_they_say_and_by_what_comes(tmp_path, path, limit):
    status, _, reached = _ask(tmp_path, "POST", path, [bytes(limit)], **{"Content-Length": str(limit)})
    assert status == 200 and reached[1] == limit
    status, _, reached = _ask(tmp_path, "POST", path, **{"Content-Length": str(limit + 1)})
    assert status == 413 and not reached
    status, _, reached = _ask(tmp_path, "POST", path, [bytes(limit // 4)] * 1000)
    assert status == 413 and reached[1] <= limit


def test_errors_of_the_application_pass(tmp_path):
    async def fails(*_):
        raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        _ask(tmp_path, app=fails)


def test_what_proxies_say_does_not_pass(tmp_path):
    forwarded = {"X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Proto": "https", "Forwarded": "host=elsewhere"}
    _, _, (scope, _) = _ask(tmp_path, **forwarded, Accept="*/*")
    assert [name for name, _ in scope["headers"]] == [b"host", b"accept"]


def test_websockets_are_closed():
    sent = []

    async def send(message):
        sent.append(message["type"])

    asyncio.run(Guard(None, [HOST], pathlib.Path())({"type": "websocket"}, None, send))
    assert sent == ["websocket.close"]


def test_the_oldest_files_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_guard, "_MOST_KEPT", 3 * MIB)
    paths = [tmp_path / str(number) / "x.png" for number in range(5)]
    for age, path in enumerate(reversed(paths)):
        path.parent.mkdir()
        path.write_bytes(b"x")  # counts as 1 MiB
        os.utime(path, (1e9 - age, 1e9 - age))
    (tmp_path / "link").symlink_to("/usr")
    mark_used(paths[0])
    _ask(tmp_path, "GET")
    assert all(path.exists() for path in paths)
    _ask(tmp_path, "POST")
    assert [path.exists() for path in paths] == [True, False, False, True, True]
    assert not paths[1].parent.exists() and pathlib.Path("/usr/bin").exists()
    (tmp_path / "new").write_bytes(bytes(2 * MIB))
    make_room(tmp_path)
    assert [path.exists() for path in paths] == [True, False, False, False, False] and (tmp_path / "new").exists()


def test_the_next_start_removes_what_a_kill_left(tmp_path):
    code = "import os, signal; from srnet.demo_guard import private_folder\n"
    code += "with private_folder() as folder: (folder / 'x').touch(); os.kill(os.getpid(), signal.SIGKILL)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == -signal.SIGKILL
    (left,) = tmp_path.glob("srnet-demo-*/*/x")
    code = "from srnet.demo_guard import private_folder\nwith private_folder() as folder: print(folder)"
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert not left.parent.exists() and pathlib.Path(done.stdout.strip()).parent == left.parents[1]
    assert left.parents[1].stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["link", "open", "file"])
def test_a_folder_of_others_is_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = tmp_path / f"srnet-demo-{os.getuid()}"
    (tmp_path / "private").mkdir(mode=0o700)
    if kind == "link":
        place.symlink_to(tmp_path / "private")
    elif kind == "file":
        place.touch(0o600)
    else:
        place.mkdir()
        place.chmod(0o755)
    with (
        pytest.raises(DataError, match=f"srnet-demo-{os.getuid()}: not a private folder of this user"),
        private_folder(),
    ):
        pass
    assert not list((tmp_path / "private").iterdir())
