"""What all initializers share: the normal form of a call, and their configs."""

from collections.abc import Iterable
from typing import Self

import numpy as np

from .. import _validate, config
from .._registry import Configurable
from .._typing import Array, Config, DTypeLike, Shape

__all__ = ["Initializer"]


class Initializer(Configurable):
    """
    Base of the initializers, and of your own.

    A subclass writes ``_draw(shape, dtype, rng)``, which is handed a tuple of ints, a
    NumPy dtype and what the caller gave as `rng`; or it overrides ``__call__``, and is
    handed everything as it was given. It keeps the arguments of its constructor in
    attributes of the same names; ``get_config`` and ``from_config`` then work.

    See Also
    --------
    Zeros : An example of a subclass.

    Examples
    --------
    >>> class Ramp(Initializer):
    ...     def __init__(self, step=1.0):
    ...         self.step = step
    ...
    ...     def _draw(self, shape, dtype, rng):
    ...         return self.step * np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    >>> Ramp(0.5)([2, 2])
    array([[0. , 0.5],
           [1. , 1.5]], dtype=float32)
    """

    def __call__(
        self,
        shape: Iterable[int],
        dtype: DTypeLike | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Return a new array; `dtype` defaults to ``localnet.config.floatx()``."""
        return self._draw(
            _validate.shape("shape", shape), config.float_dtype(dtype), rng
        )

    def _draw(
        self, shape: Shape, dtype: np.dtype, rng: np.random.Generator | None
    ) -> Array:
        """Return a new array of exactly this shape and dtype."""
        raise NotImplementedError(
            f"{type(self).__name__} must have a method _draw or __call__"
        )

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
