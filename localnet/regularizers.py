"""
Penalties on weights and activities, each with its gradient.

A regularizer ``r`` is called for the penalty, ``r(w) -> float``, and asked for its
gradient, ``r.gradient(w)``. An object of your own needs both.
"""

import abc
import math
from typing import Any

import numpy as np

from . import _arrays, _validate
from ._keras.hooks import refuse_hooks
from ._keras.names import old_names
from ._registry import Configurable, Registry
from ._typing import Array, ArrayLike
from .ops.runtime.pieces import sum_of_pieces

__all__ = [
    "ELEMENTWISE",
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

# Keras's floor under a squared norm, so that a row of zeros can be normalised.
SQUARED_NORM_FLOOR = 1e-12


def _factor(name: str, value: Any) -> float:
    # Keras takes int and float here and no NumPy scalar but np.float64, a float.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise ValueError(
            f"{name} must be a finite int or float, got {_validate.shown(value)}"
        )
    return float(value)


def _sum_dtype(w: Array) -> Any:
    """Return the type that sums over `w` are taken in: float16 would overflow."""
    return np.result_type(w, np.float32)


def _sum_abs(w: Array) -> float:
    return sum_of_pieces(lambda w: np.abs(w, dtype=_sum_dtype(w)), w)


def _sum_squares(w: Array) -> float:
    return sum_of_pieces(lambda w: np.square(w, dtype=_sum_dtype(w)), w)


def penalty(regularizer: Any, w: Array, name: str) -> float:
    """Return the penalty on `w`, checked, since anybody may have written it."""
    value = _arrays.call(regularizer, w)
    if type(value) is float:
        return value
    array = _arrays.real_numbers(f"result of {name}", value)
    if array.size != 1:
        raise ValueError(
            f"result of {name} must be one number, got {_validate.shown(value)}"
        )
    return float(array.item())


def penalty_gradient(regularizer: Any, w: Array, name: str) -> Array:
    """Return the gradient of `penalty`, checked likewise."""
    given = _arrays.call(regularizer.gradient, w)
    gradient = _arrays.numbers(f"gradient of {name}", given)
    if gradient.shape != w.shape:
        raise ValueError(
            f"gradient of {name} must have shape {w.shape}, got {gradient.shape}"
        )
    return gradient


