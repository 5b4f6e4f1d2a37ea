"""Metrics that are objects: they gather batches, and are asked for a number."""

from typing import Any

import numpy as np

from .. import _arrays, _validate, config, initializers
from .._registry import Configurable, snake_case
from .._typing import Array, ArrayLike, Config, Shape
from .._variable import Variable
from ..losses import targets

__all__ = ["Mean", "MeanMetric", "Metric", "Sum", "prepared"]


class Metric(Configurable):
    """
    Base of all metric objects, of your own too.

    Parameters
    ----------
    name : str, optional
        What logs call it; default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs; numbers are gathered in float64 whatever it says.

    Notes
    -----
    A subclass keeps what it gathers in the arrays of `state`, or in those that
    `add_weight` gives it, and overrides `update_state`, `result` and, if it starts from
    other numbers than 0, `reset_state`. The arrays of `state` are attributes too, such
    as ``mean.total``, and stand in `variables`.

    Examples
    --------
    >>> class Right(Metric):
    ...     def __init__(self, name="right", **kwargs):
    ...         super().__init__(name, **kwargs)
    ...         self.count = self.add_weight("count")
    ...
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.count.assign_add(np.sum(np.round(y_pred) == y_true))
    ...
    ...     def result(self):
    ...         return self.count
    >>> float(Right()([1, 0], [0.8, 0.9]))
    1.0
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        given = _validate.optional_text("name", name)
        self.name = self._default_name if given is None else given
        self.dtype = config.float_dtype(dtype).name
        self.state: dict[str, Array] = {}

    def __getattr__(self, name: str) -> Any:
        state = vars(self).get("state", {})
        if name not in state:
            label = type(self).__name__
            raise AttributeError(f"{label!r} object has no attribute {name!r}")
        return state[name]

    @property
    def _default_name(self) -> str:
        return snake_case(type(self).__name__)

    @property
    def has_default_name(self) -> bool:
        """Whether it is called what all of its class are, unless they are named."""
        return self.name == self._default_name

    @property
    def variables(self) -> list[Array]:
        """The live arrays of `state`."""
        return list(self.state.values())

    def add_weight(
        self,
        name: str | None = None,
        shape: int | Shape = (),
        aggregation: Any = None,
        synchronization: Any = None,
        initializer: Any = "zeros",
        dtype: Any = None,
    ) -> Variable:
        """
        Make an array that gathers, and enter it in `state`.

        Parameters
        ----------
        name : str, optional
            Its name; numbered if there is one of this name.
        shape : int or tuple of int, default ()
            Its shape.
        aggregation, synchronization : object
            Keras's; there is one machine.
        initializer : str or callable, default "zeros"
            What it holds at first. `reset_state` makes it 0, as in Keras.
        dtype : str, optional
            Default: float64.

        Returns
        -------
        ndarray
            Live, with Keras's ``assign``, ``assign_add``, ``assign_sub`` and ``numpy``.
        """
        sizes = _validate.shape("shape", [shape] if isinstance(shape, int) else shape)
        kind = _validate.dtype("dtype", "float64" if dtype is None else dtype)
        make = initializers.get("zeros" if initializer is None else initializer)
        array = np.array(make(sizes, dtype="float64"), kind)
        word = given = _validate.optional_text("name", name) or "weight"
        while word in self.state:
            word = f"{given}_{len(self.state)}"
        variable = Variable.of(array, f"{word}:0", trainable=False)
        self.state[word] = variable
        return variable

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: Any = None
    ) -> None:
        """
        Gather one batch.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions.
        sample_weight : array_like, optional
            One weight per sample; 1 if left out.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update_state")

    def result(self) -> Any:
        """
        Return the number for all that has been gathered.

        Returns
        -------
        float or ndarray
            One number, or one for each threshold or class.
        """
        raise NotImplementedError(f"{type(self).__name__} must define result")

    def reset_state(self) -> None:
        """Forget everything that was gathered."""
        if type(self).reset_states is not Metric.reset_states:
            self.reset_states()
        else:
            self._clear()

    def reset_states(self) -> None:
        """Forget everything; an older name of `reset_state`, to override too."""
        if type(self).reset_state is not Metric.reset_state:
            self.reset_state()
        else:
            self._clear()

    def _clear(self) -> None:
        for array in self.state.values():
            array[...] = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """
        Gather one batch, and return the number so far.

        Parameters
        ----------
        *args, **kwargs
            Those of `update_state`.

        Returns
        -------
        float or ndarray
            As `result`.
        """
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> Config:
        """
        Return the arguments that make an equal metric.

        Returns
        -------
        dict
            With Keras's keys; ready for JSON.
        """
        return {**super().get_config(), "name": self.name, "dtype": self.dtype}


