"""Layers that are nothing but an activation, and activations that are named layers."""

from __future__ import annotations

from functools import partial
from typing import Any, Unpack

from .. import _validate, activations
from .._registry import Registry
from .._typing import Array, Config, Pair, Shape
from ..ops import Cost, view_cost
from ._base.arguments import LayerArguments
from ._base.layer import Layer
from ._base.pure import Computed, Gradients

__all__ = [
    "ELU",
    "Activated",
    "Activation",
    "LeakyReLU",
    "ReLU",
    "Softmax",
    "ThresholdedReLU",
    "serialize_activation",
]


class ActivationLayer(Layer):
    """A layer whose map is the identity, so that only its activation is left."""

    def compute(self, x: Array, **_: Any) -> Computed:
        return x, None

    def gradients(self, dy: Array, cache: None) -> Gradients:
        return dy, {}

    def _cost(self, input_shape: Shape, *, batch_size: int, **_: Any) -> Cost:
        return view_cost(input_shape, batch_size=batch_size, dtype=self.dtype)


class PairOf:
    """The pair of an activation, with parameters that are attributes of the layer."""

    def __init__(self, name: str, **attributes: str) -> None:
        self.pair, self.attributes = activations.PAIRS[name], attributes

    def __get__(self, layer: Any, owner: type) -> Any:
        """Return the pair with the parameters as they are now."""
        if layer is None:
            return self
        named = ((key, getattr(layer, name)) for key, name in self.attributes.items())
        given = {key: tuple(v) if isinstance(v, list) else v for key, v in named}
        return partial(self.pair[0], **given), self.pair[1]


class Activated:
    """The attribute `activation`: what is set is applied from then on, as in Keras."""

    def __get__(self, layer: Any, owner: type) -> Any:
        """Return the function, pair or layer; of the class, the attribute itself."""
        return self if layer is None else vars(layer)["activation"]

    def __set__(self, layer: Any, value: Any) -> None:
        """Take what an ``activation=`` argument may be."""
        activation = _resolve_activation(value)
        layer._activation_pair = activation_pair(activation)
        vars(layer)["activation"] = activation