class Regularizer(Configurable, abc.ABC):
    """
    Base of the regularizers, and of your own.

    A subclass keeps the arguments of its constructor in attributes of the same names;
    ``get_config`` and ``from_config`` then work.

    See Also
    --------
    L1L2 : An example of a subclass.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hooks = "__call__(self, w) and gradient(self, w)"
        refuse_hooks(cls, ["__call__"], hooks, asked="gradient")

    @abc.abstractmethod
    def __call__(self, w: ArrayLike) -> float:
        """Compute the penalty."""

    @abc.abstractmethod
    def gradient(self, w: ArrayLike) -> Array:
        """
        Compute the gradient of the penalty with respect to `w`.

        Parameters
        ----------
        w : array_like
            Where the gradient is taken. Not modified.

        Returns
        -------
        ndarray
            A new array of the shape and dtype of `w`.
        """


class L1(Regularizer):
    r"""
    Penalise the sum of absolute values, which drives weights to exactly zero.

    Parameters
    ----------
    l1 : float or None, default 0.01
        Factor of the penalty; it may be negative. ``None`` means 0.01.
    l : float, optional
        Keras's older name of `l1`; it wins if given.

    Raises
    ------
    ValueError
        If the factor is not a finite Python int or float.

    See Also
    --------
    L2 : The penalty on squares.
    L1L2 : Both at once.

    Notes
    -----
    .. math:: r(w) = l_1 \sum_i |w_i|

    The gradient at a weight of zero is zero. Keras rounds the factor to float32
    (``get_config`` shows 0.009999999776482582); here it is exact.

    Examples
    --------
    >>> penalty = L1(0.5)
    >>> penalty(np.array([1.0, -2.0, 0.0]))
    1.5
    >>> penalty.gradient(np.array([1.0, -2.0, 0.0]))
    array([ 0.5, -0.5,  0. ])
    """

    def __init__(
        self,
        l1: float | None = 0.01,
        *,
        l: float | None = None,  # noqa: E741 (Keras's name)
    ) -> None:
        l1 = l1 if l is None else l
        self.l1 = _factor("l1", 0.01 if l1 is None else l1)

    def __call__(self, w: ArrayLike) -> float:
        """Compute ``l1 * sum(abs(w))``."""
        return self.l1 * _sum_abs(_arrays.reals("w", w))

    def gradient(self, w: ArrayLike) -> Array:
        """
        Compute ``l1 * sign(w)``.

        Parameters
        ----------
        w : array_like
            Where the gradient is taken. Not modified.

        Returns
        -------
        ndarray
            A new array of the shape and dtype of `w`.
        """
        return self.l1 * np.sign(_arrays.reals("w", w))


class L2(Regularizer):
    r"""
    Penalise the sum of squares, which keeps weights small.

    Parameters
    ----------
    l2 : float or None, default 0.01
        Factor of the penalty; it may be negative. ``None`` means 0.01.
    l : float, optional
        Keras's older name of `l2`; it wins if given.

    Raises
    ------
    ValueError
        If the factor is not a finite Python int or float.

    See Also
    --------
    L1 : The penalty on absolute values.
    L1L2 : Both at once.

    Notes
    -----
    .. math:: r(w) = l_2 \sum_i w_i^2

    There is no factor 1/2, so the gradient is ``2 * l2 * w``. Keras rounds the factor
    to float32; here it is exact.

    Examples
    --------
    >>> penalty = L2(0.5)
    >>> penalty(np.array([1.0, -2.0, 0.0]))
    2.5
    >>> penalty.gradient(np.array([1.0, -2.0, 0.0]))
    array([ 1., -2.,  0.])
    """

    def __init__(
        self,
        l2: float | None = 0.01,
        *,
        l: float | None = None,  # noqa: E741 (Keras's name)
    ) -> None:
        l2 = l2 if l is None else l
        self.l2 = _factor("l2", 0.01 if l2 is None else l2)

    def __call__(self, w: ArrayLike) -> float:
        """Compute ``l2 * sum(w**2)``."""
        return self.l2 * _sum_squares(_arrays.reals("w", w))

    def gradient(self, w: ArrayLike) -> Array:
        """
        Compute ``2 * l2 * w``.

        Parameters
        ----------
        w : array_like
            Where the gradient is taken. Not modified.

        Returns
        -------
        ndarray
            A new array of the shape and dtype of `w`.
        """
        return 2.0 * self.l2 * _arrays.reals("w", w)


class L1L2(Regularizer):
    r"""
    Penalise absolute values and squares together.

    Parameters
    ----------
    l1, l2 : float or None, default 0.0
        Factors of the two penalties; they may be negative. ``None`` means 0.

    Raises
    ------
    ValueError
        If a factor is not a finite Python int or float.

    See Also
    --------
    l1_l2 : The same with defaults of 0.01.

    Notes
    -----
    .. math:: r(w) = l_1 \sum_i |w_i| + l_2 \sum_i w_i^2

    As in Keras, the name ``"L1L2"`` means factors of 0 and ``"l1_l2"`` factors of 0.01.

    Examples
    --------
    >>> penalty = L1L2(l1=1.0, l2=0.5)
    >>> penalty(np.array([1.0, -2.0]))
    5.5
    >>> penalty.gradient(np.array([1.0, -2.0]))
    array([ 2., -3.])
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor("l1", 0.0 if l1 is None else l1)
        self.l2 = _factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, w: ArrayLike) -> float:
        """Compute ``l1 * sum(abs(w)) + l2 * sum(w**2)``."""
        w = _arrays.reals("w", w)
        return self.l1 * _sum_abs(w) + self.l2 * _sum_squares(w)

    def gradient(self, w: ArrayLike) -> Array:
        """
        Compute ``l1 * sign(w) + 2 * l2 * w``.

        Parameters
        ----------
        w : array_like
            Where the gradient is taken. Not modified.

        Returns
        -------
        ndarray
            A new array of the shape and dtype of `w`.
        """
        w = _arrays.reals("w", w)
        return self.l1 * np.sign(w) + 2.0 * self.l2 * w


