"""Layers that are a function: of the user's own, of one number, or an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self, Unpack

import numpy as np

from .. import _arrays, _validate
from .._registry import custom_object, is_custom
from .._typing import Array, Config
from ..ops.differences import gradient_by_differences
from ..regularizers import L1L2
from ._base.arguments import LayerArguments
from ._base.handles import MEANINGS
from ._base.layer import Layer
from ._base.pure import Computed, Gradients, cast_input
from ._base.several import MultiInputLayer
from ._base.shapes import BatchShape, checked_shape, known_or_not

__all__ = [
    "NO_BACKWARD",
    "ActivityRegularization",
    "Affine",
    "Lambda",
    "Slice",
    "named_function",
]


DIFFERENCES = "differences"


class Lambda(MultiInputLayer):
    """
    Apply a NumPy function to whole batches.

    Parameters
    ----------
    function : callable
        ``function(x, **arguments)`` returns a batch for a batch; of several inputs it
        gets a list.
    output_shape : tuple of int or callable, optional
        Of a sample, without the batch axis; default: found by a trial call on ones.
    arguments : dict, optional
        Further keywords of `function`.
    backward : callable or "differences", optional
        ``backward(dy, x, **arguments)`` returns the gradient of ``sum(y*dy)`` by x, a
        list if there are several. The word asks for central differences, which call
        `function` twice for each number of one sample. Without either no gradient
        passes: the layer then stands before all weights that learn, or the model is
        refused when it is compiled.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If a function is not callable, or not with these arguments.

    Notes
    -----
    A file holds the name of the function. It is loaded with the function in
    ``custom_objects`` under that name or under the name of the layer; with its
    backward, it is a pair of both. Nothing in a file is ever run.

    Examples
    --------
    >>> Lambda(lambda x: x / 255)([[255.0, 51.0]])
    array([[1. , 0.2]], dtype=float32)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        arguments: dict[str, Any] | None = None,
        *,
        backward: Callable[..., Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("mask", None)
        super().__init__(**kwargs)
        with self._named():
            if not callable(function):
                raise ValueError(
                    f"function must be callable, got {_validate.shown(function)}"
                )
            known = backward is None or callable(backward)
            if not (known or (isinstance(backward, str) and backward == DIFFERENCES)):
                raise ValueError(
                    f"backward must be callable or {DIFFERENCES!r}, "
                    f"got {_validate.shown(backward)}"
                )
            named = _validate.named("arguments", arguments)
            if not (output_shape is None or callable(output_shape)):
                output_shape = known_or_not("output_shape", output_shape)
            _validate.function("function", function, "x", **named)
            if callable(backward):
                _validate.function("backward", backward, "dy", "x", **named)
        self.function, self.function_backward = function, backward
        self.declared_shape = output_shape
        self.arguments = named

    @property
    def passes_gradients(self) -> bool:
        """Whether a gradient can pass."""
        return self.function_backward is not None

    # One input or several --------------------------------------------------------

    def _check_count(self, inputs: Any) -> None:
        """Take one input as well as a list of them."""

    def _accepted(self, x: Any, workspace: Any) -> Any:
        several = isinstance(x, (list, tuple)) and all(
            isinstance(item, np.ndarray) for item in x
        )
        xs = tuple(
            cast_input(self, ("x", place), _arrays.numbers("input", item), workspace)
            for place, item in enumerate(x if several else [x])
        )
        if not self.built:
            self.build(self._shape_of_call(tuple((None, *a.shape[1:]) for a in xs)))
        return xs

    def _shape_of_call(self, shapes: tuple[BatchShape, ...]) -> Any:
        return shapes if len(shapes) > 1 else shapes[0]

    def _checked_input_shape(self, input_shape: Any) -> Any:
        given = _validate.items("input_shape", input_shape, "a shape or a list of them")
        if not given or any(size is None or isinstance(size, int) for size in given):
            return checked_shape(given, None)
        shapes = tuple(checked_shape(shape, None) for shape in given)
        return shapes if len(shapes) > 1 else shapes[0]

    def _check_known(self, input_shape: Any) -> None:
        """Take any shape."""

    # What it computes ------------------------------------------------------------

    def _call(self, xs: Sequence[Array]) -> Array:
        x = list(xs) if len(xs) > 1 else xs[0]
        value = _arrays.call(self.function, x, **self.arguments)
        return _arrays.real_numbers("result of function", value)

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        """Return what a trial call gives; see `Layer.compute_output_shape`."""
        shape = self._named_input_shape(input_shape)
        shapes = shape if shape and isinstance(shape[0], tuple) else (shape,)
        declared = self.declared_shape
        if callable(declared):
            return tuple(declared(shape))
        if declared is not None:
            return (shapes[0][0], *declared)
        with self._named(), np.errstate(all="ignore"):
            sizes, *others = [
                self._call([_ones(s, unknown, self.dtype) for s in shapes]).shape
                for unknown in (TRIALS if _has_unknown(shapes) else TRIALS[:1])
            ]
            if not sizes:
                raise ValueError("function must return a batch, got one number")
        # A size that goes with an unknown one of the input is not known.
        found = [
            size if all(other[axis] == size for other in others) else None
            for axis, size in enumerate(sizes)
        ]
        return (shapes[0][0], *found[1:])

    def compute(self, x: Any, **_: Any) -> Computed:
        y = self._call(x)
        if len(y) != len(x[0]):
            raise ValueError(
                f"function must return a batch of {len(x[0])}, got {len(y)} samples"
            )
        return y.astype(self.dtype, copy=False), x

    def gradients(self, dy: Array, cache: Any) -> Gradients:
        if self.function_backward is None:
            raise ValueError(f"{self.name}: {NO_BACKWARD}")
        if isinstance(self.function_backward, str):
            return self._differences(dy, cache), {}
        x = list(cache) if len(cache) > 1 else cache[0]
        dx = _arrays.call(self.function_backward, dy, x, **self.arguments)
        listed = dx if len(cache) > 1 else [dx]
        return tuple(np.asarray(d, self.dtype) for d in listed), {}

    def _differences(self, dy: Array, xs: Sequence[Array]) -> tuple[Array, ...]:
        wide = [x.astype(np.float64) for x in xs]

        def at(place: int) -> Callable[[Array], Array]:
            return lambda moved: self._call(
                [*wide[:place], moved, *wide[place + 1 :]]
            ).astype(np.float64)

        return tuple(
            gradient_by_differences(
                at(place), x, dy.astype(np.float64), name=self.name
            ).astype(self.dtype)
            for place, x in enumerate(wide)
        )

    def get_config(self) -> Config:
        """Return the name of the function, and no code; see `Layer.get_config`."""
        declared = self.declared_shape
        return {
            **super().get_config(),
            "function": getattr(
                self.function, "__name__", type(self.function).__name__
            ),
            "output_shape": None if callable(declared) else declared,
            "arguments": self.arguments,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """
        Make a layer from what `get_config` returned.

        Parameters
        ----------
        config : dict
            Its function is looked for among the custom objects.

        Returns
        -------
        Lambda
            Not built.

        Raises
        ------
        ValueError
            If no custom object has the name of the function or of the layer.
        """
        found = named_function(config)
        if found is None:
            raise ValueError(
                "function must be given in custom_objects under its name or that of "
                f"the layer, {config.get('name')!r}: code from a file is never run"
            )
        kept = ("name", "trainable", "dtype", "batch_input_shape", "arguments")
        arguments: dict[str, Any] = {k: v for k, v in config.items() if k in kept}
        shape = config.get("output_shape")
        if isinstance(shape, (list, tuple)):
            arguments["output_shape"] = tuple(shape)
        function, backward = found if isinstance(found, tuple) else (found, None)
        return cls(function, backward=backward, **arguments)


NO_BACKWARD = (
    "a gradient must pass through this Lambda, which has no backward: give "
    "backward=, a function or 'differences', or put it before the layers that learn"
)


def named_function(config: Config) -> Any:
    """Return what the custom objects have for a Lambda in a file; None for nothing."""
    for name in (config.get("name"), config.get("function")):
        if isinstance(name, str) and is_custom(name):
            return custom_object(name)
    return None


# What stands for unknown sizes in the calls that find the shape of a result.
TRIALS = (64, 97)


def _has_unknown(shapes: Sequence[BatchShape]) -> bool:
    return any(None in shape[1:] for shape in shapes)


def _ones(shape: BatchShape, unknown: int, dtype: np.dtype) -> Array:
    sizes = [unknown if size is None else size for size in shape[1:]]
    return np.ones((shape[0] or 2, *sizes), dtype)


class Affine(Layer):
    """
    Multiply by one number, and add another one: ``2 * handle + 1``.

    Parameters
    ----------
    factor, offset : float
        The numbers.
    **kwargs
        Arguments of `Layer`.

    Examples
    --------
    >>> Affine(2.0, 1.0)([[1.0, 2.0]])
    array([[3., 5.]], dtype=float32)
    """

    config_names = ("factor", "offset")

    def __init__(
        self, factor: float = 1.0, offset: float = 0.0, **kwargs: Unpack[LayerArguments]
    ) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.factor = _validate.number("factor", factor)
            self.offset = _validate.number("offset", offset)

    def compute(self, x: Array, **_: Any) -> Computed:
        return x * self.factor + self.offset, None

    def gradients(self, dy: Array, cache: Any) -> Gradients:
        return dy * self.factor, {}


class Slice(Layer):
    """
    Take a part of every sample: ``handle[:, 1:3]``.

    Parameters
    ----------
    key : tuple of int, slice, None or Ellipsis, or list
        What stands between the brackets, the batch axis first and whole; in a list, a
        slice is ``[start, stop, step]`` and an ellipsis ``"..."``.
    **kwargs
        Arguments of `Layer`.

    Examples
    --------
    >>> Slice((slice(None), slice(1, None)))([[1.0, 2.0, 3.0]])
    array([[2., 3.]], dtype=float32)
    """

    def __init__(self, key: Any, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        listed = key if isinstance(key, (list, tuple)) else (key,)
        self.key = tuple(_entry(part) for part in listed)
        if not self.key or self.key[0] not in (slice(None), Ellipsis):
            raise ValueError(
                f"{self.name}: key must begin with the whole batch, as in x[:, 1:3], "
                f"got {_validate.shown(key)}"
            )

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return the shape of the part; see `Layer.compute_output_shape`."""
        batch, *sizes = self._named_input_shape(input_shape)
        with self._named():
            known = [size for size in sizes if size is not None]
            if len(known) < len(sizes):
                raise ValueError(f"input must have known sizes, got {input_shape}")
            try:
                part = np.broadcast_to(np.float32(0), (1, *known))[self.key]
            except IndexError as error:
                raise ValueError(f"key must fit {input_shape}: {error}") from error
        return (batch, *part.shape[1:])

    def compute(self, x: Array, **_: Any) -> Computed:
        return x[self.key], x.shape

    def gradients(self, dy: Array, cache: Any) -> Gradients:
        dx = np.zeros(cache, dy.dtype)
        dx[self.key] = dy
        return dx, {}

    def get_config(self) -> Config:
        """Return the key in JSON's words; see `Layer.get_config`."""
        words = [
            [part.start, part.stop, part.step]
            if isinstance(part, slice)
            else "..."
            if part is Ellipsis
            else part
            for part in self.key
        ]
        return {**super().get_config(), "key": words}


def _entry(part: Any) -> Any:
    if isinstance(part, list):
        return slice(*part)
    if isinstance(part, str) and part == "...":
        return Ellipsis
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    return _validate.integer("key", part, minimum=-(2**62))


MEANINGS.update(affine=Affine, slice=Slice)


class ActivityRegularization(Layer):
    """
    Penalise what passes, and leave it as it is.

    Parameters
    ----------
    l1, l2 : float
        Factors of the sums of magnitudes and of squares, divided by the batch size.
    **kwargs
        Arguments of `Layer`.

    Examples
    --------
    >>> layer = ActivityRegularization(l2=0.5)
    >>> layer([[3.0, 4.0]])
    array([[3., 4.]], dtype=float32)
    >>> layer.losses
    [12.5]
    """

    config_names = ("l1", "l2")

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        penalty = L1L2(l1, l2)
        super().__init__(activity_regularizer=penalty, **kwargs)
        self.l1, self.l2 = penalty.l1, penalty.l2

    def compute(self, x: Array, **_: Any) -> Computed:
        return x.copy(), None

    def gradients(self, dy: Array, cache: Any) -> Gradients:
        return dy, {}
