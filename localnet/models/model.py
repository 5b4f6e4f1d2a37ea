"""
A model: layers that are wired, a trainer, and files.

What `Model` does itself is handed on in a line. Its longer methods are functions that
stand where their matter is: `compile` and `fit` in `localnet.training`, `save` and
`summary` beside this module.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import _validate
from .._keras.hooks import MODEL, STEPS, refuse_hooks
from .._registry import custom_object_scope
from .._typing import Config
from ..callbacks import History
from ..files.keras.wiring import wired
from ..layers import Handle, Layer
from ..layers._base.handles import Connectable, Node, restore_calls
from ..layers._base.names import unique_name
from ..layers._base.seeds import child_seed
from ..layers._base.shapes import BatchShape, checked_shape
from ..layers._nesting import deserialize, model_classes
from ..optimizers import Optimizer
from ..training import evaluate, fit, fit_scipy, one_batch, trainer
from ..training.trainer import Trainer, one_or_list
from . import listing, renamed, saving, summary
from .chain import Chain
from .graph import Graph, connected
from .program import Program

__all__ = ["Model"]

WIRED = (
    "a function that makes Model(inputs, outputs), as a model is what leads from "
    "handles to handles"
)


class Model(Connectable):
    """
    A model of any wiring: what leads from some handles to others.

    Layers are called on handles, the first of which come from `localnet.Input`; the
    model is what lies between. A layer that is called twice has one set of weights, and
    its gradients add up. A layer may be part of several models, which share it, and a
    model may be called like a layer.

    Parameters
    ----------
    inputs : Handle, or list, tuple or dict of Handle
        Where arrays come in; the keys of a dict are those of the data.
    outputs : Handle or list of Handle
        What is computed.
    name : str, optional
        Default: ``"model"``, numbered within the process.
    trainable : bool
        Whether an optimizer may change the weights.
    seed : int or SeedSequence, optional
        Seed of everything random in the model: start values and noise of each layer
        that has no weights yet, and the shuffling. A model within keeps its own.
        Default: fresh entropy.
    **unknown
        None; those of Keras 1 get an error with the new words.

    Raises
    ------
    TypeError
        If a keyword is unknown.
    ValueError
        If an output depends on an input that is not given, a layer does not fit, or two
        layers have one name.

    See Also
    --------
    localnet.Input : Makes the first handles.
    Sequential : For a chain of layers.

    Notes
    -----
    Weights are made here, not when a layer is called: the order of the layers, and the
    seed of each, depends on the whole graph. Both are as in Keras 2.

    Examples
    --------
    Two branches that share a layer:

    >>> from localnet import Input
    >>> from localnet.layers import Dense, subtract
    >>> left, right = Input((3,), name="left"), Input((3,), name="right")
    >>> shared = Dense(2, use_bias=False)
    >>> model = Model([left, right], subtract([shared(left), shared(right)]), seed=0)
    >>> model.output_shape, model.count_params()
    ((None, 2), 6)
    >>> x = np.ones((1, 3))
    >>> model([x, x])
    array([[0., 0.]], dtype=float32)
    """

    # The name in configs.
    class_name = "Functional"

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        trainable: bool = True,
        *,
        seed: int | np.random.SeedSequence | None = None,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise listing.unknown_arguments(unknown)
        if inputs is outputs is None and type(self) is not Model:
            raise TypeError(f"{type(self).__name__} must be written with {WIRED}")
        self._start(Graph, name, seed, inputs, outputs)
        if not trainable:
            self.trainable = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_hooks(cls, MODEL, WIRED)
        refuse_hooks(cls, STEPS, "a loop over train_on_batch, or a loss of its own")

    def _start(
        self, wire: Callable[..., Any], name: Any, seed: Any, *ends: Any
    ) -> None:
        """Take the parts that a model is made of."""
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, got {_validate.shown(name)}")
        given = seed
        if not isinstance(seed, np.random.SeedSequence):
            try:
                if isinstance(seed, (bool, np.bool)):
                    raise TypeError
                seed = np.random.SeedSequence(seed)
            except (TypeError, ValueError):
                raise ValueError(
                    f"seed must be an integer >= 0 or None, got {_validate.shown(seed)}"
                ) from None
        name = unique_name(type(self).__name__) if name is None else name
        self._nodes: tuple[Node, ...] = ()
        self._network: Chain | Graph = wire(name, child_seed(seed, 1), *ends)
        rng = np.random.default_rng(child_seed(seed, 0))
        self._trainer = Trainer(self._network, rng)
        if given is not None:
            named = [*np.atleast_1d(seed.entropy), *seed.spawn_key]
            self._trainer.seed = [int(number) for number in named]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state of another model, in parts of its own, and link its layers."""
        vars(self).update(state)
        self._network = copy.copy(self._network)
        self._trainer = copy.copy(self._trainer)
        self._trainer.network = self._network
        restore_calls(self._network.nodes)

    # Structure -------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Its own within another model."""
        return self._network.name

    @name.setter
    def name(self, name: str) -> None:
        self._network.name = _validate.text("name", name)

    @property
    def layers(self) -> list[Any]:
        """What the model is made of, in order: layers and models."""
        return list(self._network.layers)

    @property
    def leaves(self) -> dict[str, Layer]:
        """Every layer once, also those in models within, by its path."""
        return self._network.leaves

    @property
    def program(self) -> Program:
        """The calls of the layers, in order."""
        return self._network.program

    @property
    def built(self) -> bool:
        """Whether every layer has its weights."""
        return self._network.built

    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change weights; set it for all layers at once."""
        return self._network.trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._network.trainable = flag = _validate.flag("trainable", value)
        for layer in self.layers:
            layer.trainable = flag

    @property
    def input_shape(self) -> Any:
        """Shape of the input, batch axis first; a list if there are several."""
        return self._network.input_shape

    @property
    def output_shape(self) -> Any:
        """Shape of the output, batch axis first; a list if there are several."""
        return self._network.output_shape

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, for data in a dict."""
        return self._network.input_names

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs: of their layers, numbered where one has several."""
        return self._network.output_names

    @property
    def inputs(self) -> list[Handle]:
        """Handles of the inputs."""
        return self._known(self._network.inputs)

    @property
    def outputs(self) -> list[Handle]:
        """Handles of the outputs."""
        return self._known(self._network.outputs)

    @property
    def input(self) -> Any:
        """Handle of the input; a list if there are several."""
        return one_or_list(self.inputs)

    @property
    def output(self) -> Any:
        """Handle of the output; a list if there are several."""
        return one_or_list(self.outputs)

    def _known(self, handles: Sequence[Handle]) -> list[Handle]:
        if not handles:
            raise AttributeError(
                f"{self.name}: handles need a known shape of the input; call "
                "build(input_shape)"
            )
        return list(handles)

    @property
    def dtype(self) -> np.dtype:
        """Float type of what goes out."""
        return self._network.dtype

    def build(self, input_shape: Any = None) -> None:
        """
        Create the weights that are missing, or check a shape.

        Parameters
        ----------
        input_shape : tuple of int or None, or list of them, optional
            Batch axis first; needed if no layer names it.

        Raises
        ------
        ValueError
            If the shape is missing or does not fit a layer, built or not; the model
            stays as it was.
        """
        self._network.build(input_shape)

    get_layer = listing.get_layer
    summary = summary.summary

    # A part of another model -----------------------------------------------------

    @property
    def batch_input_shape(self) -> BatchShape | None:
        """Shape of the input, if it is known and there is one."""
        handles = self._network.inputs
        return handles[0].shape if len(handles) == 1 else None

    def check_is_chained(self) -> None:
        """Refuse to stand in a stack with more inputs or outputs than one."""
        if self.program.inputs != 1 or len(self.program.outputs) != 1:
            raise ValueError(
                f"{self.name}: a model in a stack must have one input and one output, "
                f"has {self.program.inputs} and {len(self.program.outputs)}"
            )

    def check_fits(self, input_shape: Any) -> None:
        """Refuse a shape of the input that the layers were not built for."""
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        """
        Return the shape of the only output for a shape of the only input.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first.

        Returns
        -------
        tuple of int or None
            Batch axis first.
        """
        self.check_is_chained()
        try:
            given = checked_shape(input_shape, None)
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from error
        ((shape, _),) = self._traced((given,))
        return shape

    def _traced(
        self, shapes: tuple[BatchShape, ...]
    ) -> list[tuple[BatchShape, np.dtype]]:
        program, shapes = self.program, tuple(self._network.conformed(shapes))
        if len(shapes) != program.inputs:
            raise ValueError(
                f"{self.name}: inputs must be {program.inputs} handles, "
                f"got {len(shapes)}"
            )
        found = program.shapes(shapes)
        dtypes = [handle.dtype for handle in self._network.inputs]
        dtypes = dtypes or [self.dtype] * program.inputs
        dtypes += [step.layer.dtype for step in program.steps]
        return [(found[place], dtypes[place]) for place in program.outputs]

    def _handles_in(self, inputs: Any) -> tuple[Handle, ...]:
        names = self._network.data_names
        if isinstance(inputs, Mapping) and isinstance(self._network, Graph):
            if set(inputs) != set(names):
                raise ValueError(
                    f"{self.name}: inputs must have the keys {names}, "
                    f"got {_validate.shown(list(inputs))}"
                )
            inputs = [inputs[name] for name in names]
        return super()._handles_in(inputs)

    # Running and training --------------------------------------------------------

    __call__ = one_batch.call
    compile = trainer.compile
    fit = fit.fit
    fit_scipy = fit_scipy.fit_scipy
    predict = evaluate.predict
    evaluate = evaluate.evaluate
    train_on_batch = one_batch.train_on_batch
    test_on_batch = one_batch.test_on_batch
    predict_on_batch = one_batch.predict_on_batch
    loss_and_gradients = one_batch.loss_and_gradients
    fit_generator = renamed.fit_generator
    evaluate_generator = renamed.evaluate_generator
    predict_generator = renamed.predict_generator
    make_predict_function = renamed.make_predict_function
    _make_predict_function = renamed.make_predict_function
    reset_states = renamed.reset_states

    @property
    def optimizer(self) -> Optimizer | None:
        """Set by `compile`."""
        return self._trainer.optimizer

    @property
    def loss(self) -> Any:
        """As it was given to `compile`."""
        return self._trainer.loss

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns, in its order."""
        return self._trainer.objective.names

    metrics = property(listing.metrics)
    losses = property(listing.losses)
    reset_metrics = listing.reset_metrics
    _variables = listing.variables_of

    @property
    def history(self) -> History | None:
        """Of the last training, also of one that was interrupted."""
        return self._trainer.history

    @property
    def stop_training(self) -> bool:
        """Whether the training ends after this batch or iteration; callbacks set it."""
        return self._trainer.stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        self._trainer.stop_training = value

    # Weights and files -----------------------------------------------------------

    get_weights = saving.get_weights
    set_weights = saving.set_weights
    count_params = saving.count_params
    save = saving.save
    save_weights = saving.save_weights
    load_weights = saving.load_weights
    to_json = saving.to_json

    def get_config(self) -> Config:
        """
        Return names, arguments and wiring that make an equal model, as Keras does.

        Returns
        -------
        dict
            Ready for JSON.
        """
        return self._network.get_config()

    @classmethod
    def from_config(
        cls, config: Any, custom_objects: Mapping[str, Any] | None = None
    ) -> "Model":
        """
        Make a model from what `get_config` returned.

        Parameters
        ----------
        config : dict
            Of this model, or of a functional one of Keras 2.
        custom_objects : mapping of str to object, optional
            Classes and functions of your own by name.

        Returns
        -------
        Model
            With fresh weights.

        Raises
        ------
        ValueError
            If a layer is unknown, or configs and wiring do not fit.
        """
        wiring = wired(config)
        with custom_object_scope(custom_objects):
            layers = {n: deserialize(entry) for n, entry in wiring.entries.items()}
        inputs, outputs = connected(wiring, layers)
        model = cls(inputs, outputs, name=config.get("name"))
        if config.get("trainable") is False:
            model.trainable = False
        return model

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


model_classes.update(Functional=Model, Model=Model)
