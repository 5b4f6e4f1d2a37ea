"""Live arrays that have a name, as the variables of Keras."""

from typing import Any, Self

import numpy as np

from . import _arrays
from ._typing import Array, ArrayLike

__all__ = ["Variable"]


class Variable(np.ndarray):
    """
    A weight: a view of the live array, with the name that Keras gives it.

    Examples
    --------
    >>> from localnet.layers import Dense
    >>> layer = Dense(1, name="d")
    >>> layer.build((None, 2))
    >>> kernel, bias = layer.weights
    >>> kernel.name, bias.shape
    ('d/kernel:0', (1,))
    >>> bias.assign([3.0])
    >>> layer.bias
    array([3.], dtype=float32)
    """

    name: str = ""
    trainable: bool = False

    def assign(self, value: ArrayLike) -> None:
        """
        Replace the numbers of the weight.

        Parameters
        ----------
        value : array_like
            Of its shape.

        Raises
        ------
        ValueError
            If the shape is another one.
        """
        self[...] = self._fitting(value)

    def assign_add(self, value: ArrayLike) -> None:
        """
        Add to the numbers.

        Parameters
        ----------
        value : array_like
            As for `assign`.
        """
        self[...] = np.asarray(self) + self._fitting(value)

    def assign_sub(self, value: ArrayLike) -> None:
        """
        Subtract from the numbers.

        Parameters
        ----------
        value : array_like
            As for `assign`.
        """
        self[...] = np.asarray(self) - self._fitting(value)

    def _fitting(self, value: ArrayLike) -> Array:
        array = _arrays.real_numbers("value", value)
        if array.shape != self.shape:
            raise ValueError(f"value must have shape {self.shape}, got {array.shape}")
        return array

    def numpy(self) -> Array:
        """Return a copy of the numbers."""
        return np.array(self)

    def __array_wrap__(
        self, array: Array, context: Any = None, return_scalar: bool = False
    ) -> Any:
        """Let results of arithmetic be arrays without a name."""
        result = np.asarray(array)
        return result[()] if return_scalar else result

    @classmethod
    def of(cls, value: Array, name: str, trainable: bool) -> Self:
        """Return a weight under its name."""
        variable = value.view(cls)
        variable.name, variable.trainable = name, trainable
        return variable
