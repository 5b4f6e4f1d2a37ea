"""The weights that a layer has: their birth, penalties, bounds, and copies."""

from __future__ import annotations

import inspect
import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ... import _arrays, constraints, initializers, regularizers
from ..._typing import Array, ArrayLike
from ..._validate import assign, misfit, shown
from ...ops.runtime.pieces import in_pieces
from .arguments import known
from .undo import unchanged_on_error
from .variables import Variable

if TYPE_CHECKING:
    from .layer import Layer
    from .pure import LayerCache

__all__ = [
    "Weight",
    "Weights",
    "absorb",
    "absorbed",
    "as_weights",
    "count_params",
    "get_weights",
    "give_weights",
    "set_attribute",
    "set_weights",
    "undrawn",
    "variables_of",
    "weight_by_name",
]

MAX_BYTES = np.iinfo(np.intp).max
# Whether weights are born as zeros, since those of a file follow.
_undrawn: ContextVar[bool] = ContextVar("undrawn", default=False)
# For a moment, while a layer takes in what two threads have found at once.
_absorbing = threading.Lock()


@contextmanager
def undrawn() -> Iterator[None]:
    """Make the weights of layers built within zeros, which cost nothing until read."""
    token = _undrawn.set(True)
    try:
        yield
    finally:
        _undrawn.reset(token)


def draw_weight(
    name: str,
    initializer: Any,
    shape: tuple[int, ...],
    dtype: np.dtype,
    rng: np.random.Generator,
    fans: tuple[int, int] | None,
) -> Array:
    """
    Return start values from one of our initializers or from a callable of the user's.

    `fans` override those that the VarianceScaling family works out from the shape. A
    callable of the user's gets ``(shape, dtype)``, and ``rng`` if it names it.
    """
    if _undrawn.get():
        return np.zeros(shape, dtype)
    drawn_here = isinstance(initializer, initializers.VarianceScaling)
    if drawn_here:
        values = initializer(shape, dtype, rng=rng, fans=fans)
    elif _takes_rng(initializer):
        values = initializer(shape, dtype, rng=rng)
    else:
        _check_takes(name, initializer, shape, dtype)
        values = initializer(shape, dtype)
    array = _arrays.numbers(f"initial {name}", values)
    if array.shape != shape:
        raise ValueError(f"initial {name} must have shape {shape}, got {array.shape}")
    # What a callable of the user's returns may be an array that it keeps.
    return np.array(array, dtype=dtype, order="C", copy=None if drawn_here else True)


def _check_takes(name: str, initializer: Any, *arguments: Any) -> None:
    why = misfit(initializer, *arguments)
    if why:
        raise ValueError(
            f"{name}_initializer must take a shape and a dtype, got "
            f"{shown(initializer)}: {why}"
        )


def _takes_rng(function: Any) -> bool:
    try:
        return "rng" in inspect.signature(function).parameters
    except ValueError:  # a built-in without a signature
        return False


def as_weights(weights: Any) -> list[Any]:
    """Return what a caller gave as weights as a list."""
    if not isinstance(weights, (list, tuple)):
        raise ValueError(
            f"weights must be a list of arrays, got {type(weights).__name__}"
        )
    return list(weights)


class Weight(NamedTuple):
    """
    How one weight is born, penalised and kept in bounds.

    The values that `mask` is False for carry nothing: they start at 0, and no penalty
    sees them.
    """

    initializer: Any
    regularizer: Any = None
    constraint: Any = None
    trainable: bool = True
    mask: Array | None = None


