"""The effect of each part of `plus`, this project's own network, and of its training.

Each row differs from the run of Table 2 in what its label names. The paper has no such table. Augmentation has no row:
in so few steps each patch is seen about once.

Command: python tools/plus_ablation.py --budget=cpu   (an hour on one core, beside other work)
Expect, x4, mean PSNR of the four sets relative to `plus`, in dB: another seed -0.01, without the bicubic
enlargement -0.78, moving average of decay 0.999 -0.55, the architecture of srnet 0.1 -0.24, dilation rates
1, 1, 2, 4 -0.20, L2 loss -0.15, cosine schedule -0.13, 7 blocks of 48 filters -0.03, patches of 128x128 +0.05; the
others within 0.01 of it.
"""

from typing import Any

SCALE = 4

# Name of the row: its label in the table, and the configuration fields it changes.
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "plus": ("`plus`", {}),
    "seed_1": ("`plus`, seed 1", {"seed": 1}),
    "no_bicubic": ("no bicubic enlargement", {"model_options": {"bicubic": False}}),
    "no_encoder": ("encoder-decoder replaced by two residual blocks", {"model_options": {"depth": 0, "blocks": 21}}),
    "dilation": (
        "dilation rates 1, 1, 2, 4, and one residual block fewer",
        {"model_options": {"blocks": 18, "dilation_rates": [1, 1, 2, 4]}},
    ),
    "narrow": ("36 residual blocks of 24 filters", {"model_options": {"blocks": 36, "filters": 24}}),
    "wide": ("7 residual blocks of 48 filters", {"model_options": {"blocks": 7, "filters": 48}}),
    "first": (
        "the architecture of srnet 0.1: 5 residual blocks of 48 filters, dilation rates 1, 1, 2, 4",
        {"model_options": {"blocks": 5, "filters": 48, "dilation_rates": [1, 1, 2, 4]}},
    ),
    "mse": ("L2 loss (`mse`)", {"loss": "mse"}),
    "cosine": ("cosine schedule", {"schedule": "cosine"}),
    "average": ("EMA of the weights, decay 0.999", {"average_decay": 0.999}),
    "average_0.99": ("EMA of the weights, decay 0.99", {"average_decay": 0.99}),
    "patch_128": ("patches of 128x128", {"patch": 128}),
}
