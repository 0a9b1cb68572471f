"""The graph of a network as a list: its layers in execution order, with the shapes of their results."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

SIDE = 240  # LR pixels, for results that do not depend on the size; divisible by the usual strides


@dataclasses.dataclass(frozen=True)
class Step:
    """One call of a layer or of a Keras operation; a layer that is called twice makes two steps.

    Attributes:
      operation: the `keras.Operation`; every layer is one.
      inputs: numbers of the feature maps that it takes.
      output: number of the feature map that it makes.
    """

    operation: Any
    inputs: tuple[int, ...]
    output: int


@dataclasses.dataclass(frozen=True)
class Graph:
    """A network with nested models unfolded. Feature map 0 is the network's input.

    Attributes:
      steps: the calls, each after those that it depends on.
      shapes: shape of every feature map, by number.
      output: number of the feature map that is the network's output.
    """

    steps: list[Step]
    shapes: list[tuple[int | None, ...]]
    output: int


def unfold(model: keras.Model, height: int = SIDE, width: int = SIDE) -> Graph:
    """Returns the graph of a network for one LR image; models that it uses as layers are unfolded in place.

    Args:
      model: Keras functional or sequential model with one input and one output.
      height: of the LR image in pixels; a network of fixed size keeps its own.
      width: of the LR image in pixels; likewise.

    Raises:
      TypeError: for a model of another kind.
    """
    if not _is_functional(model):
        raise TypeError(f"the layers of network {model.name!r} are not known: it is not a functional Keras model")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise TypeError(
            f"network {model.name!r} has {len(model.inputs)} inputs and {len(model.outputs)} outputs, not 1"
        )
    shape = tuple(model.inputs[0].shape)
    if len(shape) != 4:
        raise TypeError(f"the input of network {model.name!r} has {len(shape)} dimensions, not 4")
    maps = [keras.KerasTensor((1, shape[1] or height, shape[2] or width, shape[3]))]
    steps: list[Step] = []
    (output,) = _follow(model, [0], maps, steps)
    return Graph(steps, [tuple(each.shape) for each in maps], output)


def _follow(model: keras.Model, inputs: Sequence[int], maps: list[keras.KerasTensor], steps: list[Step]) -> list[int]:
    """Appends the steps of a model and the feature maps that they make; returns the numbers of its outputs."""
    function = keras.Function(model.inputs, model.outputs)
    known = {id(tensor): number for tensor, number in zip(function.inputs, inputs)}
    # Keras has no public access to the individual calls of shared layers.
    for _, nodes in sorted(function._nodes_by_depth.items(), reverse=True):
        for node in nodes:
            if node.is_input:
                continue
            operation, taken = node.operation, tuple(known[id(tensor)] for tensor in node.input_tensors)
            if _is_functional(operation):
                made = _follow(operation, taken, maps, steps)
            else:
                arguments, options = node.arguments.fill_in({key: maps[number] for key, number in known.items()})
                results = keras.tree.flatten(operation.compute_output_spec(*arguments, **options))
                made = list(range(len(maps), len(maps) + len(results)))
                maps += results
                steps += [Step(operation, taken, number) for number in made]
            known.update((id(tensor), number) for tensor, number in zip(node.outputs, made))
    return [known[id(tensor)] for tensor in function.outputs]


def _is_functional(operation: Any) -> bool:
    """Whether this is a model that runs its graph, without overriding `call`."""
    is_model = isinstance(operation, keras.Model) and bool(getattr(operation, "inputs", None))
    return is_model and type(operation).call.__module__.startswith("keras.")
