"""A small training for the tests of faults, and what commands leave behind."""

import hashlib
import json
import zipfile

import numpy as np

LEFTOVER = ".????????.partial"
TRAIN = (
    "srnet.train --data_root={root} --train_sets=tiny --validation_set=held_out --variant=srcnn --scale=2 --patch=16"
    " --stride=8 --batch_size=4 --steps_per_epoch=2 --deterministic --run_dir=run --cache_dir=cache --epochs="
)


def digests(folder):
    """The digests of the files in a folder, by their names in it."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def arrays(prefix):
    """The arrays of a checkpoint, without the time that the training took and TensorFlow's notes."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(prefix))
    names = sorted(reader.get_variable_to_shape_map())
    lasting = [name for name in names if not name.startswith(("seconds/", "_"))]
    return {name: np.asarray(reader.get_tensor(name)).tobytes() for name in lasting}


def training_outputs(folder):
    """The patch store and the exported networks of a training in a folder, as far as they are there."""
    run = folder / "run"
    outputs = {f"cache/{path.name}": path.read_bytes() for path in (folder / "cache").glob("*.h5")}
    if (run / "model.keras").exists():
        with zipfile.ZipFile(run / "model.keras") as file:
            outputs["model.keras"] = file.read("model.weights.h5")
    if (run / "saved_model").exists():
        outputs["saved_model"] = arrays(run / "saved_model" / "variables" / "variables")
        outputs["files"] = sorted(str(path.relative_to(run)) for path in run.glob("saved_model/**/*"))
    return outputs


def finished_training(folder):
    """What a complete training leaves in a folder; it is the same, bit for bit, each time."""
    run = folder / "run"
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["seconds"], line["patches_per_second"], line["crc32"]
    kept = sorted(str(path.relative_to(run)) for path in (run / "checkpoints").rglob("*"))
    checkpoints = {name: arrays(run / name.removesuffix(".index")) for name in kept if name.endswith(".index")}
    return {
        **training_outputs(folder),
        "metrics": lines,
        "names": sorted(path.name for path in run.iterdir() if not path.match(LEFTOVER)),
        "kept": kept,
        "checkpoints": checkpoints,
        "preview": (run / "preview.png").read_bytes(),
    }
