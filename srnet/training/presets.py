"""Training presets: the paper's run, smaller ones for a CPU, and ESRGAN's second stage."""

from collections.abc import Mapping
from typing import Any

Settings = Mapping[str, Any]  # of fields of `TrainConfig`

# What each preset changes in the paper's run. Short runs do better with a cooldown.
PRESETS: dict[str, Settings] = {
    "paper": {},
    "cpu": {
        "patch": 48,
        "batch_size": 16,
        "epochs": 20,
        "schedule": "cooldown",
        "precision": "auto",
    },
    "quick": {
        "train_sets": ("skimage_train",),
        "validation_set": "skimage_test",
        "patch": 48,
        "batch_size": 16,
        "steps_per_epoch": 100,
        "epochs": 10,
        "schedule": "cooldown",
        "precision": "auto",
    },
    # Wang et al. 2018 (ESRGAN), second stage, which starts from the weights of the first (--initial_run). Loss
    # weights: perceptual 1, adversarial 5e-3, absolute error of pixels in [0, 1] 1e-2. Adam at 1e-4, halved after
    # 50,000, 100,000, 200,000 and 300,000 of 400,000 steps; here after every 100,000.
    "adversarial": {
        "channels": 3,
        "patch": 128,
        "stride": 32,
        "orientations": 8,
        "batch_size": 16,
        "epochs": 400,
        "learning_rate": 1e-4,
        "decay_every": 100,
        "beta_2": 0.999,
        "loss": "mae",
        "loss_weight": 1e-2 / 255,
        "perceptual": 1.0,
        "adversarial": 5e-3,
        "weight_decay": 0.0,
    },
}

# Networks that work at the LR size see farther than the paper's, so their patches are larger.
_AT_LR_SIZE: Settings = {
    "patch": 96,
    "stride": 32,
    "loss": "mae",
    "weight_decay": 0.0,
    "beta_2": 0.999,
    "learning_rate": 5e-4,
}

# With only the paper's augmentation, `plus` overfits (docs/reproduction.md).
_AUGMENTED: Settings = {**_AT_LR_SIZE, "orientations": 8, "augment_scales": (1.0, 0.9, 0.8, 0.7, 0.6)}

# At a learning rate of 1e-3 and beta_2 of 0.999, similar architectures diverged (docs/reproduction.md).
_PLUS: Settings = {**_AUGMENTED, "learning_rate": 6e-4, "beta_2": 0.99}

# At 2e-3 it diverged once, at x2 after 6,000 steps.
_PLUS_SMALL: Settings = {**_AUGMENTED, "learning_rate": 1e-3}

# Zhang et al. 2018: Adam at 1e-4, halved every 200,000 steps, absolute error, batch 16. Their LR patches are 48x48 at
# every scale, as these are at x2; for x3 and x4 set --patch=144 and 192.
_RCAN: Settings = {
    "patch": 96,
    "stride": 32,
    "orientations": 8,
    "learning_rate": 1e-4,
    "decay_every": 200,
    "beta_2": 0.999,
    "loss": "mae",
    "weight_decay": 0.0,
    "batch_size": 16,
}

_ESRGAN: Settings = {**_RCAN, "patch": 128, "learning_rate": 2e-4}

# The settings of the comparison networks' own papers, and of `plus` and `plus_small`, that differ from the paper's. The
# paper preset applies them, but keeps the images and the number of steps of the paper.
OWN_SETTINGS: dict[str, Settings] = {
    "plus": _PLUS,
    "plus_small": _PLUS_SMALL,
    # Dong et al. 2014: SGD at 1e-4 (1e-5 for the last layer), weights of standard deviation 0.001, 33x33 patches at
    # stride 14; momentum, loss and batch size are from the authors' Caffe files, in which the biases have a smaller
    # learning rate, too.
    "srcnn": {
        "initializer": "paper",
        "patch": 33,
        "stride": 14,
        "optimizer": "sgd",
        "learning_rate": 1e-4,
        "output_rate": 0.1,
        "decay_rate": 1.0,
        "loss": "euclidean",
        "weight_decay": 0.0,
        "batch_size": 128,
    },
    # Kim et al. 2016, one scale at a time; they do not give theta of the clipping, 0.01 is what others use.
    "vdsr": {
        "patch": 41,
        "stride": 41,
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "decay_rate": 0.1,
        "clip": 0.01,
        "loss": "euclidean",
        "weight_decay": 1e-4,
        "batch_size": 64,
    },
    # Mao et al. 2016: Adam at 1e-4 for all layers, 50x50 patches; Adam's other parameters are those of its own paper.
    "rednet": {"patch": 50, "learning_rate": 1e-4, "decay_rate": 1.0, "beta_2": 0.999, "weight_decay": 0.0},
    # Kim et al. 2016 (DRCN): SGD at 0.01, 41x41 patches at stride 21, batch 64, weight decay 1e-4; the share of the
    # intermediate outputs falls from 1.
    "drcn": {
        "patch": 41,
        "stride": 21,
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "decay_rate": 0.1,
        "loss": "euclidean",
        "supervision": 1.0,
        "weight_decay": 1e-4,
        "batch_size": 64,
    },
    # Hui et al. 2018, first stage (absolute error): 29x29 LR patches at x2 (at other scales theirs are larger than
    # 58 / scale), Adam at 1e-4, batch 64. Their weight decay of 1e-4 is relative to a patch's sum of 57x57 errors
    # for pixels in [0, 1]. Their transposed convolution has a tenth of the learning rate.
    "idn": {
        "patch": 58,
        "stride": 58,
        "orientations": 8,
        "learning_rate": 1e-4,
        "decay_rate": 1.0,
        "beta_2": 0.999,
        "loss": "mae",
        "weight_decay": 1e-4 * 255 / 57**2,
        "batch_size": 64,
    },
    "rcan": _RCAN,
    "rcan_small": _RCAN,
    # Wang et al. 2018, first stage (absolute error): 128x128 HR patches, Adam at 2e-4, halved every 200,000 steps,
    # batch 16.
    "esrgan": _ESRGAN,
    "esrgan_small": _ESRGAN,
}

# Settings of the short presets. After 2,000 steps at x2, SRCNN reaches 35.9 dB on Set5 with these, and 35.2 without the
# identity initialization; RED-Net with 64 filters reaches 34.8 after 100 steps, and 22.9 with He initialization.
_FROM_BICUBIC: Settings = {"initializer": "identity", "learning_rate": 5e-4, "beta_2": 0.999}
SHORT_SETTINGS: dict[str, Settings] = {
    "plus": _PLUS,
    "plus_small": _PLUS_SMALL,
    "srcnn": _FROM_BICUBIC,
    "rednet": _FROM_BICUBIC,
    "drcn": {"supervision": 1.0},
    "idn": {**_AT_LR_SIZE, **_FROM_BICUBIC},
    "rcan": _AT_LR_SIZE,
    "rcan_small": _AT_LR_SIZE,
    "esrgan": _AT_LR_SIZE,
    "esrgan_small": _AT_LR_SIZE,
}


def preset_settings(preset: str, variant: str) -> dict[str, Any]:
    """Returns a preset's settings for a network, as a dict of `TrainConfig` fields.

    Args:
      preset: one of `PRESETS`.
      variant: the network's name.
    """
    own = {"paper": OWN_SETTINGS, "adversarial": {}}.get(preset, SHORT_SETTINGS)
    return {**PRESETS[preset], **own.get(variant, {})}
