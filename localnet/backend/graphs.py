"""What scripts ask a Keras backend about models, weights and settings."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .. import _arrays, _validate, config
from .._typing import Array, ArrayLike
from ..layers import Handle
from ..optimizers.live import Live

__all__ = [
    "backend",
    "batch_get_value",
    "batch_set_value",
    "eval",
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
    is_number = isinstance(value, (int, np.integer, np.bool))
    if not is_number or value:
        raise ValueError(
            f"value must be 0, got {_validate.shown(value)}: call a model with "
            "training=True instead"
        )


def function(
    inputs: Sequence[Any],
    outputs: Any,
    updates: Sequence[Any] | None = None,
    name: str | None = None,
) -> Callable[[Sequence[ArrayLike]], list[Array]]:
    """
    Return what computes handles from others.

    Parameters
    ----------
    inputs : list of Handle, or Handle
        Where arrays come in; `learning_phase` may stand at the end.
    outputs : Handle or list of Handle
        What is computed.
    updates : list, optional
        Must be empty: there is nothing here that a call could change.
    name : str, optional
        Keras's; it means nothing.

    Returns
    -------
    callable
        From a list of arrays to a list of arrays; one array for one output that was
        not in a list.

    Raises
    ------
    ValueError
        If an argument is of another kind, or the outputs need other inputs; when it is
        called, if it is not given one array for each input.

    Examples
    --------
    >>> from localnet import Input, layers
    >>> x = Input((2,))
    >>> y = layers.Activation("relu")(x)
    >>> function([x], [y])([np.array([[-1.0, 2.0]])])
    [array([[0., 2.]], dtype=float32)]
    """
    from ..models import Model

    alone = isinstance(inputs, Handle)
    given = (
        [inputs] if alone else _validate.items("inputs", inputs, "a list of handles")
    )
    if updates is not None and _validate.items("updates", updates, "an empty list"):
        raise ValueError(f"updates must be empty, got {_validate.shown(updates)}")
    _validate.optional_text("name", name)
    has_phase = bool(given) and isinstance(given[-1], LearningPhase)
    handles = given[:-1] if has_phase else given
    listed = isinstance(outputs, (list, tuple))
    model = Model(handles, list(outputs) if listed else outputs)

    def run(values: Sequence[ArrayLike]) -> Any:
        rule = f"a list of {len(given)}, one for each input"
        listless = len(given) == 1 and not isinstance(values, (list, tuple))
        arrays = [values] if listless else _validate.items("values", values, rule)
        if len(arrays) != len(given):
            raise ValueError(f"values must be {rule}, got {len(arrays)}")
        training = _is_training(arrays.pop()) if has_phase else False
        found = model(arrays if len(arrays) > 1 else arrays[0], training=training)
        several = found if isinstance(found, list) else [found]
        return several if listed else several[0]

    return run


def _is_training(value: Any) -> bool:
    """Return the learning phase, which scripts give as a flag, 0 or 1.0."""
    is_whole = isinstance(value, float) and value.is_integer()
    return _validate.flag("values[-1]", int(value) if is_whole else value)


def get_value(x: Any) -> Any:
    """
    Return the numbers of a weight, or a number of an optimizer.

    Parameters
    ----------
    x : ndarray or number
        As a layer's ``weights``, or an optimizer's ``learning_rate`` or ``iterations``,
        give it.

    Returns
    -------
    ndarray or number
        A copy.
    """
    if isinstance(x, Live):
        return x.numpy()
    is_number = isinstance(x, (int, float, np.generic))
    return x if is_number else _arrays.numbers("x", x).copy()


def eval(x: Any) -> Any:
    """Return a copy of what an array holds; see `get_value`."""
    return get_value(x)


def set_value(x: Any, value: ArrayLike) -> None:
    """
    Set the numbers of a weight, or a number of an optimizer.

    Parameters
    ----------
    x : ndarray or float
        As a layer's ``weights``, or an optimizer's ``learning_rate`` or ``iterations``,
        give it.
    value : array_like
        Of its shape.

    Raises
    ------
    ValueError
        If the shape is another one, or `x` is a number that belongs to nothing.
    """
    _setting(x, value)()


def _setting(x: Any, value: Any) -> Callable[[], Any]:
    """Return what sets numbers, once it is known that they can be set."""
    if isinstance(x, Live):
        return lambda: x.assign(value)
    if not (isinstance(x, np.ndarray) and x.flags.writeable):
        raise ValueError(
            f"x must be a weight, or a number of an optimizer, got {_validate.shown(x)}"
        )
    array = _arrays.real_numbers("value", value)
    if array.shape != x.shape:
        raise ValueError(
            f"value must have the shape of x, {x.shape}, got {array.shape}"
        )
    return lambda: np.copyto(x, _arrays.cast("value", array, x.dtype))


def batch_get_value(tensors: Iterable[Any]) -> list[Any]:
    """Return the numbers of several weights; see `get_value`."""
    return [get_value(x) for x in _validate.items("tensors", tensors, "a list")]


def batch_set_value(tuples: Iterable[tuple[Any, ArrayLike]]) -> None:
    """Set the numbers of several weights; see `set_value`."""
    rule = "a list of pairs (x, value)"
    pairs = _validate.items("tuples", tuples, rule)
    pairs = [_validate.items("tuples", pair, rule) for pair in pairs]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"tuples must be {rule}, got {_validate.shown(tuples)}")
    for setting in [_setting(*pair) for pair in pairs]:
        setting()


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
    word = _validate.choice("dim_ordering", dim_ordering, tuple(ORDERINGS))
    config.set_image_data_format(ORDERINGS[word])
