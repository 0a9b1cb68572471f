"""A run is a folder. This module knows its files, and nothing else does.

config.json     the TrainConfig
run.json        where it came from: command, commit, versions, hardware, digest of the patches, first weights
metrics.jsonl   one line for each epoch
checkpoints/    the last two, and best/ by validation PSNR
tensorboard/    events
preview.png     LR, bicubic, SR and HR of a validation image, newest epoch
model.keras     the trained network, and
saved_model/    its export, when the run is complete
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import pathlib

import tensorflow as tf

from srnet import pretrained
from srnet.errors import DataError, UsageError
from srnet.files import read_json, reason, write_json, written_whole
from srnet.models import build
from srnet.training.config import load_config
from srnet.training.origin import origin

_LOCK = ".lock"


@dataclasses.dataclass(frozen=True)
class Run:
    """The paths of a run folder."""

    folder: pathlib.Path

    @property
    def config(self):
        return self.folder / "config.json"

    @property
    def origin(self):
        return self.folder / "run.json"

    @property
    def metrics(self):
        return self.folder / "metrics.jsonl"

    @property
    def last(self):
        return self.folder / "checkpoints"

    @property
    def best(self):
        return self.folder / "checkpoints" / "best"

    @property
    def tensorboard(self):
        return self.folder / "tensorboard"

    @property
    def preview(self):
        return self.folder / "preview.png"

    @property
    def model(self):
        return self.folder / "model.keras"

    @property
    def saved_model(self):
        return self.folder / "saved_model"


def check_run(folder, config):
    """Checks that a folder can hold a run: it is new or empty, or holds a run of the same configuration.

    Args:
      folder: the run folder.
      config: `TrainConfig`.

    Raises:
      UsageError: if it cannot; the message names what differs.
      DataError: if the configuration there cannot be read.
    """
    run = Run(pathlib.Path(folder))
    if set(str(folder)) & set("*?["):
        raise UsageError(f"{folder}: a run folder's name cannot have *, ? or [; choose another --run_dir")
    if run.config.exists():
        there, asked = (json.loads(json.dumps(each.to_json())) for each in (load_config(run.config), config))
        differences = [f"{name} {there[name]!r}, not {asked[name]!r}" for name in asked if there[name] != asked[name]]
        if differences:
            raise UsageError(f"{run.folder} holds another run, of {'; '.join(differences)}: choose another --run_dir")
    elif run.folder.exists() and not (run.folder.is_dir() and _is_empty(run.folder)):
        raise UsageError(f"{run.folder} is in use and holds no run: choose another --run_dir")


def _is_empty(folder):
    """Whether a folder holds nothing but what a run killed in its first moments leaves."""
    beginnings = (Run(folder).origin.name, _LOCK)
    return all(path.name in beginnings or ".partial" in path.suffixes for path in folder.iterdir())


@contextlib.contextmanager
def open_run(folder, config, patches, initial=None):
    """Begins a run folder, or goes on with the same run in an existing one, and keeps other processes out meanwhile.

    Args:
      folder: the run folder.
      config: `TrainConfig`.
      patches: digest of the training patches.
      initial: what `begin_with` returns for the weights that the run begins with, if it does.

    Yields:
      A `Run`.

    Raises:
      UsageError: if the folder holds a run of another configuration, other images or other first weights, or is being
        trained already.
      DataError: if the folder cannot be read or written.
    """
    check_run(folder, config)
    run = Run(pathlib.Path(folder))
    with _locked(run.folder):
        if not run.config.exists():
            write_json(run.origin, {**origin(), "patches": patches, **({"initial": initial} if initial else {})})
            write_json(run.config, config.to_json())
        there = read_json(run.origin)
        if there.get("patches") != patches:
            raise UsageError(f"{run.folder} holds a run with other training images: choose another --run_dir")
        if initial and there.get("initial", initial)["sha256"] != initial["sha256"]:
            raise UsageError(f"{run.folder} holds a run that began with other weights: choose another --run_dir")
        yield run


@contextlib.contextmanager
def _locked(folder):
    """Holds a lock that ends with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("w")
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({reason(error)})") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"{folder}: another process is training this run") from error
        yield


def append_metrics(run, values):
    """Adds one epoch's line to metrics.jsonl.

    Args:
      run: `Run`.
      values: dict of numbers.

    Raises:
      DataError: if it cannot be written.
    """
    try:
        with run.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
    except OSError as error:
        raise DataError(f"{run.metrics}: cannot be written ({reason(error)})") from error


def read_metrics(run):
    """Returns the epochs of metrics.jsonl as a list of dicts; a last line cut short is left out.

    Args:
      run: `Run`.
    """
    if not run.metrics.exists():
        return []
    lines = run.metrics.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


