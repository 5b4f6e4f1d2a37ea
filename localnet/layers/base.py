"""
What every layer has: a name, weights, a build step, and a pure pair underneath.

A layer is a map with weights followed by an activation. Subclasses provide the map
(`_build`, `_forward`, `_backward`); activation, penalties and bookkeeping live here.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .. import _arrays, _validate, config, regularizers
from .._typing import Array, ArrayLike, Config, Pair, Shape
from ..ops import Workspace
from .by_pieces import activate, activation_gradient
from .handles import Connectable, holds_handles
from .names import unique_name
from .shapes import BatchShape, checked_shape, declared_shape
from .statistics import StatisticsHolder
from .weights import Weight

__all__ = [
    "Layer",
    "LayerCache",
    "child_seed",
    "resolve",
    "unchanged_on_error",
    "unknown_argument",
]


def child_seed(seed: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
    """Return what ``seed.spawn`` gives as child `number`, without counting it there."""
    return np.random.SeedSequence(
        seed.entropy, spawn_key=(*seed.spawn_key, number), pool_size=seed.pool_size
    )


def resolve(argument: str, get: Callable[[Any], Any], identifier: Any) -> Any:
    """Return ``get(identifier)``; an error calls the family by the argument's name."""
    try:
        return get(identifier)
    except ValueError as error:
        family = argument.rpartition("_")[2]
        raise ValueError(str(error).replace(family, argument, 1)) from error


@contextmanager
def unchanged_on_error(*parts: Connectable) -> Iterator[None]:
    """Undo what a failing block did to layers and models: building, drawn noise."""
    before = [
        (part, vars(part).copy(), part.noise_state if isinstance(part, Layer) else None)
        for outer in parts
        for part in (outer.with_inner() if isinstance(outer, Layer) else [outer])
    ]
    try:
        yield
    except BaseException:
        for part, attributes, noise_state in before:
            vars(part).update(attributes)
            if isinstance(part, Layer):
                part.noise_state = noise_state
        raise


class LayerCache(NamedTuple):
    """What `Layer.backward_from_cache` needs of one forward call."""

    y: Array
    logits: Array
    activation: Any
    inner: Any
    activity_loss: float | None


