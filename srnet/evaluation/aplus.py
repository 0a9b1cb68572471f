"""A+, adjusted anchored neighborhood regression.

The bicubic-enlarged image is described by the gradients and Laplacians of its patches, three LR pixels wide, reduced by
PCA. A dictionary of anchors is learned from these features; each anchor has a ridge regression, fitted to the training
patches nearest to it, from the feature to the detail that the enlarged patch lacks. A picture is enlarged by adding
what the regression of each patch's nearest anchor gives; overlapping patches are averaged.

Features and anchors are compared by the absolute value of their inner product, since a patch and its negative are alike
to a linear regression. The dictionary is learned by K-SVD with one coefficient per sample.

References: R. Timofte, V. De Smet, L. Van Gool. A+: adjusted anchored neighborhood regression for fast
super-resolution. ACCV 2014. The features: R. Zeyde, M. Elad, M. Protter. On single image scale-up using
sparse-representations. Curves and Surfaces 2010.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import tqdm

from srnet.data.datasets import find_images
from srnet.digests import digest, file_digests
from srnet.errors import DataError, UsageError
from srnet.files import atomic_write
from srnet.images.color import to_luma
from srnet.images.read import read_image
from srnet.images.resize import crop_to_multiple, imresize
from srnet.progress import progress_bar

VERSION = 1
TRAIN_SET = "T91"
# From the A+ paper and, for the features, Zeyde's.
WINDOW = 3  # LR pixels
ENERGY = 0.999  # kept by the PCA
ANCHORS = 1024
NEIGHBORS = 2048
MAX_SAMPLES = 5_000_000
RIDGE = 0.1
DICTIONARY_PASSES = 20  # chosen here; the dictionary has converged by then
# Scale factors at which each training image is sampled, as in the A+ authors' code.
PYRAMID = tuple(0.98**level for level in range(12))


@dataclasses.dataclass(frozen=True)
class Regressors:
    """A trained A+ at one scale, float32.

    Attributes:
      projection: (4 * (WINDOW*scale)**2, d), from filter responses to features.
      anchors: (anchors, d), of length 1.
      regressors: (anchors, (WINDOW*scale)**2, d), from features to the detail of the patch.
    """

    projection: np.ndarray
    anchors: np.ndarray
    regressors: np.ndarray


def make_aplus(
    scale: int, data_root: str | pathlib.Path | None, cache_dir: str | pathlib.Path | None
) -> Callable[[np.ndarray], np.ndarray]:
    """Returns A+ as a method, trained on T91 at its first use and then cached.

    Args:
      scale: integer scale factor.
      data_root: folder with a subfolder for each set.
      cache_dir: folder for the trained arrays.

    Returns:
      A callable from float32 luma (H, W) in [0, 255] to (scale*H, scale*W).

    Raises:
      UsageError: if there is no `cache_dir`.
      DataError: if T91 cannot be found, or one of its files or the cached one cannot be used.
    """
    if cache_dir is None:
        raise UsageError("aplus needs cache_dir, a folder for what it learns")
    paths = find_images(TRAIN_SET, data_root)
    description = {"version": VERSION, "scale": scale, "sources": file_digests(paths)}
    path = pathlib.Path(cache_dir) / f"aplus_x{scale}_{digest(description)}.npz"
    if not path.exists():
        save(path, train(paths, scale))
    trained = load(path)
    return lambda lr: enlarge(trained, lr, scale)


def save(path: pathlib.Path, trained: Regressors) -> None:
    """Writes trained arrays as an .npz file without pickled objects; it appears complete or not at all.

    Args:
      path: the file.
      trained: `Regressors`.
    """
    with atomic_write(path) as partial:
        np.savez(partial, **dataclasses.asdict(trained))


def load(path: pathlib.Path) -> Regressors:
    """Reads what `save` wrote.

    Args:
      path: the file.

    Raises:
      DataError: if it is missing, damaged or not a trained A+.
    """
    try:
        with pathlib.Path(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            trained = Regressors(**{field.name: arrays[field.name] for field in dataclasses.fields(Regressors)})
            anchors, (responses, size) = len(trained.anchors), trained.projection.shape
            if trained.anchors.shape[1:] == (size,) and trained.regressors.shape == (anchors, responses // 4, size):
                return trained
            problem = "its array shapes do not match"
    except Exception as error:  # zipfile and NumPy raise many kinds
        problem = str(error)
    raise DataError(f"{path}: not a trained A+ model ({problem}); delete it, and A+ will be trained again")


def enlarge(trained: Regressors, lr: np.ndarray, scale: int) -> np.ndarray:
    """Enlarges luma.

    Args:
      trained: `Regressors` of this scale.
      lr: (H, W) array in [0, 255].
      scale: integer scale factor.

    Returns:
      float32 array (scale*H, scale*W), not clipped.
    """
    margin = WINDOW - 1  # so that every pixel lies in equally many patches
    padded = np.pad(np.asarray(lr, np.float64), margin, mode="symmetric")
    enlarged = imresize(padded, scale)
    features = _responses(enlarged, scale) @ trained.projection
    grid = tuple(size - margin for size in padded.shape)
    nearest = _nearest(features, trained.anchors)
    patches = np.empty((len(features), trained.regressors.shape[1]), np.float32)
    order = np.argsort(nearest, kind="stable")
    present, starts = np.unique(nearest[order], return_index=True)
    for anchor, members in zip(present, np.split(order, starts[1:])):
        patches[members] = features[members] @ trained.regressors[anchor].T
    inner = (slice(margin * scale, -margin * scale),) * 2
    return (enlarged.astype(np.float32) + _overlap_average(patches, grid, scale))[inner]


def _responses(enlarged: np.ndarray, scale: int) -> np.ndarray:
    """The four filters' responses of every window, (windows, 4 * (WINDOW*scale)**2) float32."""
    import scipy.ndimage  # takes as long to import as the rest of a command

    gradient = np.zeros(scale + 1)
    gradient[[0, -1]] = 1, -1
    laplacian = np.zeros(2 * scale + 1)
    laplacian[[0, scale, -1]] = 0.5, -1, 0.5
    windows = [
        _windows(scipy.ndimage.correlate1d(enlarged.astype(np.float32), kernel, axis, mode="nearest"), scale)
        for kernel in (gradient, laplacian)
        for axis in (1, 0)
    ]
    return np.concatenate(windows, axis=1)


