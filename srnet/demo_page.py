"""The demo's page: takes a picture, enlarges it, offers the result, and compares it with bicubic interpolation."""

import dataclasses
import functools
import math
import pathlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio
import PIL.Image

from srnet.demo_guard import mark_used
from srnet.errors import DataError, UsageError
from srnet.images.comparison import bicubic_part, box_around, busiest_point
from srnet.images.file_formats import SUFFIXES, fit_to_format, natural_format
from srnet.images.pillow import as_rgb
from srnet.images.read import read_picture, read_size
from srnet.images.write import write_picture
from srnet.inference.choice import Chooser, default_scale
from srnet.inference.passes import enlarge_picture

_MOST_PIXELS = 256_000_000  # of a result, which is kept on disk and decoded for each part shown
_KEPT_SECONDS = 3600
_VIEW = (768, 512)  # width and height in pixels of the screen
_OVERVIEW = (320, 240)
_DETAIL = "1:1"
_ZOOMS = {_DETAIL: 1, "2:1": 2, "4:1": 4, "whole picture": None}
# A detail keeps its size on a narrower screen, which then shows its center.
STYLE = ".detail img { object-fit: none !important; }"


@dataclasses.dataclass(frozen=True)
class Result:
    """An enlarged upload.

    Attributes:
      source: path of the upload.
      path: path of the result.
      size: (width, height) of the result in pixels.
      center: (x, y) of the part that is shown, each from 0 to 1.
      network: name of the network.
      why: why it was chosen; empty if the user asked for it.
      notes: what was changed, one line each.
    """

    source: str
    path: str
    size: tuple[int, int]
    center: tuple[float, float]
    network: str
    why: str
    notes: tuple[str, ...]


def build_page(networks: Mapping[str, Chooser], scales: Sequence[int], folder: pathlib.Path) -> gradio.Blocks:
    """Returns the page.

    Args:
      networks: dict from names to `srnet.inference.choice.Chooser`; the first is preselected.
      scales: integer scales that can be chosen.
      folder: of the results; old ones are removed once an hour.
    """
    PIL.Image.MAX_IMAGE_PIXELS = _MOST_PIXELS // 2  # results are read again, and Pillow refuses more than twice this
    no_result = [
        None,
        gradio.DownloadButton(value=None, interactive=False),
        gradio.Radio(value=_DETAIL, visible=False),
        gradio.ImageSlider(value=None, visible=False),
        gradio.Image(value=None, visible=False),
    ]

    def clear() -> list[Any]:
        return ["", *no_result]

    # Gradio replaces the default of `progress` with the progress of the request.
    def enlarge(
        path: str | None,
        scale: int,
        network: str,
        progress: gradio.Progress = gradio.Progress(),  # noqa: B008
    ) -> list[Any]:
        if path is None:
            return ["Choose a picture first.", *no_result]
        start = time.monotonic()
        try:
            result = enlarge_upload(path, scale, networks[network], folder, progress)
            comparison = show(result, _DETAIL)
            overview = _decoded(result.path).resize(_reduced_size(result.size, _OVERVIEW))
        except (DataError, UsageError) as error:
            return [f"Error: {error}", *no_result]
        said = f"{pathlib.Path(path).name}, enlarged to {result.size[0]}x{result.size[1]} by {result.network}"
        why = f" ({result.why})" if result.why else ""
        return [
            "\n".join([f"{said}{why} in {time.monotonic() - start:.1f} s", *result.notes]),
            result,
            gradio.DownloadButton(value=result.path, interactive=True),
            gradio.Radio(value=_DETAIL, visible=True),
            comparison,
            gradio.Image(value=overview, visible=True),
        ]

    def show(result: Result, zoom: str) -> gradio.ImageSlider:
        try:
            pair = view(result, _ZOOMS[zoom])
        except DataError as error:
            raise gradio.Error(str(error), print_exception=False) from error
        return gradio.ImageSlider(value=pair, visible=True, elem_classes=["detail"] if _ZOOMS[zoom] else [])

    def move(result: Result, zoom: str, event: gradio.SelectData) -> tuple[Result, str, gradio.ImageSlider]:
        x, y = (place / side for place, side in zip(event.index, _reduced_size(result.size, _OVERVIEW)))
        result = dataclasses.replace(result, center=(x, y))
        zoom = zoom if _ZOOMS[zoom] else _DETAIL
        return result, zoom, show(result, zoom)

    with gradio.Blocks(title="srnet", analytics_enabled=False, delete_cache=(_KEPT_SECONDS, _KEPT_SECONDS)) as page:
        gradio.Markdown("# srnet\nEnlarges a picture. Nothing leaves this machine.")
        with gradio.Row():
            with gradio.Column(scale=1, min_width=280):
                given = gradio.File(label="Picture", file_types=["image"], type="filepath", height=140)
                choices = [(f"x{scale}", scale) for scale in scales]
                scale = gradio.Radio(choices, label="Scale", value=default_scale(scales))
                names = list(networks)
                network = gradio.Radio(names, label="Network", value=names[0], visible=len(names) > 1)
                button = gradio.Button("Enlarge", variant="primary")
                said = gradio.Textbox(label="Result", interactive=False, lines=2)
                download = gradio.DownloadButton("Download", interactive=False)
            with gradio.Column(scale=3, min_width=320):
                zoom = gradio.Radio(list(_ZOOMS), label="Zoom", value=_DETAIL, visible=False)
                # Gradio's own buttons would save or share what is shown, not the result.
                slider = gradio.ImageSlider(
                    label="Bicubic | srnet",
                    type="pil",
                    format="png",
                    max_height=_VIEW[1],
                    buttons=[],
                    interactive=False,
                    visible=False,
                )
                overview = gradio.Image(
                    label="Overview: click to see another part",
                    height=_OVERVIEW[1],
                    buttons=[],
                    interactive=False,
                    visible=False,
                )
        result = gradio.State()
        shown = [said, result, download, zoom, slider, overview]
        given.change(clear, None, shown, show_progress="hidden")
        button.click(enlarge, [given, scale, network], shown)
        zoom.input(show, [result, zoom], slider)
        overview.select(move, [result, zoom], [result, zoom, slider])
    return page


