"""What all models have in common, whichever way their layers are wired."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from .. import __version__, _arrays, _validate
from .._typing import Array, Config
from ..layers import Layer
from ..layers._base.handles import Connectable, holds_handles
from ..layers._base.layer import unchanged_on_error
from ..layers._base.names import unique_name
from ..layers._base.seeds import child_seed
from ..layers._base.shapes import BatchShape
from ..roofline import Machine, this_machine
from ..training.inputs_outputs import Ports, arrays_of
from ..training.step import Memory, one_or_list
from ..training.tape import Tape
from ..training.total_loss import Gradients
from .part import Part
from .saving import Savable
from .summary import cost_table, summary_table

__all__ = ["Network", "parts_of"]


class Network(Savable, Part):
    """
    Base of models: layers, other models among them, and the program that they make.

    Parameters
    ----------
    name : str or None
        Default: the class name in snake case, numbered within the process.
    seed : int, SeedSequence or None
        Of everything random in the model.
    """

    # The name in configs.
    class_name: str
    # Every kind of model, by the names that configs have for it.
    classes: ClassVar[dict[str, type["Network"]]] = {}

    def __init__(
        self, name: str | None, seed: int | np.random.SeedSequence | None
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, got {name!r}")
        super().__init__()
        if not isinstance(seed, np.random.SeedSequence):
            try:
                seed = np.random.SeedSequence(seed)
            except (TypeError, ValueError):
                raise ValueError(
                    f"seed must be an integer >= 0 or None, got {seed!r}"
                ) from None
        self._shuffle_rng = np.random.default_rng(child_seed(seed, 0))
        self._seed = child_seed(seed, 1)
        self._nodes = ()
        self._trainable_flag = True
        self.name = unique_name(type(self).__name__) if name is None else name

    # Structure -------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """What the model is made of, in order: layers and models."""
        raise NotImplementedError

    @property
    def _stack(self) -> list[Any]:
        """The layers with an InputLayer, if there is one."""
        raise NotImplementedError

    @property
    def leaves(self) -> dict[str, Layer]:  # type: ignore[override]
        """Every layer once, also those in models within, by its path."""
        return self.program.layers

    @property
    def built(self) -> bool:  # type: ignore[override]
        """Whether every layer has its weights."""
        leaves = self.leaves.values()
        return bool(leaves) and all(layer.built for layer in leaves)

    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change weights; set it for all layers at once."""
        return self._trainable_flag

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable_flag = bool(value)
        for layer in self.layers:
            layer.trainable = bool(value)

    @property
    def input_shape(self) -> Any:
        """Shape of the input, batch axis first; see the class."""
        raise NotImplementedError

    @property
    def output_shape(self) -> Any:
        """Shape of the output, batch axis first; see the class."""
        raise NotImplementedError

    def build(self, input_shape: Any = None) -> None:
        """Create the weights that are missing; see the class."""
        raise NotImplementedError

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """
        Return one layer.

        Parameters
        ----------
        name : str, optional
            Its name.
        index : int, optional
            Its place in `layers`, from 0; give one of the two.

        Returns
        -------
        Layer
            The layer itself, or the model that lies in this one.

        Raises
        ------
        ValueError
            If there is no such layer, or not exactly one argument is given.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer must be given a name or an index, not both")
        for place, layer in enumerate(self.layers):
            if layer.name == name or place == index:
                return layer
        names = [layer.name for layer in self.layers]
        wanted = name if index is None else index
        raise ValueError(
            f"layer must be one of {names}, got {wanted!r}"
            f"{_validate.suggestion(wanted, names)}"
        )

    def _connections(self) -> list[list[str]] | None:
        """Return what each layer is called on, for the summary; None for a chain."""
        return None

    def _known_input_shapes(self, input_shape: Any) -> list[BatchShape]:
        """Return the shapes for which costs are worked out."""
        raise NotImplementedError

    def summary(
        self,
        print_fn: Any = None,
        *,
        cost: bool = False,
        batch_size: int = 32,
        input_shape: Sequence[int | None] | None = None,
        machine: Machine | None = None,
    ) -> None:
        """
        Print the layers with their output shapes and numbers of parameters.

        Parameters
        ----------
        print_fn : callable, optional
            Called with the text; default: written to standard output.
        cost : bool
            Whether to add what a batch costs in each layer: operations, bytes moved,
            the shortest time that these allow, and memory. See `CostedLayer.cost`.
        batch_size : int
            Samples of that batch.
        input_shape : tuple of int or None, optional
            Batch axis first. With it, the cost of a model that is not built is printed
            alone, and no weight is made: so one can tell whether the model fits.
        machine : Machine, optional
            Speed of arithmetic and memory. Default: measured once per process, which
            takes about a second.

        Raises
        ------
        ValueError
            If an argument breaks its rule, or the model is not built, unless its cost
            for an `input_shape` is wanted.
        """
        if not self.built and not (cost and self.layers and input_shape is not None):
            raise ValueError(
                f"{self.name}: summary needs a built model; call build(input_shape) "
                "or give the first layer an input_shape"
            )
        tables = []
        if self.built:
            tables.append(
                summary_table(
                    f'"{self.name}" ({type(self).__name__})',
                    self.layers,
                    list(self.leaves.values()),
                    self._connections(),
                )
            )
        if cost:
            batch_size = _validate.integer("batch_size", batch_size, minimum=1)
            if machine is not None and not isinstance(machine, Machine):
                raise ValueError(f"machine must be a Machine, got {machine!r}")
            shapes = self._known_input_shapes(input_shape)
            tables.append(
                cost_table(
                    self.program.costed(shapes),
                    shapes,
                    batch_size,
                    this_machine() if machine is None else machine,
                )
            )
        text = "\n".join(tables)
        if print_fn is None:
            sys.stdout.write(text + "\n")
        else:
            print_fn(text)

    # Running ---------------------------------------------------------------------

    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """
        Compute the output for arrays; for handles, note the call for another model.

        Parameters
        ----------
        x : array_like, Handle, or a list or dict of them
            A batch of inputs, or what stands for one.
        training : bool, optional
            Whether layers with training noise apply it; default: no. With handles it
            holds for this call, whatever the model does that runs it.

        Returns
        -------
        ndarray, Handle or list of them
            As the input; a list if there are several outputs.
        """
        if holds_handles(x):
            return self.connect(x, training)
        given = arrays_of("x", x, self._ports)
        xs = tuple(
            _arrays.numbers(label, item)
            for label, item in zip(self._ports.labels("x"), given, strict=True)
        )
        with unchanged_on_error(*self._parts()):
            self._build_for(xs)
            ys, tape = self._run(xs, bool(training))
            for state, new in self._absorbed(tape) if training else ():
                state[...] = new
        return one_or_list(ys)

    def wiring(self) -> Config:
        """
        Return how the layers are wired, without names.

        Returns
        -------
        dict
            Ready for JSON; empty for a chain.
        """
        return {}

    @property
    def _data_names(self) -> list[str]:
        """Under which names data in a dict belong to the inputs."""
        return self.input_names

    @property
    def _ports(self) -> Ports:
        return replace(super()._ports, inputs=tuple(self._data_names))

    def _parts(self) -> list[Connectable]:
        """Return all that a call may change, so that a failed one can be undone."""
        return parts_of(self)

    def _run(
        self,
        xs: tuple[Array, ...],
        training: bool,
        *,
        noise: Mapping[str, np.random.Generator] | None = None,
        memory: Memory | None = None,
    ) -> tuple[tuple[Array, ...], Tape]:
        return self.program.run(xs, training, noise=noise, memory=memory)

    def _run_back(
        self, gradients: Gradients, tape: Tape, *, memory: Memory | None = None
    ) -> dict[str, dict[str, Array]]:
        return self.program.run_back(gradients, tape, memory=memory)

    # Config ----------------------------------------------------------------------

    def get_config(self) -> Config:
        """
        Return the names and arguments that make an equal model, as Keras does.

        Returns
        -------
        dict
            Ready for JSON.
        """
        raise NotImplementedError

    @classmethod
    def from_config(
        cls, config: Any, custom_objects: Mapping[str, Any] | None = None
    ) -> "Network":
        """Make a model from what `get_config` returned; see the class."""
        raise NotImplementedError

    def to_json(self, **kwargs: Any) -> str:
        """
        Return the config as JSON text.

        Parameters
        ----------
        **kwargs
            Passed to `json.dumps`, such as ``indent``.

        Returns
        -------
        str
            For `localnet.models.model_from_json`.
        """
        return json.dumps(
            {
                "class_name": self.class_name,
                "config": self.get_config(),
                "keras_version": f"localnet {__version__}",
                "backend": "numpy",
            },
            **kwargs,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def parts_of(part: Connectable) -> list[Connectable]:
    """
    Return a layer, or a model with everything in it.

    Parameters
    ----------
    part : Connectable
        The layer or model.

    Returns
    -------
    list
        Models before what they are made of.
    """
    if isinstance(part, Layer):
        return list(part.with_inner())
    if not isinstance(part, Network):
        return [part]
    return [part, *(inner for layer in part._stack for inner in parts_of(layer))]
