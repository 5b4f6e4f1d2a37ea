"""How a layer holds its weights: birth, penalties, bounds, copies in and out."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import NoneType
from typing import Any, NamedTuple

import numpy as np

from ... import _arrays, constraints, initializers, regularizers
from ..._typing import Array, ArrayLike
from ...ops.runtime.pieces import in_pieces

__all__ = ["Weight", "WeightHolder", "as_weights"]


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
    drawn_here = isinstance(initializer, initializers.VarianceScaling)
    if drawn_here:
        values = initializer(shape, dtype, rng=rng, fans=fans)
    elif _takes_rng(initializer):
        values = initializer(shape, dtype, rng=rng)
    else:
        values = initializer(shape, dtype)
    array = _arrays.numbers(f"initial {name}", values)
    if array.shape != shape:
        raise ValueError(f"initial {name} must have shape {shape}, got {array.shape}")
    # What a callable of the user's returns may be an array that it keeps.
    return np.array(array, dtype=dtype, order="C", copy=None if drawn_here else True)


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
    """How one weight is born, penalised and kept in bounds."""

    initializer: Any
    regularizer: Any
    constraint: Any


class WeightHolder:
    """
    The part of a layer that knows its weights, and nothing of how they are used.

    Attributes
    ----------
    params : dict of str to ndarray
        The live weights, in the order of `get_weights`.
    """

    name: str
    built: bool
    trainable: bool
    dtype: np.dtype
    params: dict[str, Array]
    _weights: dict[str, Weight]
    # Weights that the layer sets itself; see `localnet.layers._base.statistics`.
    state_names: tuple[str, ...] = ()

    @property
    def weight_dtype(self) -> np.dtype:
        """Float type of the weights."""
        return self.dtype

    def _rules_of(self, name: str) -> Weight:
        """Return the rules for a weight that the arguments called after it set."""
        return Weight(
            getattr(self, f"{name}_initializer"),
            getattr(self, f"{name}_regularizer", None),
            getattr(self, f"{name}_constraint", None),
        )

    def _add_weight(
        self,
        name: str,
        shape: tuple[int, ...],
        weight: Weight,
        rng: np.random.Generator,
        fans: tuple[int, int] | None = None,
    ) -> None:
        # A missing initializer means glorot_uniform in Keras, for the bias as well.
        initializer = weight.initializer
        if initializer is None:
            initializer = initializers.GlorotUniform()
        self.params[name] = draw_weight(
            name, initializer, shape, self.weight_dtype, rng, fans
        )
        self._weights[name] = weight
        if weight.constraint is not None:
            self._constrained(name)  # one that cannot work is refused before training

    # Penalties and bounds ---------------------------------------------------------

    def weight_losses(self) -> list[float]:
        """Return the penalty of each weight that has a regularizer."""
        return [
            float(weight.regularizer(self._penalised(name)))
            for name, weight in self._weights.items()
            if weight.regularizer is not None
        ]

    def _penalised(self, name: str) -> Array:
        """Return the weight as its regularizer sees it."""
        return self.params[name]

    def _penalty_gradient(self, name: str) -> Array:
        gradient: Array = self._weights[name].regularizer.gradient(
            self._penalised(name)
        )
        return gradient

    def _with_penalty(self, name: str, grad: Array) -> Array:
        """Return the gradient of a weight, which is given away, and of its penalty."""
        regularizer, weight = self._weights[name].regularizer, self.params[name]
        # Of exactly these classes: one derived from them may do anything.
        elementwise = type(regularizer) in regularizers.ELEMENTWISE
        if not elementwise or self._penalised(name) is not weight:
            return grad + self._penalty_gradient(name)

        def add(grad: Array, weight: Array) -> None:
            grad += regularizer.gradient(weight)

        in_pieces(add, grad, weight)
        return grad

    @property
    def constraints(self) -> dict[str, Any]:
        """The constraint of every weight that has one, by the weight's name."""
        return {
            name: weight.constraint
            for name, weight in self._weights.items()
            if weight.constraint is not None
        }

    @property
    def constraints_may_fail(self) -> bool:
        """Whether a constraint is a callable of the user's own."""
        return any(
            not isinstance(weight.constraint, (constraints.Constraint, NoneType))
            for weight in self._weights.values()
        )

    def constrain(self) -> None:
        """Put every weight that has a constraint back into its bounds, in place."""
        for name in self.constraints:
            self.params[name][...] = self._constrained(name)

    def _constrained(self, name: str) -> Array:
        array = _arrays.numbers(
            f"result of {name}_constraint",
            self._weights[name].constraint(self.params[name]),
        )
        if array.shape != self.params[name].shape:
            raise ValueError(
                f"result of {name}_constraint must have shape "
                f"{self.params[name].shape}, got {array.shape}"
            )
        return array

    # Weights ---------------------------------------------------------------------

    def learns(self, name: str) -> bool:
        """
        Return whether an optimizer may change a weight.

        Parameters
        ----------
        name : str
            A key of `params`, or what it will be once the layer is built.

        Returns
        -------
        bool
            False for all of them if the layer is not trainable.
        """
        return self.trainable and name not in self.state_names

    @property
    def trainable_params(self) -> dict[str, Array]:
        """The weights that an optimizer may change."""
        return {key: value for key, value in self.params.items() if self.learns(key)}

    def get_weights(self) -> list[Array]:
        """
        Return copies of the weights.

        Returns
        -------
        list of ndarray
            In Keras's order: kernel, bias; what no optimizer changes comes last.
        """
        return [value.copy() for value in self.params.values()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
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
        with self._named():
            self._load(weights)

    def _load(self, weights: Sequence[ArrayLike]) -> None:
        weights = as_weights(weights)
        if len(weights) != len(self.params):
            hint = "" if self.built or self.params else "; the layer is not built yet"
            raise ValueError(
                f"weights must be a list of {len(self.params)} arrays, "
                f"got {len(weights)}{hint}"
            )
        checked = []
        for (name, value), new in zip(self.params.items(), weights, strict=True):
            array = _arrays.numbers(f"weight {name}", new)
            if array.shape != value.shape:
                raise ValueError(
                    f"weight {name} must have shape {value.shape}, got {array.shape}"
                )
            if array.dtype.kind == "c":
                raise ValueError(
                    f"weight {name} must hold real numbers, got dtype {array.dtype}"
                )
            checked.append((value, array.astype(value.dtype)))
        for value, array in checked:
            value[...] = array

    def count_params(self) -> int:
        """
        Return how many numbers the weights hold.

        Returns
        -------
        int
            Taps that fall on padding are counted.

        Raises
        ------
        ValueError
            If the layer is not built.
        """
        if not self.built:
            raise ValueError(
                f"{self.name}: count_params needs a built layer; call build or forward "
                "first"
            )
        return sum(value.size for value in self.params.values())

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Put the layer's name before the message of a ValueError."""
        try:
            yield
        except ValueError as error:
            label = getattr(self, "name", None) or type(self).__name__
            message = str(error)
            if message.startswith(f"{label}: "):
                raise
            raise ValueError(f"{label}: {message}") from error
