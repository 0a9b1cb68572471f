"""What the process of tests/forked.py imports and looks up once."""

import keras  # noqa: F401
import tensorflow as tf

import srnet.training.run  # noqa: F401

tf.config.list_physical_devices()
