"""Makes Figure 6 of the paper: details of pictures, enlarged by each method, beside the original.

python tools/visual_comparison.py --budget=cpu
python tools/visual_comparison.py --budget=cpu --picture=Set5:2:4:60,80,64,64    set, image, scale, crop (x,y,w,h)

It uses the runs of compare_methods.py. Each method's crop is kept as a PNG file, with its PSNR and SSIM as a JSON
line, so that methods can be added one at a time; crops of unchanged runs are reused.
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.recipes import figure_6, table_2
from srnet import cli


def define_flags() -> None:
    shared_flags.define_flags()
    shared_flags.define_methods_flag()
    flags.DEFINE_multi_string("picture", None, "SET:IMAGE:SCALE:X,Y,W,H. Default: Figure 6's pictures.")


def main(arguments: list[str]) -> int:
    cli.expect_no_arguments(arguments)
    values, workspace, methods = flags.FLAGS, shared_flags.workspace(), shared_flags.methods()
    cli.import_tensorflow()
    from experiments.pictures import crops, plots
    from experiments.pictures.details import Detail, open_detail, parse_detail

    usual = figure_6.BUNDLED_PICTURES if workspace.budget == "quick" else figure_6.PICTURES
    details = dict.fromkeys(map(parse_detail, values.picture) if values.picture else (Detail(*row) for row in usual))
    opened = {detail: open_detail(detail, workspace.data_root) for detail in details}
    workspace.make_results_folder()
    path = workspace.results_file("figure_6_")
    failed: dict[str, str] = {}
    for detail, picture in opened.items():
        lines, missing = crops.add_crops(workspace, detail, picture, methods)
        failed |= missing
        if lines:
            shown = {label: lines.get(method) for label, (method, _) in table_2.ALL.items()}
            title = f"{detail.set} image {detail.image}, x{detail.scale}"
            figure = path.with_name(f"{path.stem}_{detail.stem}.png")
            plots.draw_crops(picture, detail.crop, title, shown, path.parent, figure)
            print(figure)
    for name, why in failed.items():
        cli.complain(f"{name}: {why}")
    return 1 if failed else 0


if __name__ == "__main__":
    cli.run(main, define_flags)
