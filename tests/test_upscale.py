"""The upscale command: which files, what it says, what it leaves."""

import functools
import io
import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import srnet
from srnet.images.resize import imresize
from srnet.json_files import write_json
from srnet.training.config import TrainConfig
from srnet.training.run_folder import Run
from srnet.training.state import new_state
from tests import forked

RANDOM = np.random.default_rng(0)
FULL = pathlib.Path("/dev/full")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose network enlarges three times, bicubically."""
    config = TrainConfig(variant="srcnn", scale=3, initializer="identity", model_options={"filters": [2, 2]})
    run = Run(tmp_path_factory.mktemp("run"))
    write_json(run.config, config.to_json())
    checkpoint = tf.train.Checkpoint(**new_state(config, tf.distribute.get_strategy()).parts)
    tf.train.CheckpointManager(checkpoint, run.last, max_to_keep=1, checkpoint_name="step").save()
    return run.folder


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for name, mode in (("a.png", "RGB"), ("b.jpg", "L"), ("c.tif", "RGBA"), ("d.gif", "P"), ("inner/a.png", "L")):
        channels = len(mode) if mode != "P" else 1
        pixels = RANDOM.integers(0, 256, (9, 12, channels), np.uint8)
        PIL.Image.fromarray(pixels.squeeze()).convert(mode).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    return folder


def _upscale(*arguments, **options):
    return forked.run("srnet.upscale", *arguments, text=False, **options)


def test_a_folder(run, photos, tmp_path):
    (photos / "broken.png").write_bytes((photos / "a.png").read_bytes()[:60])
    (photos / "text.jpg").write_text("a text")
    (photos / "empty.tif").touch()
    out = tmp_path / "out"
    done = _upscale(photos, tmp_path / "none.png", f"--output={out}", f"--run={run}", "--recursive", "--preview")
    errors = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert len(errors) == 4 and all(line.startswith("error: ") for line in errors)
    for name in ("broken.png", "text.jpg", "empty.tif", "none.png"):
        assert sum(name in line for line in errors) == 1
    made = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert {name for name in made if "preview" not in name} == {"a.png", "b.jpg", "c.tif", "d.png", "inner/a.png"}
    assert len(made) == 10
    with PIL.Image.open(out / "c.tif") as large, PIL.Image.open(photos / "c.tif") as small:
        assert (large.size, large.mode) == ((36, 27), "RGBA")
        alpha = np.clip(imresize(np.asarray(small.getchannel("A"), np.float64), 3), 0, 255)
        assert np.abs(np.asarray(large.getchannel("A")) - alpha).max() <= 1
    assert f"{out / 'a.png'}: 12x9 enlarged to 36x27 in " in done.stdout.decode()
    before = (out / "a.png").stat().st_mtime_ns
    again = _upscale(photos / "a.png", f"--output={out}", f"--run={run}")
    assert again.returncode == 1 and b"a.png exists; --overwrite replaces it" in again.stderr
    assert (out / "a.png").stat().st_mtime_ns == before


def test_flags_reach_the_network(photos, tmp_path):
    flags = ("--network=full", "--size=40x100", "--fit", "--self_ensemble", "--precision=float32", "--tile=8")
    done = _upscale(photos / "a.png", f"--output={tmp_path / 'large.png'}", *flags)
    assert done.returncode == 0, done.stderr
    pixels = np.asarray(PIL.Image.open(photos / "a.png"))
    enlarge = functools.partial(srnet.enlarge, pixels, size=(40, 30), network="full", precision="float32")
    made = np.asarray(PIL.Image.open(tmp_path / "large.png")).astype(int)
    assert np.abs(made - enlarge(self_ensemble=True)).max() <= 1 < np.abs(made - enlarge()).max()


def test_the_best_weights_of_a_run(run, photos, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    copy = Run(tmp_path / "run")
    copy.last.rename(tmp_path / "best")
    copy.last.mkdir()
    (tmp_path / "best").rename(copy.best)
    done = _upscale(photos / "a.png", f"--output={tmp_path / 'large.png'}", f"--run={copy.folder}", "--checkpoint=best")
    assert done.returncode == 0, done.stderr
    assert _upscale(photos / "a.png", f"--output={tmp_path / 'x.png'}", f"--run={copy.folder}").returncode == 1


def test_standard_input_and_output(run, photos):
    data = (photos / "b.jpg").read_bytes()
    done = _upscale("-", "--output=-", f"--run={run}", "--scale=1.5", "--self_ensemble", input=data)
    assert done.returncode == 0, done.stderr
    with PIL.Image.open(io.BytesIO(done.stdout)) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (18, 14), "L")
    assert done.stderr.startswith(b"standard output: 12x9 enlarged to 18x14 in ")
    for flags, input, message in (
        (["--format=jpg"], (photos / "c.tif").read_bytes(), b"standard output: JPEG cannot hold transparency"),
        ([], b"text", b"standard input: "),
    ):
        done = _upscale("-", "--output=-", f"--run={run}", *flags, input=input)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(b"error: " + message) and done.stderr.count(b"standard ") == 1


def test_standard_output_in_the_format_and_quality_asked_for(run, photos):
    sizes = []
    for quality in (5, 95):
        done = _upscale(photos / "b.jpg", "--output=-", f"--run={run}", "--format=webp", f"--quality={quality}")
        assert done.returncode == 0, done.stderr
        with PIL.Image.open(io.BytesIO(done.stdout)) as image:
            assert (image.format, image.size) == ("WEBP", (36, 27))
        sizes.append(len(done.stdout))
    assert sizes[0] < sizes[1]


def test_a_network_that_cannot_be_used_is_said_once(photos, tmp_path):
    lr = keras.Input((None, None, 1))
    keras.Model(lr, keras.layers.UpSampling2D(2)(keras.layers.RandomFlip()(lr))).save(tmp_path / "odd.keras")
    done = _upscale(photos / "a.png", photos / "b.jpg", f"--model={tmp_path / 'odd.keras'}")
    assert done.returncode == 2 and done.stdout == b""
    assert done.stderr.startswith(b"error: the receptive field of layer 'random_flip'")
    assert done.stderr.count(b"\n") == 1


def test_an_exact_size_in_another_format(run, photos, tmp_path):
    done = _upscale(photos / "a.png", f"--output={tmp_path / 'x' / 'large.webp'}", f"--run={run}", "--size=50x20")
    assert done.returncode == 0, done.stderr
    with PIL.Image.open(tmp_path / "x" / "large.webp") as image:
        assert (image.format, image.size) == ("WEBP", (50, 20))
    assert b"large.webp: 12x9 enlarged to 50x20, its proportions changed, in " in done.stdout
    done = _upscale(photos / "a.png", f"--output={tmp_path / 'even.png'}", f"--run={run}", "--size=25x19")
    assert b"even.png: 12x9 enlarged to 25x19 in " in done.stdout


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(run, photos):
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "srnet.upscale", photos / "a.png", "--output=-", f"--run={run}"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1 and done.stderr.decode().count("\n") == 1 and b"No space left" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a picture or folder: python -m srnet.upscale photo.jpg"),
        (["a.png", "--fit"], "--fit needs --size"),
        (["a.png", "--size=x"], "--size=x: expected WIDTHxHEIGHT, such as 1920x1080, or 1920x, or x1080"),
        (["a.png", "--overwrite", "--skip_existing"], "--overwrite and --skip_existing cannot both be given"),
        (["a.png", "--scale=2", "--size=3x3"], "--size and --scale cannot both"),
        (["a.png", "--scale=0.5"], "--scale=0.5 cannot be used: it must be from 1 to 64"),
        (["a.png", "--size=axb"], "--size=axb: expected WIDTHxHEIGHT"),
        (["a.png", "-"], "standard input and output are for one picture"),
        (["a.png", "b.png", "--output=x.png"], "--output=x.png: more than one picture needs a folder"),
        (["a.png", "--preview", "--output=-"], "--preview needs --output to be a file or a folder"),
    ],
)
def test_wrong_usage(arguments, message):
    done = _upscale("--output=out", "--run=nowhere", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode() and done.stderr.count(b"\n") == 1


def test_previews_are_not_overwritten_either(run, photos, tmp_path):
    (photos / "a.jpg").write_bytes((photos / "b.jpg").read_bytes())
    taken = tmp_path / "out" / "a.png.preview.png"
    taken.parent.mkdir()
    taken.write_text("mine")
    done = _upscale(photos / "a.png", photos / "a.jpg", f"--output={taken.parent}", f"--run={run}", "--preview")
    assert (
        done.returncode == 1
        and done.stderr.decode() == f"error: {photos / 'a.png'}: {taken} exists; --overwrite replaces it\n"
    )
    assert taken.read_text() == "mine"
    assert {path.name for path in taken.parent.iterdir()} == {taken.name, "a.jpg", "a.jpg.preview.png"}


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_names_that_are_no_text(run, photos, tmp_path):
    name = os.fsdecode(os.fsencode(photos) + b"/\xff.png")
    (photos / "a.png").rename(name)
    command = [sys.executable, "-m", "srnet.upscale", name, f"--output={tmp_path / 'out'}/", f"--run={run}"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr, done.stdout.count(b"\n")) == (0, b"", 1)


def test_a_folder_in_another_format(run, photos, tmp_path):
    out = tmp_path / "out"
    command = [photos, "-o", out, f"--run={run}", "-s", "2", "--format=webp", "--quality=30"]
    done = _upscale(*command)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["a.webp", "b.webp", "c.webp", "d.webp"]
    small = (out / "a.webp").read_bytes()
    assert len(small) < len(_encoded(out / "a.webp", quality=95))
    (out / "b.webp").unlink()
    done = _upscale(*command, "--skip_existing")
    assert done.returncode == 0 and done.stdout.count(b" exists, skipped\n") == 3 and b"b.webp: 12x9" in done.stdout
    assert (out / "a.webp").read_bytes() == small


def _encoded(path, quality):
    file = io.BytesIO()
    with PIL.Image.open(path) as image:
        image.save(file, format="WEBP", quality=quality)
    return file.getvalue()
