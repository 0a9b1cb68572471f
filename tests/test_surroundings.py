"""Closed and full streams, no home, no room for temporary files, signals, odd names: what surrounds the commands."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import PIL.Image
import pytest

from tests import forked
from tests.networks import bicubic_network

FULL = pathlib.Path("/dev/full")


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A file with a network that is made quickly."""
    path = tmp_path_factory.mktemp("network") / "bicubic.keras"
    bicubic_network(2).save(path)
    return path


def _shell(text, **environment):
    command = ["sh", "-c", text.replace("srnet.", f"{sys.executable} -m srnet.")]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=120
    )


def test_closed_streams(photo, model):
    done = _shell(f"srnet.upscale {photo} --model={model} <&- >&- 2>&-")
    assert done.returncode == 0
    with PIL.Image.open(photo.with_name("photo_x2.png")) as image:
        assert image.size == (24, 18)
    done = _shell(f"srnet.upscale {photo} --model={model} --output=- >&-")
    assert (done.returncode, done.stderr) == (
        1,
        "error: standard output: cannot be written (Bad file descriptor)\n",
    )


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_full_streams(photo, model):
    done = _shell(f"srnet.upscale {photo} --model={model} >/dev/full")
    assert (done.returncode, done.stderr) == (1, "error: standard output: No space left on device\n")
    assert photo.with_name("photo_x2.png").exists()
    done = _shell("srnet.upscale --help >/dev/full")
    assert (done.returncode, done.stderr) == (1, "error: standard output: No space left on device\n")
    assert _shell("srnet.upscale missing.png --scale=0 2>/dev/full").returncode == 2


@pytest.mark.parametrize("lacking", ["home", "folder for temporary files"])
def test_without(lacking, photo):
    program = """
import os, pwd, runpy, sys, tempfile
def no_entry(number):
    raise KeyError(number)
if sys.argv.pop(1) == "home":
    os.environ.pop("HOME", None)
    pwd.getpwuid = no_entry
else:
    tempfile._candidate_tempdir_list = lambda: ["/nowhere"]
sys.argv[0] = "upscale"
runpy.run_module("srnet.upscale", run_name="__main__")
"""
    command = [sys.executable, "-c", program, lacking, str(photo), "--scale=2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=photo.parent)
    assert not (photo.parent / "~").exists()
    if lacking == "home":
        assert done.returncode == 0 and "Traceback" not in done.stderr
        assert photo.with_name("photo_x2.png").exists()
    else:
        reason = "No usable temporary directory found in ['/nowhere']"
        assert (done.returncode, done.stderr) == (1, f"error: {photo}: TensorFlow cannot be imported ({reason})\n")


@pytest.mark.slow
def test_the_users_own_settings_of_keras(photo, tmp_path):
    (tmp_path / ".keras").mkdir()
    settings = {"image_data_format": "channels_first", "floatx": "float16", "backend": "jax", "epsilon": 1e-7}
    (tmp_path / ".keras" / "keras.json").write_text(json.dumps(settings))
    odd = {"HOME": str(tmp_path), "KERAS_BACKEND": "jax", "TF_USE_LEGACY_KERAS": "1", "PYTHONOPTIMIZE": "2"}
    results = []
    for name, environment in (("usual", {}), ("odd", odd)):
        done = _shell(f"srnet.upscale {photo} --scale=2 --output={tmp_path}/{name}.png", **environment)
        assert (done.returncode, done.stderr) == (0, "")
        results.append((tmp_path / f"{name}.png").read_bytes())
    assert results[0] == results[1]


def test_a_host_program_keeps_its_settings():
    program = """
import os
import keras
before = dict(os.environ)
keras.config.set_dtype_policy("mixed_float16")
keras.config.set_image_data_format("channels_first")
import numpy as np
import srnet
result = srnet.build("plus", 2, filters=4)(np.full((1, 4, 4, 1), 100, np.float32))
assert result.dtype == "float32" and result.shape == (1, 8, 8, 1), result
assert keras.config.dtype_policy().name == "mixed_float16"
assert keras.config.image_data_format() == "channels_first"
assert dict(os.environ) == before
"""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_names_cannot_command_the_terminal(photo, model):
    odd = photo.with_name("a\x1b[2Jb\nc.png")
    photo.rename(odd)
    command = ["srnet.upscale", odd, f"--model={model}"]
    done = forked.run(*command)
    assert (
        done.returncode == 0 and done.stdout.count("\n") == 1 and r"a\x1b[2Jb\nc_x2.png: 12x9 enlarged" in done.stdout
    )
    done = forked.run(*command)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "\x1b" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_leave_nothing_behind(tmp_path, number):
    """At many moments of writing files; the first ones may come before the command is ready for signals."""
    program = """
import pathlib, sys
from absl import flags
from srnet import cli, files
def main(arguments):
    print("ready", flush=True)
    while True:
        with files.atomic_write(arguments[0]) as partial:
            (partial / "variables").mkdir(parents=True)
            for n in range(20):
                (partial / "variables" / str(n)).write_text("text")
            (partial / "saved_model.pb").touch()
cli.run(main, lambda: None)
"""
    for moment in range(8):
        place = tmp_path / str(moment)
        place.mkdir()
        command = [sys.executable, "-c", program, str(place / "model")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.01 + 0.004 * moment)
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (128 + number, "error: interrupted\n")
        assert [path.name for path in place.iterdir()] in ([], ["model"])
        if (place / "model").exists():
            assert len(list((place / "model").rglob("*"))) == 22


@pytest.mark.parametrize("error", ["OSError(9, 'Bad file descriptor')", "errors.DataError('a.png: cannot be written')"])
def test_an_error_that_a_signal_caused_is_no_error(error):
    """As where it comes between the closing of a file and the note that it is closed."""
    program = f"""
import os, signal
from srnet import cli, errors
def main(arguments):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        sum(range(10**5))
    finally:
        raise {error}
cli.run(main, lambda: None)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "error: interrupted\n")


def test_a_swallowed_signal_still_ends_the_command():
    program = """
import os, signal
from srnet import cli
class Swallows:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(10**5))
def main(arguments):
    Swallows()
    for n in range(3):
        cli.stop_if_asked()
    print("went on")
cli.run(main, lambda: None)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 130 and done.stdout == "" and done.stderr.endswith("error: interrupted\n")
