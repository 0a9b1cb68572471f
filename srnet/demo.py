"""Serves a demo page on this machine only: it enlarges a picture and compares it with bicubic interpolation.

python -m srnet.demo                  http://127.0.0.1:7860; Ctrl-C stops it
python -m srnet.demo --run=RUN_DIR    with the network of a run

It needs Gradio: pip install -e '.[demo]'
"""

import contextlib
import functools
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from typing import Any

from absl import flags

from srnet import cli, network_flags
from srnet.demo_guard import LARGEST_UPLOAD, Guard, private_folder
from srnet.errors import DataError, UsageError
from srnet.files import reason
from srnet.inference.choice import Chooser, fixed_chooser, per_picture_chooser, upscalers_of
from srnet.pretrained import cards

ADDRESS = "127.0.0.1"
_FONTS = ["system-ui", "sans-serif"]  # Gradio's own would be fetched from the network


def define_flags() -> None:
    network_flags.define(cards.AUTO)
    network_flags.define_precision()
    flags.DEFINE_integer("port", 7860, "Port of the page.", lower_bound=1, upper_bound=65535)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    network_flags.check()
    networks, scales = _networks()
    port = flags.FLAGS.port
    with private_folder() as folder:
        tempfile.tempdir = str(folder)
        _forget_settings()
        os.environ |= {"GRADIO_TEMP_DIR": str(folder), "GRADIO_ANALYTICS_ENABLED": "False"}
        try:
            import gradio  # optional

            from srnet import demo_page
        except ImportError as error:
            if isinstance(error, ModuleNotFoundError) and error.name == "gradio":
                raise UsageError("the page needs Gradio: pip install -e '.[demo]'") from error
            raise DataError(f"Gradio cannot be imported ({error})") from error
        _check_port(port)
        cli.import_tensorflow()
        hosts = [f"{name}:{port}" for name in (ADDRESS, "localhost")]

        @contextlib.asynccontextmanager
        async def guarded(app: Any) -> AsyncIterator[None]:
            app.middleware_stack = Guard(app.middleware_stack, hosts, folder)  # outside Gradio's own middleware
            yield

        demo_page.build_page(networks, scales, folder).launch(
            server_name=ADDRESS,
            server_port=port,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            max_file_size=LARGEST_UPLOAD,
            footer_links=[],
            theme=gradio.themes.Default(font=_FONTS, font_mono=["monospace"]),
            css=demo_page.STYLE,
            app_kwargs={"lifespan": guarded},
        )
        cli.wait_for_stop(f"http://{hosts[0]} is ready; Ctrl-C ends it")


def _networks() -> tuple[dict[str, Chooser], tuple[int, ...]]:
    """The networks that the page offers, and the scales: those of the flags, or all pretrained ones."""
    make = functools.partial(upscalers_of, precision=flags.FLAGS.precision)
    if not network_flags.is_chosen_per_picture():
        chosen = network_flags.chosen()
        return {chosen.name: fixed_chooser(make(chosen.at_scale), chosen.name)}, tuple(chosen.at_scale)
    made = {name: make(network_flags.pretrained(name).at_scale) for name in cards.names()}
    choosers = {name: fixed_chooser(made[name], name) for name in made}
    return {cards.AUTO: per_picture_chooser(made.__getitem__), **choosers}, cards.scales()


def _forget_settings() -> None:
    """Clears the environment variables that would redirect Gradio: proxies, its own settings, trusted forwarders."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("GRADIO_"):
            del os.environ[name]
    os.environ["FORWARDED_ALLOW_IPS"] = ""


def _check_port(port: int) -> None:
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((ADDRESS, port))
    except OSError as error:
        raise UsageError(f"--port={port} cannot be used ({reason(error)}); choose another") from error


def run() -> None:
    cli.run(main, define_flags)


if __name__ == "__main__":
    run()
