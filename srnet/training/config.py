"""Every number of a training run, with the paper's values as defaults, and the presets."""

import dataclasses
import pathlib

from srnet.data.patches import ORIENTATIONS
from srnet.errors import DataError, UsageError
from srnet.files import read_json

PRECISIONS = ("float32", "mixed_bfloat16", "auto")
STRATEGIES = ("one_device", "mirrored")
SCHEDULES = ("staircase", "cooldown", "cosine")
OPTIMIZERS = ("adam", "sgd")
LOSSES = ("mse", "mae", "euclidean")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """A training run. Two runs with equal configurations, images and first weights are the same run.

    Section numbers are those of the paper (Hu, Guo, Zhu 2020).

    Attributes:
      variant: the network: full, no_deconv, no_dilation, no_deconv_no_dilation, no_skips, local_only or long_only;
        plus; or, for comparison, srcnn, vdsr or rednet.
      scale: integer enlargement (2 and 4 in section 3.1).
      channels: 1 for luma, 3 for RGB.
      initializer: "he" or "paper" (2.2.3; see `srnet.models.layers.kernel_initializer`); for srcnn and rednet also
        "identity", which starts as the bicubic enlargement.
      initial_run: run folder, .keras file, or network that comes with srnet, such as plus_x2, whose trained weights
        this run begins with, in each layer of the same name and shape; "" for none.
      model_options: further options of the network, by name; as a flag a JSON object, such as {"depth": 3}.
      train_sets: names of the training sets (3.1).
      validation_set: name of the set measured after each epoch.
      validation_images: how many of its images are measured, evenly spread over it; 0 for all.
      patch: side of an HR patch in pixels (3.1); rounded down to a multiple of the scale.
      stride: distance between HR patches in pixels (3.1); rounded down likewise.
      augment: whether each image is also rotated, mirrored and flipped (3.1).
      orientations: how many of the eight flips and rotations of an image that gives: 4 (3.1) or 8.
      augment_scales: factors, above 0 and up to 1, of the copies of each image that patches are cut from; 1 is the
        image itself.
      batch_size: patches in a step, over all devices (2.2.3).
      steps_per_epoch: steps from one validation to the next (2.2.3).
      epochs: number of epochs (2.2.3).
      optimizer: "adam" (2.2.2), or "sgd" with momentum `beta_1`.
      learning_rate: initial rate (2.2.2).
      output_rate: factor on the rate of the last layer, for "sgd".
      schedule: "staircase" (2.2.3); "cooldown": constant, then linear to 0 over the last quarter of the run; or
        "cosine": half a wave from the rate to 0.
      decay_every: epochs after which "staircase" multiplies the rate by `decay_rate`, again and again (2.2.3).
      decay_rate: above 0, up to 1 (2.2.3).
      beta_1: Adam's decay of the first moment (2.2.2).
      beta_2: Adam's decay of the second moment (2.2.2).
      epsilon: Adam's epsilon (2.2.2).
      clip: each value of the gradient is kept within clip / learning rate (VDSR's adjustable clipping); 0 for none.
      loss: "mse" in 8-bit units (2.2.1); "mae", the mean absolute error in them; or "euclidean": half a patch's sum of
        squared errors in units of 1.
      weight_decay: beta of the penalty beta/2 * sum of squared kernels, added to the loss (2.2.1).
      average_decay: decay, below 1, of the moving average of the weights, which is measured and saved in their place;
        0 for none.
      precision: "float32", "mixed_bfloat16", or "auto" for the latter where the hardware computes in it.
      jit_compile: whether forward and backward pass are compiled by XLA.
      strategy: "one_device", or "mirrored" for all GPUs of the machine.
      deterministic: whether TensorFlow's operations are made reproducible to the bit.
      seed: seed of the initial weights and of the order of patches, at least 0.
    """

    variant: str = "full"
    scale: int = 2
    channels: int = 1
    initializer: str = "he"
    initial_run: str = ""
    model_options: dict = dataclasses.field(default_factory=dict)
    train_sets: tuple[str, ...] = ("T91", "BSD200")
    validation_set: str = "Set5"
    validation_images: int = 0
    patch: int = 64
    stride: int = 16
    augment: bool = True
    orientations: int = 4
    augment_scales: tuple[float, ...] = (1.0,)
    batch_size: int = 32
    steps_per_epoch: int = 1000
    epochs: int = 100
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    output_rate: float = 1.0
    schedule: str = "staircase"
    decay_every: int = 20
    decay_rate: float = 0.5
    beta_1: float = 0.9
    beta_2: float = 0.9999
    epsilon: float = 1e-8
    clip: float = 0.0
    loss: str = "mse"
    weight_decay: float = 1e-3
    average_decay: float = 0.0
    precision: str = "float32"
    jit_compile: bool = False
    strategy: str = "one_device"
    deterministic: bool = False
    seed: int = 0

    def __post_init__(self):
        object.__setattr__(self, "train_sets", tuple(self.train_sets))
        object.__setattr__(self, "augment_scales", tuple(map(float, self.augment_scales)))
        at_least = {
            "scale": 2,
            "patch": self.scale,
            "stride": self.scale,
            "batch_size": 1,
            "steps_per_epoch": 1,
            "epochs": 1,
            "decay_every": 1,
            "validation_images": 0,
            "clip": 0,
            "weight_decay": 0,
            "seed": 0,
        }
        for name, minimum in at_least.items():
            if getattr(self, name) < minimum:
                raise UsageError(f"{name} {getattr(self, name)} cannot be used: it must be at least {minimum}")
        for name in ("learning_rate", "output_rate", "decay_rate", "epsilon"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} {getattr(self, name)} cannot be used: it must be above 0")
        for name in ("beta_1", "beta_2", "average_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} {getattr(self, name)} cannot be used: it must be in [0, 1)")
        if self.output_rate != 1 and self.optimizer != "sgd":
            raise UsageError(f"output_rate {self.output_rate} cannot be used with {self.optimizer}, only with sgd")
        if self.decay_rate > 1:
            raise UsageError(f"decay_rate {self.decay_rate} cannot be used: it must be at most 1")
        choices_of = {
            "orientations": ORIENTATIONS,
            "optimizer": OPTIMIZERS,
            "loss": LOSSES,
            "precision": PRECISIONS,
            "strategy": STRATEGIES,
            "schedule": SCHEDULES,
        }
        for name, choices in choices_of.items():
            if getattr(self, name) not in choices:
                raise UsageError(
                    f"{name} {getattr(self, name)!r} is unknown: choose one of {', '.join(map(str, choices))}"
                )
        for name in {"name", "scale", "channels", "dtype", "initializer"} & set(self.model_options):
            raise UsageError(f"model_options cannot have {name!r}: it has a place of its own or is fixed")
        different = len(set(self.augment_scales)) == len(self.augment_scales) > 0
        if not different or not all(0 < factor <= 1 for factor in self.augment_scales):
            given = ",".join(map(str, self.augment_scales)) or "none"
            raise UsageError(f"augment_scales {given} cannot be used: different factors above 0 and up to 1 are")
        if not self.train_sets:
            raise UsageError("train_sets is empty: name at least one set")

    @property
    def total_steps(self):
        return self.epochs * self.steps_per_epoch

    def to_json(self):
        """Returns the configuration as a dict that the json module writes."""
        lists = {"train_sets": list(self.train_sets), "augment_scales": list(self.augment_scales)}
        return {**dataclasses.asdict(self), **lists}


