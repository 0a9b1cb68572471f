"""How far a network sees: computed from its layers, not measured."""

import keras

from srnet.models.layers import CropToScale, MirrorPad

_POINTWISE = (keras.layers.Add, keras.layers.ReLU, CropToScale, MirrorPad)


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


def _dependencies(model):
    """The half-open range of LR indices that each HR index of one period depends on, along one axis."""
    period = 1
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose)):
            period *= _geometry(layer)[1]
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
    size, stride = _geometry(layer)
    before = max(size - stride, 0) // 2
    if isinstance(layer, keras.layers.Conv2D) and not isinstance(layer, keras.layers.Conv2DTranspose):
        return first * stride - before, last * stride - before + size - 1
    return -((size - 1 - before - first) // stride), (last + before) // stride


def _geometry(layer):
    """Extent of the kernel and stride of a layer, along one axis."""
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose)):
        return (layer.kernel_size[0] - 1) * layer.dilation_rate[0] + 1, layer.strides[0]
    raise TypeError(f"the reach of a {type(layer).__name__} layer is not known")
