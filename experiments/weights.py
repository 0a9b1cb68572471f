"""The pretrained networks: added to srnet's weights, measured, and listed in the documentation."""

import functools
import pathlib
from collections.abc import Iterable

import keras

from experiments.documentation import DOCS, replace_tables
from experiments.literature import published
from experiments.recipes.image_sets import IMAGE_SETS
from experiments.results_file import Record
from experiments.tables.pretrained import (
    PUBLISHED,
    README_PUBLISHED,
    Shipped,
    Size,
    describe_published,
    describe_readme,
    describe_weights,
)
from experiments.workspace import ROOT
from srnet.data.datasets import TEST_SETS
from srnet.digests import file_digest
from srnet.errors import DataError
from srnet.evaluation.benchmark import evaluate_sets
from srnet.evaluation.methods import NamedMethod, model_method, named_method
from srnet.files import atomic_write, writing
from srnet.json_files import write_json
from srnet.models import build
from srnet.models.analysis import OUTPUT_SIZE, multiply_accumulates
from srnet.pretrained import cards
from srnet.pretrained.load import load
from srnet.training.checkpoints import load_run
from srnet.training.run_folder import Run, history, read_metrics, steps_done

USE = "Enlarging photographs and other continuous-tone pictures without strong blur."
LIMITS = (
    "Trained on pictures downscaled by MATLAB's antialiased bicubic imresize. It does not remove noise, JPEG artifacts "
    "or motion blur, and makes noise and artifacts more visible. It invents no detail. Scores are of luma; chroma is "
    "enlarged bicubically."
)
DEGRADED_USE = "Enlarging photographs that are compressed, noisy or slightly blurred."
DEGRADED_LIMITS = (
    "Trained on blur, noise and JPEG, by the degradations named in its history. It removes some fine texture along "
    "with the noise, and is slightly softer than plus on clean pictures. It invents no detail."
)
LICENSE = "Apache-2.0"
NETWORKS_PAGE = DOCS / "networks.md"
README = ROOT / "README.md"


def ship(run: Run, data_root: str | None, name: str | None = None) -> None:
    """Adds the trained network of a run, with its card, to the pretrained ones, replacing an older one.

    Args:
      run: `Run`.
      data_root: folder of the test sets.
      name: name of the pretrained network; its architecture's by default.

    Raises:
      DataError: if the run cannot be loaded or stopped within an epoch, or something cannot be written.
    """
    model, config = load_run(run.folder)
    epochs = read_metrics(run)
    if not epochs or epochs[-1]["step"] != steps_done(run):
        raise DataError(f"{run.metrics}: no line for the last checkpoint; train the run to the end of an epoch")
    name = name or config.variant
    method = model_method(name, {config.scale: lambda: model}, config.channels)
    trained = {**history(run), "seconds": epochs[-1]["seconds"], "config": config.to_json()}
    measurements = _measure(method, config.scale, data_root)
    path = cards.weights_file(config.scale, name)
    with atomic_write(path) as partial, writing(path):
        model.save_weights(partial)
    card = {
        "name": name,
        "license": LICENSE,
        "variant": config.variant,
        "scale": config.scale,
        "channels": config.channels,
        "model_options": config.model_options,
        "parameters": model.count_params(),
        "sha256": file_digest(path),
        "run": trained,
        **_texts(config.train_sets, config.degradation),
        **measurements,
    }
    write_json(cards.card_file(config.scale, name), card)


def measure_again(data_root: str | None) -> None:
    """Measures all pretrained networks and updates their cards.

    Args:
      data_root: folder of the test sets.

    Raises:
      DataError: if the test sets cannot be found, or a card cannot be written.
    """
    for network in cards.names():
        for scale in cards.scales(network):
            measurements = _measure(named_method(network), scale, data_root)
            card = cards.card(scale, network)
            config = card["run"]["config"]
            texts = _texts(config["train_sets"], config.get("degradation", "bicubic"))  # cards of srnet 0.1 lack it
            write_json(cards.card_file(scale, network), {**card, **texts, **measurements})


def _texts(train_sets: Iterable[str], degradation: str) -> Record:
    """What a card says of the network's use, and the use that the authors of each training set allow."""
    terms = {name: IMAGE_SETS[name].terms if name in IMAGE_SETS else "not known" for name in train_sets}
    use, limits = (USE, LIMITS) if degradation == "bicubic" else (DEGRADED_USE, DEGRADED_LIMITS)
    return {"training_images": terms, "use": use, "limits": limits}


def _measure(method: NamedMethod, scale: int, data_root: str | None) -> Record:
    """A card's measurements: of a method, and of bicubic interpolation."""
    return {"measurements": _scores(method, scale, data_root), "bicubic": _bicubic_scores(scale, data_root)}


@functools.cache
def _bicubic_scores(scale: int, data_root: str | None) -> Record:
    return _scores(named_method("bicubic"), scale, data_root)


def _scores(method: NamedMethod, scale: int, data_root: str | None) -> Record:
    results = evaluate_sets(method, TEST_SETS, [scale], data_root)
    return {each["set"]: {"psnr": each["psnr"], "ssim": each["ssim"]} for each in results}


def tables() -> dict[pathlib.Path, dict[str, str]]:
    """Returns the tables of the pretrained networks, from their cards and literature.csv.

    Returns:
      A dict from pages to dicts from names of tables to Markdown text.

    Raises:
      DataError: if a card or literature.csv is damaged.
    """
    shipped = [
        Shipped(name, cards.card(scale, name), _size(load(scale, name), scale))
        for name in cards.names()
        for scale in cards.scales(name)
    ]
    scales = sorted({each.card["scale"] for each in shipped})
    compared = sorted({name for name in (*PUBLISHED.values(), *README_PUBLISHED.values()) if name})
    sizes = {(name, scale): _size(build(name, scale), scale) for name in compared for scale in scales}
    literature = published()
    made = {
        NETWORKS_PAGE: {"weights": describe_weights(shipped), "published": describe_published(literature, sizes)},
        README: {"x4": describe_readme(shipped, literature, sizes)},
    }
    return {page: {name: text + "\n" for name, text in of_page.items()} for page, of_page in made.items()}


def _size(model: keras.Model, scale: int) -> Size:
    height, width = (side // scale for side in OUTPUT_SIZE)
    return Size(model.count_params(), multiply_accumulates(model, height, width))


def write_network_tables() -> list[pathlib.Path]:
    """Updates the tables of the pretrained networks in README and the documentation, and returns the changed pages.

    Raises:
      DataError: if a page cannot be read or written, or has no place for a table.
    """
    return [page for page, of_page in tables().items() if replace_tables(page, of_page)]
