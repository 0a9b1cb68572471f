"""What a network costs: computed from its layers, not measured."""

import keras

OUTPUT_SIZE = (720, 1280)  # HR height and width for which costs are given, as is usual in this field


def multiply_accumulates(model, height, width):
    """Returns the multiply-accumulates of the network's trained convolutions for one LR image.

    Each output value of a convolution costs kernel height * kernel width * channels in; each input value of a
    transposed one costs kernel height * kernel width * channels out. Fixed bicubic enlargement, biases and additions
    are not counted, as is usual in this field's tables.

    Args:
      model: Keras functional model.
      height: of the LR image in pixels.
      width: of the LR image in pixels.
    """
    shapes = {id(model.input): (1, height, width, model.input_shape[-1])}
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        into = [shapes[id(tensor)] for tensor in inputs]
        out = layer.compute_output_shape(into if len(into) > 1 else into[0])
        shapes[id(layer.output)] = out
        if isinstance(layer, keras.layers.Conv2DTranspose):
            total += into[0][1] * into[0][2] * layer.kernel.shape.num_elements()
        elif isinstance(layer, keras.layers.Conv2D):
            total += out[1] * out[2] * layer.kernel.shape.num_elements()
    return total
