"""Compares the time to enlarge a folder of small pictures of different sizes with that of the network alone.

python tools/benchmark_folder.py

Runs of the network alone and of the folder are interleaved, each in its own process. The network alone has the pictures
in memory and writes nothing. The memory of the folder's process is shown after the 20th and the last picture.
"""

import pathlib
import statistics
import sys
import tempfile

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments.benchmarks.folder import EARLY, make_pictures, time_folder, time_network_alone
from experiments.benchmarks.process import new_process
from srnet import cli
from srnet.pretrained import cards


def define_flags() -> None:
    flags.DEFINE_enum("network", cards.DEFAULT, cards.names(), "Pretrained network.")
    flags.DEFINE_integer("scale", 4, "Scale.")
    flags.DEFINE_integer("pictures", 200, "Number of pictures.", lower_bound=EARLY)
    flags.DEFINE_enum("format", "jpg", ("jpg", "png"), "Format of the pictures and of the results.")
    flags.DEFINE_integer("rounds", 3, "Timed runs of each.", lower_bound=1)


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    values = flags.FLAGS
    network, scale = values.network, values.scale
    cards.card(scale, network)
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place) / "pictures"
        make_pictures(folder, values.pictures, values.format)
        alone, whole = [], []
        for number in range(values.rounds):
            with new_process() as process:
                alone.append(process.submit(time_network_alone, folder, network, scale).result())
            with new_process() as process:
                run = process.submit(time_folder, folder, pathlib.Path(place) / f"{number}", network, scale).result()
            whole.append(run.seconds)
            memory = [size / 2**20 for size in (run.early, run.late)]
            print(f"memory after picture {EARLY}: {memory[0]:.0f} MiB, after the last: {memory[1]:.0f} MiB")
    ratio = statistics.median(one / other for one, other in zip(whole, alone))
    print(f"network alone {min(alone):.1f} s, folder {min(whole):.1f} s, {ratio:.2f} times as long")


if __name__ == "__main__":
    cli.run(main, define_flags)
