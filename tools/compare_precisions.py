"""Measures the cost of 16-bit precision: the PSNR of every pretrained network in each precision, against float32.

python tools/compare_precisions.py
"""

import functools
import itertools
import pathlib
import sys
from typing import TYPE_CHECKING

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.workspace import RESULTS
from srnet import cli
from srnet.precision import PRECISIONS
from srnet.pretrained import cards

if TYPE_CHECKING:
    import keras


def define_flags() -> None:
    flags.DEFINE_list("sets", ["Set5", "Set14"], "Image sets.")
    flags.DEFINE_list("networks", None, "Pretrained networks. Default: all.")
    flags.DEFINE_string("output", str(RESULTS), "Folder of the results.")
    cli.define_data_root_flag()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values, networks = flags.FLAGS, shared_flags.choices("networks", cards.names())
    cli.import_tensorflow()
    from experiments.precision_tables import describe
    from experiments.tables import write_table
    from srnet.evaluation.benchmark import evaluate_sets
    from srnet.evaluation.methods import model_method
    from srnet.json_files import write_json
    from srnet.training.origin import origin

    records = []
    for name, precision in itertools.product(networks, PRECISIONS):
        scales = cards.scales(name)
        channels = cards.card(scales[0], name)["channels"]
        metric = "psnr" if channels == 1 else "psnr_rgb"
        made = {scale: functools.partial(_load, scale, name, precision) for scale in scales}
        method = model_method(f"{name}, {precision}", made, channels)
        for result in evaluate_sets(method, values.sets, None, values.data_root, [metric]):
            place = {"network": name, "scale": result["scale"], "set": result["set"], "metric": metric}
            records.append({**place, "precision": precision, "value": result[metric]})
    path = pathlib.Path(values.output) / "precisions.json"
    write_json(path, {**origin(), "records": records})
    write_table(describe(records), path.with_suffix(".md"))


def _load(scale: int, name: str, precision: str) -> "keras.Model":
    from srnet.models.mixed_precision import with_precision
    from srnet.pretrained.load import load

    return with_precision(load(scale, name), precision)


if __name__ == "__main__":
    cli.run(main, define_flags)
