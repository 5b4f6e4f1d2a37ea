"""
The weights that the config of a model implies, found by walking its wiring.

Only shapes flow: no weight exists, however large the config makes it.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

from .. import layers as layers_module
from .._registry import is_custom
from .._typing import Config, Shape
from .._validate import shown
from ..layers import InputLayer, Layer
from ..layers._base.shapes import BatchShape, step_shape
from ..layers._local.plain import LocallyConnected
from .keras.configs import inner_of
from .keras.v3 import INNER, class_keys
from .keras.wiring import FUNCTIONAL, MAX_CALLS, MODELS, Wiring, wired
from .weight_shapes import LayerPlan, file_bytes, with_paths

__all__ = ["config_bytes", "is_model", "plan_config"]


def is_model(entry: Any) -> bool:
    """
    Return whether an entry of a config is a model, and not a layer.

    Parameters
    ----------
    entry : dict
        With a ``class_name``.

    Returns
    -------
    bool
        False if the name is one of the caller's own for something else.
    """
    name = entry.get("class_name") if isinstance(entry, dict) else None
    return isinstance(name, str) and name in MODELS and not is_custom(name)


def wraps_model(entry: Config) -> bool:
    """Return whether a layer is one around a model, or around such a layer."""
    inner = inner_of(entry)
    return inner is not None and (is_model(inner) or wraps_model(inner))


def plan_config(envelope: Config) -> list[LayerPlan]:
    """
    Work out the weights of a model from its config, without creating any.

    Parameters
    ----------
    envelope : dict
        ``class_name`` and ``config``, as `localnet.files.keras.configs.upgraded`
        returns them.

    Returns
    -------
    list of LayerPlan
        One per layer but for inputs, in the order of the weights; those of models
        within the model where these stand.

    Raises
    ------
    ValueError
        If a layer is unknown or does not fit, the wiring is not understood, or the
        input's shape is nowhere named.
    """
    model = _planned(envelope, (), "", _Budget())
    model.run(None)
    return with_paths(model.plans())


def config_bytes(envelope: Config) -> int:
    """
    Return the bytes that the weights of a config may take in a file of Keras.

    Parameters
    ----------
    envelope : dict
        As for `plan_config`.

    Returns
    -------
    int
        0 if the config is not understood; reading it will say why.
    """
    try:
        return file_bytes(plan_config(envelope))
    except (KeyError, TypeError, ValueError):
        return 0


class _Budget:
    """How many calls have been followed: models within models multiply them."""

    def __init__(self) -> None:
        self.parts = 0
        self.calls = 0

    def take(self, parts: int) -> None:
        """Count parts before they are made; each is called once at least."""
        self.parts += parts
        if self.parts > MAX_CALLS:
            raise ValueError(f"a model must make at most {MAX_CALLS} calls of layers")

    def spend(self) -> None:
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise ValueError(f"a model must make at most {MAX_CALLS} calls of layers")


Shapes = Sequence[BatchShape]


class _Planned(Protocol):
    def run(self, shapes: Shapes | None) -> list[BatchShape]:
        """Return the shapes of the outputs for those of the inputs."""

    def plans(self) -> list[LayerPlan]:
        """Return what the first run has found."""

    def input_shape(self) -> Any:
        """Return the shape that the config names for the first input, if any."""


def _planned(
    entry: Config, names: tuple[str, ...], key: str, budget: _Budget
) -> _Planned:
    inner = inner_of(entry)
    if inner is not None and wraps_model(entry):
        return _PlannedSteps(entry, inner, names, key, budget)
    if not is_model(entry):
        return _PlannedLayer(entry, names, key, budget)
    if entry["class_name"] in FUNCTIONAL:
        return _PlannedGraph(entry["config"], names, key, budget)
    return _PlannedChain(entry["config"], names, key, budget)


def _parts(
    named: Sequence[tuple[str, Config]],
    names: tuple[str, ...],
    key: str,
    budget: _Budget,
) -> list[_Planned]:
    """Plan the parts of a model, each under its key in Keras's third layout."""
    budget.take(len(named))
    before = f"{key}/layers/" if key else ""
    stems = class_keys([_keras_class(entry) for _, entry in named])
    return [
        _planned(entry, (*names, name), f"{before}{stem}", budget)
        for (name, entry), stem in zip(named, stems, strict=True)
    ]


def _keras_class(entry: Config) -> str:
    """Return the class that a model read from this config has."""
    name = str(entry["class_name"])
    return "Functional" if is_model(entry) and name in FUNCTIONAL else name


class _PlannedLayer:
    def __init__(
        self, entry: Config, names: tuple[str, ...], key: str, budget: _Budget
    ) -> None:
        self.layer: Layer = layers_module.deserialize(entry)
        self.names = names
        self.key = key
        self.budget = budget
        self.plan: LayerPlan | None = None

    def run(self, shapes: Shapes | None) -> list[BatchShape]:
        self.budget.spend()
        if shapes is None:
            raise ValueError(f"{self.layer.name}: inputs must be given, got none")
        shape = self.layer._shape_of_call(tuple(shapes))
        if self.plan is None:
            weights = _weight_shapes(self.layer, shape)
            self.plan = LayerPlan(
                self.layer, shape, weights, names=self.names, key=self.key
            )
        elif self.plan.shapes and not self.layer.built:
            self._take_in(self.plan, shape)
        return [self.layer.compute_output_shape(shape)]

    def _take_in(self, plan: LayerPlan, shape: BatchShape) -> None:
        """Plan for every call: the layer may be built for any of them."""
        if _weight_shapes(self.layer, shape) != plan.shapes:
            raise ValueError(
                f"{self.layer.name} must have the same weights in all calls"
            )
        # Kernels of a locally connected layer fit one shape alone.
        if not isinstance(plan.core[0], LocallyConnected) and (
            _size(shape) > _size(plan.input_shape)
        ):
            self.plan = plan._replace(input_shape=shape)

    def plans(self) -> list[LayerPlan]:
        if self.plan is None or isinstance(self.layer, InputLayer):
            return []
        return [self.plan]

    def input_shape(self) -> Any:
        return self.layer.batch_input_shape


