"""Takes training steps that tools/export_steps.py wrote, by JAX, without TensorFlow.

python tools/take_steps.py --steps=steps/full_x4,steps/full_x2 --output=taken --data_root=images

It takes the patches of the images in the order of srnet.train, and leaves the last epoch to it. Each minute it writes
OUTPUT/NAME/state.npz; the same command goes on from there. Run after run is worked on until --seconds are over. The
machine needs JAX, NumPy, SciPy, h5py, Pillow, scikit-image, absl-py, filelock, psutil and tqdm, and this folder.
"""

import dataclasses
import importlib.util
import math
import pathlib
import sys
import time

import numpy as np
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments.arrays import read_arrays, write_arrays
from srnet import cli
from srnet.data.order import patch_order
from srnet.data.store import Patches, PatchStore, Windows
from srnet.errors import DataError, UsageError
from srnet.json_files import read_json, write_json
from srnet.progress import say
from srnet.training.config import TrainConfig, load_config
from srnet.training.data import training_patches

_CURVE = 10  # points of a run's curve: the weights are kept after each tenth of its epochs
_SAVE_SECONDS = 60


def define_flags() -> None:
    flags.DEFINE_list("steps", None, "Folders that tools/export_steps.py wrote, in the order of work.", required=True)
    flags.DEFINE_string("output", None, "Folder of the results.", required=True)
    flags.DEFINE_float("seconds", math.inf, "When to stop.", lower_bound=0)
    cli.define_folder_flags()


def main(arguments: list[str]) -> None:
    cli.expect_no_arguments(arguments)
    if not importlib.util.find_spec("jax"):
        raise UsageError("this tool needs JAX: pip install jax")
    values = flags.FLAGS
    end = time.monotonic() + values.seconds
    for folder in map(pathlib.Path, values.steps):
        if time.monotonic() < end:
            take(folder, pathlib.Path(values.output) / folder.name, end)


def take(folder: pathlib.Path, output: pathlib.Path, end: float) -> None:
    """Takes the steps of one run, from where the output folder has got to.

    Args:
      folder: what tools/export_steps.py wrote.
      output: folder that receives state.npz, weights_STEP.npz for the curve, and taken.json.
      end: time of `time.monotonic` at which to stop.

    Raises:
      DataError: if a file cannot be used, the training images are others than those of the run, or a loss is not
        finite.
    """
    import jax
    import jax.export

    config, plan = load_config(folder / "config.json"), read_json(folder / "steps.json", dict)
    store = _store(config, plan["patches"])
    lr, hr = (jax.device_put(_whole(store, patches)) for patches in (store.lr, store.hr))
    call = jax.jit(jax.export.deserialize(bytearray((folder / "step.bin").read_bytes())).call, donate_argnums=0)
    begun = output / "state.npz"
    saved = read_arrays(begun if begun.exists() else folder / "state.npz")
    values = [jax.device_put(saved[f"v{number}"]) for number in range(plan["variables"])]
    losses = [saved.get("losses", np.zeros(0, np.float32))]
    seconds, step = float(saved.get("seconds", 0)), plan["first_step"] + len(losses[0])
    last = config.total_steps - config.steps_per_epoch
    every = max(config.epochs // _CURVE, 1) * config.steps_per_epoch
    device = jax.devices()[0]
    say(f"{folder.name}: {len(store)} patches, from step {step} of {config.total_steps} on {device.device_kind}")

    def save() -> None:
        arrays = {f"v{number}": np.asarray(value) for number, value in enumerate(values)}
        write_arrays(output / "state.npz", {**arrays, "losses": np.concatenate(losses), "seconds": np.array(seconds)})
        known = {"device": device.device_kind, "jax": jax.__version__, "first_step": plan["first_step"], "step": step}
        write_json(output / "taken.json", {**known, "patches": plan["patches"], "config": config.to_json()})

    began = saved_at = time.monotonic()
    first, before = step, seconds
    while step < last and time.monotonic() < end:
        count = min(plan["steps_per_call"], every - step % every, last - step)
        places = np.zeros((plan["steps_per_call"], config.batch_size), np.int32)
        places[:count] = [patch_order(len(store), config.seed, step + i, config.batch_size) for i in range(count)]
        values, found = call(values, lr, hr, places, np.int32(count))
        losses.append(np.asarray(found)[:count])
        if not np.isfinite(losses[-1]).all():
            raise DataError(f"{folder}: the loss is no longer finite before step {step + count}; {output} has an older")
        step += count
        seconds = before + time.monotonic() - began
        if step % every == 0:
            weights = {f"v{number}": np.asarray(values[number]) for number in range(plan["weights"])}
            write_arrays(output / f"weights_{step}.npz", {**weights, "seconds": np.array(seconds)})
        if time.monotonic() - saved_at > _SAVE_SECONDS:
            save()
            saved_at = time.monotonic()
            speed = (step - first) / (seconds - before)
            say(f"{folder.name}: step {step}, loss {losses[-1].mean():.4g}, {speed:.1f} steps/s")
    save()
    say(f"{folder.name}: {step} steps of {config.total_steps} are done; {output}")


def _store(config: TrainConfig, patches: str) -> PatchStore:
    """The store of a run; one that is made here holds an array of patches, whatever it takes."""
    values = flags.FLAGS
    whole = dataclasses.replace(config, store_limit=math.inf)
    store = training_patches(whole, values.data_root, values.cache_dir)
    if store.digest != patches:
        raise DataError(f"{values.data_root}: these training images are not those of the run")
    return store


def _whole(store: PatchStore, patches: Patches | Windows) -> np.ndarray:
    """All patches of a store; an array of them is not copied."""
    if isinstance(patches, Patches):
        return np.memmap(store.path, np.uint8, "r", patches.place, patches.shape)
    return patches.read(range(len(store)))


if __name__ == "__main__":
    cli.run(main, define_flags)