class Mean(Metric):
    """
    Mean of the numbers it is given.

    Parameters
    ----------
    name : str, optional
        Default ``"mean"``.
    dtype : str, optional
        As for `Metric`.

    Examples
    --------
    >>> mean = Mean()
    >>> mean([1, 3, 5, 7]), mean([9], sample_weight=[2])
    (4.0, 5.666666666666667)
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.state = {"total": np.zeros(()), "count": np.zeros(())}

    def update_state(self, values: ArrayLike, sample_weight: Any = None) -> None:  # type: ignore[override]
        """
        Take numbers in.

        Parameters
        ----------
        values : array_like
            Any shape.
        sample_weight : array_like, optional
            One weight per number, or per sample.
        """
        array = np.asarray(values, np.float64)
        aligned = targets.align_weights(sample_weight, array)
        self.state["total"] += np.sum(array * aligned)
        self.state["count"] += np.sum(aligned)

    def result(self) -> float:
        """
        Return the weighted mean.

        Returns
        -------
        float
            0.0 if the weights sum to nothing.
        """
        count = float(self.state["count"])
        return float(self.state["total"]) / count if count else 0.0


class Sum(Mean):
    """
    Sum of the numbers it is given.

    Parameters
    ----------
    name : str, optional
        Default ``"sum"``.
    dtype : str, optional
        As for `Metric`.

    Examples
    --------
    >>> Sum()([1, 3, 5, 7])
    16.0
    """

    def result(self) -> float:
        """
        Return the weighted sum.

        Returns
        -------
        float
            0.0 if there was nothing.
        """
        return float(self.state["total"])


class MeanMetric(Mean):
    """
    Mean of a metric function over all samples.

    Parameters
    ----------
    fn : callable
        ``fn(y_true, y_pred, **kwargs)`` gives one value per sample.
    name : str, optional
        Default: the name of the function.
    dtype : str, optional
        As for `Metric`.
    **kwargs
        Handed on to `fn`.

    Examples
    --------
    >>> from localnet.metrics import mse
    >>> MeanMetric(mse)([[0.0], [1.0]], [[0.5], [1.0]])
    0.125
    """

    def __init__(
        self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        _validate.callable_("fn", fn)
        named = getattr(fn, "__name__", None) if name is None else name
        super().__init__(named, dtype)
        self.fn, self.kwargs = fn, kwargs

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: Any = None
    ) -> None:
        """
        Gather one batch.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions.
        sample_weight : array_like, optional
            One weight per sample; 1 if left out.
        """
        values = _arrays.call(self.fn, y_true, y_pred, **self.kwargs)
        super().update_state(values, sample_weight)


def prepared(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: Any
) -> tuple[Array, Array, Array]:
    """
    Return targets, predictions and weights in one shape, in float32 or wider.

    Parameters
    ----------
    y_true, y_pred : array_like
        One may have an axis of size 1 at its end that the other lacks.
    sample_weight : array_like or None
        Broadcasts with them from the left.

    Returns
    -------
    tuple of ndarray
        Weights are ones where none are given.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.
    """
    pair = targets.match(y_true, y_pred)
    true, pred = np.broadcast_arrays(pair.y_true, pair.y_pred)
    weights = targets.align_weights(sample_weight, pred)
    return true, pred, np.broadcast_to(weights, pred.shape)