class OrthogonalRegularizer(Regularizer):
    r"""
    Penalise the rows, or columns, of a matrix for not being orthogonal.

    Parameters
    ----------
    factor : float, default 0.01
        Factor of the penalty.
    mode : {"rows", "columns"}, default "rows"
        Which vectors are compared.

    Raises
    ------
    ValueError
        If `factor` is not a finite Python int or float, or `mode` is another word;
        when called, if `w` does not have rank 2. The kernel of a locally connected
        layer has rank 3.

    See Also
    --------
    localnet.initializers.Orthogonal : Start with orthogonal columns.

    Notes
    -----
    The penalty is the mean of the absolute cosines of the ``s (s-1) / 2`` pairs,
    times `factor`:

    .. math:: r(w) = \frac{factor}{s (s-1)} \sum_{i \ne j} |u_i \cdot u_j|,
        \qquad u_i = w_i / \sqrt{\max(\|w_i\|^2, 10^{-12})}

    With the signs :math:`\sigma_{ij}` of the products, :math:`\sigma_{ii} = 0`, and
    :math:`n_i` the denominator of :math:`u_i`, the gradient is

    .. math:: \frac{\partial r}{\partial u_i} =
        \frac{2\,factor}{s (s-1)} \sum_j \sigma_{ij} u_j, \qquad
        \frac{\partial r}{\partial w_i} = \frac{1}{n_i} \left( g_i - (g_i \cdot u_i)
        u_i \right), \quad g_i = \frac{\partial r}{\partial u_i}

    A single row has no pair: its penalty is 0, where Keras gives NaN.

    Examples
    --------
    >>> penalty = OrthogonalRegularizer(factor=1.0)
    >>> penalty(np.array([[1.0, 0.0], [0.0, 3.0]]))
    0.0
    >>> penalty(np.array([[1.0, 0.0], [-2.0, 0.0]]))
    1.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor("factor", factor)
        self.mode = _validate.choice("mode", mode, ("rows", "columns"))

    def __call__(self, w: ArrayLike) -> float:
        """Compute `factor` times the mean absolute cosine of two vectors."""
        units, _ = self._normalised(self._vectors(w))
        dots = self._dots(units)
        return self._pair_factor(len(units)) * float(np.abs(dots).sum())

    def gradient(self, w: ArrayLike) -> Array:
        """
        Compute the gradient given in the Notes of the class.

        Parameters
        ----------
        w : array_like of rank 2
            Where the gradient is taken. Not modified.

        Returns
        -------
        ndarray
            A new array of the shape and dtype of `w`.
        """
        vectors = self._vectors(w)
        units, norms = self._normalised(vectors)
        signs = np.sign(self._dots(units))
        dunits = 2.0 * self._pair_factor(len(units)) * (signs @ units)
        radial = np.sum(dunits * units, axis=1, keepdims=True) * units
        # On the floor the norm is a constant, and nothing is projected out.
        radial[norms[:, 0] ** 2 <= SQUARED_NORM_FLOOR] = 0.0
        dvectors: Array = ((dunits - radial) / norms).astype(vectors.dtype, copy=False)
        return dvectors if self.mode == "rows" else dvectors.T

    def _vectors(self, w: ArrayLike) -> Array:
        """Return the vectors that are compared, as rows."""
        w = _arrays.reals("w", w)
        if w.ndim != 2:
            raise ValueError(f"w must have rank 2, got shape {w.shape}")
        return w if self.mode == "rows" else w.T

    def _pair_factor(self, vectors: int) -> float:
        """Compute what one entry of the matrix of cosines counts."""
        return self.factor / max(1, vectors * (vectors - 1))

    @staticmethod
    def _normalised(vectors: Array) -> tuple[Array, Array]:
        vectors = vectors.astype(_sum_dtype(vectors), copy=False)
        squared = np.sum(np.square(vectors), axis=1, keepdims=True)
        norms = np.sqrt(np.maximum(squared, SQUARED_NORM_FLOOR))
        return vectors / norms, norms

    @staticmethod
    def _dots(units: Array) -> Array:
        dots: Array = units @ units.T
        np.fill_diagonal(dots, 0.0)
        return dots


# Those whose gradient at a weight depends on that weight alone.
ELEMENTWISE: tuple[type[Regularizer], ...] = (L1, L2, L1L2)


def l1_l2(l1: float | None = 0.01, l2: float | None = 0.01) -> L1L2:
    """
    Return an `L1L2` regularizer whose factors default to 0.01.

    Parameters
    ----------
    l1, l2 : float or None, default 0.01
        Factors of the two penalties. ``None`` means 0.

    Returns
    -------
    L1L2
        The regularizer.

    Examples
    --------
    >>> l1_l2(l2=0.5)
    L1L2(l1=0.01, l2=0.5)
    """
    return L1L2(l1=l1, l2=l2)


# Keras's names for the same classes.
l1 = L1
l2 = L2
orthogonal_regularizer = OrthogonalRegularizer

_registry = Registry[Regularizer](
    "regularizer",
    "keras.regularizers",
    {
        "L1": L1,
        "L2": L2,
        "L1L2": L1L2,
        "OrthogonalRegularizer": OrthogonalRegularizer,
        "l1": l1,
        "l2": l2,
        "l1_l2": l1_l2,
        "orthogonal_regularizer": orthogonal_regularizer,
    },
    method="gradient",
    takes=("w",),
)
get = _registry.get
serialize = _registry.serialize
deserialize = _registry.deserialize


__getattr__ = old_names(__name__)
