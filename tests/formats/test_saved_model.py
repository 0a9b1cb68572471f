"""The export, in a fresh process that has never heard of srnet."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from srnet.errors import DataError
from srnet.formats.saved_model import export_saved_model
from srnet.images.color import rgb_to_ycbcr, round_to_uint8
from srnet.images.resize import imresize
from srnet.inference.rgb import upscale_rgb
from srnet.inference.upscaler import Upscaler
from srnet.models import build
from tests.networks import randomize

USE = """
import sys
import numpy as np
import tensorflow as tf

loaded = tf.saved_model.load(sys.argv[1])
arrays = dict(np.load(sys.argv[2]))
results = {}
for name, array in arrays.items():
    if array.dtype == np.uint8:
        results[name] = loaded.signatures["upscale_rgb"](rgb=tf.constant(array))["rgb"]
    else:
        results[name] = loaded.signatures["serving_default"](lr=tf.constant(array))["hr"]
assert "srnet" not in sys.modules
np.savez(sys.argv[3], **results)
"""


@pytest.mark.parametrize(
    ("name", "channels", "scale"),
    [
        ("full", 1, 3),
        pytest.param("esrgan_small", 3, 4, marks=pytest.mark.slow),
        pytest.param("full", 1, 2, marks=pytest.mark.slow),
        pytest.param("full", 3, 4, marks=pytest.mark.slow),
        pytest.param("drcn", 1, 3, marks=pytest.mark.slow),
        pytest.param("idn", 1, 3, marks=pytest.mark.slow),
        pytest.param("rcan_small", 3, 4, marks=pytest.mark.slow),
    ],
)
def test_export_serves_any_size_and_batch_without_srnet(tmp_path, name, channels, scale):
    model = build(name, scale, channels, filters=16)
    export_saved_model(model, tmp_path / "export")
    random = np.random.default_rng(0)
    shapes = {"one": (1, 1, 1), "odd": (1, 17, 23), "even": (1, 64, 64), "batch": (3, 9, 12)}
    arrays = {name: random.uniform(0, 255, (*shape, channels)).astype(np.float32) for name, shape in shapes.items()}
    arrays["rgb"] = random.integers(0, 256, (2, 9, 13, 3)).astype(np.uint8)
    np.savez(tmp_path / "in.npz", **arrays)
    command = [sys.executable, "-c", USE, *map(str, (tmp_path / "export", tmp_path / "in.npz", tmp_path / "out.npz"))]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    results = np.load(tmp_path / "out.npz")
    for name in shapes:
        np.testing.assert_allclose(results[name], model(arrays[name]), atol=0.01)
    assert results["rgb"].dtype == np.uint8
    for given, got in zip(arrays["rgb"], results["rgb"]):
        # A value half-way between two grey levels may fall to either side.
        assert np.abs(got.astype(int) - Upscaler(model, precision="float32")(given)).max() <= 1


PHOTOS = """
import sys
import numpy as np
import tensorflow as tf

signatures = tf.saved_model.load(sys.argv[1]).signatures
pictures = dict(np.load(sys.argv[2]))
results = {name: signatures["upscale_photo"](rgb=tf.constant(rgb))["rgb"] for name, rgb in pictures.items()}
assert "srnet" not in sys.modules
np.savez(sys.argv[3], **results)
"""


@pytest.mark.parametrize(
    ("network", "channels", "scale"),
    [
        ("plus", 1, 3),
        ("full", 3, 2),
        pytest.param("full", 1, 3, marks=pytest.mark.slow),
        pytest.param("idn", 1, 2, marks=pytest.mark.slow),
    ],
)
def test_photos_of_any_size_in_tiles_without_srnet(tmp_path, monkeypatch, network, channels, scale):
    blocks = {"blocks": 3} if network == "plus" else {}
    model = randomize(build(network, scale, channels, filters=16 if network == "idn" else 4, **blocks))
    random = np.random.default_rng(1)
    monkeypatch.setattr("srnet.inference.rgb.fitting_tile", lambda model, margin: 13)
    export_saved_model(model, tmp_path / "export")
    shapes = {"one": (1, 1), "odd": (17, 43), "tall": (130, 5), "wide": (3, 77), "large": (61, 52)}
    pictures = {name: random.integers(0, 256, (*shape, 3), np.uint8) for name, shape in shapes.items()}
    np.savez(tmp_path / "in.npz", **pictures)
    places = (tmp_path / "export", tmp_path / "in.npz", tmp_path / "out.npz")
    subprocess.run([sys.executable, "-c", PHOTOS, *map(str, places)], check=True, capture_output=True, cwd=tmp_path)
    results = np.load(tmp_path / "out.npz")
    for name, picture in pictures.items():
        whole = upscale_rgb(model, picture[None])[0].numpy()
        assert whole.std() > 3 or name == "one"
        assert results[name].dtype == np.uint8 and results[name].shape == whole.shape
        assert np.abs(results[name].astype(int) - whole).max() <= 1


def test_a_network_that_sees_the_whole_picture_is_exported_without_tiles(tmp_path):
    lr = keras.Input((None, None, 1), name="lr")
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True)(lr)
    model = keras.Model(lr, keras.layers.UpSampling2D(2)(keras.layers.Add()([lr, mean])))
    export_saved_model(model, tmp_path / "export")
    assert set(tf.saved_model.load(str(tmp_path / "export")).signatures) == {"serving_default", "upscale_rgb"}


def test_colour_is_luma_by_the_network_and_chroma_bicubic():
    model = build("full", 2, filters=8)
    rgb = np.random.default_rng(0).integers(0, 256, (12, 14, 3)).astype(np.uint8)
    ycbcr = rgb_to_ycbcr(rgb.astype(np.float64))
    enlarged = imresize(ycbcr, 2)
    enlarged[..., 0] = model(ycbcr[None, ..., :1])[0, ..., 0]
    # The standard's inverse, rounded to 1e-3 in the tables that print it.
    cr, cb, y = enlarged[..., 2] - 128, enlarged[..., 1] - 128, 1.164384 * (enlarged[..., 0] - 16)
    expected = np.stack([y + 1.596027 * cr, y - 0.391762 * cb - 0.812968 * cr, y + 2.017232 * cb], -1)
    got = Upscaler(model, precision="float32")(rgb).astype(int)
    assert np.abs(got - round_to_uint8(expected).astype(int)).max() <= 1


def test_export_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    model = build("full", 2, filters=2)
    export_saved_model(model, tmp_path / "export")

    def fail(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "/export/saved_model.pb; No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(DataError, match="export: cannot be written .No space left"):
        export_saved_model(model, tmp_path / "export")
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert tf.saved_model.contains_saved_model(str(tmp_path / "export"))
