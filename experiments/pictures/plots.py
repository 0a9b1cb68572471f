"""The paper's curves and details of pictures, drawn with matplotlib."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from experiments.pictures.details import crop_of
from experiments.recipes import figure_5
from experiments.recipes.figure_6 import Crop
from experiments.results_file import Record
from experiments.runs.records import comparable_runs, patch_of
from srnet.errors import UsageError
from srnet.files import atomic_write
from srnet.images.color import to_rgb
from srnet.images.read import read_image

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator
except ModuleNotFoundError as error:
    raise UsageError("this tool needs matplotlib: pip install -e '.[experiments]'") from error


def draw_curves(found: Sequence[Record], path: pathlib.Path) -> bool:
    """Draws Figure 5, one row of panels per scale; with several seeds, the mean and a band of their range.

    Args:
      found: records of any methods.
      path: the PNG file.

    Returns:
      Whether there was anything to draw.

    Raises:
      DataError: if the runs in the records have different numbers of steps, or the file cannot be written.
    """
    runs = {
        key: [record["run"] for record in each]
        for key, each in comparable_runs(found, sorted(figure_5.NETWORKS)).items()
    }
    if not runs:
        return False
    scales = sorted({scale for method, scale in runs if method != "full"}) or sorted({scale for _, scale in runs})
    run = next(iter(runs.values()))[0]
    # Records hold scores of whole sets, so curves on some of a set's images have no bicubic baseline.
    baselines = {} if run["validation_images"] else _bicubic(found, run["validation_set"])
    figure = Figure(figsize=(13, 4 * len(scales)))
    axes = figure.subplots(len(scales), len(figure_5.PANELS), squeeze=False, sharey="row")
    for row, scale in zip(axes, scales):
        for panel, (title, curves) in zip(row, figure_5.PANELS.items()):
            for label, network in curves.items():
                _draw_curve(panel, runs.get((network, scale), []), f"{label} ({network})")
            if scale in baselines:
                panel.axhline(baselines[scale], color="0.4", linestyle="--", linewidth=1, label="bicubic")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
            panel.set_title(f"{title}, x{scale}")
            panel.set_xlabel("epoch")
            panel.grid(alpha=0.3)
            if panel.lines:
                panel.legend(loc="lower right")
    part = f"{run['validation_images']} images of " if run["validation_images"] else ""
    for row in axes:
        row[0].set_ylabel(f"PSNR in dB, {part}{run['validation_set']}")
    band = "; band: range over seeds" if any(len(each) > 1 for each in runs.values()) else ""
    patches = sorted({patch_of(run, scale) for scale in scales})
    degradation = run.get("degradation", "bicubic")
    under = "" if degradation == "bicubic" else f" under {degradation}"
    training = f"{run['steps']} steps of batch {run['batch_size']}, patch {' and '.join(map(str, patches))}"
    figure.suptitle(f"Figure 5{under}, trained on {' + '.join(run['train_sets'])}: {training}{band}")
    figure.tight_layout()
    _save(figure, path)
    return True


def _bicubic(found: Sequence[Record], name: str) -> dict[int, float]:
    """The PSNR of bicubic interpolation on a set, by scale."""
    return {
        record["scale"]: record["measurements"][name]["psnr"]
        for record in found
        if record["method"] == "bicubic" and name in record["measurements"]
    }


def _draw_curve(panel: Axes, runs: Sequence[Record], label: str) -> None:
    if not runs:
        return
    epochs = [line["epoch"] for line in runs[0]["epochs"]]
    psnr = np.array([[line["psnr"] for line in run["epochs"]] for run in runs])
    (line,) = panel.plot(epochs, psnr.mean(axis=0), marker="o", markersize=3, label=label)
    if len(runs) > 1:
        panel.fill_between(epochs, psnr.min(axis=0), psnr.max(axis=0), alpha=0.2, color=line.get_color())


def draw_crops(
    picture: np.ndarray,
    crop: Crop,
    title: str,
    shown: Mapping[str, Record | None],
    folder: pathlib.Path,
    path: pathlib.Path,
) -> None:
    """Draws a picture with its crop marked, then the crop of the original and of each method at the same magnification.

    Args:
      picture: uint8 (H, W) or (H, W, 3).
      crop: left, top, width and height in pixels.
      title: the picture's title.
      shown: dict from the labels of methods to dicts with file, psnr and ssim, or None for a method to leave out.
      folder: the folder that the files are relative to.
      path: the PNG file.

    Raises:
      DataError: if a crop cannot be read, or the figure cannot be written.
    """
    left, top, width, height = crop
    crops = [("original", crop_of(picture, crop), "PSNR / SSIM of the whole picture")]
    for label, line in shown.items():
        if line:
            crops.append((label, read_image(folder / line["file"]), f"{line['psnr']:.2f} dB / {line['ssim']:.4f}"))
    rows, columns = (1, len(crops)) if len(crops) < 4 else (2, -(-len(crops) // 2))
    figure = Figure(figsize=(2.3 * (columns + 2), 3.05 * rows + (0.9 if rows == 1 else 0)))
    space = {"left": 0.01, "right": 0.99, "top": 0.85 if rows == 1 else 0.9, "bottom": 0.09}
    grid = figure.add_gridspec(rows, columns + 2, wspace=0.06, hspace=0.3, **space)
    whole = figure.add_subplot(grid[:, :2])
    whole.imshow(to_rgb(picture))
    whole.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor="red", linewidth=2))
    whole.set_title(title)
    for number, (label, image, values) in enumerate(crops):
        panel = figure.add_subplot(grid[number // columns, 2 + number % columns])
        panel.imshow(to_rgb(image), interpolation="nearest")
        panel.set_title(label, fontsize=11)
        panel.set_xlabel(values, fontsize=9)
    for panel in figure.axes:
        panel.set_xticks([])
        panel.set_yticks([])
    _save(figure, path)


def draw_sheet(
    rows: Sequence[Sequence[tuple[str, Sequence[np.ndarray]]]], labels: Sequence[str], title: str, path: pathlib.Path
) -> None:
    """Draws rows of details of pictures, each with one crop per label, side by side.

    Args:
      rows: rows of (caption, crops): a text, and a uint8 array (H, W) or (H, W, 3) for each label.
      labels: names of the crops, in order.
      title: the sheet's title.
      path: the PNG file.

    Raises:
      DataError: if it cannot be written.
    """
    columns = len(rows[0]) * len(labels)
    figure = Figure(figsize=(2.2 * columns, 2.7 * len(rows) + 0.8))
    space = {"left": 0.01, "right": 0.99, "bottom": 0.01, "top": 1 - 1.1 / (2.7 * len(rows))}
    grid = figure.add_gridspec(len(rows), columns, wspace=0.05, hspace=0.25, **space)
    for number, row in enumerate(rows):
        for group, (caption, crops) in enumerate(row):
            for place, (label, crop) in enumerate(zip(labels, crops)):
                panel = figure.add_subplot(grid[number, group * len(labels) + place])
                panel.imshow(to_rgb(crop), interpolation="nearest")
                panel.set_title(f"\n{label}" if place else f"{caption}\n{label}", fontsize=9, loc="left")
                panel.set_xticks([])
                panel.set_yticks([])
    figure.suptitle(title)
    _save(figure, path)


def _save(figure: Figure, path: pathlib.Path) -> None:
    with atomic_write(path) as partial:
        figure.savefig(partial, dpi=110, metadata={"Software": None})
