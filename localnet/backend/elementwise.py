"""Functions of a Keras backend that go number by number."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _arrays, _validate, activations
from .._typing import Array, ArrayLike
from . import arguments

__all__ = [
    "abs",
    "clip",
    "cos",
    "elu",
    "equal",
    "exp",
    "greater",
    "greater_equal",
    "hard_sigmoid",
    "less",
    "less_equal",
    "log",
    "maximum",
    "minimum",
    "not_equal",
    "pow",
    "relu",
    "round",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "softsign",
    "sqrt",
    "square",
    "switch",
    "tanh",
]


def _unary(
    name: str,
    function: Callable[[Array], Any],
    make: Callable[[str, Any], Array] = arguments.countable,
) -> Callable[[ArrayLike], Array]:
    def run(x: ArrayLike) -> Array:
        return np.asarray(function(make("x", x)))

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"Return what NumPy's ``{name}`` makes of each number."
    return run


def _binary(
    name: str,
    function: Callable[[Array, Array], Any],
    make: Callable[[str, Any], Array] = arguments.ordered,
) -> Callable[[ArrayLike, ArrayLike], Array]:
    def run(x: ArrayLike, y: ArrayLike) -> Array:
        return np.asarray(function(*arguments.broadcast(make, x=x, y=y)))

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"Return what NumPy's ``{name}`` makes of each two numbers."
    return run


abs, sign = _unary("abs", np.abs), _unary("sign", np.sign)
square, round = _unary("square", np.square), _unary("round", np.round)
exp = _unary("exp", np.exp, arguments.floats)
log = _unary("log", np.log, arguments.floats)
sin = _unary("sin", np.sin, arguments.floats)
cos = _unary("cos", np.cos, arguments.floats)
maximum, minimum = _binary("maximum", np.maximum), _binary("minimum", np.minimum)
equal = _binary("equal", np.equal, arguments.tensor)
not_equal = _binary("not_equal", np.not_equal, arguments.tensor)
greater, less = _binary("greater", np.greater), _binary("less", np.less)
greater_equal = _binary("greater_equal", np.greater_equal)
less_equal = _binary("less_equal", np.less_equal)
sigmoid, hard_sigmoid = activations.sigmoid, activations.hard_sigmoid
elu, softplus, softsign = activations.elu, activations.softplus, activations.softsign
softmax, relu, tanh = activations.softmax, activations.relu, activations.tanh


def pow(x: ArrayLike, a: ArrayLike) -> Array:
    """Raise to a power; whole numbers to none below 0."""
    base, power = arguments.broadcast(arguments.tensor, x=x, a=a)
    if power.dtype.kind == "i" and (wrong := power < 0).any():
        raise ValueError(
            f"a must be >= 0 as a power of whole numbers, got {power[wrong][0]}"
        )
    return np.asarray(np.power(base, power))


def clip(x: ArrayLike, min_value: Any, max_value: Any) -> Array:
    """Hold numbers to bounds; a lower bound above the upper one counts for both."""
    bounds = {"min_value": min_value, "max_value": max_value}
    given = {name: value for name, value in bounds.items() if value is not None}
    array, *held = arguments.broadcast(arguments.ordered, x=x, **given)
    if (own := arguments.tensor("x", x).dtype).kind == "f":
        array, *held = (each.astype(own, copy=False) for each in (array, *held))
    if min_value is not None:
        array = np.maximum(array, held[0])
    if max_value is not None:
        array = np.minimum(array, np.maximum(held[0], held[-1]))
    return np.asarray(array)


def sqrt(x: ArrayLike) -> Array:
    """Take square roots; those of negative numbers are 0."""
    array = _arrays.real_numbers("x", arguments.floats("x", x))
    return np.asarray(np.sqrt(np.maximum(array, 0)))


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Array:
    """Choose by a condition, as a whole or number by number; callables are called."""
    then, other = arguments.broadcast(
        arguments.tensor,
        then_expression=_called("then_expression", then_expression),
        else_expression=_called("else_expression", else_expression),
    )
    held = np.asarray(arguments.tensor("condition", condition) != 0)
    held = held.reshape(held.shape + (1,) * (then.ndim - held.ndim))
    arguments.fitting(condition=held, then_expression=then, else_expression=other)
    return np.asarray(np.where(held, then, other))


def _called(name: str, branch: Any) -> Any:
    if not callable(branch):
        return branch
    _validate.function(name, branch)
    return branch()
