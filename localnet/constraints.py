"""
Projections of weights, applied after each update of an optimizer.

A constraint ``c`` maps an array to a new one, ``c(w)``. Any callable will do.
"""

import abc
import math
from typing import Any, TypeAlias

import numpy as np

from . import _arrays, _validate, config
from ._keras.names import old_names
from ._registry import Configurable, Registry
from ._typing import Array, ArrayLike

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "RadialConstraint",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "radial_constraint",
    "serialize",
    "unit_norm",
]

Axis: TypeAlias = int | list[int] | tuple[int, ...]


def _bound(name: str, value: Any, *, above: float = -math.inf) -> float:
    """Return `value` as a Python number: infinity is a bound too, NaN is none."""
    bound: Any = value.item() if isinstance(value, np.generic) else value
    is_number = isinstance(bound, (int, float)) and not isinstance(bound, bool)
    try:
        is_number = is_number and not math.isnan(bound)
    except OverflowError:  # an int beyond the range of floats
        is_number = False
    if not is_number:
        raise ValueError(f"{name} must be a number, got {_validate.shown(value)}")
    if bound < above:
        raise ValueError(f"{name} must be >= {above:g}, got {_validate.shown(value)}")
    number: float = bound
    return number


def _one_axis(value: Any) -> int:
    return _validate.any_axis(value)


def _axis(value: Any) -> Axis:
    try:
        if isinstance(value, list):
            return [_one_axis(axis) for axis in value]
        if isinstance(value, tuple):
            return tuple(_one_axis(axis) for axis in value)
        return _one_axis(value)
    except ValueError as error:
        raise ValueError(
            "axis must be an integer or a list of integers, "
            f"got {_validate.shown(value)}"
        ) from error


def _norms(w: Array, axis: Axis) -> Array:
    """Compute the norms of `w` over `axis`, which stays as an axis of length 1."""
    axes = tuple(axis) if isinstance(axis, list) else axis
    try:
        squared: Array = np.sum(np.square(w), axis=axes, keepdims=True)
    except ValueError as error:
        raise ValueError(
            f"axis must be distinct axes of w, got {_validate.shown(axis)} for shape "
            f"{w.shape}"
        ) from error
    return np.sqrt(squared)


class Constraint(Configurable, abc.ABC):
    """
    Base of the constraints, and of your own.

    A subclass keeps the arguments of its constructor in attributes of the same names;
    ``get_config`` and ``from_config`` then work.

    See Also
    --------
    NonNeg : An example of a subclass.
    """

    @abc.abstractmethod
    def __call__(self, w: ArrayLike) -> Array:
        """Compute new weights that satisfy the constraint."""


class MaxNorm(Constraint):
    r"""
    Bound the norm of each weight vector from above.

    Parameters
    ----------
    max_value : float, default 2
        The largest norm.
    axis : int, list of int or tuple of int, default 0
        The axes that a weight vector runs along.

    Raises
    ------
    ValueError
        If `max_value` is not a number >= 0 or `axis` not made of integers; when called,
        if `w` has no such axes.

    See Also
    --------
    MinMaxNorm : Bound the norm from both sides.
    UnitNorm : Fix the norm at 1.

    Notes
    -----
    With :math:`n = \sqrt{\sum_{axis} w^2}` and Keras's fuzz factor
    :math:`\epsilon`, `localnet.config.epsilon`,

    .. math:: c(w) = w \, \frac{\min(n, max\_value)}{\epsilon + n}

    Two quirks are Keras's. Weights inside the bound are rescaled too, by
    :math:`n / (\epsilon + n)`. And axis 0 of the (L, K, F) kernel of a locally
    connected layer is the *location*; use ``axis=1`` for the norm of each filter.

    Examples
    --------
    >>> w = np.array([[3.0, 0.3], [4.0, 0.4]])
    >>> np.round(MaxNorm(2)(w), 6)
    array([[1.2, 0.3],
           [1.6, 0.4]])
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = _bound("max_value", max_value, above=0)
        self.axis = _axis(axis)

    def __call__(self, w: ArrayLike) -> Array:
        """Scale `w` to norms of at most `max_value`."""
        w = _arrays.reals("w", w)
        norms = _norms(w, self.axis)
        desired = np.minimum(norms, self.max_value)
        return w * (desired / (config.epsilon() + norms))


class NonNeg(Constraint):
    """
    Set negative weights to zero.

    See Also
    --------
    MaxNorm : Bound the norm.

    Notes
    -----
    As in Keras, it is the product ``w * (w >= 0)``: the zeros that replace negative
    weights are negative zeros.

    Examples
    --------
    >>> NonNeg()(np.array([1.5, 0.0, -2.0]))
    array([ 1.5,  0. , -0. ])
    """

    def __call__(self, w: ArrayLike) -> Array:
        """Compute ``w * (w >= 0)``."""
        w = _arrays.reals("w", w)
        return w * (w >= 0)


class UnitNorm(Constraint):
    r"""
    Scale each weight vector to the norm 1.

    Parameters
    ----------
    axis : int, list of int or tuple of int, default 0
        The axes that a weight vector runs along.

    Raises
    ------
    ValueError
        If `axis` is not made of integers; when called, if `w` has no such axes.

    See Also
    --------
    MaxNorm : Bound the norm from above.

    Notes
    -----
    .. math:: c(w) = \frac{w}{\epsilon + n}, \qquad n = \sqrt{\sum_{axis} w^2}

    so that a vector of zeros stays zero. Axis 0 of the (L, K, F) kernel of a locally
    connected layer is the location; use ``axis=1`` for the norm of each filter.

    Examples
    --------
    >>> np.round(UnitNorm()(np.array([[3.0, 0.0], [4.0, 0.0]])), 6)
    array([[0.6, 0. ],
           [0.8, 0. ]])
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = _axis(axis)

    def __call__(self, w: ArrayLike) -> Array:
        """Divide `w` by its norms."""
        w = _arrays.reals("w", w)
        return w / (config.epsilon() + _norms(w, self.axis))


