"""
The one base of all layers: weights, a source of random numbers, and a pure pair.

A layer is a map with weights followed by an activation. Subclasses provide the map by
the hooks `build`, `compute`, `gradients` and `compute_output_shape`, and override what
they need of them; what is common to all layers lives here and in its parts.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from ... import _arrays, _validate, activations, config
from ..._typing import Array, Config, Pair, Shape
from ...ops import Cost, Workspace
from . import building, pure, weights
from .arguments import refuse_old_words, resolve, unknown_argument
from .cost import cost_of_layer
from .handles import Connectable, holds_handles
from .hooks import AskedFor, named_init, refuse_other_hooks, whole_build
from .names import Named, unique_name
from .pure import Computed, Gradients, LayerCache
from .seeds import child_seed
from .shapes import BatchShape, checked_shape, declared_shape
from .undo import unchanged_on_error

__all__ = ["Layer", "unchanged_on_error"]


class Layer(Connectable):
    """
    Base of all layers: holds weights and calls `ops`; has no mathematics of its own.

    Parameters
    ----------
    name : str, optional
        Default: the class name in snake case, numbered within the process.
    trainable : bool
        Whether an optimizer may change the weights.
    dtype : str, optional
        Float type of weights and results; default ``localnet.config.floatx()``.
    activity_regularizer : regularizer, optional
        Penalty on the output, divided by the batch size.
    **kwargs
        Keras's ``input_shape``, ``batch_input_shape``, ``input_dim``, ``batch_size``
        and ``weights``; ``dynamic`` and ``autocast`` are accepted without a meaning.

    Attributes
    ----------
    grads : dict of str to ndarray
        Gradients of the last `backward`.
    input_shape, output_shape : tuple
        With ``None`` for the batch axis; known once the layer is built.
    """

    # Axes of the input, batch axis included; None where any number will do.
    input_rank: int | None = None
    __setattr__ = weights.set_attribute
    name = _validate.Checked(_validate.text)
    trainable = _validate.Checked(_validate.flag)
    activity_regularizer = _validate.Checked(resolve)
    dtype = _validate.Checked(lambda _, value: config.float_dtype(value))
    # Whether a model around it is frozen, while that is what decides who learns.
    is_fixed = False
    # Weights that the layer sets itself, from what it sees in training.
    state_names: tuple[str, ...] = ()
    # Its own arguments that are attributes of the same name, and stand in its config.
    config_names: tuple[str, ...] = ()
    # The (forward, backward) of what is applied to the map's result; None: nothing.
    _activation_pair: Pair | None = None
    # Which keywords the two hooks have parameters for.
    _asked_by_compute: ClassVar[Any] = AskedFor("compute")
    _asked_by_gradients: ClassVar[Any] = AskedFor("gradients")
    # Whether its source of random numbers is its own, and not the model's.
    _has_own_seed = False
    # Whether its class is somebody's own, whose gradients may be anything.
    _is_own = False
    # Where first weights come from, while the layer is built.
    _births: np.random.Generator | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_other_hooks(cls)
        cls._is_own = not cls.__module__.startswith(_arrays.OURS)
        cls._asked_by_compute = AskedFor("compute")
        cls._asked_by_gradients = AskedFor("gradients")
        if "build" in vars(cls):
            cls.build = whole_build(cls.build)  # type: ignore[method-assign]
        if "__init__" not in vars(cls):
            cls.__init__ = named_init(cls)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuse the words of Keras 1, then make a layer."""
        if not cls._is_own:
            refuse_old_words(cls, kwargs)
        return super().__new__(cls)

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, got {_validate.shown(name)}")
        with self._named():
            self.batch_input_shape = declared_shape(kwargs)
            self._initial_weights = kwargs.pop("weights", None)
            for meaningless in ("dynamic", "autocast"):
                kwargs.pop(meaningless, None)
            if kwargs:
                raise unknown_argument(type(self), next(iter(kwargs)), kwargs)
            self.trainable = trainable
            self.dtype = dtype
            self.activity_regularizer = activity_regularizer
        self.name = unique_name(type(self).__name__) if name is None else name
        self.built = False
        self.input_shape: BatchShape | None = None
        self.output_shape: BatchShape | None = None
        self._held = weights.Weights()
        self.grads: dict[str, Array] = {}
        self._seed = np.random.SeedSequence()
        self._noise: np.random.Generator | None = None
        self._nodes = ()
        self._cache: LayerCache | None = None
        # For calls without a workspace of their own: their results are theirs to keep.
        self._scratch = Workspace(keep_results=False)

    def _named(self) -> Named:
        """Return a context that puts the layer's name before a ValueError's message."""
        return Named(self)

    # Hooks of subclasses ---------------------------------------------------------

    @whole_build
    def build(self, input_shape: Sequence[int | None]) -> None:
        """
        Create the weights for one shape of the input.

        A subclass calls `add_weight` for each; it may call this one, and need not.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first. Building again starts with fresh weights.

        Raises
        ------
        ValueError
            If the layer cannot work on this shape; the layer stays as it was.
        """
        for name, shape in self.weight_shapes(input_shape).items():
            self.add_weight(name, shape, **self._rules_of(name))

    def compute(self, x: Any, *, training: bool, rng: np.random.Generator) -> Computed:
        """
        Return the map of a batch, before the activation, and a cache.

        Parameters
        ----------
        x : ndarray
            In the layer's dtype. Not to be modified.
        training : bool
            Whether noise and statistics of the batch are wanted.
        rng : numpy.random.Generator
            Source of the noise. Who names a keyword ``workspace``, too, gets a
            `localnet.ops.Workspace` whose memory may be reused.

        Returns
        -------
        y : ndarray
            Result, in the dtype of `x`.
        cache : object
            What `gradients` needs.
        """
        raise NotImplementedError(f"{type(self).__name__} must have a method compute")

    def gradients(self, dy: Any, cache: Any) -> Gradients:
        """
        Return the gradients of ``sum(y*dy)``, where y is what `compute` returned.

        Parameters
        ----------
        dy : ndarray, shape of y
            Upstream gradient. Not to be modified.
        cache : object
            What `compute` returned with it. Who names keywords ``need_dx`` and
            ``workspace``, too, is told whether dx is wanted, and lent memory.

        Returns
        -------
        dx : ndarray, shape of x
            Gradient of the input.
        gradients : dict of str to ndarray
            Of each weight, by name; they are given away.
        """
        raise NotImplementedError(f"{type(self).__name__} must have a method gradients")

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """
        Return the shape of the output for a shape of the input; the same by default.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first; ``None`` is a size that is not known.

        Returns
        -------
        tuple of int or None
            Batch axis first.
        """
        return tuple(self._named_input_shape(input_shape))

    def weight_shapes(self, input_shape: Sequence[int | None]) -> dict[str, Shape]:
        """
        Return the shapes of the weights by name; nothing is created for it.

        A subclass without a `build` of its own gets the weights that it names here,
        each by its attributes ``<name>_initializer``, ``<name>_regularizer`` and
        ``<name>_constraint``. A shape that the layer cannot work on is a ValueError.
        """
        return {}

    def with_inner(self) -> list[Layer]:
        """Return the layer itself, and then the layers that it is made of, if any."""
        return [self]

    @property
    def builder(self) -> Layer:
        """The layer that builds the weights: the outermost, unless they were there."""
        return self

    def _rules_of(self, name: str) -> dict[str, Any]:
        """Return the arguments of `add_weight` that attributes named after it hold."""
        return {
            rule: getattr(self, f"{name}_{rule}", None)
            for rule in ("initializer", "regularizer", "constraint")
        }

    def _check_input(self, shape: BatchShape) -> None:
        """Refuse an input that the built layer does not fit; any is fine by default."""

    def _check_rank(self, shape: BatchShape) -> None:
        """Refuse an input that has not as many axes as `input_rank` says."""
        if len(shape) != self.input_rank:
            raise ValueError(
                f"input must have {self.input_rank} axes, got shape {shape}"
            )

    # Building --------------------------------------------------------------------

    add_weight = building.add_weight
    _build_whole = building.build_whole
    _traced = building.traced

    def check_fits(self, input_shape: Sequence[int | None]) -> None:
        """Raise a ValueError if a batch of this shape would be refused."""
        with self._named():
            self._check_known(self._checked_input_shape(input_shape))

    def _checked_input_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input in its normal form."""
        return checked_shape(input_shape, self.input_rank)

    def _named_input_shape(self, input_shape: Any) -> Any:
        """Return the shape in its normal form; errors name the layer."""
        with self._named():
            return self._checked_input_shape(input_shape)

    def _check_known(self, input_shape: BatchShape) -> None:
        """Refuse a shape that the built layer does not fit, as far as it is known."""
        if None not in input_shape[1:]:
            self._check_input((None, *input_shape[1:]))

    def _shape_of_call(self, shapes: tuple[BatchShape, ...]) -> Any:
        """Return the shapes of the inputs as `build` takes them."""
        if len(shapes) != 1:
            raise ValueError(f"inputs must be one handle, got a list of {len(shapes)}")
        return shapes[0]

    # Forward and backward --------------------------------------------------------

    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """
        Compute the output for an array; for a handle, note the call for a model.

        Parameters
        ----------
        x : array_like, Handle or list of Handle
            A batch of inputs, or what stands for one.
        training : bool, optional
            For arrays as in `forward`. With handles it holds for this call, whatever
            the model does that runs it.

        Returns
        -------
        ndarray or Handle
            As the input.
        """
        if holds_handles(x):
            return self.connect(x, training)
        return self.forward(x, False if training is None else training)

    def connect(self, inputs: Any, training: bool | None = None) -> Any:
        """Note a call on handles, and the shapes of the first; see `Connectable`."""
        result = super().connect(inputs, training)
        if self.input_shape is None:
            (node, *_) = self._nodes
            shapes = tuple(handle.shape for handle in node.inputs)
            self.input_shape = self._shape_of_call(shapes)
            self.output_shape = node.outputs[0].shape
        return result

    forward = pure.forward
    backward = pure.backward
    forward_with_cache = pure.forward_with_cache
    backward_from_cache = pure.backward_from_cache
    _accepted = pure.accepted
    _activity_loss = pure.activity_loss

    @property
    def has_logits(self) -> bool:
        """
        Whether Keras computes a crossentropy of the output from its logits.

        Softmax and sigmoid hand what went into them to every crossentropy, be it their
        own or not, and whatever the axis.
        """
        activation = vars(self).get("activation")
        if isinstance(activation, Layer):
            return activation.has_logits
        return activation in (activations.softmax, activations.sigmoid)

    def activate(self, logits: Array) -> Array:
        """Return what the activation makes of other logits."""
        if self._activation_pair is None:
            return logits
        y: Array = self._activation_pair[0](logits)[0]
        return y

    # Random numbers --------------------------------------------------------------

    def set_seed(self, seed: np.random.SeedSequence) -> None:
        """Set the source of the random numbers: first weights, then noise."""
        if not self._has_own_seed:
            self._seed, self._noise = seed, None

    @property
    def noise(self) -> np.random.Generator:
        """Generator of the layer's training noise, such as dropout masks."""
        if self._noise is None:
            self._noise = np.random.default_rng(child_seed(self._seed, 0))
        return self._noise

    @property
    def noise_state(self) -> Any:
        """How far the training noise is; None before any was drawn."""
        return None if self._noise is None else self._noise.bit_generator.state

    @noise_state.setter
    def noise_state(self, state: Any) -> None:
        if state is not None:
            self.noise.bit_generator.state = state

    # Weights ---------------------------------------------------------------------

    @property
    def params(self) -> dict[str, Array]:
        """The live weights, in the order of `get_weights`."""
        return self._held.values

    @property
    def weight_dtype(self) -> np.dtype:
        """Float type of the weights."""
        dtype: np.dtype = self.dtype
        return dtype

    @property
    def fixed_names(self) -> tuple[str, ...]:
        """Weights that no optimizer changes, whatever `trainable` says."""
        return (*self.state_names, *self._held.fixed)

    def learns(self, name: str) -> bool:
        """Return whether an optimizer may change a weight, also one yet to be built."""
        rules = self._held.rules.get(name)
        fixed = name in self.state_names or (rules is not None and not rules.trainable)
        return self.trainable and not (fixed or self.is_fixed)

    @property
    def trainable_params(self) -> dict[str, Array]:
        """The weights that an optimizer may change."""
        return {key: value for key, value in self.params.items() if self.learns(key)}

    _variables = weights.variables_of
    __getattr__ = weights.weight_by_name
    get_weights = weights.get_weights
    set_weights = weights.set_weights
    count_params = weights.count_params

    def weight_losses(self) -> list[float]:
        """Return the penalty of each weight that has a regularizer."""
        return self._held.losses()

    @property
    def losses(self) -> list[float]:
        """Penalties now: of the last output, then of each weight that has one."""
        activity = self._cache.activity_loss if self._cache is not None else None
        return [*([] if activity is None else [activity]), *self.weight_losses()]

    @property
    def constraints(self) -> dict[str, Any]:
        """The constraint of every weight that has one, by the weight's name."""
        return self._held.constraints

    @property
    def constraints_may_fail(self) -> bool:
        """Whether a constraint is a callable of the user's own."""
        return self._held.constraints_may_fail

    def constrain(self) -> None:
        """Put every weight that has a constraint back into its bounds, in place."""
        self._held.constrain()

    # Weights that the layer sets itself ------------------------------------------

    def _absorbed(self, state: dict[str, Array], cache: Any) -> dict[str, Array]:
        """Return the weights of `state_names` after one more training call."""
        return state

    absorbed = weights.absorbed
    absorb = weights.absorb

    # Cost and config -------------------------------------------------------------

    def _cost(self, input_shape: Shape, *, batch_size: int, need_dx: bool) -> Cost:
        """Return the cost of both hooks; `input_shape` of a sample."""
        raise ValueError(f"{self.name}: cost must be known to the layer, got none")

    cost = cost_of_layer

    def get_config(self) -> Config:
        """
        Return the arguments that make an equal layer, with Keras's keys.

        Returns
        -------
        dict
            Ready for JSON.
        """
        shape = self.batch_input_shape
        return {
            "name": self.name,
            "trainable": self.trainable and not self.is_fixed,
            "dtype": self.dtype.name,
            **({} if shape is None else {"batch_input_shape": shape}),
            **{name: getattr(self, name) for name in self.config_names},
        }

    @classmethod
    def from_config(cls, config: Config) -> Layer:
        """
        Make a layer from what `get_config` returned.

        Parameters
        ----------
        config : dict
            Keys missing in old configs take their defaults.

        Returns
        -------
        Layer
            Not built.

        Raises
        ------
        TypeError
            If a key is unknown or a required one is missing.
        """
        return cls(**config)

    def __repr__(self) -> str:
        shape = self.output_shape or "not built"
        return f"<{type(self).__name__} {self.name!r} {shape}>"


# help() shows what a layer takes, not what its words are looked up in.
Layer.__new__.__signature__ = inspect.signature(Layer.__init__)  # type: ignore[attr-defined]
