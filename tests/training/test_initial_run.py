"""Runs that begin with the weights of another."""

import json
import shutil

import keras
import numpy as np
import pytest

from srnet import models
from srnet.errors import DataError, UsageError
from srnet.inference.rgb import enlarge_colors
from srnet.models.keras_file import save_file
from srnet.pretrained import cards
from srnet.pretrained.load import load
from srnet.training.checkpoints import load_run
from srnet.training.initial import copy_weights
from srnet.training.run_folder import read_metrics


def test_a_run_begins_with_the_weights_of_another(train):
    options = {"variant": "plus", "model_options": {"filters": 4, "blocks": 1, "depth": 1}, "learning_rate": 1e-20}
    first = train("first", **{**options, "learning_rate": 1e-3})
    begun = train("begun", scale=4, initial_run=str(first.folder), **options)
    initial = json.loads(begun.origin.read_text())["initial"]
    origin = json.loads(first.origin.read_text())
    assert (initial["steps"], initial["started"]) == (read_metrics(first)[-1]["step"], origin["started"])
    averaged = train("averaged", scale=4, initial_run=str(first.folder), average_decay=0.5, **options)
    for model in (load_run(begun.folder)[0], load_run(averaged.folder)[0]):
        for weight, trained in zip(model.weights, load_run(first.folder)[0].weights, strict=True):
            if weight.path.startswith("output/"):
                assert np.abs(weight).max() < 1e-15
            else:
                np.testing.assert_allclose(weight, trained, rtol=1e-6, atol=1e-15)
    shutil.rmtree(first.folder)  # a run that has begun needs it no more
    train("begun", scale=4, initial_run=str(first.folder), **options)


def test_a_run_begins_with_a_pretrained_network(train):
    one_step = {"steps_per_epoch": 1, "epochs": 1, "batch_size": 1, "learning_rate": 1e-20}
    options = {"variant": "full", "scale": 4, "model_options": {}, **one_step}
    first = train("first", initial_run="full_x2", **options)
    assert json.loads(first.origin.read_text())["initial"]["commit"] == cards.card(2, "full")["run"]["commit"]
    pretrained = {weight.path: weight.numpy() for weight in load(2, "full").weights}
    weights = {weight.path: weight.numpy() for weight in load_run(first.folder)[0].weights}
    assert pretrained.keys() < weights.keys()  # x4 has a second upsampling layer
    for path, weight in pretrained.items():
        np.testing.assert_allclose(weights[path], weight, atol=1e-15)


def test_a_run_that_has_no_checkpoint_yet_resumes_with_the_same_initial_weights(train, tmp_path):
    first = tmp_path / "first.keras"
    save_file(models.build("vdsr", 2, filters=4, depth=3), first)
    begun = train("begun", initial_run=str(first))
    shutil.rmtree(begun.last)
    begun.metrics.unlink()
    train("begun", initial_run=str(first))
    shutil.rmtree(begun.last)
    begun.metrics.unlink()
    save_file(models.build("vdsr", 2, filters=4, depth=3), first)
    with pytest.raises(UsageError, match="begun holds a run that began with other weights"):
        train("begun", initial_run=str(first))


def test_weights_to_begin_with_must_fit(train, tmp_path):
    first = train("first")
    with pytest.raises(UsageError, match="first: no layer of vdsr has the name and shape of a layer of full$"):
        train(variant="full", initial_run=str(first.folder), model_options={"filters": 3})
    with pytest.raises(DataError, match="nowhere: no run there"):
        train(initial_run=str(tmp_path / "nowhere"))
    assert not (tmp_path / "run").exists()


def test_a_layer_whose_namesake_has_no_weights_does_not_fit(tmp_path):
    save_file(models.build("rcan", 2, groups=1, blocks=1, filters=4), tmp_path / "rcan.keras")
    with pytest.raises(UsageError, match="no layer of rcan has the name and shape"):
        copy_weights(models.build("srcnn", 2), str(tmp_path / "rcan.keras"))
    save_file(models.build("plus", 2, filters=4), tmp_path / "plus.keras")
    lr = keras.Input((None, None, 3))
    model = keras.Model(lr, keras.layers.Conv2D(4, 3, name="pad")(lr))
    with pytest.raises(UsageError, match="no layer of plus has the name and shape"):
        copy_weights(model, str(tmp_path / "plus.keras"))


