"""Protects the demo page: who may send requests, how large they may be, how much is kept, and where."""

import contextlib
import os
import pathlib
import stat
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from srnet.durable import working_folder
from srnet.errors import DataError
from srnet.files import reason

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

LARGEST_UPLOAD = 32 * 2**20  # bytes
_UPLOADS = "/gradio_api/upload"
_LARGEST_BODY = 2**20  # bytes, of other requests, and of an upload's overhead
_MOST_KEPT = 2**30  # bytes, of uploads and results
_LEAST_COUNTED = 2**20  # bytes: a smaller file counts as this, which limits their number
_NO_FRAMES = ((b"x-frame-options", b"DENY"), (b"content-security-policy", b"frame-ancestors 'none'"))


@contextlib.contextmanager
def private_folder() -> Iterator[pathlib.Path]:
    """Yields a new temporary folder that no other user can read; leftovers of killed processes are removed first.

    Raises:
      DataError: if it cannot be created, or its parent is not a private folder of this user.
    """
    with contextlib.ExitStack() as stack:
        try:
            parent = pathlib.Path(tempfile.gettempdir()) / f"srnet-demo-{os.getuid()}"
            with contextlib.suppress(FileExistsError):
                parent.mkdir(mode=0o700)
            status = parent.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
                raise DataError(f"{parent}: not a private folder of this user; remove it")
            folder = stack.enter_context(working_folder(parent))
        except OSError as error:
            raise DataError(f"no temporary folder can be used ({reason(error)})") from error
        yield folder


def mark_used(path: pathlib.Path) -> None:
    """Touches a file, so that `make_room`, which removes the least recently used ones, keeps it longest.

    Args:
      path: the file; it may be missing.
    """
    with contextlib.suppress(OSError):
        os.utime(path)


def make_room(folder: pathlib.Path) -> None:
    """Removes the least recently used files until the rest take no more than 1 GiB.

    Args:
      folder: where uploads and results are kept, in subfolders.
    """
    files = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # removed meanwhile
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                files.append((status.st_mtime, max(status.st_size, _LEAST_COUNTED), path))
    kept = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if kept <= _MOST_KEPT:
            break
        path.unlink(missing_ok=True)
        kept -= size
        if path.parent != folder:
            with contextlib.suppress(OSError):  # holds other files
                path.parent.rmdir()


class Guard:
    """ASGI middleware that admits only the page's own requests, limits their size, and makes room for their files.

    Args:
      app: the ASGI application.
      hosts: names and ports under which the page is reached, such as "localhost:7860".
      folder: where uploads and results are kept.
    """

    def __init__(self, app: Application, hosts: Sequence[str], folder: pathlib.Path):
        self._app = app
        self._hosts = hosts
        self._folder = folder

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # the page uses none
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        limit = _LARGEST_BODY + (LARGEST_UPLOAD if scope["path"] == _UPLOADS else 0)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message if received <= limit else {"type": "http.disconnect"}

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"] if received <= limit else 413
                message = {**message, "status": status, "headers": [*message.get("headers", ()), *_NO_FRAMES]}
            await send(message)

        if not self._is_own(scope, headers):
            await _answer(marked, 403, b"not from here")
        elif int(headers.get(b"content-length", 0)) > limit:
            await _answer(marked, 413, b"too large")
        else:
            if scope["method"] == "POST":
                make_room(self._folder)
            # Gradio would take this server's name from proxies' headers.
            kept = [pair for pair in scope["headers"] if not pair[0].startswith((b"forwarded", b"x-forwarded-"))]
            try:
                await self._app({**scope, "headers": kept}, counted, marked)
            except Exception:
                if received <= limit:
                    raise

    def _is_own(self, scope: Message, headers: dict[bytes, str]) -> bool:
        """Whether a request comes from the page or from the user, judging by what browsers send."""
        origin = headers.get(b"origin", "").removeprefix("http://") or self._hosts[0]
        if headers.get(b"host") not in self._hosts or origin not in self._hosts:
            return False
        if headers.get(b"sec-fetch-site", "none") in ("none", "same-origin"):
            return True
        followed = (scope["method"], scope["path"], headers.get(b"sec-fetch-mode"), headers.get(b"sec-fetch-dest"))
        return followed == ("GET", "/", "navigate", "document")  # a link to the page


async def _answer(send: Send, status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status})
    await send({"type": "http.response.body", "body": body})
