"""What all initializers share: their base class and the normal form of arguments."""

import abc
import operator
from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from .. import _validate
from .. import config as settings
from .._registry import Configurable
from .._typing import Array, Config, DTypeLike, Shape

__all__ = ["Initializer", "as_dtype", "as_shape"]


def as_shape(value: Any) -> Shape:
    """Return `value` as a tuple of ints."""
    try:
        shape = tuple(operator.index(size) for size in value)
    except TypeError:
        shape = (-1,)
    if any(size < 0 for size in shape):
        raise ValueError(f"shape must be a tuple of integers >= 0, got {value!r}")
    return shape


def as_dtype(value: DTypeLike | None) -> Any:
    """Return `value` as the dtype of a float that layers know; None means floatx."""
    try:
        name = settings.floatx() if value is None else np.dtype(value).name
    except TypeError:
        name = str(value)
    return np.dtype(_validate.choice("dtype", name, settings.FLOATS))


class Initializer(Configurable, abc.ABC):
    """
    Base of the initializers, and of your own.

    A subclass keeps the arguments of its constructor in attributes of the same names;
    ``get_config`` and ``from_config`` then work.

    See Also
    --------
    Zeros : An example of a subclass.
    """

    @abc.abstractmethod
    def __call__(
        self,
        shape: Iterable[int],
        dtype: DTypeLike | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Return a new array; `dtype` defaults to ``localnet.config.floatx()``."""

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """
        Make an initializer from what `get_config` returned.

        Parameters
        ----------
        config : dict
            Arguments of the constructor. A ``dtype``, as files from the time of
            TensorFlow 1 have it, is left out.

        Returns
        -------
        Initializer
            An instance of this class.
        """
        return cls(**{k: v for k, v in config.items() if k != "dtype"})
