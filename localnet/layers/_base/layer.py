"""
What every layer has: a name, weights, a build step, and a pure pair underneath.

A layer is a map with weights followed by an activation. Subclasses provide the map
(`_build`, `_forward`, `_backward`); what is common to all of them lives here and in the
parts that `Layer` is made of.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ... import _arrays, config
from ..._typing import Array, ArrayLike, Config, Shape
from ...ops import Workspace
from .arguments import resolve, unknown_argument
from .handles import Connectable, holds_handles
from .names import unique_name
from .pure import LayerCache, PurePair
from .shapes import BatchShape, checked_shape, declared_shape
from .weights import Weight

__all__ = ["Layer", "unchanged_on_error"]


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


class Layer(PurePair, Connectable):
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
                "activity_regularizer", activity_regularizer
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

    # Forward and backward --------------------------------------------------------

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
        x = self._cast("x", _arrays.numbers("input", x), workspace)
        if not self.built:
            self.build((None, *x.shape[1:]))
        self._check_input(x.shape)
        return x

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