class Activation(ActivationLayer):
    """
    Apply an activation function.

    Parameters
    ----------
    activation : str, callable, (forward, backward) pair or layer
        What `localnet.activations.get` accepts, or an activation layer.
    **kwargs
        Arguments of `Layer`.

    Examples
    --------
    >>> Activation("relu")([[-1.0, 2.0]])
    array([[0., 2.]], dtype=float32)
    """

    activation = Activated()

    def __init__(self, activation: Any, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.activation = activation

    def get_config(self) -> Config:
        """Return the arguments that make an equal layer; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "activation": serialize_activation(self.activation),
        }


class LeakyReLU(ActivationLayer):
    """
    Let a fraction of the negative values through: ``x if x > 0 else alpha*x``.

    Parameters
    ----------
    alpha : float
        Slope on the negative side, not negative.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `alpha` is negative or not a finite number.

    See Also
    --------
    localnet.activations.leaky_relu : The function; its default slope is 0.2.

    Examples
    --------
    >>> LeakyReLU(alpha=0.5)([[-2.0, 2.0]])
    array([[-1.,  2.]], dtype=float32)
    """

    config_names = ("alpha",)
    _activation_pair: Any = PairOf("leaky_relu", alpha="alpha")

    def __init__(self, alpha: float = 0.3, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.alpha = _validate.number("alpha", alpha, minimum=0.0)


class ELU(ActivationLayer):
    """
    Bend the negative values to a bound: ``x if x > 0 else alpha*(exp(x) - 1)``.

    Parameters
    ----------
    alpha : float
        Bound of the negative side.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `alpha` is not a finite number.

    See Also
    --------
    localnet.activations.elu : The function.

    Examples
    --------
    >>> ELU(alpha=2.0)([[0.0, 2.0]])
    array([[0., 2.]], dtype=float32)
    """

    config_names = ("alpha",)
    _activation_pair: Any = PairOf("elu", alpha="alpha")

    def __init__(self, alpha: float = 1.0, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.alpha = _validate.number("alpha", alpha)


class ReLU(ActivationLayer):
    """
    Rectify: ``relu`` with a ceiling, a slope below the threshold, and a threshold.

    Parameters
    ----------
    max_value : float, optional
        Ceiling, not negative.
    negative_slope : float
        Slope below the threshold, not negative.
    threshold : float
        Where the positive side starts, not negative.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If an argument is negative or not a finite number.

    See Also
    --------
    localnet.activations.relu : The function.

    Examples
    --------
    >>> ReLU(max_value=1.0)([[-1.0, 0.5, 2.0]])
    array([[0. , 0.5, 1. ]], dtype=float32)
    """

    config_names = ("max_value", "negative_slope", "threshold")
    _activation_pair: Any = PairOf(
        "relu", alpha="negative_slope", max_value="max_value", threshold="threshold"
    )

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.max_value = _validate.optional_number(
                "max_value", max_value, minimum=0.0
            )
            self.negative_slope = _validate.number(
                "negative_slope", negative_slope, minimum=0.0
            )
            self.threshold = _validate.number("threshold", threshold, minimum=0.0)


class Softmax(ActivationLayer):
    """
    Turn numbers into probabilities along one axis or several.

    Parameters
    ----------
    axis : int or list of int
        What sums to 1.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `axis` is not made of integers, or later if the input lacks such an axis.

    See Also
    --------
    localnet.activations.softmax : The function.

    Examples
    --------
    >>> Softmax()([[0.0, 0.0]])
    array([[0.5, 0.5]], dtype=float32)
    """

    config_names = ("axis",)
    _activation_pair: Any = PairOf("softmax", axis="axis")

    def __init__(self, axis: Any = -1, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        several = isinstance(axis, (list, tuple))
        with self._named():
            axes = tuple(_validate.any_axis(a) for a in (axis if several else [axis]))
        self.axis: Any = list(axes) if several else axes[0]

    @property
    def has_logits(self) -> bool:
        return not isinstance(self.axis, list) or len(self.axis) == 1


class ThresholdedReLU(ActivationLayer):
    """
    Let only values above a threshold through: ``x if x > theta else 0``.

    Parameters
    ----------
    theta : float
        The threshold, not negative.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `theta` is negative or not a finite number.

    See Also
    --------
    localnet.activations.relu : The function; its `threshold` is `theta`.

    Examples
    --------
    >>> ThresholdedReLU(theta=1.0)([[1.0, 2.0]])
    array([[0., 2.]], dtype=float32)
    """

    config_names = ("theta",)
    _activation_pair: Any = PairOf("relu", threshold="theta")

    def __init__(self, theta: float = 1.0, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.theta = _validate.number("theta", theta, minimum=0.0)


CLASSES: dict[str, type[Layer]] = {
    cls.__name__: cls for cls in (LeakyReLU, ELU, ReLU, Softmax, ThresholdedReLU)
}


def _resolve_activation(identifier: Any) -> Any:
    """
    Return what an ``activation=`` argument stands for: a function, a pair or a layer.

    Class names such as "LeakyReLU", and configs of such layers, give a layer.
    """
    if isinstance(identifier, Layer):
        if not isinstance(identifier, ActivationLayer):
            raise ValueError(
                f"activation must be a function or an activation layer, "
                f"got {_validate.shown(identifier)}"
            )
        return identifier
    if isinstance(identifier, str) and identifier in CLASSES:
        return CLASSES[identifier]()
    if isinstance(identifier, dict) and identifier.get("class_name") in CLASSES:
        return CLASSES[identifier["class_name"]].from_config(
            identifier.get("config", {})
        )
    return activations.get(identifier)


def activation_pair(activation: Any) -> Pair | None:
    """Return (forward, backward) of a resolved activation; None for the identity."""
    if isinstance(activation, ActivationLayer):
        return activation._activation_pair
    if activation is activations.linear:
        return None
    return activations.pair(activation)


def serialize_activation(activation: Any) -> Any:
    """Return a name, or for a layer its class name and config."""
    if isinstance(activation, ActivationLayer):
        return Registry.envelope(activation, "keras.layers")
    return activations.serialize(activation)
