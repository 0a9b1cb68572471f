"""The commands as a user runs them: what they print, their files, their exit statuses."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import srnet
from srnet import export as export_command
from srnet import models
from srnet.evaluation.classical import CLASSICAL
from srnet.files import LOCK
from srnet.images.read import read_image
from srnet.models import __main__ as models_command
from srnet.models.keras_file import load_file
from tests import forked


def _run(*arguments, **environment):
    return forked.run(*arguments, **{"SRNET_DATA": "", "SRNET_CACHE": "", **environment})


def _run_fresh(*arguments, **environment):
    command = [sys.executable, "-m", *map(str, arguments)]
    environment = {**os.environ, "SRNET_DATA": "", "SRNET_CACHE": "", **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def _small(root, tmp_path):
    return [
        "srnet.train",
        *(f"--data_root={root}", "--train_sets=tiny", "--validation_set=held_out", f"--cache_dir={tmp_path / 'cache'}"),
        *('--model_options={"filters": 4}', "--patch=16", "--stride=8", "--batch_size=4"),
        *("--steps_per_epoch=5", "--epochs=1", f"--run_dir={tmp_path / 'run'}"),
    ]


def test_train_evaluate_export_upscale(picture_root, tmp_path):
    trained = _run(*_small(picture_root, tmp_path), "--scale=3")
    assert trained.returncode == 0, trained.stderr
    assert "held_out: " in trained.stdout and "after 5 steps" in trained.stdout
    assert "WARNING" not in trained.stderr and "Traceback" not in trained.stderr
    run = tmp_path / "run"

    output = tmp_path / "results.json"
    flags = (f"--run={run}", f"--data_root={picture_root}", "--sets=tiny,held_out", f"--output={output}")
    evaluated = _run("srnet.evaluate", *flags)
    assert evaluated.returncode == 0, evaluated.stderr
    records = json.loads(output.read_text())
    assert [(r["method"], r["set"], r["scale"], r["images"]) for r in records] == [
        ("full", "tiny", 3, 3),
        ("full", "held_out", 3, 1),
    ]
    assert records[0]["psnr"] == pytest.approx(np.mean([image["psnr"] for image in records[0]["per_image"]]))
    assert f"{records[1]['psnr']:.3f}" in evaluated.stdout and "rgb2ycbcr" in evaluated.stdout
    metrics = json.loads((run / "metrics.jsonl").read_text())
    assert records[1]["psnr"] == pytest.approx(metrics["psnr"], abs=1e-3)

    of_file = _run("srnet.evaluate", f"--model={run / 'model.keras'}", *flags[1:])
    assert of_file.returncode == 0, of_file.stderr
    assert [r["psnr"] for r in json.loads(output.read_text())] == pytest.approx([r["psnr"] for r in records], abs=1e-4)

    exported = _run("srnet.export", f"--run={run}", f"--output={tmp_path / 'x.tflite'}")
    assert exported.stdout == f"litert: {tmp_path / 'x.tflite'}\n" and (tmp_path / "x.tflite").is_file()

    source = picture_root / "tiny" / "b2.png"
    upscaled = _run("srnet.upscale", source, f"--output={tmp_path / 'large.png'}", f"--run={run}")
    assert upscaled.returncode == 0, upscaled.stderr
    assert read_image(tmp_path / "large.png").shape == (99, 105, 3)
    assert "35x33 enlarged to 105x99" in upscaled.stdout

    refused = _run("srnet.evaluate", *flags, "--scales=2")
    assert (refused.returncode, refused.stderr) == (2, "error: scale 2: full has scales 3\n")


def test_bicubic_needs_no_run(picture_root, tmp_path):
    output = tmp_path / "results.json"
    flags = ("--method=bicubic", "--sets=held_out", "--scales=2", f"--output={output}")
    result = _run("srnet.evaluate", *flags, SRNET_DATA=str(picture_root))
    assert result.returncode == 0, result.stderr
    (record,) = json.loads(output.read_text())
    assert record["method"] in CLASSICAL and set(record) == {
        *("method", "set", "scale", "psnr", "ssim", "images", "infinite", "seconds", "per_image")
    }


def test_a_pretrained_network_is_measured_under_several_degradations(picture_root, tmp_path):
    output = tmp_path / "results.json"
    flags = ("--network=plus_small", "--self_ensemble", "--degradation=bicubic,jpeg30", "--sets=held_out", "--scales=2")
    result = _run("srnet.evaluate", *flags, f"--output={output}", SRNET_DATA=str(picture_root))
    assert result.returncode == 0, result.stderr
    clean, degraded = json.loads(output.read_text())
    assert clean["method"] == degraded["method"] == "plus_small+"
    assert "degradation" not in clean and degraded["degradation"] == "jpeg30"
    assert degraded["psnr"] < clean["psnr"]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_int8_makes_smaller_files(tmp_path):
    model, sizes = models.build("plus", 2, blocks=1), {}
    for kind in ("litert", "litert_int8"):
        export_command._export(model, kind, str(tmp_path / f"{kind}.tflite"), overwrite=False)
        sizes[kind] = (tmp_path / f"{kind}.tflite").stat().st_size
    assert sizes["litert_int8"] < 0.5 * sizes["litert"]


def test_models_table(monkeypatch, capsys):
    monkeypatch.setattr(models_command, "names", lambda: ("full", "plus"))
    models_command.main(["2", "5"])
    lines = capsys.readouterr().out.splitlines()
    assert "full                      x2    406,913   259.2  19x19" in lines
    assert "full                      x5          -       -  -" in lines
    assert lines[-1].startswith("plus                      x5    4")


def test_models_table_names_an_impossible_scale():
    result = _run("srnet.models", "4", "1")
    assert result.returncode == 2 and not result.stdout
    assert result.stderr.endswith("error: scale 1 cannot be used: it must be an integer of at least 2\n")


def _corrupt(root):
    (root / "tiny" / "bad.png").write_bytes((root / "tiny" / "b10.png").read_bytes()[:700])


@pytest.mark.parametrize(
    ("more", "prepare", "status", "message"),
    [
        (["--variant=fuller"], None, 2, "error: network 'fuller' is unknown: choose one of full, no_deconv, "),
        (["--scale=5"], None, 2, "error: scale 5 is not supported"),
        (["--epochs=many"], None, 2, "error: flag --epochs=many: "),
        (["--no_such_flag=1"], None, 2, "error: Unknown command line flag 'no_such_flag'"),
        (["leftover"], None, 2, "error: expected only flags, not leftover"),
        (["--model_options=[1]"], None, 2, "error: --model_options: expected a JSON object"),
        (["--augment_scales=1,half"], None, 2, "error: --augment_scales: expected numbers separated by commas"),
        (["--train_sets=empty"], lambda root: (root / "empty").mkdir(), 1, "empty: no pictures in it"),
        (["--data_root=/nowhere", "--train_sets=T91,BSD200"], None, 1, "error: /nowhere: no such folder"),
        (["--data_root=/nowhere", "--train_sets=skimage_train"], None, 1, "error: /nowhere: no such folder"),
        ([], _corrupt, 1, "bad.png: "),
        (["--patch=42"], None, 1, "b2.png: 35x33 is smaller than a patch of 42x42"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(picture_root, tmp_path, more, prepare, status, message):
    if prepare:
        prepare(picture_root)
    result = _run(*_small(picture_root, tmp_path), *more)
    assert result.returncode == status, result.stderr
    lines = [line for line in result.stderr.replace("\r", "\n").splitlines() if line and "cutting patches" not in line]
    assert len(lines) == 1 and lines[0].startswith("error: ") and message in lines[0], lines
    assert not result.stdout or result.stdout.startswith("cutting ")
    assert not (tmp_path / "run").exists()
    assert {path.name for path in (tmp_path / "cache").glob("*")} <= {LOCK}


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        (["srnet.evaluate"], 2, "give one of --network, --run, --model and --method"),
        (["srnet.evaluate", "--method=lanczos"], 2, "lanczos"),
        (["srnet.evaluate", "--method=bicubic", "--scales=two"], 2, "--scales two: expected integers"),
        (["srnet.export", "--run=nowhere", "--output=x"], 1, "nowhere: no run there"),
        (["srnet.upscale", "photos", "-", "--output=x"], 2, "standard input and output are for one picture"),
        (["srnet.export", "--run=nowhere"], 2, "--output is required: Folder of the SavedModel"),
        (["srnet.upscale", "in.png", "--run=a", "--model=b"], 2, "give only one of --run, --model"),
        (["srnet.upscale", "in.png", "--network=plus", "--run=a"], 2, "give only one of --network, --run"),
        (["srnet.upscale", "in.png", "--output=out.png", "--run=nowhere"], 1, "nowhere: no run there"),
        (["srnet.upscale", "in.png", "--output=out.png", "--model=no.keras"], 1, "no.keras: cannot be read"),
        (["srnet.upscale", "in.png", "--output=out.docx", "--run=nowhere"], 2, "out.docx: no picture format"),
    ],
)
def test_bad_usage_of_the_other_commands(command, status, message):
    result = _run(*command)
    assert result.returncode == status, result.stderr
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1 and message in result.stderr


@pytest.mark.slow
def test_fallback_to_the_bundled_images_is_said(tmp_path):
    flags = ['--model_options={"filters": 2}', "--epochs=1", "--steps_per_epoch=1", "--batch_size=2", "--stride=128"]
    result = _run("srnet.train", *flags, f"--run_dir={tmp_path / 'run'}", f"--cache_dir={tmp_path / 'cache'}")
    assert result.returncode == 0, result.stderr
    assert "epoch 1/1, step 1/1: loss " in result.stdout
    assert "T91, BSD200 not found (no --data_root): training on the photographs of scikit-image" in result.stdout
    assert read_image(tmp_path / "run" / "preview.png").shape == (276, 4 * 260, 3)


def test_a_stop_while_tensorflow_is_imported_is_no_traceback(tmp_path):
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("raise KeyboardInterrupt")
    result = _run_fresh("srnet.upscale", "in.png", "--model=x.keras", PYTHONPATH=str(tmp_path))
    assert (result.returncode, result.stderr) == (130, "error: interrupted\n")


def test_help_says_what_the_command_does_and_succeeds():
    result = _run_fresh("srnet.upscale", "--help")
    assert result.returncode == 0
    assert (
        "srnet.upscale photo.jpg --output=large.png --scale=2.5\n" in result.stdout and "--checkpoint" in result.stdout
    )


def test_the_version_is_told():
    done = _run("srnet.train", "--version")
    assert (done.returncode, done.stdout) == (0, f"srnet {srnet.__version__}\n")


def test_another_backend_of_keras_is_refused():
    program = "import srnet\ntry:\n    srnet.load\nexcept ValueError as error:\n    print(error)"
    environment = {**os.environ, "KERAS_BACKEND": "numpy"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "srnet needs Keras's TensorFlow backend, not numpy: set KERAS_BACKEND=tensorflow\n"


def test_a_reader_that_leaves_early_is_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "srnet.evaluate", "--help"]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert result.stderr == b""


def test_export_names(tmp_path):
    for name, what, scale in (("c.keras", "keras", []), ("model.v2", "saved_model", ["--scale=2"])):
        done = _run("srnet.export", f"--output={tmp_path}/{name}", *scale)
        assert (done.returncode, done.stdout) == (0, f"{what}: {tmp_path}/{name}\n"), done.stderr
        assert (tmp_path / name.rstrip("/")).is_dir() == (what == "saved_model")
    default = srnet.load(4, "plus").get_weights()
    assert all(map(np.array_equal, load_file(tmp_path / "c.keras").get_weights(), default))
    refused = _run("srnet.export", f"--output={tmp_path}/x.keras", "--network=auto")
    assert refused.returncode == 2 and "--network" in refused.stderr
    formats = {"a.TFLITE": "litert", "b.Onnx": "onnx", "folder.onnx/": "saved_model", "a.b": "saved_model"}
    assert {name: export_command.choose_format(name, None) for name in formats} == formats
    refused = [_run("srnet.export", f"--output={tmp_path}/{name}") for name in ("d.h5", "e.pb", "f.lite", "g.KERAS")]
    assert {(done.returncode, done.stderr.split("/")[0]) for done in refused} == {(2, "error: --output=")}
    conflicting = _run("srnet.export", f"--output={tmp_path}/d.tflite", "--format=onnx")
    assert conflicting.returncode == 2 and ".tflite is the extension of litert, not of onnx" in conflicting.stderr
    for name in ("d", "d.h5"):
        refused = _run("srnet.export", f"--output={tmp_path}/{name}", "--format=keras")
        assert refused.returncode == 2 and "the name of a Keras file must end with .keras" in refused.stderr
    # Nothing is replaced without --overwrite, and other things never.
    before = (tmp_path / "c.keras").read_bytes()
    done = _run("srnet.export", f"--output={tmp_path}/c.keras", "--scale=3")
    assert done.returncode == 1 and "c.keras exists; --overwrite replaces it" in done.stderr
    assert (tmp_path / "c.keras").read_bytes() == before
    (tmp_path / "model.v2" / "labels.txt").write_text("mine")
    done = _run("srnet.export", f"--output={tmp_path}/model.v2", "--overwrite", "--scale=2")
    assert done.returncode == 1 and "a folder that holds other files, such as labels.txt" in done.stderr
    assert (tmp_path / "model.v2" / "labels.txt").read_text() == "mine"


@pytest.mark.parametrize("imports", ["keras, srnet", "srnet, tensorflow, keras"])
def test_importing_srnet_is_enough_for_keras(tmp_path, imports):
    models.build("plus", 2, filters=4).save(tmp_path / "x.keras")
    program = f"import {imports}; keras.models.load_model({str(tmp_path / 'x.keras')!r})"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_abort_in_tensorflow_keeps_its_message(tmp_path):
    (tmp_path / "tensorflow").mkdir()
    lines = r"I0000 a note\nF0000 this processor lacks AVX\n"
    program = f"import os; os.write(2, b'{lines}'); os.abort()"
    (tmp_path / "tensorflow" / "__init__.py").write_text(program)
    done = _run_fresh("srnet.upscale", "photo.jpg", "--run=nowhere", PYTHONPATH=str(tmp_path))
    assert done.returncode == -signal.SIGABRT
    assert done.stderr.startswith("F0000 this processor lacks AVX\n")  # and where Python was


def test_too_little_memory_is_no_traceback():
    program = "from srnet import cli\ndef main(_): raise MemoryError\ncli.run(main, lambda: None)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "error: not enough memory\n")


def test_notes_of_libvips_are_not_printed():
    """Such as that of a preview on a full disk, beside our own line."""
    program = "import logging; from srnet import cli; import pyvips\n"
    program += "cli.run(lambda _: logging.getLogger('pyvips').warning('VIPS: not enough data'), lambda: None)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


_NO_MODULE = "not the name of a module, such as mine or my.networks"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["srnet.export", "--run=", "--output=x.onnx"], "--run is empty"),
        (["srnet.upscale", "photo.jpg", "--output=", "--overwrite"], "--output is empty"),
        (["srnet.train", "--run_dir="], "--run_dir is empty"),
        (["srnet.train", "--cache_dir="], "--cache_dir is empty"),
        (["srnet.train", "--train_sets="], "--train_sets is empty"),
        (["srnet.train", "--train_sets=T91,T91"], "--train_sets=T91,T91: a set is named twice"),
        (["srnet.evaluate", "--method=bicubic", "--sets=Set5,"], "--sets: an item is empty"),
        (["srnet.evaluate", "--method=bicubic", "--data_root="], "--data_root is empty"),
        (
            ["srnet.upscale", "photo.jpg", "--plugin=.x"],
            f"--plugin='.x': {_NO_MODULE}",
        ),
        (
            ["srnet.upscale", "photo.jpg", "--plugin=x,"],
            "--plugin: an item is empty",
        ),
        (["srnet.upscale", "photo.jpg", "--network=plus", "--checkpoint=best"], "--checkpoint needs --run"),
        (["srnet.evaluate", "--method=bicubic", "--checkpoint=best"], "--checkpoint needs --run"),
        (["srnet.demo", "--checkpoint=best"], "--checkpoint needs --run"),
    ],
)
def test_flags_without_a_meaning_are_refused(tmp_path, monkeypatch, arguments, message):
    (tmp_path / "photo.jpg").touch()
    monkeypatch.chdir(tmp_path)
    done = _run(*arguments)
    assert (done.returncode, done.stderr) == (2, f"error: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