class MinMaxNorm(Constraint):
    r"""
    Move the norm of each weight vector into an interval.

    Parameters
    ----------
    min_value, max_value : float, default 0.0 and 1.0
        The smallest and the largest norm.
    rate : float, default 1.0
        How far a norm moves: 1 all the way at once, 0 not at all.
    axis : int, list of int or tuple of int, default 0
        The axes that a weight vector runs along.

    Raises
    ------
    ValueError
        If a bound is not a number, `max_value` below `min_value` (Keras then takes
        `min_value` for both), `rate` not finite or `axis` not made of integers; when
        called, if `w` has no such axes.

    See Also
    --------
    MaxNorm : Bound the norm from above only.

    Notes
    -----
    .. math:: c(w) = w \, \frac{rate \cdot \mathrm{clip}(n, min\_value, max\_value)
        + (1 - rate) \, n}{\epsilon + n}, \qquad n = \sqrt{\sum_{axis} w^2}

    A vector of zeros stays zero. Axis 0 of the (L, K, F) kernel of a locally connected
    layer is the location; use ``axis=1`` for the norm of each filter.

    Examples
    --------
    >>> w = np.array([[3.0, 0.3], [4.0, 0.4]])
    >>> np.round(MinMaxNorm(1.0, 2.0)(w), 5)
    array([[1.2, 0.6],
           [1.6, 0.8]])
    >>> np.round(MinMaxNorm(1.0, 2.0, rate=0.5)(w), 5)
    array([[2.1 , 0.45],
           [2.8 , 0.6 ]])
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axis = 0,
    ) -> None:
        self.min_value = _bound("min_value", min_value)
        self.max_value = _bound("max_value", max_value)
        if self.min_value > self.max_value:
            raise ValueError(
                f"min_value must be <= max_value, {self.max_value!r}, got "
                f"{_validate.shown(min_value)}"
            )
        self.rate = _validate.number("rate", rate)
        self.axis = _axis(axis)

    def __call__(self, w: ArrayLike) -> Array:
        """Scale `w` to norms inside the interval."""
        w = _arrays.reals("w", w)
        norms = _norms(w, self.axis)
        clipped = np.clip(norms, self.min_value, self.max_value)
        desired = self.rate * clipped + (1 - self.rate) * norms
        return w * (desired / (config.epsilon() + norms))


class RadialConstraint(Constraint):
    """
    Make square convolution kernels constant on square rings.

    Raises
    ------
    ValueError
        When called, if `w` does not have rank 4 and two equal first axes. So it fits
        convolution kernels (rows, cols, C, F), and no locally connected kernel.

    See Also
    --------
    MaxNorm : A constraint that fits any kernel.

    Notes
    -----
    Ring 0 is the centre, one cell of an odd size and four of an even one. All values
    are taken from the diagonal, and not where one would look for them: with
    ``half = size // 2``, ring 0 takes entry ``half - 1`` of the diagonal, and ring
    ``j > 0`` takes entry ``half + j - 1`` (odd) or ``half + j`` (even). This is Keras's
    choice, kept as it is.

    Examples
    --------
    >>> w = np.diag([1.0, 2.0, 3.0]).reshape(3, 3, 1, 1)
    >>> RadialConstraint()(w)[:, :, 0, 0]
    array([[2., 2., 2.],
           [2., 1., 2.],
           [2., 2., 2.]])
    """

    def __call__(self, w: ArrayLike) -> Array:
        """Set every ring to the value that its diagonal holds."""
        w = _arrays.reals("w", w)
        if w.ndim != 4 or w.shape[0] != w.shape[1]:
            raise ValueError(
                f"w must have rank 4 and two equal first axes, got shape {w.shape}"
            )
        size = w.shape[0]
        half = size // 2
        distance = abs(2 * np.arange(size) - (size - 1)) // 2
        ring = np.maximum.outer(distance, distance)
        source = np.where(ring == 0, half - 1, half + ring - size % 2)
        taken: Array = w[source, source]
        return taken


# Keras has every class under a second name.
max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
radial_constraint = RadialConstraint
unit_norm = UnitNorm

_registry = Registry[Constraint](
    "constraint",
    "keras.constraints",
    {
        "MaxNorm": MaxNorm,
        "max_norm": MaxNorm,
        "maxnorm": MaxNorm,
        "MinMaxNorm": MinMaxNorm,
        "min_max_norm": MinMaxNorm,
        "NonNeg": NonNeg,
        "non_neg": NonNeg,
        "nonneg": NonNeg,
        "RadialConstraint": RadialConstraint,
        "radial_constraint": RadialConstraint,
        "UnitNorm": UnitNorm,
        "unit_norm": UnitNorm,
        "unitnorm": UnitNorm,
    },
    takes=("w",),
)
get = _registry.get
serialize = _registry.serialize
deserialize = _registry.deserialize


__getattr__ = old_names(__name__)
