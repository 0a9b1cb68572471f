"""The configuration of a training run, with the paper's values as defaults, and reading it from JSON."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srnet.data import degradation
from srnet.data.augmentation import ORIENTATIONS
from srnet.errors import DataError, UsageError
from srnet.json_files import read_json
from srnet.precision import AUTO, PRECISIONS
from srnet.settings import check_settings, setting
from srnet.training.losses import LOSSES

# The networks of `srnet.models`, listed here because importing that module imports Keras.
NETWORKS = (
    *("full", "no_deconv", "no_dilation", "no_deconv_no_dilation", "no_skips", "local_only", "long_only"),
    *("plus", "plus_small", "srcnn", "vdsr", "rednet", "drcn", "idn", "rcan", "rcan_small", "esrgan", "esrgan_small"),
)


_VGG19_STRIDE = 16  # pixels: VGG19 halves an image four times before the features of the perceptual loss
# The architecture of `plus` in srnet 0.1.
_FIRST_PLUS = {"filters": 48, "blocks": 5, "depth": 2, "dilation_rates": [1, 1, 2, 4]}


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Equal configurations, images and given weights (initial, VGG19) give the same result up to rounding, and with
    `deterministic` bit for bit on the same hardware.

    The fields are documented where they are declared (`python -m srnet.train --help` lists them); section numbers
    refer to the paper (Hu, Guo, Zhu 2020).

    Raises:
      UsageError: for an invalid value.
    """

    variant: str = setting("full", f"Network: {', '.join(NETWORKS)}, or one registered by a --plugin.")
    scale: int = setting(2, "Integer scale (2 and 4 in 3.1).", at_least=2)
    channels: int = setting(1, "1 for luma, 3 for RGB.", choices=(1, 3))
    initializer: str = setting(
        "he",
        "Weight initialization (2.2.3): he; paper, normal with standard deviation 0.001; or identity (srcnn, rednet, "
        "idn), which reproduces bicubic interpolation. rcan and esrgan use their own.",
        choices=("he", "paper", "identity"),
    )
    initial_run: str = setting(
        "",
        "Warm start: a run folder, .keras file or pretrained network, such as plus_x2, whose weights are copied to "
        "layers of the same name and shape.",
    )
    model_options: dict[str, Any] = setting(
        {}, 'Further network options by name; on the command line, a JSON object such as {"depth": 3}.'
    )
    train_sets: tuple[str, ...] = setting(("T91", "BSD200"), "Training sets (3.1): names or folder paths.")
    validation_set: str = setting(
        "BSDval50", "Validation set, evaluated after each epoch; the default is not a test set."
    )
    validation_images: int = setting(
        0, "Number of validation images to evaluate, spread evenly over the set; 0 for all.", at_least=0
    )
    patch: int = setting(64, "Side of an HR patch in pixels (3.1), rounded down to a multiple of the scale.")
    stride: int = setting(16, "Stride between HR patches in pixels (3.1), rounded down to a multiple of the scale.")
    orientations: int = setting(
        4, "Augmentation: orientations (flips, rotations) of each image; 1 for none, 4 as in 3.1.", choices=ORIENTATIONS
    )
    augment_scales: tuple[float, ...] = setting(
        (1.0,),
        "Augmentation: resize factors, one copy of each image per factor; 1 keeps the size.",
        above=0,
        at_most=1,
    )
    degradation: str = setting(
        "bicubic",
        "Degradation that makes the LR training images: bicubic; noise, as in equation 1; photo; a chain, such "
        "as blur0.8+noise5-25+jpeg40-90; or one registered by a --plugin.",
    )
    store_limit: float = setting(
        8.0,
        "Maximum size of the stored patches in GB; above it, whole images are stored and patches are cut as they are "
        "read.",
        at_least=0,
        may_change=True,
    )
    skip_damaged: bool = setting(
        False, "Skip training images that cannot be read, printing a line for each.", may_change=True
    )
    batch_size: int = setting(32, "Patches per step, over all devices (2.2.3).", at_least=1)
    steps_per_epoch: int = setting(1000, "Steps between validations (2.2.3).", at_least=1)
    epochs: int = setting(100, "Number of epochs (2.2.3); raise it to extend a run.", at_least=1, may_change=True)
    optimizer: str = setting("adam", "Adam (2.2.2), or SGD with momentum --beta_1.", choices=("adam", "sgd"))
    learning_rate: float = setting(1e-3, "Initial learning rate (2.2.2).", above=0)
    output_rate: float = setting(1.0, "Learning rate multiplier of the last layer, for sgd.", above=0)
    schedule: str = setting(
        "staircase",
        "Learning rate over the run: staircase (2.2.3); cooldown, constant and then linear to 0 over the last quarter; "
        "or cosine, half a cosine wave down to 0.",
        choices=("staircase", "cooldown", "cosine"),
    )
    decay_every: int = setting(
        20, "Interval in epochs at which staircase multiplies the learning rate by --decay_rate (2.2.3).", at_least=1
    )
    decay_rate: float = setting(
        0.5, "Factor by which staircase multiplies the learning rate (2.2.3).", above=0, at_most=1
    )
    beta_1: float = setting(
        0.9, "Adam's beta_1, decay of the first moment (2.2.2); or SGD's momentum.", at_least=0, below=1
    )
    beta_2: float = setting(0.9999, "Adam's beta_2, decay of the second moment (2.2.2).", at_least=0, below=1)
    epsilon: float = setting(1e-8, "Adam's epsilon (2.2.2).", above=0)
    clip: float = setting(
        0.0,
        "Clip the network's gradients to this value divided by the learning rate (VDSR's adjustable clipping); 0 for "
        "none.",
        at_least=0,
    )
    loss: str = setting(
        "mse",
        "mse (2.2.1, L2) or mae (L1), in gray levels; psnr, 10*log10(mse + 1) of each patch, so that strongly "
        "degraded patches do not dominate; euclidean, half of each patch's sum of squared errors for pixels in [0, 1], "
        "as in Caffe; or one registered by a --plugin.",
        choices=LOSSES,
    )
    loss_weight: float = setting(1.0, "Weight of --loss, relative to --perceptual and --adversarial.", at_least=0)
    perceptual: float = setting(
        0.0,
        "Weight of the perceptual loss, the mean absolute error of VGG19 features, for RGB networks; 0 for none.",
        at_least=0,
    )
    adversarial: float = setting(
        0.0,
        "Weight of ESRGAN's adversarial loss; above 0, a discriminator is trained as well.",
        at_least=0,
    )
    vgg19: str = setting(
        "imagenet",
        "VGG19 weights: imagenet, fetched by Keras; a file with the same weights; or random, for tests only.",
        may_change=True,
    )
    discriminator_filters: int = setting(
        64, "Channels of the discriminator's first convolution; its widest layers have eight times as many.", at_least=1
    )
    supervision: float = setting(
        0.0,
        "Initial weight of recursive supervision, the mean loss of drcn's intermediate outputs; it falls linearly to 0 "
        "over the run.",
        at_least=0,
        at_most=1,
    )
    weight_decay: float = setting(
        1e-3, "Weight decay: half of this times the sum of squared kernels is added to the loss (2.2.1).", at_least=0
    )
    average_decay: float = setting(
        0.0,
        "Decay of an exponential moving average (EMA) of the weights, which is evaluated and saved in their place; it "
        "starts as the mean of the weights so far; 0 for none.",
        at_least=0,
        below=1,
    )
    precision: str = setting(
        "float32",
        "Compute precision; auto picks mixed_bfloat16 if the hardware supports it, else mixed_float16 on GPUs that "
        "support it, else float32.",
        choices=(*PRECISIONS, AUTO),
        may_change=True,
    )
    jit_compile: bool = setting(False, "Compile the forward and backward pass with XLA.", may_change=True)
    strategy: str = setting(
        "one_device",
        "mirrored uses all GPUs of the machine; multi_worker those of all processes named by TF_CONFIG or SLURM, on "
        "one machine or several.",
        choices=("one_device", "mirrored", "multi_worker"),
        may_change=True,
    )
    worker_timeout: float = setting(
        600.0, "Seconds that multi_worker waits for all workers to start.", above=0, may_change=True
    )
    deterministic: bool = setting(
        False, "Make TensorFlow's operations bit-for-bit reproducible, but slower.", may_change=True
    )
    seed: int = setting(
        0, "Seed of the initial weights, patch order and random degradations.", at_least=0, at_most=2**32 - 1
    )

    def __post_init__(self) -> None:
        check_settings(self)
        for name in ("patch", "stride"):
            if getattr(self, name) < self.scale:
                raise UsageError(f"{name} {getattr(self, name)} cannot be used: it must be at least {self.scale}")
        if self.output_rate != 1 and self.optimizer != "sgd":
            raise UsageError(f"output_rate {self.output_rate} cannot be used with {self.optimizer}, only with sgd")
        if self.perceptual and self.channels != 3:
            raise UsageError(
                f"perceptual {self.perceptual} cannot be used with channels 1: use channels 3, or perceptual 0"
            )
        if self.perceptual and self.hr_patch < _VGG19_STRIDE:
            raise UsageError(f"patch {self.patch} cannot be used with perceptual: it must be at least {_VGG19_STRIDE}")
        if self.adversarial and self.precision == "mixed_float16":
            raise UsageError("precision mixed_float16 cannot be used with adversarial: use float32 or mixed_bfloat16")
        for name in {"name", "scale", "channels", "dtype", "initializer"} & set(self.model_options):
            raise UsageError(f"model_options cannot have {name!r}: it has a field of its own or is fixed")
        if self.total_steps * self.batch_size >= 2**63:
            raise UsageError(f"epochs {self.epochs} cannot be used: the run would have {self.total_steps} steps")
        if not self.loss_weight and not self.perceptual and not self.adversarial:
            raise UsageError("loss_weight 0.0 cannot be used without perceptual or adversarial: there would be no loss")
        if not len(set(self.augment_scales)) == len(self.augment_scales) > 0:
            given = ",".join(map(str, self.augment_scales)) or "none"
            raise UsageError(f"augment_scales {given} cannot be used: give different factors")
        if not self.train_sets:
            raise UsageError("train_sets is empty: name at least one set")

    @property
    def hr_patch(self) -> int:
        """The side of an HR patch in pixels, a multiple of the scale."""
        return self.patch - self.patch % self.scale

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps_per_epoch

    def to_json(self) -> dict[str, Any]:
        """Returns the configuration as a JSON-serializable dict, with lists for tuples."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def check_registered(config: TrainConfig) -> None:
    """Checks that the loss and the degradation of a configuration are built in or registered.

    Args:
      config: `TrainConfig`.

    Raises:
      UsageError: if one is not.
    """
    for field in dataclasses.fields(config):
        choices, value = field.metadata["choices"], getattr(config, field.name)
        if isinstance(choices, Mapping) and value not in choices:
            raise UsageError(f"{field.name} {value!r} is unknown: choose one of {', '.join(choices)}")
    degradation.find_degradation(config.degradation)


def changeable_settings(config: TrainConfig) -> dict[str, Any]:
    """Returns the fields that a resumed run may change: they affect only how, or how long, it computes.

    Args:
      config: `TrainConfig`.
    """
    fields = dataclasses.fields(config)
    return {field.name: getattr(config, field.name) for field in fields if field.metadata["may_change"]}


def load_config(path: Path | str) -> TrainConfig:
    """Reads a configuration from a JSON file; see `parse_config`.

    Args:
      path: the file.

    Raises:
      DataError: if it is missing or damaged, or has fields that `TrainConfig` does not have.
    """
    return parse_config(read_json(path), path)


def parse_config(values: Any, name: Path | str) -> TrainConfig:
    """Returns the configuration in parsed JSON; fields that an older version did not have take their defaults.

    Args:
      values: what `TrainConfig.to_json` returns.
      name: its source, used in messages.

    Raises:
      DataError: if it is not a valid configuration, or has fields that `TrainConfig` does not have.
    """
    if not isinstance(values, dict):
        raise DataError(f"{name}: not a configuration (expected a JSON object)")
    values = dict(values)
    if "augment" in values:  # of srnet 0.1
        if not values.pop("augment"):
            values["orientations"] = 1  # a value it did not have
        options = values.get("model_options", {})
        if values.get("variant") == "plus" and isinstance(options, dict):
            values["model_options"] = {**_FIRST_PLUS, **options}
    known = {field.name for field in dataclasses.fields(TrainConfig)}
    if set(values) - known:
        odd = ", ".join(sorted(set(values) - known))
        raise DataError(f"{name}: not a configuration of this srnet version (unknown: {odd})")
    try:
        return TrainConfig(**values)
    except UsageError as error:
        raise DataError(f"{name}: {error}") from error
