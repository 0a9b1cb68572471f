"""Networks from `.keras` files."""

import keras
import numpy as np
import pytest

from srnet import models
from srnet.errors import DataError
from srnet.models.keras_file import load_file


def test_keras_files(tmp_path):
    model = models.build("full", 2, filters=4)
    model.save(tmp_path / "x.keras")
    lr = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 1)).astype(np.float32)
    assert np.ptp(model(lr)) > 1
    np.testing.assert_array_equal(load_file(tmp_path / "x.keras")(lr), model(lr))
    (tmp_path / "bad.keras").write_bytes((tmp_path / "x.keras").read_bytes()[:5000])
    flipped = bytearray((tmp_path / "x.keras").read_bytes())
    flipped[flipped.index(b"model.weights.h5") + 2000] ^= 1
    (tmp_path / "flipped.keras").write_bytes(flipped)
    with pytest.raises(DataError, match=r"none\.keras: cannot be read \(No such file or directory\)"):
        load_file(tmp_path / "none.keras")
    for name in ("bad.keras", "flipped.keras"):
        with pytest.raises(DataError, match=f"{name}: not a network that srnet can read") as error:
            load_file(tmp_path / name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: keras.layers.Conv2D(1, 3, padding="same")(x), "not a network from LR to HR pixels"),
        (lambda x: keras.layers.Conv2DTranspose(1, 3, (2, 1), "same")(x), "not a network from LR to HR pixels"),
        (lambda x: keras.layers.Conv2DTranspose(2, 3, 2, "same")(x), "not a network from LR to HR pixels"),
        (lambda x: keras.layers.Conv2DTranspose(1, 4, 2, "valid")(x), "not a network from LR to HR pixels"),
        (lambda x: keras.layers.UpSampling2D(2)(keras.layers.Conv2D(1, 3)(x)), "not a network from LR to HR pixels"),
        (lambda x: keras.layers.GlobalAveragePooling2D()(x), "not a network from LR to HR pixels"),
    ],
)
def test_keras_files_of_other_networks_are_refused(tmp_path, make, message):
    lr = keras.Input((None, None, 1))
    keras.Model(lr, make(lr)).save(tmp_path / "x.keras")
    with pytest.raises(DataError, match=message):
        load_file(tmp_path / "x.keras")


def test_networks_of_several_inputs_are_refused(tmp_path):
    inputs = [keras.Input((None, None, 1)) for _ in range(2)]
    keras.Model(inputs, keras.layers.UpSampling2D(2)(keras.layers.Add()(inputs))).save(tmp_path / "x.keras")
    with pytest.raises(DataError, match="not a network from LR to HR pixels"):
        load_file(tmp_path / "x.keras")


def test_no_code_of_a_file_is_run(tmp_path):
    """Neither that of a Lambda layer in a .keras file, nor that in other formats that Keras loads."""
    marker = tmp_path / "ran"
    lr = keras.Input((None, None, 1))
    mark = eval(f"lambda x: (__import__('pathlib').Path({str(marker)!r}).touch(), x)[1]")
    hr = keras.layers.UpSampling2D(2)(keras.layers.Lambda(mark)(lr))
    model = keras.Model(lr, hr)
    marker.unlink(missing_ok=True)
    for name, message in (("x.keras", "not a network that srnet can read"), ("x.h5", "not a .keras file")):
        model.save(tmp_path / name)
        with pytest.raises(DataError, match=message):
            load_file(tmp_path / name)
    assert not marker.exists()


def test_whatever_a_damaged_file_raises_is_one_line(tmp_path, monkeypatch):
    models.build("full", 2, filters=4).save(tmp_path / "x.keras")

    class ResourceExhaustedError(Exception):
        pass

    for error in (MemoryError(), ModuleNotFoundError("No module named 'x'"), ResourceExhaustedError("a\nb")):

        def fail(*arguments, error=error, **options):
            raise error

        monkeypatch.setattr(keras.models, "load_model", fail)
        with pytest.raises(DataError, match=r"x\.keras: not a network that srnet can read \([^\n]+\)$"):
            load_file(tmp_path / "x.keras")
