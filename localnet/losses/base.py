"""What a loss object adds to a loss function: sample weights and a reduction."""

import functools
import inspect
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

from .. import _arrays, _validate
from .._keras.hooks import LOSS, refuse_hooks
from .._registry import Configurable
from .._typing import Array, ArrayLike, Config, Pair
from .targets import align_weights, predictions

__all__ = ["FunctionLoss", "Loss", "PairLoss"]

HOOKS = (
    "forward(self, y_true, y_pred) -> (values, cache) and backward(self, dy, cache), "
    "or be a function for losses.Differentiated"
)
REDUCTIONS = ("auto", "sum_over_batch_size", "sum", "none")


class Loss(Configurable, ABC):
    r"""
    A loss with sample weights and a reduction.

    A subclass gives `forward` and `backward` for the values per sample.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        ``"auto"`` is ``"sum_over_batch_size"``: the mean over all per-sample values,
        also those of further axes. ``"none"`` leaves them as they are.
    name : str, optional
        Name in configs.

    Notes
    -----
    With weights w the mean is divided by the number n of values, as in Keras, not by
    the sum of the weights:

    .. math:: L = \frac{1}{n} \sum_i w_i \, l_i

    The mean of no values is 0.

    Predictions (N, ..., S, 1) against targets (N, ..., S) lose their last axis, as in
    Keras: the loss then runs over S, which matters to losses that are no plain mean.
    """

    #: The activation whose logits `with_logits` reads instead of its result.
    logits_activation: ClassVar[str | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_hooks(cls, LOSS, HOOKS, asked="forward")

    def __init__(self, reduction: str = "auto", name: str | None = None) -> None:
        self.reduction = _validate.choice("reduction", reduction, REDUCTIONS)
        self.name = _validate.optional_text("name", name)

    @abstractmethod
    def forward(self, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Any]:
        """
        Compute the values per sample, and keep what `backward` needs.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions.

        Returns
        -------
        values : ndarray
            One value per sample.
        cache : object
            For `backward`.
        """

    @abstractmethod
    def backward(self, dy: ArrayLike, cache: Any) -> Array:
        """
        Compute the gradient of ``sum(values * dy)`` with respect to the predictions.

        Parameters
        ----------
        dy : array_like of the shape of the values
            Upstream gradient.
        cache : object
            From `forward`.

        Returns
        -------
        ndarray of the shape of y_pred
            The gradient.
        """

    def __call__(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """
        Compute the reduced loss.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions.
        sample_weight : array_like, optional
            One weight per value, or per sample; a number weighs all.

        Returns
        -------
        numpy.floating or ndarray
            A number in the dtype of `y_pred`; an array for the reduction ``"none"``.

        Raises
        ------
        ValueError
            If shapes do not fit each other; the message names both.
        """
        squeezed = _squeezed(y_pred, np.ndim(y_true))
        values, _ = _arrays.call(self.forward, y_true, squeezed)
        return self._reduce(values * self._weights(y_true, values, sample_weight))

    def gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Array:
        """
        Compute the gradient of the reduced loss with respect to the predictions.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions.
        sample_weight : array_like, optional
            As for the call.

        Returns
        -------
        ndarray of the shape and dtype of y_pred
            For the reduction ``"none"``, the gradient of the sum.
        """
        return self.value_and_gradient(y_true, y_pred, sample_weight)[1]

    def value_and_gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Array]:
        """
        Compute the reduced loss and its gradient in one pass.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions.
        sample_weight : array_like, optional
            As for the call.

        Returns
        -------
        value : numpy.floating or ndarray
            As the call returns it.
        gradient : ndarray of the shape and dtype of y_pred
            As `gradient` returns it.
        """
        squeezed = _squeezed(y_pred, np.ndim(y_true))
        values, cache = _arrays.call(self.forward, y_true, squeezed)
        weights = self._weights(y_true, values, sample_weight)
        dy = weights / values.size if self._is_mean else weights
        gradient = self.backward(dy, cache)
        if squeezed is not y_pred:
            gradient = gradient[..., np.newaxis]
        return self._reduce(values * weights), gradient

    def _weights(
        self, y_true: ArrayLike, values: Array, sample_weight: ArrayLike | None
    ) -> Array:
        """Return what each value counts."""
        return align_weights(sample_weight, values)

    @property
    def _is_mean(self) -> bool:
        return self.reduction in ("auto", "sum_over_batch_size")

    def _reduce(self, weighted: Array) -> Any:
        if self.reduction == "none":
            return weighted
        if self._is_mean and weighted.size:
            return _mean(weighted)
        return np.sum(weighted)

    def with_logits(self) -> Self:
        """
        Return an equal loss that reads its predictions as logits.

        Training uses it after a softmax or a sigmoid, as Keras does: on logits nothing
        is clipped, and the gradient does not vanish on saturated predictions.

        Returns
        -------
        Loss
            A new loss of the same class.

        Raises
        ------
        ValueError
            If no activation's logits are known to this loss.
        """
        if self.logits_activation is None:
            raise ValueError(
                f"loss must have a form for logits, got {type(self).__name__}"
            )
        return self.from_config({**self.get_config(), "from_logits": True})

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """
        Make a loss from what `get_config` returned.

        Parameters
        ----------
        config : dict
            Arguments of the constructor. Keras's ``fn`` (the function's name again)
            says nothing and is passed over.

        Returns
        -------
        Loss
            An equal loss.
        """
        return super().from_config({k: v for k, v in config.items() if k != "fn"})


def _mean(values: Array) -> Any:
    """Do what `np.mean` does, which takes longer than a small loss."""
    if values.dtype.char not in "fd":
        return np.mean(values)
    return values.dtype.type(np.add.reduce(values, axis=None) / np.intp(values.size))


def _squeezed(y_pred: ArrayLike, targets_ndim: int) -> ArrayLike:
    shape = np.shape(y_pred)
    if len(shape) > 2 and shape[-1] == 1 and targets_ndim == len(shape) - 1:
        return np.asarray(y_pred)[..., 0]
    return y_pred


class PairLoss(Loss):
    """
    A loss made of one of the function pairs of this package.

    A subclass whose constructor has further arguments keeps them in attributes of the
    same names; the forward function gets them as keyword arguments.

    Parameters
    ----------
    reduction : {"auto", "sum_over_batch_size", "sum", "none"}
        See `Loss`.
    name : str, optional
        Name in configs; by default `default_name`.
    """

    pair: ClassVar[Pair]
    default_name: ClassVar[str]

    def __init__(self, reduction: str = "auto", name: str | None = None) -> None:
        super().__init__(reduction, self.default_name if name is None else name)

    def forward(self, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Any]:  # noqa: D102
        options = {name: getattr(self, name) for name in _option_names(type(self))}
        result: tuple[Array, Any] = self.pair[0](y_true, y_pred, **options)
        return result

    def backward(self, dy: ArrayLike, cache: Any) -> Array:  # noqa: D102
        gradient: Array = self.pair[1](dy, cache)
        return gradient


# Reading a signature takes longer than a small loss.
@functools.cache
def _option_names(cls: type[PairLoss]) -> tuple[str, ...]:
    """Return the constructor's arguments beyond those of every loss."""
    return tuple(
        name
        for name in inspect.signature(cls).parameters
        if name not in ("reduction", "name")
    )


class FunctionLoss(Loss):
    """
    A loss made of a callable of your own.

    Parameters
    ----------
    function : callable
        ``function(y_true, y_pred)`` gives values per sample, and
        ``function.gradient(y_true, y_pred)`` their derivative with respect to `y_pred`,
        in its shape.

    Raises
    ------
    ValueError
        If `function` is not callable or has no ``gradient``.

    Examples
    --------
    >>> def cubic(y_true, y_pred):
    ...     return np.mean((y_pred - y_true) ** 3, axis=-1)
    >>> cubic.gradient = lambda y_true, y_pred: (
    ...     3 * (y_pred - y_true) ** 2 / y_pred.shape[-1]
    ... )
    >>> loss = FunctionLoss(cubic)
    >>> loss([[1.0], [1.0]], np.array([[3.0], [1.0]]))
    np.float64(4.0)
    >>> loss.gradient([[1.0], [1.0]], np.array([[3.0], [1.0]]))
    array([[6.],
           [0.]])
    """

    def __init__(self, function: Any) -> None:
        if not (callable(function) and callable(getattr(function, "gradient", None))):
            hint = "; losses.Differentiated(function) finds it by differences"
            hint = hint if callable(function) else ""
            raise ValueError(
                "loss must be a callable with a method gradient(y_true, y_pred) that "
                "gives the derivative of its values with respect to y_pred, "
                f"got {_validate.shown(function)}{hint}"
            )
        super().__init__(name=getattr(function, "__name__", type(function).__name__))
        self.function = function

    def forward(self, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Any]:  # noqa: D102
        t, p = _arrays.numbers("y_true", y_true), predictions(y_pred)
        values = _arrays.real_numbers(
            f"values of {self.name}", _arrays.call(self.function, t, p)
        )
        if values.shape != p.shape[: values.ndim]:
            raise ValueError(
                f"values of {self.name} must have a shape that y_pred's {p.shape} "
                f"begins with, got {values.shape}"
            )
        return values.astype(p.dtype, copy=False), (t, p, values.shape)

    def backward(self, dy: ArrayLike, cache: Any) -> Array:  # noqa: D102
        t, p, shape = cache
        slope = _arrays.real_numbers(
            f"gradient of {self.name}",
            _arrays.call(self.function.gradient, t, p),
        )
        if slope.shape != p.shape:
            raise ValueError(
                f"gradient of {self.name} must have the shape of y_pred, {p.shape}, "
                f"got {slope.shape}"
            )
        dy = _arrays.upstream(dy, shape, p.dtype, of="the values")
        missing = p.ndim - dy.ndim
        dy_pred: Array = dy.reshape(shape + (1,) * missing) * slope.astype(p.dtype)
        return dy_pred
