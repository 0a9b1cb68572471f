"""The paper's curves."""

import numpy as np
from matplotlib.figure import Figure

from experiments import figure_5
from srnet.files import written_whole


def draw_curves(found, path):
    """Draws Figure 5, a row of three panels for each scale with curves; mean and range over seeds.

    Args:
      found: list of records (see `tools.records`).
      path: the PNG file.
    """
    runs = {}
    for record in found:
        if record["run"] and record["run"]["epochs"]:
            runs.setdefault((record["scale"], record["method"]), []).append(record["run"])
    shown = {network for panel in figure_5.PANELS.values() for network in panel.values()} - {"full"}
    scales = sorted({scale for scale, method in runs if method in shown}) or [2]
    figure = Figure(figsize=(13, 4 * len(scales)))
    axes = figure.subplots(len(scales), len(figure_5.PANELS), squeeze=False, sharey="row")
    for row, scale in zip(axes, scales):
        for panel, (title, curves) in zip(row, figure_5.PANELS.items()):
            for label, network in curves.items():
                _draw_curve(panel, runs.get((scale, network), []), f"{label} ({network})")
            panel.set_title(f"{title}, x{scale}")
            panel.set_xlabel("epoch")
            panel.grid(alpha=0.3)
            if panel.lines:
                panel.legend(loc="lower right")
        one = next((runs[key][0] for key in runs if key[0] == scale), None)
        if one:
            name, images = one["validation"]
            row[0].set_ylabel(f"PSNR in dB, {f'{images} images of ' if images else ''}{name}")
            figure.suptitle(f"Figure 5: {one['steps']} steps of batch {one['batch_size']}, patch {one['patch']}")
    figure.tight_layout()
    with written_whole(path) as partial:
        figure.savefig(partial, dpi=110, metadata={"Software": None})


def _draw_curve(panel, runs, label):
    if not runs:
        return
    epochs = [line["epoch"] for line in runs[0]["epochs"]]
    psnr = np.array([[line["psnr"] for line in run["epochs"]] for run in runs])
    (line,) = panel.plot(epochs, psnr.mean(axis=0), marker="o", markersize=3, label=label)
    if len(runs) > 1:
        panel.fill_between(epochs, psnr.min(axis=0), psnr.max(axis=0), alpha=0.2, color=line.get_color())
