"""Compares bicubic interpolation and the pretrained networks under JPEG, WebP, noise, blur and `photo`.

python tools/compare_degradations.py                                              on the test sets, at x2 and x4
python tools/compare_degradations.py --sets=BSDval50 --scales=4 --output=/tmp/choice --run=runs/photo_x4   for tuning

After an interruption, the same command resumes. It writes degradations.jsonl and .md, and at x4, once all methods and
test sets are measured, photo_gains.md, which `tools/update_docs.py` copies into docs/networks.md.
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments import shared_flags
from experiments.recipes import degradations
from experiments.workspace import RESULTS
from srnet import cli
from srnet.data.datasets import TEST_SETS
from srnet.digests import array_digest
from srnet.errors import UsageError
from srnet.pretrained import cards


def define_flags() -> None:
    flags.DEFINE_list("scales", [str(scale) for scale in degradations.SCALES], "Scales.")
    flags.DEFINE_list("sets", TEST_SETS, "Image sets.")
    flags.DEFINE_list("methods", None, f"Methods. Default: all ({', '.join(degradations.METHODS)}).")
    flags.DEFINE_string("run", None, "Run folder of another network to measure, at its own scale.")
    flags.DEFINE_string("output", str(RESULTS), "Folder of the results.")
    cli.define_plugin_flag()
    cli.define_data_root_flag()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values, scales = flags.FLAGS, shared_flags.scales()
    names = shared_flags.choices("methods", degradations.METHODS)
    own = values.run and pathlib.Path(values.run).resolve().name
    if own in {*degradations.METHODS, *cards.names()}:
        raise UsageError(f"--run={values.run}: its folder has the name of a method; rename it")
    cli.import_tensorflow()
    from experiments.runs.degradations import measure_degradations
    from experiments.tables.degradations import describe_degradations, describe_gains
    from experiments.tables.markdown import write_table
    from srnet.evaluation.methods import model_method, named_method
    from srnet.training.checkpoints import load_run

    path = pathlib.Path(values.output) / "degradations.jsonl"
    methods = []
    for scale in scales:
        for name in names:
            pretrained = name in cards.names()
            if not pretrained or scale in cards.scales(name):
                weights = cards.card(scale, name)["sha256"] if pretrained else None
                methods.append((named_method(name), weights, scale))
    if values.run:
        model, config = load_run(values.run)
        method = model_method(own, {config.scale: lambda: model}, config.channels)
        methods.append((method, array_digest(model.get_weights()), config.scale))
    if not methods:
        raise UsageError(f"--scales={','.join(values.scales)}: no method in --methods has any of these scales")
    for method, weights, scale in methods:
        found = measure_degradations(path, method, weights, scale, values.sets, values.data_root)
    write_table(describe_degradations(found), path.with_suffix(".md"))
    write_table(describe_gains(found), path.with_name("photo_gains.md"))


if __name__ == "__main__":
    cli.run(main, define_flags)
