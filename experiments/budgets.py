"""How long the networks of the experiments are trained, on what, and what is measured.

Each budget is a preset of `srnet.train`, what it changes there, and for some networks further changes. `methods` and
`sets` are those of Table 2. The tools' `--preset` names one.

| budget | images | steps, batch, patch | measured after each epoch | hardware, time for Table 1 and Figure 5 |
| --- | --- | --- | --- | --- |
| paper | T91, BSD200 | 100 epochs of 1,000, 32, 64x64 | five images of Urban100 | a GPU, not measured |
| cpu | T91, BSD200 | 10 epochs of 200, 16, 48x48 | five images of Urban100 | two cores, 2 h 45 min |
| quick | scikit-image | 5 epochs of 40, 16, 48x48 | three photographs of scikit-image | two cores, 13 minutes |

The five images are the 11th, 31st, 51st, 71st and 91st of Urban100: all hundred after every epoch would take longer
than the training.
"""

METHODS = ("bicubic", "aplus", "srcnn", "vdsr", "rednet", "full", "plus")  # of Table 2
# `plus` needs no more copies of the pictures than the paper makes where it sees each patch about once.
_FEW_COPIES = {"orientations": 4, "augment_scales": (1.0,)}
_ON_SET5 = {"validation_set": "Set5", "validation_images": 0}

BUDGETS = {
    "paper": {
        "preset": "paper",
        "changes": {"validation_set": "Urban100", "validation_images": 5},
        "networks": {},
        "methods": METHODS,
        "sets": ("Set5", "Set14", "BSD100", "Urban100"),
    },
    "cpu": {
        "preset": "cpu",
        "changes": {"steps_per_epoch": 200, "epochs": 10, "validation_set": "Urban100", "validation_images": 5},
        # No curve is drawn of the comparison networks, so Set5 will do. SRCNN is small enough for the whole preset;
        # RED30 gets the width of the paper's network; the higher rate suits so short a run of `plus`.
        "networks": {
            "srcnn": {**_ON_SET5, "steps_per_epoch": 1000, "epochs": 20},
            "vdsr": _ON_SET5,
            "plus": {**_ON_SET5, **_FEW_COPIES, "learning_rate": 1e-3},
            "rednet": {**_ON_SET5, "model_options": {"filters": 64}},
        },
        "methods": METHODS,
        "sets": ("Set5", "Set14", "BSD100", "Urban100"),
    },
    "quick": {
        "preset": "quick",
        "changes": {"steps_per_epoch": 40, "epochs": 5},
        "networks": {"plus": _FEW_COPIES, "rednet": {"model_options": {"filters": 64}}},
        "methods": tuple(name for name in METHODS if name != "aplus"),  # A+ learns from T91
        "sets": ("skimage_test",),
    },
}


def run_settings(budget, network, scale, seed):
    """Returns (preset, changes) of the run of one network: the preset of `srnet.train` and the fields it changes.

    Args:
      budget: one of `BUDGETS`.
      network: name in `srnet.models`.
      scale: integer enlargement.
      seed: integer, at least 0.
    """
    row = BUDGETS[budget]
    changes = {"variant": network, "scale": scale, **row["changes"], **row["networks"].get(network, {})}
    return row["preset"], {**changes, "seed": seed}