class Weights:
    """
    Weights by name, and nothing of how they are used.

    Attributes
    ----------
    values : dict of str to ndarray
        The live weights, in the order of `Layer.get_weights`.
    rules : dict of str to Weight
        Of those that were added by `add`.
    aliases : dict of str to str
        Attributes of the layer that are weights, and their names here.
    """

    def __init__(self) -> None:
        self.values: dict[str, Array] = {}
        self.rules: dict[str, Weight] = {}
        self.aliases: dict[str, str] = {}

    def add(
        self,
        name: str,
        shape: tuple[int, ...],
        weight: Weight,
        dtype: np.dtype,
        rng: np.random.Generator,
        fans: tuple[int, int] | None = None,
    ) -> None:
        """Draw a weight; a constraint that cannot work is refused at once."""
        # A missing initializer means glorot_uniform in Keras, for the bias as well.
        initializer = weight.initializer
        if initializer is None:
            initializer = initializers.GlorotUniform()
        if math.prod(shape) * dtype.itemsize > MAX_BYTES:
            raise ValueError(
                f"{name} must fit into an address space, got shape {shape}"
            )
        value = draw_weight(name, initializer, shape, dtype, rng, fans)
        if weight.mask is not None and not _undrawn.get():
            value *= weight.mask
        self.values[name], self.rules[name] = value, weight
        if weight.constraint is not None:
            self._constrained(name)

    @property
    def fixed(self) -> list[str]:
        """The weights that were added as not trainable."""
        return [name for name, weight in self.rules.items() if not weight.trainable]

    def put_last(self, names: tuple[str, ...]) -> None:
        """Move some weights behind the others."""
        ordered = sorted(self.values, key=lambda name: name in names)
        if ordered != list(self.values):
            self.values = {name: self.values[name] for name in ordered}

    def load(self, weights: Any, hint: str = "") -> None:
        """Replace all values, or none of them; `hint` says why their number differs."""
        weights = as_weights(weights)
        if len(weights) != len(self.values):
            raise ValueError(
                f"weights must be a list of {len(self.values)} arrays, "
                f"got {len(weights)}{hint}"
            )
        checked = []
        for (name, value), new in zip(self.values.items(), weights, strict=True):
            array = _arrays.numbers(f"weight {name}", new)
            if array.shape != value.shape:
                raise ValueError(
                    f"weight {name} must have shape {value.shape}, got {array.shape}"
                )
            if array.dtype.kind == "c":
                raise ValueError(
                    f"weight {name} must hold real numbers, got dtype {array.dtype}"
                )
            # A copy, since one weight may be given for another.
            held = np.empty_like(value)
            _arrays.cast(f"weight {name}", array, value.dtype, held)
            checked.append((value, held))
        for value, array in checked:
            value[...] = array

    def take(self, name: str, values: Array) -> None:
        """Replace one weight by an array that is given away, without a copy of it."""
        value = self.values[name]
        if values.shape != value.shape or values.dtype.kind not in "biuf":
            raise ValueError(
                f"weight {name} must hold real numbers of shape {value.shape}, got "
                f"{values.dtype} of {values.shape}"
            )
        fits = values.dtype == value.dtype and values.flags.carray
        if fits and values.flags.owndata:
            self.values[name] = values
        else:
            value[...] = values

    # Penalties and bounds --------------------------------------------------------

    def losses(self) -> list[float]:
        """Return the penalty of each weight that has a regularizer."""
        return [
            regularizers.penalty(
                weight.regularizer, self._penalised(name), f"{name}_regularizer"
            )
            for name, weight in self.rules.items()
            if weight.regularizer is not None
        ]

    def _penalised(self, name: str) -> Array:
        """Return the weight as its regularizer sees it."""
        mask = self.rules[name].mask
        return self.values[name] if mask is None else self.values[name] * mask

    def with_penalty(self, name: str, grad: Array) -> Array:
        """Return the gradient of a weight, which is given away, and of its penalty."""
        _, regularizer, _, _, mask = self.rules[name]
        # Of exactly these classes: one derived from them may do anything.
        if type(regularizer) in regularizers.ELEMENTWISE and mask is None:

            def add(grad: Array, weight: Array) -> None:
                grad += regularizer.gradient(weight)

            in_pieces(add, grad, self.values[name])
            return grad
        penalty = regularizers.penalty_gradient(
            regularizer, self._penalised(name), f"{name}_regularizer"
        )
        return grad + (penalty if mask is None else penalty * mask)

    @property
    def constraints(self) -> dict[str, Any]:
        """The constraint of every weight that has one, by the weight's name."""
        return {
            name: weight.constraint
            for name, weight in self.rules.items()
            if weight.constraint is not None
        }

    @property
    def constraints_may_fail(self) -> bool:
        """Whether a constraint is a callable of the user's own."""
        return any(
            not isinstance(constraint, constraints.Constraint)
            for constraint in self.constraints.values()
        )

    def constrain(self) -> None:
        """Put every weight that has a constraint back into its bounds, in place."""
        for name in self.constraints:
            self.values[name][...] = self._constrained(name)

    def _constrained(self, name: str) -> Array:
        array = _arrays.numbers(
            f"result of {name}_constraint",
            _arrays.call(self.rules[name].constraint, self.values[name]),
        )
        if array.shape != self.values[name].shape:
            raise ValueError(
                f"result of {name}_constraint must have shape "
                f"{self.values[name].shape}, got {array.shape}"
            )
        return array


def variables_of(self: Layer) -> list[Variable]:
    """Return the weights, named after the layer that built them."""
    part = self.with_inner()[-1]
    return [
        Variable.of(value, f"{self.builder.name}/{name}:0", part.learns(name))
        for name, value in part.params.items()
    ]


