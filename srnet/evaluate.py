"""Measures a method on the benchmark sets by the field's protocol.

python -m srnet.evaluate --method=bicubic --sets=Set5,Set14 --scales=2,4 --data_root=DIR --output=results.json
python -m srnet.evaluate --run=RUN_DIR
python -m srnet.evaluate --method=plus --self_ensemble

--method is bicubic, aplus (which learns from T91 at its first use), or a network that comes with srnet.
"""

from absl import flags

from srnet import commands, pretrained
from srnet.benchmark import describe_results, evaluate_sets, method_of_run, named_method, self_ensembled
from srnet.classical import METHODS
from srnet.data.datasets import TEST_SETS
from srnet.errors import UsageError
from srnet.files import write_json


def define_flags():
    commands.define_run_flags(required=False)
    flags.DEFINE_enum("method", None, sorted([*METHODS, *pretrained.names()]), "Method without a run.")
    flags.DEFINE_list("sets", TEST_SETS, "Names of the sets; skimage_test needs no data root.")
    flags.DEFINE_list("scales", None, "Scales; 2,4 for bicubic and aplus, else the network's own.")
    flags.DEFINE_bool("self_ensemble", False, "Mean over the eight flips and rotations, eight times slower.")
    commands.define_folder_flags()
    flags.DEFINE_string("output", None, "JSON file for the results.")


def main(arguments):
    commands.expect(arguments, 0)
    values = flags.FLAGS
    if bool(values.run) == bool(values.method):
        raise UsageError("give either --method or --run")
    scales = commands.integers("--scales", values.scales)
    method = (
        method_of_run(values.run, values.checkpoint)
        if values.run
        else named_method(values.method, values.data_root, values.cache_dir)
    )
    method = self_ensembled(method) if values.self_ensemble else method
    results = evaluate_sets(method, values.sets, scales, values.data_root)
    print(describe_results(results))
    if values.output:
        write_json(values.output, results)


def run():
    commands.run(main, define_flags)


if __name__ == "__main__":
    run()
