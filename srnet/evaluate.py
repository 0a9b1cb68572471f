"""Evaluates a method on the benchmark sets by the standard protocol (luma, shaved borders).

python -m srnet.evaluate --network=plus                       a pretrained network
python -m srnet.evaluate --run=RUN_DIR                        the network of a run
python -m srnet.evaluate --model=FILE.keras                   a Keras file
python -m srnet.evaluate --method=bicubic --sets=Set5,Set14 --scales=2,4 --data_root=DIR --output=results.json

--method is bicubic or aplus (which is trained on T91 at its first use); it also takes the names of --network.
"""

from absl import flags

from srnet import cli, network_flags
from srnet.data.datasets import TEST_SETS
from srnet.errors import UsageError
from srnet.evaluation.classical import CLASSICAL
from srnet.files import check_writable
from srnet.json_files import write_json
from srnet.pretrained import cards


def define_flags() -> None:
    network_flags.define(default=None)
    flags.DEFINE_enum(
        "method", None, sorted([*CLASSICAL, *cards.names()]), "bicubic, aplus, or the name of a pretrained network."
    )
    flags.DEFINE_list("sets", TEST_SETS, "Image sets: names or folder paths; skimage_test needs no --data_root.")
    flags.DEFINE_list("scales", None, "Scales. Default: 2,4 for bicubic and aplus, else the network's own.")
    flags.DEFINE_list("metrics", ["psnr", "ssim"], "psnr and ssim, on luma; psnr_rgb; a plugin may add more.")
    degradation = "Degradations that make the LR images, such as bicubic, photo, jpeg40, noise10, blur0.8+noise15."
    flags.DEFINE_list("degradation", ["bicubic"], degradation)
    flags.DEFINE_bool("self_ensemble", False, network_flags.SELF_ENSEMBLE)
    cli.define_folder_flags()
    flags.DEFINE_string("output", None, "JSON file for the results.")


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    if sum(map(bool, (values.network, values.run, values.model, values.method))) != 1:
        raise UsageError("give one of --network, --run, --model and --method")
    network_flags.check()
    scales = cli.integers("--scales", values.scales)
    if values.output:
        check_writable(values.output)
    cli.import_tensorflow()
    from srnet.evaluation.benchmark import describe_records, evaluate_sets
    from srnet.evaluation.methods import model_method, named_method, self_ensembled

    if values.method:
        method = named_method(values.method, values.data_root, values.cache_dir)
    else:
        network = network_flags.chosen()
        method = model_method(network.name, network.at_scale, network.channels)
    method = self_ensembled(method) if values.self_ensemble else method
    records = evaluate_sets(method, values.sets, scales, values.data_root, values.metrics, values.degradation)
    print(describe_records(records, values.metrics))
    if values.output:
        write_json(values.output, records)


def run() -> None:
    cli.run(main, define_flags)


if __name__ == "__main__":
    run()
