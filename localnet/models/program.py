"""
A model as a list of calls of layers, run in both directions; models within it are open.

The arrays that flow lie in numbered places: first the inputs, then the output of each
step. The way back goes through the steps in reverse, with the layers' own backward.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array
from .._validate import shown
from ..files.keras.wiring import MAX_CALLS
from ..layers import InputLayer, Layer, MultiInputLayer
from ..layers._base.handles import Connectable, Node
from ..layers._base.shapes import BatchShape
from ..layers._functions import NO_BACKWARD
from ..ops import Workspace
from ..training.network import Call, Memory, Tape
from ..training.total_loss import Gradients
from .calls import Calls
from .costs import CostedCall
from .gradient_sums import Sums
from .prepared import Prepared

__all__ = ["Program", "Step", "conformed", "fitting"]


class Step(NamedTuple):
    """
    One call of a layer.

    Attributes
    ----------
    layer : Layer
        What is called.
    path : str
        Its name, after the names of the models that it lies in.
    key : str
        That of its memory, of which every call has its own.
    inputs : tuple of int
        Places of what it takes.
    training : bool or None
        As the call demands it; None follows the model.
    first : bool
        Whether it is the first call of its layer, with which weights are penalised.
    """

    layer: Layer
    path: str
    key: str
    inputs: tuple[int, ...]
    training: bool | None
    first: bool

    def arguments(self, values: Sequence[Any]) -> Any:
        """Return what the layer takes: one value, or a tuple of them."""
        if isinstance(self.layer, MultiInputLayer):
            return tuple(values[place] for place in self.inputs)
        return values[self.inputs[0]]


class Program:
    """
    Calls of layers in order.

    Parameters
    ----------
    inputs : int
        How many inputs there are.

    Attributes
    ----------
    steps : list of Step
        Each after those whose outputs it takes.
    input_shapes : list of tuple or None
        What arrays are brought to that have, or lack, a last axis of size 1.
    as_keras : list of int
        Numbers of the steps in Keras's order; see `Calls`.
    outputs : tuple of int
        Places of the outputs.
    layers : dict of str to Layer
        Every layer once, by its path, in the order of the weights.
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.input_shapes: list[BatchShape] | None = None
        self.steps: list[Step] = []
        self.as_keras: list[int] = []
        self.outputs: tuple[int, ...] = ()
        self.layers: dict[str, Layer] = {}
        self._paths: dict[int, str] = {}
        self._calls: dict[str, int] = {}

    @classmethod
    def of_chain(cls, layers: Iterable[Connectable]) -> "Program":
        """Return the program of layers that each take the output of the one before."""
        program, place = cls(1), 0
        for layer in layers:
            program._enrol(layer)
            (place,) = program._call(layer, [place], None)
            program.as_keras += program._steps_of_last(layer)
        program.outputs = (place,)
        return program

    @classmethod
    def of_steps(cls, before: Layer, model: Any, after: Layer) -> "Program":
        """Return the program of a model between layers around each input and output."""
        program = cls(_program_of(model).inputs)
        for part in (before, model, after):
            program._enrol(part)
        inputs = range(program.inputs)
        folded = [program._call(before, [place], None)[0] for place in inputs]
        made = program._call(model, folded, None)
        program.as_keras += program._steps_of_last(model)
        program.outputs = tuple(
            program._call(after, [place, 0], None)[0] for place in made
        )
        return program

    @classmethod
    def of_graph(cls, calls: Calls) -> "Program":
        """Return the program of a functional model."""
        program = cls(len(calls.inputs))
        program.input_shapes = [handle.shape for handle in calls.inputs]
        places = {id(handle): place for place, handle in enumerate(calls.inputs)}
        steps: dict[Node, list[int]] = {}
        for layer in calls.layers:
            if not isinstance(layer, InputLayer):
                program._enrol(layer)
        for node in calls.nodes:
            if node.inputs:
                taken = [places[id(handle)] for handle in node.inputs]
                made = program._call(node.layer, taken, node.training)
                steps[node] = program._steps_of_last(node.layer)
                handles = map(id, node.outputs)
                places.update(zip(handles, made, strict=True))
        program.as_keras = [n for node in calls.as_keras for n in steps.get(node, ())]
        program.outputs = tuple(places[id(handle)] for handle in calls.outputs)
        return program

    def _enrol(self, layer: Connectable) -> None:
        """Give a layer, or all in a model, their paths."""
        if isinstance(layer, Layer):
            self._enrol_one(layer, layer.name)
        else:
            for path, inner in _program_of(layer).layers.items():
                self._enrol_one(inner, f"{layer.name}/{path}")

    def _enrol_one(self, layer: Layer, path: str) -> None:
        if id(layer) in self._paths:
            return
        while path in self.layers:  # a name may have a slash in it
            path += "_"
        self.layers[path] = layer
        self._paths[id(layer)] = path

    def _call(
        self, layer: Connectable, inputs: Sequence[int], training: bool | None
    ) -> list[int]:
        """Add the steps of one call; return the places of what it gives."""
        if not isinstance(layer, Layer):
            inner = _program_of(layer)
            self._check_length(len(inner.steps))
            places = list(inputs)
            for step in inner.steps:
                taken = [places[place] for place in step.inputs]
                flag = training if step.training is None else step.training
                places += self._call(step.layer, taken, flag)
            return [places[place] for place in inner.outputs]
        self._check_length(1)
        path = self._paths[id(layer)]
        number = self._calls[path] = self._calls.get(path, -1) + 1
        key = f"{path}@{number}" if number else path
        step = Step(layer, path, key, tuple(inputs), training, number == 0)
        self.steps.append(step)
        return [self.inputs + len(self.steps) - 1]

    def _steps_of_last(self, layer: Connectable) -> list[int]:
        """Return which steps the last call added, in Keras's order."""
        if isinstance(layer, Layer):
            return [len(self.steps) - 1]
        inner = _program_of(layer)
        return [len(self.steps) - len(inner.steps) + n for n in inner.as_keras]

    def _check_length(self, more: int) -> None:
        if len(self.steps) + more > MAX_CALLS:
            raise ValueError(
                f"a model must make at most {MAX_CALLS} calls of layers, those of "
                "models within it counted"
            )

    # Shapes ----------------------------------------------------------------------

    def shapes(self, inputs: Sequence[BatchShape]) -> list[BatchShape]:
        """
        Work out the shape of what lies in every place.

        Parameters
        ----------
        inputs : sequence of tuple of int or None
            Shapes of the inputs, batch axis first.

        Returns
        -------
        list of tuple of int or None
            Inputs first, then the output of each step.

        Raises
        ------
        ValueError
            If a layer cannot work on what it gets.
        """
        shapes = [tuple(shape) for shape in inputs]
        for step in self.steps:
            ((shape, _),) = step.layer._traced(tuple(shapes[p] for p in step.inputs))
            shapes.append(shape)
        return shapes

    def build(self, inputs: Sequence[BatchShape]) -> None:
        """
        Create the weights of all layers that have none.

        Parameters
        ----------
        inputs : sequence of tuple of int or None
            As for `shapes`.

        Raises
        ------
        ValueError
            If a shape does not fit a layer, built or not.
        """
        shapes = [tuple(shape) for shape in inputs]
        for step in self.steps:
            shape = step.arguments(shapes)
            if step.layer.built:
                step.layer.check_fits(shape)
            else:
                step.layer.build(shape)
            shapes.append(step.layer.compute_output_shape(shape))

    def costed(self, inputs: Sequence[BatchShape]) -> list[CostedCall]:
        """
        Describe the steps for a table of their costs.

        Parameters
        ----------
        inputs : sequence of tuple of int or None
            As for `shapes`.

        Returns
        -------
        list of CostedCall
            One for each step; no weight is made.
        """
        # Of one sample, which steps of time make several.
        shapes = self.shapes([(1, *sizes) for _, *sizes in inputs])
        learning = [False] * self.inputs
        calls = []
        for step in self.steps:
            shape = step.arguments(shapes)
            below = any(learning[place] for place in step.inputs)
            samples = shapes[step.inputs[0]][0]
            calls.append(
                CostedCall(step.key, step.layer, shape, below, step.first, samples)
            )
            names = step.layer.params or step.layer.weight_shapes(shape)
            learning.append(below or any(step.layer.learns(name) for name in names))
        return calls

    # Running ---------------------------------------------------------------------

    def run(
        self,
        xs: Sequence[Array],
        training: bool,
        *,
        noise: Mapping[str, np.random.Generator] | None = None,
        memory: Memory | None = None,
    ) -> tuple[tuple[Array, ...], Tape]:
        """
        Run forwards.

        Parameters
        ----------
        xs : sequence of ndarray
            One for each input.
        training : bool
            For the calls that do not demand one or the other.
        noise : mapping of str to Generator, optional
            By path; default: each layer's own.
        memory : Memory, optional
            With it everything that is returned is valid until the next call with it.

        Returns
        -------
        ys : tuple of ndarray
            One for each output.
        tape : Tape
            For `run_back`.
        """
        values = self.conformed(xs)
        calls = []
        for step in self.steps:
            y, cache = step.layer.forward_with_cache(
                step.arguments(values),
                training if step.training is None else step.training,
                None if noise is None else noise[step.path],
                workspace=None if memory is None else memory[step.key],
            )
            values.append(y)
            calls.append(Call(step.layer, cache))
        ends = [self._end(calls, place) for place in self.outputs]
        return tuple(values[place] for place in self.outputs), Tape(
            calls, ends, self.as_keras
        )

    def conformed(self, xs: Sequence[Array]) -> list[Array]:
        """Return inputs with a last axis of size 1 added, or taken away, as needed."""
        if self.input_shapes is None:
            return list(xs)
        pairs = zip(xs, self.input_shapes, strict=True)
        return [
            x if x.ndim == len(shape) else x.reshape(conformed(x.shape, shape))
            for x, shape in pairs
        ]

    def prepared(self, training: bool, memory: Memory) -> Prepared | None:
        """
        Return the same for inputs that it has run with, as a flat list of calls.

        Parameters
        ----------
        training : bool
            For the calls that do not demand one or the other.
        memory : Memory
            As for `run`.

        Returns
        -------
        Prepared or None
            Of these flags `trainable`. None for what is no chain of plain layers.
        """
        if not Prepared.is_possible(self):
            return None
        return Prepared(self, training, memory)

    def _end(self, calls: Sequence[Call], place: int) -> Call | None:
        return None if place < self.inputs else calls[place - self.inputs]

    def run_back(
        self, gradients: Gradients, tape: Tape, *, memory: Memory | None = None
    ) -> dict[str, dict[str, Array]]:
        """
        Run backwards.

        Parameters
        ----------
        gradients : Gradients
            By each output, or by its logits.
        tape : Tape
            Of the way forward.
        memory : Memory, optional
            As for `run`.

        Returns
        -------
        dict of str to dict of str to ndarray
            Gradients of the weights of the layers that learn, by path and name. What
            comes from several calls of a layer, or from several that take its output,
            is added up in the reverse order of the steps.
        """
        workspace = Workspace(keep_results=False) if memory is None else memory[""]
        flowing, weights = Sums(workspace), Sums(workspace)
        logits = Sums(workspace)
        for place, dy, dlogits in zip(self.outputs, *gradients, strict=True):
            flowing.add(place, dy)
            logits.add(("logits", place), dlogits)
        learning = self.learning()
        names: dict[str, list[str]] = {}
        for number in range(len(self.steps) - 1, -1, -1):
            place = self.inputs + number
            if not learning[place]:
                continue
            step, cache = self.steps[number], tape.calls[number].cache
            dy = flowing.take(place)
            dlogits = logits.take(("logits", place))
            if dy is None and dlogits is None:
                # No output depends on it, but penalties may.
                dy = np.zeros_like(cache.y)
            dx, grads = step.layer.backward_from_cache(
                dy,
                cache,
                dlogits=dlogits,
                need_dx=any(learning[place] for place in step.inputs),
                weight_penalties=step.first,
                workspace=None if memory is None else memory[step.key],
            )
            if step.layer.trainable_params:
                names[step.path] = list(grads)
                for name, grad in grads.items():
                    weights.add((step.path, name), grad)
            dxs = dx if isinstance(dx, tuple) else (dx,) * len(step.inputs)
            for source, part in zip(step.inputs, dxs, strict=True):
                if learning[source]:
                    flowing.add(source, part)
        return {
            path: {name: weights.taken((path, name)) for name in found}
            for path, found in names.items()
        }

    def check_gradients(self) -> None:
        """Refuse a layer that no gradient can pass, where one has to."""
        learning = self.learning()
        for step in self.steps:
            passes = getattr(step.layer, "passes_gradients", True)
            if not passes and any(learning[place] for place in step.inputs):
                raise ValueError(f"{step.layer.name}: {NO_BACKWARD}")

    def learning(self) -> list[bool]:
        """Return of each place whether any weight that learns has a part in it."""
        learning = [False] * self.inputs
        for step in self.steps:
            below = any(learning[place] for place in step.inputs)
            learning.append(below or bool(step.layer.trainable_params))
        return learning


def _program_of(model: Any) -> Program:
    """Return the program of what is no layer."""
    program = getattr(model, "program", None)
    if not isinstance(program, Program):
        raise ValueError(f"layer must be a Layer or a model, got {shown(model)}")
    return program


def conformed(shape: BatchShape, wanted: BatchShape) -> Any:
    """Return a shape with or without a last axis of size 1, as it is wanted."""
    if len(shape) == len(wanted) + 1 and shape[-1] == 1:
        return tuple(shape[:-1])
    if len(shape) == len(wanted) - 1 and wanted[-1] == 1:
        return (*shape, 1)
    return tuple(shape)


def fitting(shape: BatchShape, wanted: BatchShape, model: str, name: str) -> BatchShape:
    """Return a shape as `conformed` does, or refuse one that an input cannot have."""
    found: BatchShape = conformed(shape, wanted)
    sizes = list(zip(found, wanted, strict=False))[1:]
    if len(found) != len(wanted) or any(
        None not in pair and pair[0] != pair[1] for pair in sizes
    ):
        raise ValueError(
            f"{model}: input {name!r} must have shape {wanted}, "
            f"got {(None, *shape[1:])}"
        )
    return found
