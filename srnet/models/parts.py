"""Parts shared by the networks: initializers, convolutions, the first and the last layers."""

from collections.abc import Callable
from typing import Any

import keras

from srnet.errors import UsageError
from srnet.models import layers

INITIALIZERS = ("he", "paper")
INITIALIZERS_AND_IDENTITY = (*INITIALIZERS, "identity")  # the latter starts from the bicubic enlargement


def kernel_initializer(name: str) -> keras.initializers.Initializer:
    """Returns a new Keras initializer for convolution kernels.

    Args:
      name: one of `INITIALIZERS`: "he" (He et al. 2015, normal) or "paper" (normal, mean 0, standard deviation 0.001;
        section 2.2.3); or one of Keras's own, such as "zeros".
    """
    if name == "paper":
        return keras.initializers.RandomNormal(mean=0.0, stddev=0.001)
    return keras.initializers.get({"he": "he_normal"}.get(name, name))


def convolution(
    kind: Callable[..., keras.layers.Layer],
    name: str,
    filters: int,
    kernel_size: int = 3,
    *,
    initializer: str | keras.initializers.Initializer,
    dtype: str,
    padding: str = "same",
    activation: str | None = "relu",
    **arguments: Any,
) -> keras.layers.Layer:
    """Returns a new convolution layer.

    Args:
      kind: `keras.layers.Conv2D`, `keras.layers.Conv2DTranspose` or a subclass.
      name: name of the layer.
      filters: channels of the result.
      kernel_size: side of the kernel.
      initializer: name, as for `kernel_initializer`, or a Keras initializer, which is copied: layers of one shape that
        shared it would start with the same weights.
      dtype: dtype of the layer, or name of its dtype policy.
      padding: "same" (with zeros) or "valid".
      activation: name of a Keras activation, or None.
      **arguments: further arguments of the layer, such as `strides`.
    """
    if isinstance(initializer, str):
        own = kernel_initializer(initializer)
    else:
        own = type(initializer).from_config(initializer.get_config())
    return kind(
        filters,
        kernel_size,
        padding=padding,
        data_format="channels_last",  # whatever the user's keras.json says
        activation=activation,
        kernel_initializer=own,
        dtype=dtype,
        name=name,
        **arguments,
    )


def convolve(
    kind: Callable[..., keras.layers.Layer], x: keras.KerasTensor, name: str, filters: int, *size: int, **arguments: Any
) -> keras.KerasTensor:
    """Applies a new convolution to a symbolic feature map.

    Args:
      kind, name, filters, *size, **arguments: as for `convolution`.
      x: symbolic feature map (N, H, W, C).
    """
    return convolution(kind, name, filters, *size, **arguments)(x)


def add(x: keras.KerasTensor, y: keras.KerasTensor, name: str, dtype: str) -> keras.KerasTensor:
    """Adds two symbolic feature maps.

    Args:
      x: symbolic feature map (N, H, W, C).
      y: another one of this shape.
      name: name of the layer.
      dtype: as for `convolution`.
    """
    return keras.layers.Add(dtype=dtype, name=name)([x, y])


def leaky_relu(x: keras.KerasTensor, slope: float, label: str, dtype: str) -> keras.KerasTensor:
    """Applies a leaky ReLU to a symbolic feature map.

    Args:
      x: symbolic feature map (N, H, W, C).
      slope: factor of negative values.
      label: the layer's name, after "relu_".
      dtype: as for `convolution`.
    """
    return keras.layers.LeakyReLU(slope, dtype=dtype, name=f"relu_{label}")(x)


def pytorch_initializer() -> keras.initializers.Initializer:
    """Returns PyTorch's default initializer of convolution kernels (Kaiming uniform, a = sqrt(5))."""
    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def unit_input(channels: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Starts a network that works at the LR size, with pixels scaled to [0, 1].

    Args:
      channels: image channels.

    Returns:
      (lr, scaled): the symbolic LR input in [0, 255], and the same divided by 255, both float32.
    """
    lr = keras.Input((None, None, channels), dtype="float32", name="lr")
    return lr, keras.layers.Rescaling(1 / 255, dtype="float32", name="to_unit")(lr)


def bicubic_input(scale: int, channels: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Starts a network that works on the bicubic enlargement, with pixels scaled to [0, 1].

    Args:
      scale: integer scale factor, at least 2.
      channels: image channels.

    Returns:
      (lr, enlarged): the symbolic LR input in [0, 255], and its enlargement divided by 255, both float32.

    Raises:
      UsageError: for a scale that is not an integer of at least 2.
    """
    check_scale(scale)
    lr = keras.Input((None, None, channels), dtype="float32", name="lr")
    enlarged = layers.BicubicUpsampling(scale, dtype="float32", name="bicubic")(lr)
    return lr, keras.layers.Rescaling(1 / 255, dtype="float32", name="to_unit")(enlarged)


def to_pixels(x: keras.KerasTensor) -> keras.KerasTensor:
    """Returns a network's output, float32 pixels in [0, 255].

    Args:
      x: symbolic pixels in [0, 1], (N, H, W, C).
    """
    return keras.layers.Rescaling(255.0, dtype="float32", name="to_pixels")(x)


def check_scale(scale: int) -> None:
    """Checks that a scale is an integer of at least 2.

    Args:
      scale: the scale.

    Raises:
      UsageError: if it is not.
    """
    if type(scale) is not int or scale < 2:
        raise UsageError(f"scale {scale!r} cannot be used: it must be an integer of at least 2")


def upsampling_strides(scale: int, upsampling: str) -> tuple[int, ...]:
    """Returns the strides of the stages that enlarge by `scale`.

    Args:
      scale: integer scale factor, at least 2.
      upsampling: "cascade" (stages of stride 2 for powers of two, one stage of stride 3 for 3) or "single" (one
        stage of stride `scale`, the literal reading of section 2.1.1).

    Raises:
      UsageError: for a scale that a cascade cannot reach.
    """
    check_scale(scale)
    if upsampling == "single":
        return (scale,)
    if scale == 3:
        return (3,)
    if scale & (scale - 1):
        raise UsageError(f"scale {scale} is not supported: choose 3 or a power of two")
    return (2,) * (scale.bit_length() - 1)