# What each preset changes in the paper's run. Short runs end better with a cooldown: after 2,000 steps at x2 (README)
# Set5 gave 36.24 dB, against 35.77 with the rate halved four times.
PRESETS = {
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
}

# `plus` sees as much of a picture in an LR patch as the paper's network in an HR one, so its patches are larger. At a
# rate of 1e-3 it broke down once, at x2 after 7,200 steps. On the four copies of the paper alone it learns the pictures
# by heart (experiments/README.md).
_PLUS = {
    "patch": 96,
    "stride": 32,
    "orientations": 8,
    "augment_scales": (1.0, 0.9, 0.8, 0.7, 0.6),
    "loss": "mae",
    "weight_decay": 0.0,
    "beta_2": 0.999,
    "learning_rate": 5e-4,
}

# What the comparison networks' own papers, and `plus`, set otherwise; the paper preset follows them, on the images and
# for the steps of this project's paper.
OWN_SETTINGS = {
    "plus": _PLUS,
    # Dong et al. 2014: SGD, 1e-4 and for the last layer 1e-5, weights of deviation 0.001, 33x33
    # patches at a stride of 14; momentum, loss and batch size are those of the authors' Caffe files, in which the
    # biases learn more slowly, too.
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
    # Kim et al. 2016, for one scale at a time; theta of the clipping is not given there, 0.01 is what
    # others use.
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
    # Mao et al. 2016: Adam at 1e-4 for all layers, 50x50 patches; the rest of Adam as its authors have it.
    "rednet": {"patch": 50, "learning_rate": 1e-4, "decay_rate": 1.0, "beta_2": 0.999, "weight_decay": 0.0},
}

# What the short presets set otherwise for them. In 2,000 steps at x2, SRCNN comes to 35.9 dB on Set5 with these and to
# 35.2 without the start as the bicubic enlargement; RED-Net, of 64 filters, in 100 steps to 34.8, and with He's start
# to 22.9.
_FROM_BICUBIC = {"initializer": "identity", "learning_rate": 5e-4, "beta_2": 0.999}
SHORT_SETTINGS = {"plus": _PLUS, "srcnn": _FROM_BICUBIC, "rednet": _FROM_BICUBIC}


def preset_settings(preset, variant):
    """Returns what a preset sets for a network, as a dict of fields of `TrainConfig`.

    Args:
      preset: one of `PRESETS`.
      variant: the network's name.
    """
    own = OWN_SETTINGS if preset == "paper" else SHORT_SETTINGS
    return {**PRESETS[preset], **own.get(variant, {})}


def load_config(path):
    """Reads a configuration from JSON; a field that an older version did not have takes its default.

    Args:
      path: the file.

    Raises:
      DataError: if it is missing, or has fields that `TrainConfig` does not have.
    """
    values = read_json(pathlib.Path(path))
    known = {field.name for field in dataclasses.fields(TrainConfig)}
    if not isinstance(values, dict) or set(values) - known:
        odd = ", ".join(sorted(set(values) - known)) if isinstance(values, dict) else "no object"
        raise DataError(f"{path}: not a configuration of this srnet version (unknown: {odd})")
    try:
        return TrainConfig(**values)
    except (UsageError, TypeError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error