def weight_by_name(self: Layer, name: str) -> Any:
    """Return a weight as an attribute: ``layer.kernel``."""
    label, held = type(self).__name__, vars(self).get("_held")
    if held is None and not name.startswith("__"):
        raise AttributeError(
            f"{label!r} object has no attribute {name!r}: __init__ must first call "
            "super().__init__()"
        )
    if hasattr(type(self), name):  # a property that says why it has no value
        return object.__getattribute__(self, name)
    held = held or Weights()
    own = held.aliases.get(name, name)
    if own not in held.values:
        raise AttributeError(f"{label!r} object has no attribute {name!r}")
    return held.values[own]


def set_attribute(self: Layer, name: str, value: Any) -> None:
    """Set an attribute; one that is a weight stays that, and is changed in place."""
    held = vars(self).get("_held") or Weights()
    own = next((key for key, weight in held.values.items() if weight is value), None)
    if own is not None and not hasattr(type(self), name):
        # Looked up when it is read: a loaded file may bring an array of its own.
        held.aliases[name] = own
        vars(self).pop(name, None)
        return
    weight = held.values.get(held.aliases.get(name, name), value)
    if weight is not value:
        raise AttributeError(
            f"{self.name}: {name} must be changed in place, by layer.{name}[...] = "
            f"values or set_weights, got {shown(value)}"
        )
    if held.values and name in vars(self) and _is_argument(self, name):
        with _same_shapes(self, name):
            assign(self, name, value)
    else:
        assign(self, name, value)


def _is_argument(self: Layer, name: str) -> bool:
    kind: Any = type(self)
    return name in known(kind)


@contextmanager
def _same_shapes(self: Layer, name: str) -> Iterator[None]:
    """Refuse an argument by which a layer that has weights would have others."""
    former, shape = vars(self)[name], self.input_shape or ()
    shapes = self.weight_shapes(shape) if shape else {}
    yield
    given = vars(self)[name]
    try:
        is_same = not shape or self.weight_shapes(shape) == shapes
    except (TypeError, ValueError):
        is_same = False
    if not is_same:
        vars(self)[name] = former
        raise AttributeError(
            f"{self.name}: {name} must be set before the layer is built, since its "
            f"weights depend on it, got {shown(given)}"
        )


def get_weights(self: Layer) -> list[Array]:
    """
    Return copies of the weights.

    Returns
    -------
    list of ndarray
        In Keras's order: kernel, bias; what no optimizer changes comes last.
    """
    return [value.copy() for value in self.params.values()]


def set_weights(self: Layer, weights: Sequence[ArrayLike]) -> None:
    """
    Replace the values of all weights.

    Parameters
    ----------
    weights : sequence of array_like
        In the order of `get_weights`; cast to the layer's dtype.

    Raises
    ------
    ValueError
        If the number or a shape differs; no weight is changed then.
    """
    with unchanged_on_error(self):
        shape = self.input_shape
        if self._nodes and shape and not self.built:  # on a handle, and in no model yet
            self.build(shape)
        hint = "" if self.built or self.params else "; the layer is not built yet"
        with self._named():
            self._held.load(weights, hint)


def give_weights(layer: Layer, weights: Iterable[Array]) -> None:
    """
    Hand arrays over, one after the other, to a layer that nobody has seen yet.

    Parameters
    ----------
    layer : Layer
        Built within `undrawn`.
    weights : iterable of ndarray
        In the order of `get_weights`; the layer may keep them.

    Raises
    ------
    ValueError
        If one does not fit. The layer may be half way then.
    """
    if type(layer).set_weights is not set_weights:  # the user's own
        layer.set_weights(list(weights))
        return
    with layer._named():
        for name, values in zip(list(layer.params), weights, strict=True):
            layer._held.take(name, values)


def count_params(self: Layer) -> int:
    """Return how many numbers the weights hold; a ValueError before `build`."""
    if not self.built:
        raise ValueError(
            f"{self.name}: count_params needs a built layer; call build or forward "
            "first"
        )
    return sum(value.size for value in self.params.values())


def absorbed(self: Layer, caches: Iterable[LayerCache]) -> dict[str, Array]:
    """Return what training calls make of `state_names`, in order; see `absorb`."""
    state = {name: self.params[name] for name in self.state_names}
    # Numbers that overflow are the business of who looks at them.
    with np.errstate(all="ignore"):
        for cache in caches:
            state = self._absorbed(state, cache.inner)
    return state


def absorb(self: Layer, *caches: LayerCache) -> None:
    """
    Take in what training calls have found out about the data.

    A forward pass changes nothing by itself; `forward` calls this, and so does a
    model with each training step that is completed.

    Parameters
    ----------
    *caches : LayerCache
        What `forward_with_cache` returned for them, in order.
    """
    if self.state_names:
        with _absorbing:
            for name, value in self.absorbed(caches).items():
                self.params[name][...] = value
