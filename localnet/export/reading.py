"""
The seam: how the rest of this wing sees a model, its calls of layers in their order.

Nothing else in `export` knows how a model keeps them.
"""

from typing import Any, NamedTuple

from .._typing import Shape
from ..layers import Layer
from ..models import Model

__all__ = ["Call", "Calls", "read"]


class Call(NamedTuple):
    """
    One call of a layer.

    Attributes
    ----------
    layer : Layer
        What is called.
    path : str
        Its name, after the names of the models that it lies in.
    inputs : tuple of int
        Places of what it takes: inputs first, then the results of the calls.
    shapes : tuple of tuple of int
        Of the samples that it takes.
    """

    layer: Layer
    path: str
    inputs: tuple[int, ...]
    shapes: tuple[Shape, ...]


class Calls(NamedTuple):
    """
    What a model does, models within it taken apart.

    Attributes
    ----------
    inputs : list of tuple of int
        Shapes of the samples.
    calls : list of Call
        In an order in which they can be made.
    outputs : tuple of int
        Places of the outputs.
    """

    inputs: list[Shape]
    calls: list[Call]
    outputs: tuple[int, ...]


def read(model: Any) -> Calls:
    """
    Return what a model does.

    Parameters
    ----------
    model : Sequential or Model
        Built.

    Returns
    -------
    Calls
        With the sizes of everything known but for the batch.

    Raises
    ------
    ValueError
        If it is no model, has no weights yet, or leaves a size open.

    Examples
    --------
    >>> from localnet import Sequential
    >>> from localnet.layers import Dense, Flatten
    >>> calls = read(Sequential([Flatten(input_shape=(2, 2)), Dense(3)])).calls
    >>> [(call.inputs, call.shapes) for call in calls]
    [((0,), ((2, 2),)), ((1,), ((4,),))]
    """
    if not isinstance(model, Model):
        raise ValueError(
            f"model must be a Sequential or a Model, got {type(model).__name__}"
        )
    shapes = model.input_shape
    if shapes is None or not model.built:
        raise ValueError(
            "model must be built, so that it has weights: give its first layer an "
            "input_shape, or call it once"
        )
    several = shapes if isinstance(shapes, list) else [shapes]
    places = model.program.shapes(several)
    for shape in places:
        if None in shape[1:]:
            raise ValueError(
                "model must have known sizes but for the batch, since they are built "
                f"into what is exported, got {shape}"
            )
    known: list[Shape] = [tuple(n for n in s[1:] if n is not None) for s in places]
    calls = [
        Call(
            step.layer,
            step.path,
            step.inputs,
            tuple(known[place] for place in step.inputs),
        )
        for step in model.program.steps
    ]
    return Calls(known[: len(several)], calls, model.program.outputs)
