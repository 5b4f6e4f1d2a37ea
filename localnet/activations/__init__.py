"""
Activation functions, each with its gradient, and their Keras names.

For every name there are ``relu(x)``, ``relu_forward(x) -> (y, cache)`` and
``relu_backward(dy, cache) -> dx``; `PAIRS` names all the pairs. A cache refers to `x`
or `y` and is valid until that is written to; `dx` has the dtype of `y`. `get` turns
what a user may write into an activation, and `pair` an activation into its two halves.

Imports `ops`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from .. import _arrays, _validate
from .._keras.names import old_names
from .._registry import Registry, custom_object_scope
from .._typing import Array, ArrayLike, Config, Pair
from . import gated, normalizing, piecewise, rectifiers, smooth
from .gated import *
from .normalizing import *
from .piecewise import *
from .rectifiers import *
from .smooth import *

__all__ = [
    "PAIRS",
    "Activation",
    "ActivationPair",
    "deserialize",
    "get",
    "pair",
    "serialize",
    "silu",
    "silu_backward",
    "silu_forward",
]
__all__ += gated.__all__
__all__ += normalizing.__all__
__all__ += piecewise.__all__
__all__ += rectifiers.__all__
__all__ += smooth.__all__

silu, silu_forward, silu_backward = swish, swish_forward, swish_backward

_PAIR_OF: dict[Callable[..., Array], Pair] = {
    linear: (linear_forward, linear_backward),
    relu: (relu_forward, relu_backward),
    softmax: (softmax_forward, softmax_backward),
    elu: (elu_forward, elu_backward),
    selu: (selu_forward, selu_backward),
    softplus: (softplus_forward, softplus_backward),
    softsign: (softsign_forward, softsign_backward),
    tanh: (tanh_forward, tanh_backward),
    sigmoid: (sigmoid_forward, sigmoid_backward),
    exponential: (exponential_forward, exponential_backward),
    hard_sigmoid: (hard_sigmoid_forward, hard_sigmoid_backward),
    swish: (swish_forward, swish_backward),
    gelu: (gelu_forward, gelu_backward),
    mish: (mish_forward, mish_backward),
    relu6: (relu6_forward, relu6_backward),
    leaky_relu: (leaky_relu_forward, leaky_relu_backward),
    log_softmax: (log_softmax_forward, log_softmax_backward),
}
_BY_NAME = {activation.__name__: activation for activation in _PAIR_OF}
_registry: Registry[Any] = Registry(
    "activation", "keras.activations", {**_BY_NAME, "silu": swish}
)

PAIRS: dict[str, Pair] = {name: _PAIR_OF[_BY_NAME[name]] for name in _BY_NAME}
# How a pair fills arrays that it is given, by what the input alone says: forward(x, y)
# and backward(dy, x, dx).
INTO: dict[Pair, Pair] = {
    PAIRS["relu"]: (rectifiers.relu_into, rectifiers.relu_gradient_into)
}


class ActivationPair(NamedTuple):
    """
    An activation of your own: a forward function and its gradient.

    Parameters
    ----------
    forward : callable
        ``forward(x) -> (y, cache)``; its name, without ``_forward``, is the one that
        configs get.
    backward : callable
        ``backward(dy, cache) -> dx``.

    Examples
    --------
    >>> cube = ActivationPair(lambda x: (x**3, x), lambda dy, x: 3 * x**2 * dy)
    >>> cube(2.0)
    8.0
    """

    forward: Callable[..., tuple[Array, Any]]
    backward: Callable[..., Array]

    def __call__(self, x: ArrayLike, **kwargs: Any) -> Array:
        """Return the value that forward computes."""
        y: Array = _arrays.call(self.forward, x, **kwargs)[0]
        return y


Activation: TypeAlias = Callable[..., Array] | ActivationPair


def get(identifier: object) -> Activation:
    """
    Return the activation that an identifier stands for.

    Parameters
    ----------
    identifier : None, str, dict, function or tuple of two functions
        ``None`` means `linear`; a name is case-sensitive; a dict is a config; one of
        the functions of this module stands for itself; ``(forward, backward)`` is an
        activation of your own.

    Returns
    -------
    callable
        A function of this module, or an `ActivationPair`.

    Raises
    ------
    ValueError
        If the name is unknown, or a function comes without its gradient.
    TypeError
        If the identifier is of another type; Keras too raises a TypeError here.

    See Also
    --------
    pair : The forward and backward functions of an activation.
    localnet.layers : There, names of layers such as "LeakyReLU" are accepted as well.

    Examples
    --------
    >>> get("relu") is relu, get("silu") is swish, get(None) is linear
    (True, True, True)
    """
    if identifier is None:
        return linear
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if isinstance(identifier, tuple):
        if len(identifier) != 2 or not all(map(callable, identifier)):
            raise ValueError(
                "activation must be a (forward, backward) pair of functions, "
                f"got {_validate.shown(identifier)}"
            )
        return ActivationPair(*identifier)
    if callable(identifier):
        for ours in _PAIR_OF:
            if identifier is ours:
                return ours
        raise ValueError(
            "activation must be a pair forward(x) -> (y, cache) and backward(dy, "
            f"cache) -> dx if it is your own, got {_validate.shown(identifier)} "
            "without a gradient; a layer Lambda(function, backward='differences') "
            "that stands behind this one needs none"
        )
    raise TypeError(
        "activation must be a name, a config, a function of localnet.activations or a "
        f"(forward, backward) pair, got {_validate.shown(identifier)}"
    )


def pair(activation: object) -> Pair:
    """
    Return the forward and backward functions of an activation.

    Parameters
    ----------
    activation : callable
        What `get` returned, or anything that it accepts.

    Returns
    -------
    forward : callable
        ``forward(x) -> (y, cache)``.
    backward : callable
        ``backward(dy, cache) -> dx``.

    See Also
    --------
    get : The activation that an identifier stands for.

    Examples
    --------
    >>> forward, backward = pair(tanh)
    >>> y, cache = forward([0.0])
    >>> backward([2.0], cache)
    array([2.])
    """
    known = get(activation)
    if not isinstance(known, ActivationPair):
        return _PAIR_OF[known]
    return partial(_arrays.call, known.forward), partial(_arrays.call, known.backward)


def serialize(activation: object) -> str:
    """
    Return the name of an activation, as it stands in a config.

    Parameters
    ----------
    activation : callable
        What `get` returned, or anything that it accepts.

    Returns
    -------
    str
        The Keras name; ``"swish"`` for `silu`. For a pair of your own it is the name of
        its forward function, without ``_forward``.

    Raises
    ------
    ValueError
        If the forward function of a pair has no name, as a lambda has none.

    See Also
    --------
    deserialize : The way back.

    Examples
    --------
    >>> serialize(silu)
    'swish'
    """
    known = get(activation)
    if not isinstance(known, ActivationPair):
        return known.__name__
    name = str(getattr(known.forward, "__name__", "")).removesuffix("_forward")
    if not name.isidentifier():
        raise ValueError(
            "activation must have a named forward function to be serialized, "
            f"got {_validate.shown(known.forward)}"
        )
    return name


def deserialize(
    config: Config | str, custom_objects: Mapping[str, Any] | None = None
) -> Activation:
    """
    Return the activation that a config describes.

    Parameters
    ----------
    config : str or dict
        A name, or ``{"class_name": name}``, or what newer Keras versions write,
        ``{"class_name": "function", "config": name}``.
    custom_objects : mapping of str to tuple of two functions, optional
        Names of your own pairs, for this call.

    Returns
    -------
    callable
        A function of this module, or an `ActivationPair`.

    Raises
    ------
    ValueError
        If the name is unknown, or the config holds arguments, which no activation that
        is a plain function can keep.

    See Also
    --------
    serialize : The way back.

    Examples
    --------
    >>> deserialize({"class_name": "function", "config": "tanh"}) is tanh
    True
    """
    name: Any = config
    if isinstance(config, dict):
        name, arguments = config.get("class_name"), config.get("config")
        if name == "function":
            name = arguments
        elif arguments:
            raise ValueError(
                "activation config must hold no arguments, got "
                f"{_validate.shown(config)}"
            )
        if not isinstance(name, str):
            raise ValueError(
                f"activation config must hold a name, got {_validate.shown(config)}"
            )
    with custom_object_scope(custom_objects):
        return get(_registry.find(name))


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])


__getattr__ = old_names(__name__)
