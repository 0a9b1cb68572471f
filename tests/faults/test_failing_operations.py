"""Each file operation of a command fails, or the process is killed before it: nothing is lost, and one line says why.

Where there are many operations, every n-th pair of an operation and a fault is tried; EVERY has the n, which must not
be a multiple of the number of faults. With SRNET_EACH_FAULT=1 each pair is tried, which takes two and a half hours.
"""

import collections
import functools
import hashlib
import itertools
import os
import pathlib
import shutil

import pytest

from tests.faults.commands import Fault, needs_watch
from tests.faults.results import LEFTOVER, TRAIN, arrays, digests, finished_training, training_outputs

pytestmark = [pytest.mark.slow, needs_watch]

FAULTS = ("ENOSPC", "EIO", "KILL")
EVERY = {"train": 43, "saved_model": 7, "tflite": 4, "onnx": 4, "upscale": 4, "picture": 1}
if os.environ.get("SRNET_EACH_FAULT") == "1":
    EVERY = dict.fromkeys(EVERY, 1)


class Storm:
    """Faults in one command, and what came of them.

    Args:
      commands: `Commands`.
      folder: a new folder; the command runs in subfolders of it.
      command: the command.
      prepare: callable that puts into such a subfolder what is there before.
      names: the names, one of which an error must mention.
    """

    def __init__(self, commands, folder, command, names, prepare=lambda place: None):
        self.commands, self.folder, self.command, self.names, self.prepare = commands, folder, command, names, prepare
        self.outcomes, self.problems = collections.Counter(), []
        self.reference = self.place("reference")
        done = commands.run(self.reference, command, watch=True)
        assert (done.status, done.errors) == (0, [])
        self.count = len(done.operations)

    def place(self, name):
        place = self.folder / name
        place.mkdir(parents=True)
        self.prepare(place)
        return place

    def run(self, every, check):
        """Tries every n-th pair of an operation and a fault.

        Args:
          every: n.
          check: callable that takes the folder, the outcome and a callable that runs the command again, and yields what
            is wrong.
        """
        pairs = list(itertools.product(range(self.count), FAULTS))
        for number, kind in pairs[::every]:
            place = self.place(f"{number}_{kind}")
            done = self.commands.run(place, self.command, fault=Fault(number, kind))
            if len(done.operations) <= number:
                self.outcomes["not reached"] += 1
                continue
            outcome = self.outcome(done, kind)
            self.outcomes[f"{kind}: {outcome}"] += 1
            found = [] if outcome in ("one line", "killed", "no matter") else [f"{done.status} {done.errors}"]
            found += check(place, outcome, functools.partial(self.commands.run, place, self.command))
            where = f"{kind} at operation {number} of {self.count}, {done.operations[number]}"
            self.problems += [f"{where}: {problem}" for problem in found]
            print(f"{where}: {outcome}", *found, sep="\n  ", flush=True)
            shutil.rmtree(place)
        print(f"{self.command.split()[0]}: {self.count} operations, {len(pairs[::every])} of {len(pairs)} faults")
        print(*(f"  {outcome}: {number}" for outcome, number in sorted(self.outcomes.items())), sep="\n")
        assert not self.problems, "\n".join(self.problems)

    def outcome(self, done, kind):
        if kind == "KILL":
            return "killed" if done.status == -9 else "survived"
        if (done.status, done.errors) == (0, []):
            return "no matter"
        named = len(done.errors) == 1 and any(name in done.errors[0] for name in self.names)
        return "one line" if done.status == 1 and named and done.errors[0].startswith("error: ") else "unclear"


def _without_leftovers(files):
    return {name: digest for name, digest in files.items() if not pathlib.PurePath(name).parts[0].endswith(".partial")}


def _leftovers(folder):
    return [str(path.relative_to(folder)) for path in folder.rglob(LEFTOVER)]


