"""Weights as Keras 2 lists them: live arrays with a name."""

from typing import Any, Self

import numpy as np

from ..._typing import Array, ArrayLike

__all__ = ["Variable", "non_trainable_weights", "trainable_weights", "weights"]


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
        array = np.asarray(value)
        if array.shape != self.shape:
            raise ValueError(f"value must have shape {self.shape}, got {array.shape}")
        self[...] = array

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


def trainable_weights(self: Any) -> list[Variable]:
    """Return the weights that an optimizer may change, by the flags of the moment."""
    return [variable for variable in self._variables() if variable.trainable]


def non_trainable_weights(self: Any) -> list[Variable]:
    """Return the weights that no optimizer changes, by the flags of the moment."""
    return [variable for variable in self._variables() if not variable.trainable]


def weights(self: Any) -> list[Variable]:
    """Return all weights as live arrays with names, in the order of `get_weights`."""
    found: list[Variable] = self._variables()
    return found