def enlarge_upload(
    path: str | pathlib.Path,
    scale: int,
    choose: Chooser,
    folder: pathlib.Path,
    progress: Callable[[float], None],
) -> Result:
    """Enlarges an uploaded file.

    Args:
      path: the file.
      scale: integer scale.
      choose: chooses the network.
      folder: where the result is written, in a new subfolder.
      progress: callable that receives the share done so far.

    Raises:
      DataError: if it is not a readable picture, or the result would be too large.
    """
    path = pathlib.Path(path)
    pixels = math.prod(read_size(path, path.name)) * scale**2
    if pixels > _MOST_PIXELS:
        limit = f"the page's limit is {_MOST_PIXELS / 1e6:g}; python -m srnet.upscale has none"
        raise DataError(f"{path.name}: {pixels / 1e6:.1f} megapixels would be too large: {limit}")
    picture = read_picture(path, path.name)
    mark_used(path)
    height, width = (side * scale for side in picture.size)
    kind = natural_format(picture, (height, width))
    suffix = path.suffix
    if PIL.Image.EXTENSION.get(suffix.lower()) != kind or kind == "JPEG2000":  # it has suffixes that are not written
        suffix = SUFFIXES[kind]
    if kind == "PPM":
        suffix = ".pfm" if picture.pixels.dtype.kind == "f" else ".ppm"
    fitting, changes = fit_to_format(picture, kind)
    chosen = choose(picture)
    enlarged = enlarge_picture(fitting, (height, width), chosen.upscalers, progress)
    target = pathlib.Path(tempfile.mkdtemp(dir=folder)) / f"{path.stem}_x{scale}{suffix}"
    write_picture(target, enlarged)
    center = busiest_point(as_rgb(picture))
    notes = (*picture.notes, *changes)
    return Result(str(path), str(target), (width, height), center, chosen.network, chosen.why, notes)


def view(result: Result, zoom: int | None) -> tuple[PIL.Image.Image, PIL.Image.Image]:
    """Returns bicubic interpolation and a result, (bicubic, ours), as two RGB Pillow images that fit the page.

    Args:
      result: the result.
      zoom: page pixels per pixel of the result; None shows the whole picture, downscaled.

    Raises:
      DataError: if the files are no longer kept.
    """
    source, ours = _decoded(result.source), _decoded(result.path)
    if zoom is None:
        size = _reduced_size(result.size, _VIEW)
        return source.resize(size, PIL.Image.Resampling.BICUBIC), ours.resize(size, PIL.Image.Resampling.BICUBIC)
    box = box_around(result.center, result.size, (_VIEW[0] // zoom, _VIEW[1] // zoom))
    size = ((box[2] - box[0]) * zoom, (box[3] - box[1]) * zoom)
    bicubic, ours = bicubic_part(source, result.size, box), ours.crop(box)
    return bicubic.resize(size, PIL.Image.Resampling.NEAREST), ours.resize(size, PIL.Image.Resampling.NEAREST)


@functools.lru_cache(maxsize=2)
def _decoded(path: str) -> PIL.Image.Image:
    """A kept file, decoded; the last two stay in memory, since every part shown needs them."""
    return as_rgb(read_picture(path, pathlib.Path(path).name))


def _reduced_size(size: tuple[int, int], most: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of a picture downscaled to fit within another size; a smaller one keeps its size."""
    ratio = max(1, size[0] / most[0], size[1] / most[1])
    return max(1, round(size[0] / ratio)), max(1, round(size[1] / ratio))