def _windows(image: np.ndarray, scale: int) -> np.ndarray:
    """Every window of WINDOW LR pixels, at a stride of one LR pixel, as (windows, (WINDOW*scale)**2)."""
    side = WINDOW * scale
    windows = np.lib.stride_tricks.sliding_window_view(image, (side, side))[::scale, ::scale]
    return windows.reshape(-1, side * side)


def _overlap_average(patches: np.ndarray, grid: tuple[int, ...], scale: int) -> np.ndarray:
    """Adds up the patches of a grid of windows, divided by WINDOW**2: their mean where that many overlap."""
    height, width = grid
    blocks = patches.reshape(height, width, WINDOW, scale, WINDOW, scale)
    total = np.zeros((height + WINDOW - 1, scale, width + WINDOW - 1, scale), np.float32)
    for i in range(WINDOW):
        for j in range(WINDOW):
            total[i : i + height, :, j : j + width] += blocks[:, :, i, :, j].transpose(0, 2, 1, 3)
    return total.reshape(scale * total.shape[0], scale * total.shape[2]) / WINDOW**2


def train(
    paths: Sequence[pathlib.Path],
    scale: int,
    anchors: int = ANCHORS,
    neighbors: int = NEIGHBORS,
    max_samples: int = MAX_SAMPLES,
) -> Regressors:
    """Trains A+ on pictures.

    Args:
      paths: the HR picture files.
      scale: integer scale factor.
      anchors: number of anchors; fewer if there are fewer patches.
      neighbors: number of samples that each regression is fitted to.
      max_samples: maximum number of samples among which neighbors are searched.

    Returns:
      `Regressors`.

    Raises:
      DataError: if a picture cannot be read, or is too small.
    """
    images = [_training_image(path, scale) for path in paths]
    with progress_bar(2 + len(PYRAMID) + anchors, f"training A+ x{scale}", "anchor", leave=False) as progress:
        projection = _projection(images, scale)
        progress.update()
        features = np.concatenate([_samples(image, scale, projection)[0] for image in images])
        dictionary = _learn_dictionary(features, anchors)
        progress.update()
        lo, hi = _collect(images, scale, projection, max_samples, progress)
        regressors = _regress(dictionary, lo, hi, neighbors, progress)
    return Regressors(projection, dictionary, regressors)


