"""Every number of a training run, with the paper's values as defaults, and the presets."""

import dataclasses
import pathlib

from srnet.errors import DataError, UsageError
from srnet.files import read_json

PRECISIONS = ("float32", "mixed_bfloat16", "auto")
STRATEGIES = ("one_device", "mirrored")
SCHEDULES = ("halving", "cooldown")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """A training run. Two runs with equal configurations and images are the same run.

    Section numbers are those of the paper (Hu, Guo, Zhu 2020).

    Attributes:
      variant: the network: full, no_deconv, no_dilation, no_deconv_no_dilation, no_skips, local_only or long_only.
      scale: integer enlargement (2 and 4 in section 3.1).
      channels: 1 for luma, 3 for RGB.
      initializer: "he" or "paper" (2.2.3; see `srnet.models.layers.kernel_initializer`).
      model_options: further options of the network, by name; as a flag a JSON object, such as {"depth": 3}.
      train_sets: names of the training sets (3.1).
      validation_set: name of the set measured after each epoch.
      patch: side of an HR patch in pixels (3.1); rounded down to a multiple of the scale.
      stride: distance between HR patches in pixels (3.1); rounded down likewise.
      augment: whether each image is also rotated, mirrored and flipped (3.1).
      batch_size: patches in a step, over all devices (2.2.3).
      steps_per_epoch: steps from one validation to the next (2.2.3).
      epochs: number of epochs (2.2.3).
      learning_rate: Adam's initial rate (2.2.2).
      schedule: "halving" (2.2.3), or "cooldown": constant, then linear to 0 over the last quarter of the run.
      halve_every: epochs after which "halving" halves the rate, again and again (2.2.3).
      beta_1: Adam's decay of the first moment (2.2.2).
      beta_2: Adam's decay of the second moment (2.2.2).
      epsilon: Adam's epsilon (2.2.2).
      weight_decay: beta of the penalty beta/2 * sum of squared kernels, for an MSE in 8-bit units (2.2.1).
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
    model_options: dict = dataclasses.field(default_factory=dict)
    train_sets: tuple[str, ...] = ("T91", "BSD200")
    validation_set: str = "Set5"
    patch: int = 64
    stride: int = 16
    augment: bool = True
    batch_size: int = 32
    steps_per_epoch: int = 1000
    epochs: int = 100
    learning_rate: float = 1e-3
    schedule: str = "halving"
    halve_every: int = 20
    beta_1: float = 0.9
    beta_2: float = 0.9999
    epsilon: float = 1e-8
    weight_decay: float = 1e-3
    precision: str = "float32"
    jit_compile: bool = False
    strategy: str = "one_device"
    deterministic: bool = False
    seed: int = 0

    def __post_init__(self):
        object.__setattr__(self, "train_sets", tuple(self.train_sets))
        at_least = {
            "scale": 2,
            "patch": self.scale,
            "stride": self.scale,
            "batch_size": 1,
            "steps_per_epoch": 1,
            "epochs": 1,
            "halve_every": 1,
            "weight_decay": 0,
            "seed": 0,
        }
        for name, minimum in at_least.items():
            if getattr(self, name) < minimum:
                raise UsageError(f"{name} {getattr(self, name)} cannot be used: it must be at least {minimum}")
        for name in ("learning_rate", "epsilon"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} {getattr(self, name)} cannot be used: it must be above 0")
        for name in ("beta_1", "beta_2"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} {getattr(self, name)} cannot be used: it must be in [0, 1)")
        for name, choices in (("precision", PRECISIONS), ("strategy", STRATEGIES), ("schedule", SCHEDULES)):
            if getattr(self, name) not in choices:
                raise UsageError(f"{name} {getattr(self, name)!r} is unknown: choose one of {', '.join(choices)}")
        for name in {"name", "scale", "channels", "dtype", "initializer"} & set(self.model_options):
            raise UsageError(f"model_options cannot have {name!r}: it has a place of its own or is fixed")
        if not self.train_sets:
            raise UsageError("train_sets is empty: name at least one set")

    @property
    def total_steps(self):
        return self.epochs * self.steps_per_epoch

    def to_json(self):
        """Returns the configuration as a dict that the json module writes."""
        return {**dataclasses.asdict(self), "train_sets": list(self.train_sets)}


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


def load_config(path):
    """Reads a configuration from JSON.

    Args:
      path: the file.

    Raises:
      DataError: if it is missing, or its fields are not those of `TrainConfig`.
    """
    values = read_json(pathlib.Path(path))
    expected = {field.name for field in dataclasses.fields(TrainConfig)}
    if not isinstance(values, dict) or set(values) != expected:
        odd = sorted(expected.symmetric_difference(values)) if isinstance(values, dict) else "no object"
        raise DataError(f"{path}: not a configuration of this srnet version (differs in: {odd})")
    try:
        return TrainConfig(**values)
    except (UsageError, TypeError) as error:
        raise DataError(f"{path}: {error}") from error