def _weight_shapes(layer: Layer, input_shape: BatchShape) -> dict[str, Shape]:
    cls = type(layer.with_inner()[-1])
    if cls.build is Layer.build or cls.weight_shapes is not Layer.weight_shapes:
        return layer.weight_shapes(input_shape)
    # A class of the user's own, which has to be built to be known.
    layer.build(input_shape)
    return {name: value.shape for name, value in layer.params.items()}


def _size(shape: BatchShape) -> int:
    return math.prod(size for size in shape[1:] if isinstance(size, int))


class _PlannedChain:
    def __init__(
        self, config: Config, names: tuple[str, ...], key: str, budget: _Budget
    ) -> None:
        entries = config["layers"]
        self.declared = config.get("build_input_shape")
        # To Keras, an InputLayer is no layer of a Sequential.
        if entries and entries[0]["class_name"] == "InputLayer":
            first, *entries = entries
            shape = layers_module.deserialize(first).batch_input_shape
            self.declared = self.declared if shape is None else shape
        named = [(_name(entry), entry) for entry in entries]
        self.parts = _parts(named, names, key, budget)

    def input_shape(self) -> Any:
        named = self.parts[0].input_shape() if self.parts else None
        return self.declared if named is None else named

    def run(self, shapes: Shapes | None) -> list[BatchShape]:
        if shapes is None:
            shape = self.input_shape()
            if not isinstance(shape, (list, tuple)) or not shape:
                raise ValueError(
                    "the shape of the model's input must stand in its config, got "
                    f"{shown(shape)}: save the model again after it has seen data"
                )
            shapes = [tuple(shape)]
        for part in self.parts:
            shapes = part.run(shapes)
        return list(shapes)

    def plans(self) -> list[LayerPlan]:
        return [plan for part in self.parts for plan in part.plans()]


class _PlannedSteps:
    """A model at each step of time, which lies in a layer around it."""

    def __init__(
        self,
        entry: Config,
        inner: Config,
        names: tuple[str, ...],
        key: str,
        budget: _Budget,
    ) -> None:
        self.declared = entry["config"].get("batch_input_shape")
        inner_names = (*names, _name(inner))
        self.inner = _planned(inner, inner_names, f"{key}/{INNER}", budget)

    def input_shape(self) -> Any:
        return self.declared

    def run(self, shapes: Shapes | None) -> list[BatchShape]:
        given = [self.declared] if shapes is None else list(shapes)
        if None in given:
            raise ValueError("inputs of a TimeDistributed must be given, got none")
        steps = given[0][1]
        found = self.inner.run([step_shape(tuple(shape)) for shape in given])
        return [(batch, steps, *rest) for batch, *rest in found]

    def plans(self) -> list[LayerPlan]:
        return self.inner.plans()


def _name(entry: Config) -> str:
    config = entry.get("config")
    return str(config.get("name")) if isinstance(config, dict) else ""


class _PlannedGraph:
    def __init__(
        self, config: Config, names: tuple[str, ...], key: str, budget: _Budget
    ) -> None:
        self.wiring: Wiring = wired(config)
        named = list(self.wiring.entries.items())
        planned = _parts(named, names, key, budget)
        self.parts = dict(zip(self.wiring.entries, planned, strict=True))
        self.done = False

    def input_shape(self) -> Any:
        shapes = self._input_shapes()
        return shapes[0] if len(shapes) == 1 else None

    def _input_shapes(self) -> list[BatchShape]:
        shapes = []
        for source in self.wiring.inputs:
            shape = self.parts[source.layer].input_shape()
            if shape is None:
                raise ValueError(f"the input {source.layer!r} must name its shape")
            shapes.append(shape)
        return shapes

    def run(self, shapes: Shapes | None) -> list[BatchShape]:
        own = self._input_shapes()
        if not self.done:
            # Weights are made for the inputs of the model itself.
            found = self._walked(own)
            self.done = True
            if shapes is None or list(shapes) == own:
                return found
        return self._walked(own if shapes is None else shapes)

    def _walked(self, shapes: Shapes) -> list[BatchShape]:
        if len(shapes) != len(self.wiring.inputs):
            raise ValueError(
                f"a model of {len(self.wiring.inputs)} inputs must be called on as "
                f"many, got {len(shapes)}"
            )
        made: dict[tuple[str, int], Sequence[BatchShape]] = {
            (source.layer, source.call): [shape]
            for source, shape in zip(self.wiring.inputs, shapes, strict=True)
        }
        numbers: dict[str, int] = {}
        for call in self.wiring.calls:
            number = numbers[call.layer] = numbers.get(call.layer, -1) + 1
            taken = [source.among(made) for source in call.sources]
            made[call.layer, number] = self.parts[call.layer].run(taken)
        return [source.among(made) for source in self.wiring.outputs]

    def plans(self) -> list[LayerPlan]:
        return [plan for part in self.parts.values() for plan in part.plans()]
