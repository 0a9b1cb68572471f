"""Measures the cost of 16-bit precision: the PSNR of every pretrained network in each precision, against float32.

python tools/compare_precisions.py

After an interruption, the same command resumes; networks whose weights have not changed are not measured again.
"""

import itertools
import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.workspace import RESULTS
from srnet import cli
from srnet.precision import PRECISIONS
from srnet.pretrained import cards


def define_flags() -> None:
    flags.DEFINE_list("sets", ["Set5", "Set14"], "Image sets.")
    flags.DEFINE_list("networks", None, "Pretrained networks. Default: all.")
    flags.DEFINE_string("output", str(RESULTS), "Folder of the results.")
    cli.define_data_root_flag()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values, networks = flags.FLAGS, shared_flags.choices("networks", cards.names())
    cli.import_tensorflow()
    from experiments.runs.precisions import measure_precision
    from experiments.tables.markdown import write_table
    from experiments.tables.precisions import describe_precisions

    path = pathlib.Path(values.output) / "precisions.jsonl"
    for name in networks:
        for scale, precision in itertools.product(cards.scales(name), PRECISIONS):
            found = measure_precision(path, name, scale, precision, values.sets, values.data_root)
    write_table(describe_precisions(found), path.with_suffix(".md"))


if __name__ == "__main__":
    cli.run(main, define_flags)
