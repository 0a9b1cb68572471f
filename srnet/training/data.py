"""The data of a run: training patches and validation images. This module does not import TensorFlow."""

import concurrent.futures
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from srnet.data.datasets import count_warning, evenly_spaced, find_images
from srnet.data.patches import PatchOptions, ensure_store
from srnet.data.store import PatchStore
from srnet.errors import DataError
from srnet.evaluation.protocol import read_benchmark_image
from srnet.images.read import read_image, read_size
from srnet.progress import say
from srnet.training.config import TrainConfig


def training_patches(config: TrainConfig, data_root: Path | str | None, cache_dir: Path | str) -> PatchStore:
    """Opens the patch store of a run, building it first if it is missing.

    Args:
      config: `TrainConfig`.
      data_root: folder with a subfolder for each set, or None.
      cache_dir: folder of patch stores.

    Raises:
      DataError: if a set is missing, or an image, the store or the disk fails.
    """
    options = PatchOptions(
        scale=config.scale,
        patch=config.hr_patch,
        stride=config.stride - config.stride % config.scale,
        channels=config.channels,
        orientations=config.orientations,
        augment_scales=config.augment_scales,
        degradation=config.degradation,
        seed=config.seed,
    )
    sets = {name: find_images(name, data_root) for name in config.train_sets}
    for name, found in sets.items():
        warning = count_warning(name, len(found))
        if warning:
            say(warning)
    paths = [path for found in sets.values() for path in found]
    if config.skip_damaged:
        paths = list(_readable(paths))
        if not paths:
            raise DataError(f"{'+'.join(config.train_sets)}: no training image can be read")
    large = [path for path in paths if min(read_size(path)) >= options.patch]
    if 0 < len(large) < len(paths):
        skipped = f"{len(paths) - len(large)} of {len(paths)} training images are skipped"
        say(f"{skipped}: they are smaller than a patch of {options.patch}x{options.patch}")
    label = "+".join(Path(name).name for name in config.train_sets)
    if len(os.fsencode(label)) > 100:  # it becomes part of a file's name
        label = f"{label[:20]}_and_more"
    return ensure_store(cache_dir, label, large or paths, options, 1e9 * config.store_limit)


def _readable(paths: Sequence[Path]) -> Iterator[Path]:
    """Yields the image files that can be decoded, and prints a line for each of the others."""

    def fault(path: Path) -> DataError | None:
        try:
            read_image(path)
        except DataError as error:
            return error
        return None

    with concurrent.futures.ThreadPoolExecutor() as pool:
        for path, error in zip(paths, pool.map(fault, paths)):
            if error:
                say(f"skipped: {error}")
            else:
                yield path


def validation_paths(config: TrainConfig, data_root: Path | str | None) -> list[Path]:
    """Returns the images that are evaluated after each epoch.

    Args:
      config: `TrainConfig`.
      data_root: folder with a subfolder for each set, or None.

    Raises:
      DataError: if the set is missing, or an image cannot be evaluated.
    """
    paths = evenly_spaced(find_images(config.validation_set, data_root), config.validation_images)
    for path in paths:
        read_benchmark_image(path, config.scale)
    return paths