def test_a_layer_of_vectors_of_another_length_does_not_fit(tmp_path):
    def network(filters):
        lr = keras.Input((None, None, 1))
        x = keras.layers.Conv2D(2, 3, padding="same", name="same")(lr)
        x = keras.layers.Conv2D(filters, 1, name=f"conv{filters}")(x)
        x = keras.layers.LayerNormalization(name="norm")(x)
        return keras.Model(lr, keras.layers.UpSampling2D(2)(keras.layers.Conv2D(1, 1, name=f"last{filters}")(x)))

    save_file(network(4), tmp_path / "own.keras")
    assert copy_weights(network(8), str(tmp_path / "own.keras"))[:2] == (4, 1)


def test_a_network_of_rgb_begins_as_one_of_luma(tmp_path):
    options = {"blocks": 1, "depth": 1, "dilation_rates": (1,), "filters": 4, "bicubic": True}
    luma, rgb = (models.build("plus", 2, channels=channels, **options) for channels in (1, 3))
    random = np.random.default_rng(0)
    luma.set_weights([0.2 * random.standard_normal(weight.shape) for weight in luma.get_weights()])
    save_file(luma, tmp_path / "luma.keras")
    assert copy_weights(rgb, str(tmp_path / "luma.keras"))[:2] == (8, 8)
    grays = np.repeat(random.uniform(0, 255, (1, 48, 48, 1)), 3, axis=3).astype(np.float32)
    inner = np.s_[:, 24:-24, 24:-24]  # padding with 0 is another gray of luma
    np.testing.assert_allclose(rgb(grays)[inner], enlarge_colors(luma, grays)[inner], atol=2e-2)


def test_a_last_layer_without_upsampling_becomes_rgb_too(tmp_path):
    luma, rgb = (models.build("vdsr", 2, channels=channels, filters=4, depth=3) for channels in (1, 3))
    random = np.random.default_rng(0)
    luma.set_weights([0.2 * random.standard_normal(weight.shape) for weight in luma.get_weights()])
    save_file(luma, tmp_path / "luma.keras")
    layers, same, _ = copy_weights(rgb, str(tmp_path / "luma.keras"))
    assert layers == same
    grays = np.repeat(random.uniform(0, 255, (1, 32, 32, 1)), 3, axis=3).astype(np.float32)
    inner = np.s_[:, 16:-16, 16:-16]  # padding with 0 is another gray of luma
    np.testing.assert_allclose(rgb(grays)[inner], enlarge_colors(luma, grays)[inner], rtol=1e-3, atol=0.1)


def test_a_transposed_first_layer_of_luma_is_left_out(tmp_path):
    luma, rgb = (models.build("full", 2, channels=channels, filters=4) for channels in (1, 3))
    save_file(luma, tmp_path / "luma.keras")
    first = rgb.get_layer("upsample_1").get_weights()
    assert copy_weights(rgb, str(tmp_path / "luma.keras"))[:2] == (13, 12)
    assert all(map(np.array_equal, rgb.get_layer("upsample_1").get_weights(), first))


def test_a_network_of_rgb_that_begins_as_one_of_luma_sees_colors(tmp_path):
    luma, rgb = (models.build("plus", 2, channels=channels, blocks=1, filters=4) for channels in (1, 3))
    save_file(luma, tmp_path / "luma.keras")
    copy_weights(rgb, str(tmp_path / "luma.keras"))
    equal_luma = 100 + np.array([[0, 0, 0], [24.966, 0, -65.481]])  # ITU-R BT.601
    features = keras.Model(rgb.input, rgb.get_layer("extract").output)
    gray, color = features(np.broadcast_to(equal_luma[:, None, None], (2, 8, 8, 3)))
    assert np.abs(gray - color).max() > 0.1


def test_a_network_of_rgb_without_its_mean_sees_the_luma_of_a_picture(tmp_path):
    options = {"groups": 1, "blocks": 1, "filters": 4}
    luma, rgb = (models.build("rcan", 2, channels=channels, **options) for channels in (1, 3))
    save_file(luma, tmp_path / "luma.keras")
    copy_weights(rgb, str(tmp_path / "luma.keras"))
    pictures = np.repeat(np.random.default_rng(0).uniform(0, 255, (1, 9, 12, 1)), 3, axis=3).astype(np.float32)
    gray = 16 + pictures @ np.array([65.481, 128.553, 24.966]) / 255  # ITU-R BT.601
    features = [keras.Model(model.input, model.get_layer("head").output) for model in (luma, rgb)]
    inner = np.s_[:, 1:-1, 1:-1]  # padding with 0 is another gray of luma
    expected = features[0](gray[..., None].astype(np.float32))[inner]
    np.testing.assert_allclose(features[1](pictures)[inner], expected, atol=2e-2)