class Layer(StatisticsHolder, Connectable):
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
    params : dict of str to ndarray
        The live weights, in the order of `get_weights`.
    grads : dict of str to ndarray
        Gradients of the last `backward`.
    input_shape, output_shape : tuple
        With ``None`` for the batch axis; known once the layer is built.
    """

    activation: Any = None
    _activation_pair: Pair | None = None
    # Axes of the input, batch axis included; None where any number will do.
    input_rank: int | None = None

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
            raise TypeError(f"name must be a string, got {name!r}")
        with self._named():
            self.batch_input_shape = declared_shape(kwargs)
            self._initial_weights = kwargs.pop("weights", None)
            for meaningless in ("dynamic", "autocast"):
                kwargs.pop(meaningless, None)
            if kwargs:
                raise unknown_argument(type(self), next(iter(kwargs)))
            self.dtype = config.float_dtype(dtype)
            self.activity_regularizer = resolve(
                "activity_regularizer", regularizers.get, activity_regularizer
            )
        self.trainable = bool(trainable)
        self.name = unique_name(type(self).__name__) if name is None else name
        self.built = False
        self.input_shape: BatchShape | None = None
        self.output_shape: BatchShape | None = None
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self._weights: dict[str, Weight] = {}
        self._seed = np.random.SeedSequence()
        self._noise: np.random.Generator | None = None
        self._nodes = ()
        self._cache: LayerCache | None = None
        # For calls without a workspace of their own: their results are theirs to keep.
        self._scratch = Workspace(keep_results=False)

    # Hooks of subclasses ---------------------------------------------------------

    def weight_shapes(self, input_shape: Sequence[int | None]) -> dict[str, Shape]:
        """
        Return the shapes that the weights have for a shape of the input.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first.

        Returns
        -------
        dict of str to tuple of int
            In the order of `get_weights`; empty for a layer without weights. Nothing
            is created, however large they are.

        Raises
        ------
        ValueError
            If the layer cannot work on this shape.
        """
        return {}

    def _build(self, input_shape: BatchShape, rng: np.random.Generator) -> None:
        """Create the weights with `_add_weight`; nothing to do without weights."""

    def _forward(
        self, x: Array, training: bool, rng: np.random.Generator, workspace: Workspace
    ) -> tuple[Array, Any]:
        """Return the map of `x` before the activation, and a cache."""
        raise NotImplementedError

    def _backward(
        self, dz: Array, cache: Any, need_dx: bool, workspace: Workspace
    ) -> tuple[Array | None, dict[str, Array]]:
        """Return the gradients of `_forward` with respect to `x` and each weight."""
        raise NotImplementedError

    def with_inner(self) -> "list[Layer]":
        """
        Return the layer, and the layers that it is made of, if there are any.

        Returns
        -------
        list of Layer
            Itself first.
        """
        return [self]

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """
        Return the shape of the output for a shape of the input.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first; ``None`` is a size that is not known.

        Returns
        -------
        tuple of int or None
            Batch axis first.
        """
        return tuple(input_shape)

    # Building --------------------------------------------------------------------

    def build(self, input_shape: Sequence[int | None]) -> None:
        """
        Create the weights for one shape of the input.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first. Building again starts with fresh weights.

        Raises
        ------
        ValueError
            If the layer cannot work on this shape; the layer stays as it was.
        """
        with unchanged_on_error(self), self._named():
            shape = self._checked_input_shape(input_shape)
            self.params, self._weights = {}, {}
            self._build(shape, np.random.default_rng(self._seed))
            self.input_shape = shape
            self.output_shape = self.compute_output_shape(shape)
            if self._initial_weights is not None:
                self._load(self._initial_weights)
            self.grads, self._cache = {}, None
            self.built = True

    def check_fits(self, input_shape: Sequence[int | None]) -> None:
        """
        Refuse a shape of the input that the built layer was not built for.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first.

        Raises
        ------
        ValueError
            If a batch of this shape would be refused.
        """
        with self._named():
            self._check_known(self._checked_input_shape(input_shape))

    def _checked_input_shape(self, input_shape: Any) -> BatchShape:
        """Return the shape of the input in its normal form."""
        return checked_shape(input_shape, self.input_rank)

    def _check_known(self, input_shape: BatchShape) -> None:
        """Refuse a shape that the built layer does not fit, as far as it is known."""
        if None not in input_shape[1:]:
            self._check_input((None, *input_shape[1:]))

    def set_seed(self, seed: np.random.SeedSequence) -> None:
        """
        Set the source of the layer's random numbers: first weights, then noise.

        Parameters
        ----------
        seed : numpy.random.SeedSequence
            A model gives each layer a child of its own seed. An initializer with a
            ``seed`` of its own ignores it.
        """
        self._seed = seed
        self._noise = None

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

    # Forward and backward --------------------------------------------------------

    def forward_with_cache(
        self,
        x: ArrayLike,
        training: bool = False,
        rng: np.random.Generator | None = None,
        *,
        workspace: Workspace | None = None,
    ) -> tuple[Array, LayerCache]:
        """
        Compute the output and what its gradients need; the layer remembers nothing.

        Parameters
        ----------
        x : array_like
            Batch of inputs; cast to the layer's dtype. Not modified.
        training : bool
            Whether layers with training noise apply it.
        rng : numpy.random.Generator, optional
            Source of the noise; default: the layer's own.
        workspace : Workspace, optional
            Memory that is reused: output and cache are valid until the next call with
            it. A model that trains has one for each layer.

        Returns
        -------
        y : ndarray
            Output, after the activation.
        cache : LayerCache
            For `backward_from_cache`.

        Raises
        ------
        ValueError
            If the layer was built for another shape.

        See Also
        --------
        backward_from_cache : The gradients.
        """
        workspace = workspace or self._scratch
        with self._named():
            z, inner = self._forward(
                self._accepted(x, workspace),
                training,
                self.noise if rng is None else rng,
                workspace,
            )
            y, activation = z, None
            if self._activation_pair is not None:
                y, activation = activate(self._activation_pair, z, workspace)
        loss = self._activity_loss(y, inner)
        return y, LayerCache(y, z, activation, inner, loss)

    def backward_from_cache(
        self,
        dy: Array | None,
        cache: LayerCache,
        *,
        dlogits: Array | None = None,
        need_dx: bool = True,
        weight_penalties: bool = True,
        workspace: Workspace | None = None,
    ) -> tuple[Array | None, dict[str, Array]]:
        """
        Compute the gradients of ``sum(y*dy)`` and of this layer's penalties.

        Parameters
        ----------
        dy : ndarray, shape of y, or None
            Upstream gradient; ``None`` if all of it comes by `dlogits`.
        cache : LayerCache
            What `forward_with_cache` returned.
        dlogits : ndarray, shape of y, optional
            Upstream gradient that bypasses the activation.
        need_dx : bool
            Whether the gradient of the input is wanted.
        weight_penalties : bool
            Whether to add the gradients of the penalties on weights: a model that calls
            a layer twice adds them once.
        workspace : Workspace, optional
            As for `forward_with_cache`: the gradients are valid until the next call.

        Returns
        -------
        dx : ndarray or None
            Gradient with respect to the input.
        grads : dict of str to ndarray
            Gradients with respect to the weights.

        See Also
        --------
        forward_with_cache : The pure forward pass.
        """
        workspace = workspace or self._scratch
        if self.activity_regularizer is not None:
            activity = self.activity_regularizer.gradient(cache.y) / max(
                1, len(cache.y)
            )
            dy = activity if dy is None else dy + activity
        dz = dy
        if dy is not None and self._activation_pair is not None:
            dz = activation_gradient(
                self._activation_pair, dy, cache.logits, cache.activation, workspace
            )
        if dlogits is not None:
            dz = dlogits if dz is None else dz + dlogits
        if dz is None:
            raise ValueError("dy must be given where dlogits is not, got None for both")
        dx, grads = self._backward(dz, cache.inner, need_dx, workspace)
        for name, weight in self._weights.items():
            if weight_penalties and weight.regularizer is not None:
                grads[name] = self._with_penalty(name, grads[name])
        return dx, grads

    def forward(self, x: ArrayLike, training: bool = False) -> Array:
        """
        Compute the output, and remember what `backward` needs.

        Parameters
        ----------
        x : array_like
            Batch of inputs. An unbuilt layer is built for its shape.
        training : bool
            Whether layers with training noise apply it, and such as keep statistics of
            the data take them in.

        Returns
        -------
        ndarray
            Output, after the activation.
        """
        y, self._cache = self.forward_with_cache(x, training)
        if training:
            self.absorb(self._cache)
        return y

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
        return self.forward(x, bool(training))

    def _traced(
        self, shapes: tuple[BatchShape, ...]
    ) -> list[tuple[BatchShape, np.dtype]]:
        with self._named():
            shape = self._checked_input_shape(self._shape_of_call(shapes))
            if self.built:
                self._check_known(shape)
            else:
                self._check_first_weights(shape)
            return [(self.compute_output_shape(shape), self.dtype)]

    def _shape_of_call(self, shapes: tuple[BatchShape, ...]) -> Any:
        """Return the shapes of the inputs as `build` takes them."""
        if len(shapes) != 1:
            raise ValueError(f"inputs must be one handle, got a list of {len(shapes)}")
        return shapes[0]

    def _check_first_weights(self, shape: BatchShape) -> None:
        """Refuse a shape that needs other weights than the first call did."""
        wanted = self.weight_shapes(shape)
        for node in self._nodes[:1]:
            former = self._shape_of_call(tuple(handle.shape for handle in node.inputs))
            if self.weight_shapes(former) != wanted:
                raise ValueError(
                    f"input must have the shape of the first call, {former}, "
                    f"got {shape}"
                )

    def backward(self, dy: ArrayLike) -> Array:
        """
        Compute the gradient of the input, and leave those of the weights in `grads`.

        Parameters
        ----------
        dy : array_like, shape of the last output
            Upstream gradient.

        Returns
        -------
        ndarray, shape of the last input
            Gradient of ``sum(y*dy) + sum(self.losses)``.

        Raises
        ------
        RuntimeError
            If `forward` was not called before.
        ValueError
            If `dy` has another shape than the last output.
        """
        cache = self._cache
        if cache is None:
            raise RuntimeError(
                f"{self.name}: backward needs the result of forward; call forward first"
            )
        with self._named():
            dy = _arrays.upstream(dy, cache.y.shape, cache.y.dtype)
        dx, self.grads = self.backward_from_cache(dy, cache)
        if dx is None:
            raise RuntimeError(f"{self.name}: _backward returned no dx")
        return dx

    def _accepted(self, x: Any, workspace: Workspace) -> Any:
        """Return the input as the map takes it; a layer that is not built is built."""
        x = _arrays.numbers("input", x)
        if x.dtype.kind != "c":  # complex stays, for the complex step
            x = self._cast(x, workspace)
        if not self.built:
            self.build((None, *x.shape[1:]))
        self._check_input(x.shape)
        return x

    def _activity_loss(self, y: Array, cache: Any) -> float | None:
        """Return the penalty on the output, or None if there is none."""
        if self.activity_regularizer is None:
            return None
        loss: float = self.activity_regularizer(y) / max(1, len(y))
        return loss

    def _cast(self, x: Array, workspace: Workspace) -> Array:
        """Return the input in the layer's dtype."""
        if x.dtype == self.dtype:
            return x
        cast = workspace.result("x", x.shape, self.dtype)
        cast[...] = x
        return cast

    def _check_input(self, shape: BatchShape) -> None:
        """Refuse an input that the built layer does not fit; any is fine by default."""

    @property
    def has_logits(self) -> bool:
        """Whether Keras computes a crossentropy of the output from its logits."""
        return False

    # Penalties and bounds --------------------------------------------------------

    @property
    def losses(self) -> list[float]:
        """Penalties now: of the last output, then of each weight that has one."""
        activity = self._cache.activity_loss if self._cache is not None else None
        return [*([] if activity is None else [activity]), *self.weight_losses()]

    # Config ----------------------------------------------------------------------

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
            "trainable": self.trainable,
            "dtype": self.dtype.name,
            **({} if shape is None else {"batch_input_shape": shape}),
        }

    @classmethod
    def from_config(cls, config: Config) -> "Layer":
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


def unknown_argument(cls: Callable[..., Any], argument: str) -> TypeError:
    """Return the error for a keyword that a layer's class does not know."""
    known = [
        *inspect.signature(cls).parameters,
        *("name", "trainable", "dtype", "input_shape", "batch_input_shape"),
        *("input_dim", "batch_size", "weights", "activity_regularizer"),
    ]
    near = _validate.suggestion(argument, known)
    return TypeError(
        f"{cls.__name__} must be given known arguments, got {argument!r}{near}"
    )
