"""Models: layers wired together, trained by the loop of `localnet.training`."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import __version__, _arrays, _validate
from . import layers as layers_module
from ._registry import custom_object_scope
from ._typing import Array, ArrayLike, Config
from .layers import InputLayer, Layer
from .layers.base import child_seed, unchanged_on_error
from .layers.names import unique_name
from .layers.shapes import BatchShape, checked_shape
from .objective import Gradients
from .roofline import Machine, this_machine
from .saving import Savable
from .steps import Memory
from .summary import cost_table, summary_table
from .tape import Call, Tape

__all__ = ["Sequential", "load_model"]


class Sequential(Savable):
    """
    A stack of layers, each fed with the output of the one before.

    Parameters
    ----------
    layers : Layer or list of Layer, optional
        Added in order.
    name : str, optional
        Default: ``"sequential"``, numbered within the process.
    seed : int or SeedSequence, optional
        Seed of everything random in the model: each layer's start values and noise, and
        the shuffling. Default: fresh entropy.

    Raises
    ------
    ValueError
        If a layer does not fit, or two have the same name.

    See Also
    --------
    localnet.layers : What can be stacked.

    Examples
    --------
    >>> from localnet.layers import LocallyConnected1D
    >>> model = Sequential()
    >>> model.add(LocallyConnected1D(64, 3, input_shape=(10, 32)))
    >>> model.output_shape
    (None, 8, 64)
    >>> model.add(LocallyConnected1D(32, 3))
    >>> model.output_shape
    (None, 6, 32)
    """

    def __init__(
        self,
        layers: Layer | Sequence[Layer] | None = None,
        name: str | None = None,
        *,
        seed: int | np.random.SeedSequence | None = None,
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
        self._stack = []
        self.name = unique_name(type(self).__name__) if name is None else name
        for layer in [layers] if isinstance(layers, Layer) else layers or ():
            self.add(layer)

    # Structure -------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:  # type: ignore[override]
        """The layers in order, without an InputLayer."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    @property
    def built(self) -> bool:  # type: ignore[override]
        """Whether every layer has its weights."""
        return bool(self.layers) and all(layer.built for layer in self._stack)

    @property
    def input_shape(self) -> BatchShape | None:
        """Shape of the input, batch axis first; None if it is not known yet."""
        if not self._stack:
            return None
        first = self._stack[0]
        return first.input_shape or first.batch_input_shape

    @property
    def output_shape(self) -> BatchShape | None:
        """Shape of the output, batch axis first; None if it is not known yet."""
        return self._stack[-1].output_shape if self._stack else None

    @property
    def input_names(self) -> list[str]:  # type: ignore[override]
        """The name of the input, for data in a dict."""
        first = self._stack[0].name if self._stack else self.name
        is_input = bool(self._stack) and isinstance(self._stack[0], InputLayer)
        return [first if is_input else f"{first}_input"]

    @property
    def output_names(self) -> list[str]:  # type: ignore[override]
        """The name of the output, that of the last layer."""
        return [self._stack[-1].name if self._stack else self.name]

    def add(self, layer: Any) -> None:
        """
        Put a layer on top.

        Parameters
        ----------
        layer : Layer
            It is built at once if the shape of the model's input is known.

        Raises
        ------
        ValueError
            If it is not a layer, its name is taken, or it does not fit the shape below.
            Model and layer stay as they were.
        """
        if not isinstance(layer, Layer):
            hint = "; make an instance of the class" if isinstance(layer, type) else ""
            raise ValueError(f"layer must be a Layer, got {layer!r}{hint}")
        taken = [inner for other in self._stack for inner in other.with_inner()]
        if any(inner is other for inner in layer.with_inner() for other in taken):
            raise ValueError(
                f"layer must be added once, got {layer.name!r} a second time"
            )
        if any(other.name == layer.name for other in self._stack):
            raise ValueError(
                f"layer must have a name of its own, got {layer.name!r} a second time"
            )
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError("InputLayer must be the first layer of a model")
        with unchanged_on_error(layer):
            # An InputLayer draws nothing and must not shift the seeds of the others.
            if not isinstance(layer, InputLayer):
                layer.set_seed(child_seed(self._seed, len(self.layers)))
            below = self.output_shape if self._stack else layer.batch_input_shape
            if below is not None and None not in below[1:]:
                _fit_to(layer, below)
        self._stack.append(layer)

    def pop(self) -> None:
        """
        Take the top layer away.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not self.layers:
            raise ValueError(f"{self.name}: pop needs a layer, the model has none")
        self._stack.pop()

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """
        Create the weights of all layers that have none.

        Parameters
        ----------
        input_shape : tuple of int or None, optional
            Batch axis first; needed if no layer names it.

        Raises
        ------
        ValueError
            If the shape is missing or does not fit a layer, built or not; the model
            stays as it was.
        """
        if not self.layers:
            raise ValueError(f"{self.name}: build needs a layer, the model has none")
        shape = self.input_shape if input_shape is None else input_shape
        if shape is None:
            raise ValueError(
                f"{self.name}: input_shape must be given to build or to the first layer"
            )
        with unchanged_on_error(*self._stack):
            for layer in self._stack:
                _fit_to(layer, shape)
                shape = layer.compute_output_shape(tuple(shape))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """
        Return one layer.

        Parameters
        ----------
        name : str, optional
            Its name.
        index : int, optional
            Its place, from 0; give one of the two.

        Returns
        -------
        Layer
            The layer itself.

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
            tables.append(summary_table(self.name, type(self).__name__, self.layers))
        if cost:
            batch_size = _validate.integer("batch_size", batch_size, minimum=1)
            if machine is not None and not isinstance(machine, Machine):
                raise ValueError(f"machine must be a Machine, got {machine!r}")
            shape = self.input_shape if input_shape is None else input_shape
            tables.append(
                cost_table(
                    self.layers,
                    checked_shape(shape, None),
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

    def __call__(self, x: ArrayLike, training: bool = False) -> Array:
        """Compute the output for a batch."""
        x = _arrays.numbers("x", x)
        with unchanged_on_error(*self._stack):
            self.build((None, *x.shape[1:]))
            (y,), tape = self._run((x,), training)
            for state, new in self._absorbed(tape) if training else ():
                state[...] = new
        return y

    def _build_for(self, xs: tuple[Array, ...]) -> None:
        self.build((None, *xs[0].shape[1:]))

    def _run(
        self,
        xs: tuple[Array, ...],
        training: bool,
        *,
        noise: Mapping[str, np.random.Generator] | None = None,
        memory: Memory | None = None,
    ) -> tuple[tuple[Array, ...], Tape]:
        (x,) = xs
        calls = []
        for layer in self.layers:
            x, cache = layer.forward_with_cache(
                x,
                training,
                None if noise is None else noise[layer.name],
                workspace=None if memory is None else memory[layer.name],
            )
            calls.append(Call(layer, cache))
        return (x,), Tape(calls, calls[-1:])

    def _run_back(
        self,
        gradients: Gradients,
        tape: Tape,
        *,
        memory: Memory | None = None,
    ) -> dict[str, dict[str, Array]]:
        (dy,), (dlogits,) = gradients
        learns = [bool(call.layer.trainable_params) for call in tape.calls]
        grads: dict[str, dict[str, Array]] = {}
        for place in range(len(tape.calls) - 1, -1, -1):
            if not any(learns[: place + 1]):
                break
            layer, cache = tape.calls[place]
            dy, grads[layer.name] = layer.backward_from_cache(
                dy,
                cache,
                dlogits=dlogits,
                need_dx=any(learns[:place]),
                workspace=None if memory is None else memory[layer.name],
            )
            dlogits = None
        return grads

    # Config ----------------------------------------------------------------------

    def get_config(self) -> Config:
        """
        Return the names and arguments that make an equal model, as Keras does.

        Returns
        -------
        dict
            Ready for JSON.
        """
        stack = list(self._stack)
        entries = [layers_module.serialize(layer) for layer in stack]
        shape = self.input_shape
        if shape is not None and stack and not isinstance(stack[0], InputLayer):
            first = InputLayer(
                batch_input_shape=shape,
                dtype=stack[0].dtype,
                name=f"{stack[0].name}_input",
            )
            entries.insert(0, layers_module.serialize(first))
        return {"name": self.name, "layers": entries}

    @classmethod
    def from_config(
        cls, config: Any, custom_objects: Mapping[str, Any] | None = None
    ) -> "Sequential":
        """
        Make a model from what `get_config` returned.

        Parameters
        ----------
        config : dict or list
            Also the list of layers that early Keras 2 wrote.
        custom_objects : mapping of str to object, optional
            Classes and functions of your own by name.

        Returns
        -------
        Sequential
            With fresh weights.

        Raises
        ------
        ValueError
            If a layer is unknown or its config does not fit.
        """
        if isinstance(config, list):
            config = {"layers": config}
        if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
            raise ValueError(
                f"config must be a dict with a list of layers, got {config!r}"
            )
        model = cls(name=config.get("name"))
        with custom_object_scope(custom_objects or {}):
            for entry in config["layers"]:
                layer = layers_module.deserialize(entry)
                model.add(layer)
        shape = config.get("build_input_shape")
        if shape is not None and not model.built:
            model.build(shape)
        return model

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
            For `from_config` after `json.loads`: its entry ``config``.
        """
        return json.dumps(
            {
                "class_name": type(self).__name__,
                "config": self.get_config(),
                "keras_version": f"localnet {__version__}",
                "backend": "numpy",
            },
            **kwargs,
        )


def load_model(
    path: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool | None = None,
    *,
    isolated: bool = False,
) -> Sequential:
    """
    Read a model that `Sequential.save`, Keras 2 or tf_keras wrote.

    Parameters
    ----------
    path : str or path-like
        localnet's ``.npz``, or Keras's legacy ``.h5`` or ``.keras``; the bytes of the
        file tell which.
    custom_objects : mapping of str to object, optional
        Classes and functions of your own by name.
    compile : bool, optional
        Whether to restore loss, metrics and the optimizer with its state. Default: yes,
        but a file of Keras that needs an optimizer, loss or metric that localnet lacks
        gives a warning and a model that is not compiled, instead of an error.
    isolated : bool
        Read the file in a process of its own, with limits on time and memory: the HDF5
        library can crash or hang on damaged bytes. For files from strangers.

    Returns
    -------
    Sequential
        It predicts, and goes on training, as the saved one would.

    Raises
    ------
    ValueError
        If the file is none of these, is damaged, or holds what localnet has no
        counterpart for; then all such layers are named.
    ImportError
        If the file is HDF5 and h5py is not installed.
    OSError
        If the file cannot be opened.

    Warns
    -----
    UserWarning
        See `compile`.

    Notes
    -----
    Nothing in a file is ever run: no pickle, no code of a Lambda layer. Shapes are
    compared with those that the config implies before memory is taken for them.
    """
    from .reading import read_model  # see `localnet.saving`

    return read_model(
        Sequential.from_config,
        path,
        custom_objects or {},
        compile=compile,
        isolated=isolated,
    )


def _fit_to(layer: Layer, input_shape: Sequence[int | None]) -> None:
    if layer.built:
        layer.check_fits(input_shape)
    else:
        layer.build(input_shape)
