"""What the commands do where there is a GPU, told from a fake one."""

import pytest
import tensorflow as tf

from srnet import cli
from srnet.training.origin import hardware


@pytest.fixture
def gpu(monkeypatch):
    device = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [device])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: {"device_name": "a card"})
    return device


def test_memory_is_taken_as_it_is_needed(gpu, monkeypatch):
    growing = []
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda *given: growing.append(given))
    cli.import_tensorflow.__wrapped__()
    assert growing == [(gpu, True)]


@pytest.mark.parametrize("used", [False, True])
def test_a_run_says_whether_float32_is_tf32(gpu, monkeypatch, used):
    monkeypatch.setattr(tf.config.experimental, "tensor_float_32_execution_enabled", lambda: used)
    found = hardware()
    assert (found["gpus"], found["tf32"]) == (["a card"], used)


def test_a_run_without_a_gpu_has_no_tf32(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])
    assert hardware()["gpus"] == [] and "tf32" not in hardware()
