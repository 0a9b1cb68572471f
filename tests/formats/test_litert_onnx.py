"""The LiteRT and ONNX exports against Keras, in their own runtimes."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

from srnet.data.datasets import find_images
from srnet.errors import DataError, UsageError
from srnet.evaluation.protocol import evaluate
from srnet.formats.litert import export_litert
from srnet.formats.onnx import export_onnx
from srnet.inference.method import network_method
from srnet.models import build
from srnet.pretrained.load import load
from tests.networks import randomize

SHAPES = ((1, 1, 1, 1), (1, 17, 23, 1), (2, 8, 9, 1))


def _small(name, scale):
    """A network without trained weights, none of which is 0."""
    blocks = {"blocks": 3} if name == "plus" else {}
    return randomize(build(name, scale, filters={"srcnn": (8, 8), "idn": 16}.get(name, 8), **blocks))


def _interpret(path, lr):
    interpreter = tf.lite.Interpreter(str(path))
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["lr"], "outputs": ["hr"]}}
    (given,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(given["index"], lr.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], lr)
    interpreter.invoke()
    (result,) = interpreter.get_output_details()
    return interpreter.get_tensor(result["index"])


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize(
    "name",
    [
        *("full", "plus", "srcnn"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("drcn", "idn", "rcan_small", "esrgan_small")),
    ],
)
def test_litert_takes_any_size_and_batch(tmp_path, name):
    model = _small(name, 2)
    export_litert(model, tmp_path / "float.tflite")
    export_litert(model, tmp_path / "int8.tflite", int8=True)
    for shape in SHAPES:
        lr = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
        expected = model(lr).numpy()
        peak = np.abs(expected).max()
        np.testing.assert_allclose(_interpret(tmp_path / "float.tflite", lr), expected, atol=1e-4 * peak)
        np.testing.assert_allclose(_interpret(tmp_path / "int8.tflite", lr), expected, atol=0.1 * peak)


def test_int8_is_a_quarter_of_the_size(tmp_path):
    model = build("full", 2)
    export_litert(model, tmp_path / "int8.tflite", int8=True)
    assert model.count_params() < (tmp_path / "int8.tflite").stat().st_size < 1.2 * model.count_params()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_int8_costs_little_accuracy(tmp_path, data_root):
    model = load(4)
    export_litert(model, tmp_path / "int8.tflite", int8=True)
    paths = find_images("Set5", data_root)

    def in_int8(lr):
        return _interpret(tmp_path / "int8.tflite", lr[None, ..., None].astype(np.float32))[0, ..., 0]

    ours, theirs = (
        np.mean([score.values["psnr"] for score in evaluate(method, paths, 4, 1)])
        for method in (network_method(model), in_int8)
    )
    assert 0 < ours - theirs < 0.1


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"x\.tflite: cannot be written"):
        export_litert(build("srcnn", 2, filters=(2, 2)), tmp_path / "file" / "x.tflite")


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("full", 4),
        ("plus", 3),
        ("idn", 3),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in (("no_deconv", 2), ("plus", 2), ("vdsr", 4))),
        *(pytest.param(name, 3, marks=pytest.mark.slow) for name in ("drcn", "rcan_small", "esrgan_small")),
    ],
)
def test_onnx_takes_any_size_and_batch(tmp_path, name, scale):
    model = _small(name, scale)
    export_onnx(model, tmp_path / "x.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx")
    for shape in SHAPES:
        lr = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
        expected = model(lr).numpy()
        (hr,) = session.run(["hr"], {"lr": lr})
        np.testing.assert_allclose(hr, expected, atol=1e-5 * np.abs(expected).max())


def test_onnx_output_has_four_axes(tmp_path, monkeypatch):
    # Depending on the order of a set, tf2onnx ends a network so.
    lr, hr = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("lr", ["n", 1, "h", "w"]), ("hr", [1, "n", "h", "w", 1]))
    )
    shape = onnx.numpy_helper.from_array(np.array([1, -1, 0, 0, 1]), "shape")
    nodes = [onnx.helper.make_node("Reshape", ["lr", "shape"], ["hr"])]
    graph = onnx.helper.make_graph(nodes, "x", [lr], [hr], [shape])
    converted = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    monkeypatch.setattr("tf2onnx.convert.from_function", lambda *_, **__: (converted, None))
    export_onnx(_small("full", 2), tmp_path / "x.onnx")
    onnx.checker.check_model(tmp_path / "x.onnx", full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx")
    image = np.arange(40, dtype=np.float32).reshape(2, 1, 4, 5)
    (result,) = session.run(["hr"], {"lr": image})
    np.testing.assert_array_equal(result, image.reshape(2, 4, 5, 1))


def test_onnx_needs_its_converter(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(UsageError, match=r"pip install -e '.\[onnx\]'"):
        export_onnx(build("srcnn", 2), tmp_path / "x.onnx")
