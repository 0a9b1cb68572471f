"""Scale, receptive field and cost of a network: computed from its layers, not measured."""

import fractions
import math
from collections.abc import Iterator

import keras

from srnet.models.graph import SIDE, Graph, Step, unfold
from srnet.models.layers import CropToScale
from srnet.models.rules import rule_of, title, window_of

OUTPUT_SIZE = (720, 1280)  # HR height and width for which costs are given, as is usual in this field

Resolutions = list[fractions.Fraction]


def scale_of(model: keras.Model) -> int:
    """Returns the integer scale factor of a network, read from the size of its output.

    Args:
      model: Keras model from LR to HR pixels.
    """
    return round(model.compute_output_shape((1, SIDE, SIDE, model.input_shape[-1]))[1] / SIDE)


def receptive_field(model: keras.Model) -> int:
    """Returns the side of the square of LR pixels that one HR pixel depends on, in LR pixels.

    It is the largest over all positions of the HR pixel, far from the border, and over both axes.

    Args:
      model: Keras functional model with one input and one output. Layers of Keras that work on each pixel, on a
        window or along the channels are known, with those of `srnet.models.layers` and the elementwise operations of
        `keras.ops`; others need a method `receptive_window` (see `srnet.models.windows`). Shared layers and nested
        models are followed.

    Raises:
      TypeError: for a layer whose reach is not known or unbounded.
    """
    ranges = _dependencies(model)
    return max((last - first + 1 for _, first, last in ranges), default=0)


def reach(model: keras.Model) -> int:
    """Returns how far around its own LR pixel an HR pixel depends on others, at most, in LR pixels.

    Args:
      model: as for `receptive_field`.

    Raises:
      TypeError: for a layer whose reach is not known or unbounded.
    """
    return max((max(own - first, last - own) for own, first, last in _dependencies(model)), default=0)


def alignment(model: keras.Model) -> int:
    """Returns the smallest shift of the LR image in pixels, or a multiple of it, that only shifts the result.

    For a layer whose reach is not known, the sizes of its input and output are used.

    Args:
      model: Keras functional model with one input and one output.

    Raises:
      TypeError: for a model of another kind.
    """
    graph = unfold(model)
    return math.lcm(*(_period(_resolutions(graph, axis)) for axis in (0, 1)))


def largest_features(model: keras.Model) -> float:
    """Returns the number of values per LR pixel in the largest feature map.

    Args:
      model: as for `alignment`.

    Raises:
      TypeError: for a model of another kind.
    """
    graph = unfold(model)
    areas = (rows * columns for rows, columns in zip(*(_resolutions(graph, axis) for axis in (0, 1))))
    return float(max(area * (shape[-1] or 0) for area, shape in zip(areas, graph.shapes)))


def multiply_accumulates(model: keras.Model, height: int, width: int) -> int:
    """Returns the multiply-accumulates of the network's trained convolutions and dense layers for one LR image.

    Each output pixel of a convolution costs as many as its kernel has weights, and so does each input pixel of a
    transposed one. Fixed bicubic enlargement, biases, normalization and elementwise operations are not counted, as is
    usual in this field's tables.

    Args:
      model: Keras functional model with one input and one output.
      height: of the LR image in pixels.
      width: of the LR image in pixels.

    Raises:
      TypeError: for a layer with weights whose cost is not known, or a model of another kind.
    """
    graph = unfold(model, height, width)
    return sum(_cost(step, graph) for step in graph.steps)


def _cost(step: Step, graph: Graph) -> int:
    layer = step.operation
    into, out = (
        math.prod(side or 1 for side in graph.shapes[number][1:-1]) for number in (step.inputs[0], step.output)
    )
    if isinstance(layer, keras.layers.Conv2DTranspose):
        return into * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.SeparableConv2D):
        return out * (math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape))
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)):
        return out * math.prod(layer.kernel.shape)
    if getattr(layer, "trainable_weights", None) and rule_of(layer) is None:
        raise TypeError(f"the multiply-accumulates of {title(layer)} are not known")
    return 0


def _resolutions(graph: Graph, axis: int) -> Resolutions:
    """Pixels of each feature map for one LR pixel along an axis; 0 for what has no pixels of its own."""
    resolutions = [fractions.Fraction(0)] * len(graph.shapes)
    resolutions[0] = fractions.Fraction(1)
    for step in graph.steps:
        into = max(step.inputs, key=lambda number: resolutions[number])
        try:
            factor = window_of(step.operation, axis).factor
        except TypeError:
            factor = _factor(graph.shapes[into], graph.shapes[step.output], axis)
        resolutions[step.output] = resolutions[into] * factor
    return resolutions


def _factor(into: tuple[int | None, ...], out: tuple[int | None, ...], axis: int) -> fractions.Fraction:
    """The factor between two sizes, an integer or its reciprocal; 0 if either is not of a feature map."""
    if len(into) != 4 or len(out) != 4:
        return fractions.Fraction(0)
    before, after = into[1 + axis] or 1, out[1 + axis] or 1
    if after == 1:
        return fractions.Fraction(0)
    return (
        fractions.Fraction(round(after / before)) if after >= before else fractions.Fraction(1, round(before / after))
    )


def _period(resolutions: Resolutions) -> int:
    """The smallest shift in LR pixels that shifts every feature map by whole pixels."""
    return math.lcm(*(resolution.denominator for resolution in resolutions))


def _dependencies(model: keras.Model) -> Iterator[tuple[int, int, int]]:
    """For HR pixels of one period, along each axis: their own LR pixel, the first and the last that they depend on."""
    graph = unfold(model)
    for axis in (0, 1):
        windows = [window_of(step.operation, axis) for step in graph.steps]
        resolutions = _resolutions(graph, axis)
        scale = resolutions[graph.output]
        for pixel in range(int(_period(resolutions) * scale)):
            needed = {graph.output: (pixel, pixel)}
            for step, window in zip(reversed(graph.steps), reversed(windows)):
                if step.output not in needed:
                    continue
                first, last = window.reads(*needed[step.output])
                if first > last:
                    continue
                # Of its second input, CropToScale reads only the size.
                for number in step.inputs[:1] if isinstance(step.operation, CropToScale) else step.inputs:
                    other = needed.get(number, (first, last))
                    needed[number] = (min(first, other[0]), max(last, other[1]))
            if 0 in needed:
                yield (pixel // scale, *needed[0])
