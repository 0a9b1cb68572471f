"""Runs the training steps that tools/export_steps.py exported, in JAX, without TensorFlow.

python tools/take_steps.py --steps=steps/full_x4.npz,steps/full_x2.npz --output=taken --data_root=images

It trains on the same patches in the same order as srnet.train, and leaves the last epoch to it. Every minute it writes
OUTPUT/NAME.npz, from which the same command resumes. It processes the files in order until --seconds have passed. It
needs JAX, flatbuffers, NumPy, SciPy, h5py, Pillow, scikit-image, absl-py and tqdm, and a clone of srnet.
"""

import importlib.util
import math
import pathlib
import sys
import time

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from srnet import cli
from srnet.errors import DataError, UsageError


def define_flags() -> None:
    flags.DEFINE_list("steps", None, "Files that tools/export_steps.py wrote, processed in this order.", required=True)
    flags.DEFINE_string("output", None, "Folder of the results.", required=True)
    flags.DEFINE_float("seconds", math.inf, "Seconds after which to stop.", lower_bound=0)
    cli.define_folder_flags()


def main(arguments: list[str]) -> int:
    cli.expect_no_arguments(arguments)
    for package in ("jax", "flatbuffers"):
        if not importlib.util.find_spec(package):
            raise UsageError(f"this tool needs {package}: pip install {package}")
    values = flags.FLAGS
    paths = [pathlib.Path(each) for each in values.steps]
    if len({path.name for path in paths}) < len(paths):
        raise UsageError(f"--steps={','.join(values.steps)}: two files have one name")
    from experiments.steps.taking import take_steps

    deadline, status = time.monotonic() + values.seconds, 0
    for path in paths:
        if time.monotonic() >= deadline:
            break
        try:
            take_steps(path, pathlib.Path(values.output) / path.name, deadline, values.data_root, values.cache_dir)
        except (DataError, UsageError) as error:
            cli.complain(error)
            status = 1
    return status


if __name__ == "__main__":
    cli.run(main, define_flags)
