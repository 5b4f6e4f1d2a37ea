"""What scripts ask a Keras backend about models, weights and settings."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .. import _validate, config
from .._typing import Array, ArrayLike
from ..layers import Handle

__all__ = [
    "backend",
    "batch_get_value",
    "batch_set_value",
    "function",
    "get_value",
    "image_dim_ordering",
    "is_keras_tensor",
    "learning_phase",
    "set_image_dim_ordering",
    "set_learning_phase",
    "set_value",
]

# What Keras 1 called the two data formats.
ORDERINGS = {"tf": "channels_last", "th": "channels_first"}


class LearningPhase(int):
    """What stands in the inputs of `function` for whether it is training."""


_phase = LearningPhase(0)


def backend() -> str:
    """Return the name of the backend: ``"numpy"``."""
    return "numpy"


def is_keras_tensor(x: Any) -> bool:
    """Return whether something is a handle."""
    return isinstance(x, Handle)


def learning_phase() -> int:
    """Return what stands for the mode in the inputs of `function`."""
    return _phase


def set_learning_phase(value: int) -> None:
    """
    Take the mode of all models that Keras had; models here are told in each call.

    Parameters
    ----------
    value : int
        0 for inference, which is what models do unless they are trained.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if value not in (0, False):
        raise ValueError(
            f"value must be 0, got {_validate.shown(value)}: call a model with "
            "training=True instead"
        )


def function(
    inputs: Sequence[Any], outputs: Any, **kwargs: Any
) -> Callable[[Sequence[ArrayLike]], list[Array]]:
    """
    Return what computes handles from others.

    Parameters
    ----------
    inputs : list of Handle
        Where arrays come in; `learning_phase` may stand at the end.
    outputs : Handle or list of Handle
        What is computed.
    **kwargs
        ``updates`` and ``name`` of Keras must be empty.

    Returns
    -------
    callable
        From a list of arrays to a list of arrays; one array for one output that was
        not in a list.

    Examples
    --------
    >>> from localnet import Input, layers
    >>> x = Input((2,))
    >>> y = layers.Activation("relu")(x)
    >>> function([x], [y])([np.array([[-1.0, 2.0]])])
    [array([[0., 2.]], dtype=float32)]
    """
    from ..models import Model

    if any(kwargs.values()):
        raise ValueError(f"function must be given inputs and outputs, got {kwargs!r}")
    has_phase = any(isinstance(item, LearningPhase) for item in inputs)
    handles = [item for item in inputs if not isinstance(item, LearningPhase)]
    listed = isinstance(outputs, (list, tuple))
    model = Model(handles, list(outputs) if listed else outputs)

    def run(values: Sequence[ArrayLike]) -> Any:
        arrays = list(values)
        training = bool(arrays.pop()) if has_phase else False
        found = model(arrays if len(arrays) > 1 else arrays[0], training=training)
        several = found if isinstance(found, list) else [found]
        return several if listed else several[0]

    return run


def get_value(x: Any) -> Any:
    """
    Return the numbers of a weight or of a learning rate.

    Parameters
    ----------
    x : ndarray or float
        As a layer's ``weights`` or an optimizer's ``lr`` give it.

    Returns
    -------
    ndarray or float
        A copy.
    """
    return float(x) if isinstance(x, (int, float)) else np.array(x)


def set_value(x: Any, value: ArrayLike) -> None:
    """
    Set the numbers of a weight, or a learning rate.

    Parameters
    ----------
    x : ndarray or float
        As a layer's ``weights`` or an optimizer's ``lr`` give it.
    value : array_like
        Of its shape.

    Raises
    ------
    ValueError
        If the shape is another one, or `x` is a number that belongs to nothing.
    """
    if callable(getattr(x, "assign", None)):
        x.assign(value)
    elif isinstance(x, np.ndarray) and x.shape == np.shape(value):
        x[...] = value
    else:
        raise ValueError(
            "x must be a weight, or the lr of an optimizer, in the shape of value, got "
            f"{_validate.shown(x)}; a learning_rate is set by = alone"
        )


def batch_get_value(tensors: Iterable[Any]) -> list[Any]:
    """Return the numbers of several weights; see `get_value`."""
    return [get_value(x) for x in tensors]


def batch_set_value(tuples: Iterable[tuple[Any, ArrayLike]]) -> None:
    """Set the numbers of several weights; see `set_value`."""
    for x, value in tuples:
        set_value(x, value)


def image_dim_ordering() -> str:
    """Return Keras 1's word for the data format: ``"tf"`` or ``"th"``."""
    return "tf" if config.image_data_format() == "channels_last" else "th"


def set_image_dim_ordering(dim_ordering: str) -> None:
    """
    Set the data format by Keras 1's word.

    Parameters
    ----------
    dim_ordering : {"tf", "th"}
        Channels last or first.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if dim_ordering not in ORDERINGS:
        shown = _validate.shown(dim_ordering)
        raise ValueError(f"dim_ordering must be 'tf' or 'th', got {shown}")
    config.set_image_data_format(ORDERINGS[dim_ordering])
