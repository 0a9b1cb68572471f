"""Serves a page, to this machine alone, that enlarges a picture and compares it with bicubic interpolation.

python -m srnet.demo                  http://127.0.0.1:7860; Ctrl-C ends it
python -m srnet.demo --run=RUN_DIR    with the network of a run

It needs Gradio: pip install 'srnet[demo]'
"""

import contextlib
import os
import pathlib
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from types import ModuleType
from typing import Any

import PIL.Image
from absl import flags

from srnet import cli
from srnet.demo_guard import LARGEST_UPLOAD, Guard, mark_used, private_folder
from srnet.errors import DataError, UsageError
from srnet.files import reason, written_whole
from srnet.images.pillow import as_rgb
from srnet.images.read import count_pixels, read_picture
from srnet.images.write import encode, own_format
from srnet.inference.batch import upscalers_of
from srnet.inference.sizes import default_scale, enlarge_picture

Upscalers = Mapping[int, Callable[[], Any]]

ADDRESS = "127.0.0.1"
_MOST_PIXELS = 24_000_000  # of a result: beyond it, browsers take long to show two of them
_SUFFIXES = {"JPEG": ".jpg", "JPEG2000": ".jp2", "TIFF": ".tif"}  # of formats whose names are no suffix
_KEPT_SECONDS = 3600
_FONTS = ["system-ui", "sans-serif"]  # Gradio's own would be fetched from elsewhere


def define_flags() -> None:
    cli.define_network_flags()
    flags.DEFINE_integer("port", 7860, "Port of the page.", lower_bound=1, upper_bound=65535)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    upscalers = upscalers_of(cli.chosen_networks().at_scale)
    port = flags.FLAGS.port
    with private_folder() as folder:
        tempfile.tempdir = str(folder)
        # No proxy is believed.
        os.environ |= {"GRADIO_TEMP_DIR": str(folder), "GRADIO_ANALYTICS_ENABLED": "False", "FORWARDED_ALLOW_IPS": ""}
        try:
            import gradio  # optional
        except ImportError as error:
            raise UsageError("the page needs Gradio: pip install 'srnet[demo]'") from error
        _check_port(port)
        cli.import_tensorflow()
        hosts = [f"{name}:{port}" for name in (ADDRESS, "localhost")]

        @contextlib.asynccontextmanager
        async def guarded(app: Any) -> AsyncIterator[None]:
            app.middleware_stack = Guard(app.middleware_stack, hosts, folder)  # outside Gradio's own middleware
            yield

        build_page(gradio, upscalers, folder).launch(
            server_name=ADDRESS,
            server_port=port,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            max_file_size=LARGEST_UPLOAD,
            footer_links=[],
            theme=gradio.themes.Default(font=_FONTS, font_mono=["monospace"]),
            app_kwargs={"lifespan": guarded},
        )
        print(f"http://{hosts[0]} is ready; Ctrl-C ends it", flush=True)
        threading.Event().wait()


def _check_port(port: int) -> None:
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((ADDRESS, port))
    except OSError as error:
        raise UsageError(f"--port={port} cannot be used ({reason(error)}); choose another") from error


def build_page(gradio: ModuleType, upscalers: Upscalers, folder: pathlib.Path) -> Any:
    """Returns the page.

    Args:
      gradio: the module.
      upscalers: dict from integer enlargements to a callable that returns the `Upscaler` for it.
      folder: where results are kept for an hour at most.
    """

    waiting = gradio.Progress()  # Gradio replaces this default, by its type, with the progress of the request

    def enlarge(path: str | None, scale: int, progress: Any = waiting) -> tuple[Any, ...]:
        if path is None:
            raise gradio.Error("Choose a picture first.", print_exception=False)
        try:
            bicubic, ours, result = enlarge_upload(path, scale, upscalers, folder, progress)
        except (DataError, UsageError) as error:
            raise gradio.Error(str(error), print_exception=False) from error
        said = f"{pathlib.Path(path).name}, enlarged to {ours.width}x{ours.height}"
        return (bicubic, ours), gradio.DownloadButton(value=result, interactive=True), said

    with gradio.Blocks(title="srnet", analytics_enabled=False, delete_cache=(_KEPT_SECONDS, _KEPT_SECONDS)) as page:
        gradio.Markdown("# srnet\nEnlarges a picture. Nothing leaves this machine.")
        with gradio.Row():
            with gradio.Column(scale=1):
                given = gradio.File(label="Picture", file_types=["image"], type="filepath", height=140)
                choices = [(f"x{scale}", scale) for scale in upscalers]
                scale = gradio.Radio(choices, label="Scale", value=default_scale(upscalers))
                button = gradio.Button("Enlarge", variant="primary")
                said = gradio.Markdown()
                result = gradio.DownloadButton("Download", interactive=False)
            with gradio.Column(scale=3):
                slider = gradio.ImageSlider(label="Bicubic | srnet", type="pil", format="png", interactive=False)
        button.click(enlarge, [given, scale], [slider, result, said])
    return page


def enlarge_upload(
    path: str | pathlib.Path,
    scale: int,
    upscalers: Upscalers,
    folder: pathlib.Path,
    progress: Callable[[float], None],
) -> tuple[PIL.Image.Image, PIL.Image.Image, str]:
    """Enlarges an uploaded file.

    Args:
      path: the file.
      scale: integer enlargement, one of `upscalers`.
      upscalers: as for `build_page`.
      folder: where the result is written, in a new folder.
      progress: callable that is told the share that is done.

    Returns:
      (bicubic, ours, result): two Pillow images in RGB, and the path of the result.

    Raises:
      DataError: if it is no picture that can be read, or the result would be too large for the page.
    """
    path = pathlib.Path(path)
    pixels = count_pixels(path, path.name) * scale**2
    if pixels > _MOST_PIXELS:
        limit = f"the page's limit is {_MOST_PIXELS / 1e6:g}; python -m srnet.upscale has none"
        raise DataError(f"{path.name}: {pixels / 1e6:.1f} megapixels would be too large: {limit}")
    picture = read_picture(path, path.name)
    mark_used(path)
    height, width = (side * scale for side in picture.size)
    enlarged = enlarge_picture(picture, (height, width), upscalers, lambda done, whole: progress(done / whole))
    kind = own_format(picture)
    suffix = path.suffix
    if PIL.Image.EXTENSION.get(suffix.lower()) != kind:
        suffix = _SUFFIXES.get(kind, f".{kind.lower()}")
    result = pathlib.Path(tempfile.mkdtemp(dir=folder)) / f"{path.stem}_x{scale}{suffix}"
    with written_whole(result) as partial:
        partial.write_bytes(encode(enlarged, kind))
    bicubic = as_rgb(picture).resize((width, height), PIL.Image.Resampling.BICUBIC)
    return bicubic, as_rgb(enlarged), str(result)


def run() -> None:
    cli.run(main, define_flags)


if __name__ == "__main__":
    run()