def _check_output(before, is_new):
    """A check for `Storm`: the output is the earlier one or the new one, and the next run removes what is left."""

    def check(place, outcome, again):
        whole = _without_leftovers(digests(place))
        if not (is_new(place, whole) or (whole == before and outcome != "no matter")):
            yield f"lost: {sorted(whole)}"
        if outcome == "killed" or _leftovers(place):
            done = again()
            if done.status or done.errors or not is_new(place, digests(place)):
                yield f"not mended: {done}, {sorted(digests(place))}"
        if _leftovers(place):
            yield f"left behind: {_leftovers(place)}"

    return check


def _exists(name):
    def prepare(place):
        (place / name).write_text("earlier")

    return prepare


def _content(path):
    """What is always the same in a file that a command writes anew: an ONNX file's weights, all of another one."""
    if path.suffix != ".onnx" or path.read_bytes() == b"earlier":
        return path.read_bytes()
    return sorted(each.raw_data for each in pytest.importorskip("onnx").load(path).graph.initializer)


def _storm_of_files(commands, folder, command, output, every):
    """Faults while a file is replaced."""
    storm = Storm(commands, folder / "storm", command, [output], _exists(output))
    before = {output: hashlib.sha256(b"earlier").hexdigest()}
    new = _content(storm.reference / output)
    assert digests(storm.reference).keys() == before.keys() and new != b"earlier"

    def is_new(place, files):
        return files.keys() == before.keys() and _content(place / output) == new

    storm.run(every, _check_output(before, is_new))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "avif", "jp2", "tga", "bmp", "ppm"])
def test_pictures(light_commands, tmp_path, photo, suffix):
    output = f"out.{suffix}"
    command = f"tests.faults.copy_picture {photo} {output}"
    _storm_of_files(light_commands, tmp_path, command, output, EVERY["picture"])


def test_upscale(commands, tmp_path, photo):
    command = f"srnet.upscale {photo} --scale=2 --output=out.png --overwrite"
    _storm_of_files(commands, tmp_path, command, "out.png", EVERY["upscale"])


@pytest.mark.parametrize("suffix", ["tflite", "onnx"])
def test_export_of_files(commands, tmp_path, suffix):
    if suffix == "onnx":
        pytest.importorskip("tf2onnx")
    output = f"model.{suffix}"
    command = f"srnet.export --scale=2 --output={output} --overwrite"
    _storm_of_files(commands, tmp_path, command, output, EVERY[suffix])


def test_export_of_a_saved_model(commands, tmp_path):
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    assert commands.run(earlier, "srnet.export --scale=3 --output=model --overwrite").status == 0
    before = digests(earlier)

    def prepare(place):
        shutil.copytree(earlier / "model", place / "model")

    storm = Storm(commands, tmp_path / "storm", "srnet.export --scale=2 --output=model --overwrite", ["model"], prepare)
    reference = digests(storm.reference)
    weights = arrays(storm.reference / "model" / "variables" / "variables")

    def is_new(place, files):
        # TensorFlow does not mind when it cannot remove a temporary file of its own.
        names = [name for name in files if "/variables_temp/" not in name]
        return names == list(reference) and arrays(place / "model" / "variables" / "variables") == weights

    assert not is_new(earlier, before)
    storm.run(EVERY["saved_model"], _check_output(before, is_new))


def test_training(commands, tmp_path, picture_root):
    storm = Storm(commands, tmp_path / "storm", TRAIN.format(root=picture_root) + "2", ["run", "cache"])
    reference = finished_training(storm.reference)
    assert len(reference["metrics"]) == 2 and len(reference["checkpoints"]) == 3

    def check(place, outcome, again):
        for name, value in training_outputs(place).items():
            if value != reference[name]:
                yield f"partial: {name}"
        done = again()
        if done.status or done.errors:
            yield f"not resumed: {done}"
            return
        finished = finished_training(place)
        for name, value in reference.items():
            if finished[name] != value:
                shown = f"{finished[name]}, not {value}" if name in ("names", "kept", "metrics") else name
                yield f"not the same: {shown}"
        # A complete run writes nothing, and a finished store is not written again; whatever writes there next removes
        # what is left.
        for folder in ("run", "cache"):
            commands.run(place, f"tests.faults.copy_picture run/preview.png {folder}/copy.png")
        if _leftovers(place):
            yield f"left behind: {_leftovers(place)}"

    storm.run(EVERY["train"], check)