def forget_metrics_after(run, step):
    """Removes the epochs that end after a step: a run resumed from there writes them again.

    Args:
      run: `Run`.
      step: steps done at the checkpoint that the run goes on from.
    """
    kept = [values for values in read_metrics(run) if values["step"] <= step]
    if run.metrics.exists():
        with written_whole(run.metrics) as partial:
            partial.write_text("".join(json.dumps(values) + "\n" for values in kept), encoding="utf-8")


def load_run(folder, checkpoint="last"):
    """Loads the network of a run, in float32 whatever it was trained in.

    Args:
      folder: the run folder.
      checkpoint: "last" for the newest weights, "best" for those of the best validation PSNR.

    Returns:
      (model, config): a `keras.Model` and the run's `TrainConfig`.

    Raises:
      DataError: if the folder holds no run, no checkpoint, or one of another network.
    """
    run = Run(pathlib.Path(folder))
    if not run.config.exists():
        raise DataError(f"{run.folder}: no run there (config.json is missing)")
    config = load_config(run.config)
    model = build_network(config, "float32")
    place = run.best if checkpoint == "best" else run.last
    found = tf.train.get_checkpoint_state(place)
    if found is None:
        raise DataError(f"{place}: no checkpoint yet; train the run first")
    part = "averaged" if config.average_decay else "model"
    restore(tf.train.Checkpoint(**{part: model}), found.model_checkpoint_path, whole=False)
    return model, config


def save_model(run, model):
    """Writes the trained network into its run folder as a `.keras` file.

    Args:
      run: `Run`.
      model: float32 Keras model.

    Raises:
      DataError: if it cannot be written.
    """
    with written_whole(run.model) as partial:
        model.save(partial)


def build_network(config, dtype):
    """Builds the network that a configuration names.

    Args:
      config: `TrainConfig`.
      dtype: "float32" or "mixed_bfloat16".

    Returns:
      An untrained `keras.Model` from LR to HR pixels in [0, 255].

    Raises:
      UsageError: if the network, its scale or an option cannot be used.
    """
    options = {"initializer": config.initializer, **config.model_options}
    return build(config.variant, config.scale, config.channels, dtype, **options)


def begin_with(model, source):
    """Gives a network trained weights in each layer of the same name and shape.

    Args:
      model: Keras model.
      source: what has them: a run folder, a .keras file, or a network that comes with srnet, such as "plus_x2".

    Returns:
      (layers, same, initial): the number of layers with weights, how many of them were the same, and a dict of the
      SHA-256 of the source's weights and, where it is known, its `history`.

    Raises:
      DataError: if the source holds no trained network.
      UsageError: if no layer is the same.
    """
    trained, known = _trained(source)
    there = {layer.name: layer for layer in trained.layers}
    weighty = [layer for layer in model.layers if layer.weights]
    same = [layer for layer in weighty if layer.name in there and _shapes(layer) == _shapes(there[layer.name])]
    if not same:
        raise UsageError(f"{source}: no layer of {trained.name} there fits {model.name}")
    for layer in same:
        layer.set_weights(there[layer.name].get_weights())
    digest = hashlib.sha256(b"".join(weights.tobytes() for weights in trained.get_weights())).hexdigest()
    return len(weighty), len(same), {"sha256": digest, **known}


def history(run):
    """Returns how a run came to its last weights: started, command, commit, hardware, steps, initial if it has one.

    Args:
      run: `Run` with a checkpoint.
    """
    steps = int(tf.train.latest_checkpoint(run.last).rsplit("-", 1)[1])
    return _pick_history({**read_json(run.origin), "steps": steps})


def _pick_history(known):
    fields = ("started", "command", "commit", "hardware", "steps", "initial")
    return {name: known[name] for name in fields if name in known}


def _trained(source):
    shipped = {f"{name}_x{scale}": (scale, name) for name in pretrained.names() for scale in pretrained.scales(name)}
    if source in shipped and not pathlib.Path(source).exists():
        return pretrained.load(*shipped[source]), _pick_history(pretrained.card(*shipped[source])["run"])
    if pathlib.Path(source).suffix == ".keras":
        return pretrained.load_file(source), {}
    model, _ = load_run(source)
    return model, history(Run(pathlib.Path(source)))


def _shapes(layer):
    return [weight.shape for weight in layer.weights]


def restore(checkpoint, path, whole=True):
    """Restores a checkpoint, or fails: nothing is ever restored in part.

    Args:
      checkpoint: `tf.train.Checkpoint` whose objects have their variables.
      path: prefix of the checkpoint's files.
      whole: whether everything in the file must find its object, too.

    Raises:
      DataError: if the file is damaged or of another network.
    """
    try:
        status = checkpoint.restore(path)
        if whole:
            status.assert_consumed()
        else:
            status.expect_partial().assert_existing_objects_matched()
    except (AssertionError, ValueError, IndexError, RuntimeError, tf.errors.OpError) as error:
        raise DataError(f"{path}: damaged, or a checkpoint of another network ({reason(error)})") from error
