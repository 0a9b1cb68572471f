"""The LiteRT export against Keras, in the interpreter."""

import numpy as np
import pytest
import tensorflow as tf

from srnet.errors import DataError
from srnet.litert import export_litert
from srnet.models import build


def _interpret(path, lr):
    interpreter = tf.lite.Interpreter(str(path))
    (given,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(given["index"], lr.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], lr)
    interpreter.invoke()
    (result,) = interpreter.get_output_details()
    return interpreter.get_tensor(result["index"])


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize("name", ["full", "srcnn"])
def test_any_size_and_batch(tmp_path, name):
    model = build(name, 2, filters=(8, 8) if name == "srcnn" else 8)
    export_litert(model, tmp_path / "float.tflite")
    export_litert(model, tmp_path / "int8.tflite", int8=True)
    for shape in ((1, 1, 1, 1), (1, 17, 23, 1), (2, 8, 9, 1)):
        lr = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
        expected = model(lr).numpy()
        peak = np.abs(expected).max()
        np.testing.assert_allclose(_interpret(tmp_path / "float.tflite", lr), expected, atol=1e-4 * peak)
        np.testing.assert_allclose(_interpret(tmp_path / "int8.tflite", lr), expected, atol=0.1 * peak)


def test_int8_is_a_quarter_of_the_size(tmp_path):
    model = build("full", 2)
    export_litert(model, tmp_path / "int8.tflite", int8=True)
    assert model.count_params() < (tmp_path / "int8.tflite").stat().st_size < 1.2 * model.count_params()


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"x\.tflite: cannot be written"):
        export_litert(build("srcnn", 2, filters=(2, 2)), tmp_path / "file" / "x.tflite")
