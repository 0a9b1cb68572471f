"""Exported training steps, taken in JAX without TensorFlow."""

import dataclasses
import math
import pathlib
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.export
import numpy as np

from experiments.steps.file import named_values, read_steps, values_of, write_steps
from srnet.data.order import patch_order
from srnet.data.store import Patches, PatchStore, Windows
from srnet.errors import DataError
from srnet.files import reason
from srnet.progress import say
from srnet.training.config import TrainConfig, parse_config
from srnet.training.data import training_patches

_CURVE = 10  # weights are kept every tenth of a run's epochs, rounded down to whole epochs
_SAVE_SECONDS = 60


def take_steps(
    path: pathlib.Path, output: pathlib.Path, deadline: float, data_root: str | None, cache_dir: str
) -> None:
    """Takes the steps of one run, resuming from its output.

    Args:
      path: file that tools/export_steps.py wrote.
      output: file for the variables' values, the losses of all steps, and the weights kept for the curve.
      deadline: time of `time.monotonic` at which to stop.
      data_root: folder with a folder for each image set, or None.
      cache_dir: folder of patch stores.

    Raises:
      DataError: if a file cannot be used, the training images are not those of the run, or a loss or a weight is not
        finite.
    """
    about, exported = read_steps(path, "compiled")
    config, first = parse_config(about["run"]["config"], path), about["run"]["first_step"]
    arrays: dict[str, np.ndarray] = {"losses": np.zeros(0, np.float32), "seconds": np.zeros(()), **exported}
    if output.exists():
        before, arrays = read_steps(output, "losses")
        if before["run"] != about["run"]:
            raise DataError(f"{output} holds other steps than {path}; choose another --output")
    kept = {name: array for name, array in arrays.items() if name.startswith("weights_")}
    values = [jax.device_put(value) for value in values_of(arrays)]
    losses, step, seconds = [arrays["losses"]], first + len(arrays["losses"]), float(arrays["seconds"])
    end = config.total_steps - config.steps_per_epoch
    if step >= end:
        say(f"{path.stem}: all steps but the last epoch are done, in {output}")
        return
    every = max(config.epochs // _CURVE, 1) * config.steps_per_epoch
    call = _loaded(path, exported["compiled"], about["jax"])
    places = np.zeros((about["steps_per_call"], config.batch_size), np.int32)
    store = _store(config, about["patches"], data_root, cache_dir)
    lr, hr = (jax.device_put(_whole(store, patches)) for patches in (store.lr, store.hr))
    device = jax.devices()[0]
    say(f"{path.stem}: from step {step} of {config.total_steps}, on {device.device_kind}")

    def save() -> None:
        found = named_values(values)
        if not all(np.isfinite(value).all() for value in found.values()):
            raise DataError(f"{path}: the weights are no longer finite at step {step}; {output} is as it was before")
        known = {"device": device.device_kind, "platform": device.platform, "jax": jax.__version__}
        taken = {"losses": np.concatenate(losses), "seconds": np.array(seconds)}
        write_steps(output, {**about, **known}, {**found, **taken, **kept})

    started, saved_at, earlier = time.monotonic(), time.monotonic(), seconds
    while step < end and time.monotonic() < deadline:
        count = min(len(places), every - step % every, end - step)
        places[:count] = [patch_order(len(store), config.seed, step + i, config.batch_size) for i in range(count)]
        values, found = call(values, lr, hr, places, np.int32(count))
        losses.append(np.asarray(found)[:count])
        finite = np.isfinite(losses[-1])
        if not finite.all():
            wrong = step + int(np.argmin(finite)) + 1
            raise DataError(f"{path}: the loss is no longer finite at step {wrong}; {output} is as it was before")
        step += count
        seconds = earlier + time.monotonic() - started
        if step % every == 0:
            kept |= named_values(values[: about["weights"]], f"weights_{step}_")
            kept[f"weights_{step}_seconds"] = np.array(seconds)
        if time.monotonic() - saved_at > _SAVE_SECONDS:
            save()
            saved_at = time.monotonic()
            speed = sum(map(len, losses[1:])) / (seconds - earlier)
            say(f"{path.stem}: step {step}, loss {losses[-1].mean():.4g}, {speed:.1f} steps/s")
    if len(losses) > 1:
        save()
    say(f"{path.stem}: {step} of {config.total_steps} steps are done, in {output}")


def _loaded(path: pathlib.Path, compiled: np.ndarray, version: str) -> Callable[..., Any]:
    """The exported function; its first argument is overwritten."""
    try:
        exported = jax.export.deserialize(bytearray(compiled.tobytes()))
    except Exception as error:  # it may raise anything
        here = f"JAX {jax.__version__} cannot load what JAX {version} wrote"
        raise DataError(f"{path}: {here} ({reason(error)})") from error
    return jax.jit(exported.call, donate_argnums=0)


def _store(config: TrainConfig, patches: str, data_root: str | None, cache_dir: str) -> PatchStore:
    """The patch store of a run; one that is made here holds an array of patches, whatever its size."""
    store = training_patches(dataclasses.replace(config, store_limit=1e6), data_root, cache_dir)
    if store.digest != patches:
        raise DataError(f"{'+'.join(config.train_sets)}: these are not the training images of the run")
    return store


def _whole(store: PatchStore, patches: Patches | Windows) -> np.ndarray:
    """All patches of a store."""
    if isinstance(patches, Windows):
        return patches.read(range(len(store)))
    count = math.prod(patches.shape)
    return np.fromfile(store.path, np.uint8, count, offset=patches.place).reshape(patches.shape)
