"""The budgets of the experiments: training length, training images and measurements.

Each budget is a preset of `srnet.train`, the fields it overrides, and further overrides for some networks, or for a
network at one scale. `methods` and `sets` are those of Table 2. The tools' `--budget` selects a budget.

| budget | images | steps, batch, patch | measured after each epoch | hardware, time for Table 1 and Figure 5 |
| --- | --- | --- | --- | --- |
| paper | T91, BSD200 | 100 epochs of 1,000, 32, 64x64 | five images of Urban100 | a GPU, not measured |
| cpu_long | T91, BSD200 | 20 epochs of 1,000, 16, 48x48 | five images of Urban100 | two cores, not measured |
| cpu | T91, BSD200 | 10 epochs of 200, 16, 48x48 | five images of Urban100 | two cores, 2 h 45 min |
| quick | scikit-image | 5 epochs of 40, 16, 48x48 | three photographs of scikit-image | two cores, 7 minutes |

The five images are the 11th, 31st, 51st, 71st and 91st of Urban100: measuring all hundred after every epoch would take
longer than the training.
"""

from typing import Any

from srnet.data.datasets import TEST_SETS

Budget = dict[str, Any]

# Methods of Table 2: those that the paper measures, `plus`, and the other networks named in its introduction.
METHODS = ("bicubic", "aplus", "srcnn", "vdsr", "rednet", "full", "plus", "drcn", "idn")
_LARGE, _SMALL = ("rcan", "esrgan"), ("rcan_small", "esrgan_small")
# In so few steps `plus` sees each patch about once, so it gets no more augmentation than the paper's.
_LITTLE_AUGMENTATION = {"orientations": 4, "augment_scales": (1.0,)}
# Figure 5 has no curve of the comparison networks: at budgets cpu and cpu_long they are validated on Set5.
_ON_SET5 = {"validation_set": "Set5", "validation_images": 0}
_NARROW_ON_SET5 = {**_ON_SET5, "model_options": {"filters": 64}}  # as wide as the paper's network

BUDGETS: dict[str, Budget] = {
    "paper": {
        "preset": "paper",
        "changes": {"validation_set": "Urban100", "validation_images": 5},
        "networks": {("rcan", 4): {"patch": 192}},  # LR patches of 48x48, as at x2
        "methods": (*METHODS, *_LARGE),
        "sets": tuple(TEST_SETS),
    },
    "cpu_long": {
        "preset": "cpu",
        "changes": {"validation_set": "Urban100", "validation_images": 5},
        "networks": {
            **dict.fromkeys(("srcnn", "vdsr", "plus", "idn", *_SMALL), _ON_SET5),
            **dict.fromkeys(("rednet", "drcn"), _NARROW_ON_SET5),
        },
        "methods": (*METHODS, *_SMALL),
        "sets": tuple(TEST_SETS),
    },
    "cpu": {
        "preset": "cpu",
        "changes": {"steps_per_epoch": 200, "epochs": 10, "validation_set": "Urban100", "validation_images": 5},
        # SRCNN is small enough for 20,000 steps; such a short run of `plus` takes a higher learning rate.
        "networks": {
            "srcnn": {**_ON_SET5, "steps_per_epoch": 1000, "epochs": 20},
            "vdsr": _ON_SET5,
            "plus": {**_ON_SET5, **_LITTLE_AUGMENTATION, "learning_rate": 1e-3},
            **dict.fromkeys(("rednet", "drcn"), _NARROW_ON_SET5),
            **dict.fromkeys(("idn", *_SMALL), {**_ON_SET5, **_LITTLE_AUGMENTATION}),
        },
        "methods": (*METHODS, *_SMALL),
        "sets": tuple(TEST_SETS),
    },
    "quick": {
        "preset": "quick",
        "changes": {"steps_per_epoch": 40, "epochs": 5},
        "networks": {
            "plus": _LITTLE_AUGMENTATION,
            **dict.fromkeys(("rednet", "drcn"), {"model_options": {"filters": 64}}),
        },
        "methods": tuple(name for name in (*METHODS, *_SMALL) if name != "aplus"),  # A+ learns from T91
        "sets": ("skimage_test",),
    },
}