def _training_image(path: pathlib.Path, scale: int) -> np.ndarray:
    image = to_luma(read_image(path)).astype(np.float64)
    if min(image.shape) * PYRAMID[-1] < (WINDOW + 1) * scale:
        raise DataError(f"{path}: {image.shape[1]}x{image.shape[0]} is too small to train A+ at x{scale}")
    return image


def _pair(image: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """The bicubic-enlarged image, and the detail that it lacks."""
    hr = crop_to_multiple(image, scale)
    enlarged = imresize(imresize(hr, 1 / scale), scale)
    return enlarged, (hr - enlarged).astype(np.float32)


def _projection(images: list[np.ndarray], scale: int) -> np.ndarray:
    """The principal axes, without centering, that keep ENERGY of the responses."""
    size = 4 * (WINDOW * scale) ** 2
    scatter = np.zeros((size, size))
    for image in images:
        responses = _responses(_pair(image, scale)[0], scale)
        scatter += responses.T @ responses
    values, vectors = np.linalg.eigh(scatter)
    kept = np.cumsum(values) > (1 - ENERGY) * values.sum()
    return vectors[:, kept].astype(np.float32)


def _samples(image: np.ndarray, scale: int, projection: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    enlarged, detail = _pair(image, scale)
    return _responses(enlarged, scale) @ projection, _windows(detail, scale)


def _learn_dictionary(features: np.ndarray, count: int) -> np.ndarray:
    """K-SVD with one coefficient: each atom is the first principal axis of the features nearest to it."""
    random = np.random.default_rng(0)
    features = features[np.linalg.norm(features, axis=1) > 0]
    count = min(count, len(features))
    atoms = _unit(features[random.choice(len(features), count, replace=False)])
    for _ in range(DICTIONARY_PASSES):
        nearest = _nearest(features, atoms)
        order = np.argsort(nearest, kind="stable")
        bounds = np.searchsorted(nearest[order], np.arange(count + 1))
        for atom in range(count):
            members = features[order[bounds[atom] : bounds[atom + 1]]]
            if len(members):
                atoms[atom] = np.linalg.eigh(members.T @ members)[1][:, -1]
            else:
                atoms[atom] = _unit(features[random.integers(len(features))])
    return atoms


def _collect(
    images: list[np.ndarray], scale: int, projection: np.ndarray, max_samples: int, progress: tqdm.tqdm
) -> tuple[np.ndarray, np.ndarray]:
    """Features of length 1, (d, samples), and details divided by the same lengths, (samples, (WINDOW*scale)**2)."""
    lo, hi, count = [], [], 0
    for factor in PYRAMID:
        for image in images:
            features, details = _samples(imresize(image, factor), scale, projection)
            lengths = np.linalg.norm(features, axis=1, keepdims=True)
            used = np.flatnonzero(lengths > 1e-3)[: max_samples - count]
            lo.append(features[used] / lengths[used])
            hi.append(details[used] / lengths[used])
            count += len(used)
        progress.update()
    return np.ascontiguousarray(np.concatenate(lo).T), np.concatenate(hi)


def _regress(dictionary: np.ndarray, lo: np.ndarray, hi: np.ndarray, neighbors: int, progress: tqdm.tqdm) -> np.ndarray:
    """The ridge regression of each anchor's neighbors."""
    neighbors = min(neighbors, lo.shape[1])
    identity = RIDGE * np.eye(len(lo))
    regressors = np.empty((len(dictionary), hi.shape[1], len(lo)), np.float32)
    for start in range(0, len(dictionary), 16):
        for anchor, similarity in enumerate(np.abs(dictionary[start : start + 16] @ lo), start):
            nearest = np.argpartition(similarity, -neighbors)[-neighbors:]
            x, y = lo[:, nearest].astype(np.float64), hi[nearest].astype(np.float64)
            regressors[anchor] = np.linalg.solve(x @ x.T + identity, x @ y).T
            progress.update()
    return regressors


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _nearest(features: np.ndarray, anchors: np.ndarray, rows: int = 50_000) -> np.ndarray:
    """The index of each feature's nearest anchor, computed in parts to bound memory."""
    parts = (features[start : start + rows] for start in range(0, len(features), rows))
    return np.concatenate([np.abs(part @ anchors.T).argmax(axis=1) for part in parts])
