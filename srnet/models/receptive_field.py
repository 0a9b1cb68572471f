"""How far a network sees: computed from its layers, not measured."""

import fractions
import math

import keras

from srnet.models.layers import BicubicUpsampling, CropToScale, EdgePad, MirrorPad

_POINTWISE = (keras.layers.Add, keras.layers.ReLU, keras.layers.Rescaling, CropToScale, MirrorPad)
_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def receptive_field(model):
    """Returns the side of the square of LR pixels that one HR pixel depends on, in LR pixels.

    The largest over the positions of HR pixels within the period of the network's strides; far from the border.

    Args:
      model: Keras functional model of convolutions, transposed convolutions and pointwise layers.

    Raises:
      TypeError: for a layer whose reach is not known.
    """
    return max(stop - start for start, stop in _dependencies(model))


def reach(model):
    """Returns how many LR pixels beyond its own an HR pixel depends on, at most, in any direction.

    Args:
      model: as for `receptive_field`.

    Raises:
      TypeError: for a layer whose reach is not known.
    """
    scale = model.compute_output_shape((1, 1, 1, model.input_shape[-1]))[1]
    ranges = enumerate(_dependencies(model))
    return max(max(pixel // scale - start, stop - 1 - pixel // scale) for pixel, (start, stop) in ranges)


def alignment(model):
    """Returns by how many LR pixels, or a multiple of them, a picture may be moved so that its result moves with it.

    Args:
      model: as for `receptive_field`.
    """
    return math.lcm(*(resolution.denominator for _, resolution in _resolutions(model)))


def largest_features(model):
    """Returns the number of values of the largest feature map, for each LR pixel, as a float.

    Args:
      model: as for `receptive_field`.
    """
    return float(max(resolution**2 * layer.output.shape[-1] for layer, resolution in _resolutions(model)))


def _resolutions(model):
    """Each layer, with the pixels of its feature map for an LR pixel along one axis."""
    known = {id(model.input): fractions.Fraction(1)}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.InputLayer):
            source = layer.input[0] if isinstance(layer.input, list) else layer.input
            resolution = known[id(source)]
            if isinstance(layer, BicubicUpsampling):
                resolution *= layer.scale
            elif isinstance(layer, keras.layers.Conv2DTranspose):
                resolution *= layer.strides[0]
            elif isinstance(layer, _CONVOLUTIONS):
                resolution /= layer.strides[0]
            known[id(layer.output)] = resolution
        yield layer, known[id(layer.output)]


def _dependencies(model):
    """The half-open range of LR indices that each HR index of one period depends on, along one axis."""
    strides = [layer.scale for layer in model.layers if isinstance(layer, BicubicUpsampling)]
    strides += [layer.strides[0] for layer in model.layers if isinstance(layer, _CONVOLUTIONS)]
    period = math.prod(strides)
    for pixel in range(period):
        needed = {id(model.output): (pixel, pixel)}
        for layer in reversed(model.layers):
            if id(layer.output) not in needed or isinstance(layer, keras.layers.InputLayer):
                continue
            first, last = _inputs_of(layer, *needed[id(layer.output)])
            inputs = layer.input if isinstance(layer.input, list) else [layer.input]
            if isinstance(layer, CropToScale):
                inputs = inputs[:1]  # of its second input it reads the size alone
            for tensor in inputs:
                other = needed.get(id(tensor), (first, last))
                needed[id(tensor)] = (min(first, other[0]), max(last, other[1]))
        first, last = needed[id(model.input)]
        yield first, last + 1


def _inputs_of(layer, first, last):
    """The first and last input index that the output indices first, ..., last of a layer depend on."""
    if isinstance(layer, _POINTWISE):
        return first, last
    if isinstance(layer, EdgePad):
        return first - layer.size, last - layer.size
    if isinstance(layer, BicubicUpsampling):
        # The cubic reaches less than two pixels from (j + 0.5) / scale - 0.5.
        twice = 2 * layer.scale
        return (2 * first + 1 - 5 * layer.scale) // twice + 1, -((-2 * last - 1 - 3 * layer.scale) // twice) - 1
    if not isinstance(layer, _CONVOLUTIONS):
        raise TypeError(f"the reach of a {type(layer).__name__} layer is not known")
    size, stride = (layer.kernel_size[0] - 1) * layer.dilation_rate[0] + 1, layer.strides[0]
    before = max(size - stride, 0) // 2 if layer.padding == "same" else 0
    if isinstance(layer, keras.layers.Conv2DTranspose):
        return -((size - 1 - before - first) // stride), (last + before) // stride
    return first * stride - before, last * stride - before + size - 1
