"""What `Dense` and the layers with windows have: a kernel, a bias, an activation."""

from __future__ import annotations

from typing import Any

from ... import _validate
from ..._typing import Array, Config
from .._activation import serialize_activation
from .arguments import serialized, take_rules

__all__ = [
    "KERNEL_ARGUMENTS",
    "LiveWeight",
    "kernel_config",
    "named_grads",
    "take_kernel",
]

RULES = (
    *("kernel_initializer", "bias_initializer"),
    *("kernel_regularizer", "bias_regularizer"),
    *("kernel_constraint", "bias_constraint"),
)
KERNEL_ARGUMENTS = ("activation", "use_bias", *RULES)


class LiveWeight:
    """An attribute that is the live weight of its name, or None if there is none."""

    def __init__(self, doc: str) -> None:
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the name of the attribute."""
        self.name = name

    def __get__(self, layer: Any, owner: type) -> Any:
        """Return the weight; of the class, the attribute itself."""
        return self if layer is None else layer.params.get(self.name)

    def __set__(self, layer: Any, value: Any) -> None:
        """Refuse to hide the weight, but let ``layer.kernel += 1`` through."""
        if value is not self.__get__(layer, type(layer)):
            raise AttributeError(
                f"{layer.name}: {self.name} must be changed in place in a layer that "
                f"is built, got {_validate.shown(value)}"
            )


def take_kernel(layer: Any, arguments: dict[str, Any]) -> None:
    """Set what the arguments say of activation, kernel and bias."""
    layer.activation = arguments["activation"]
    layer.use_bias = _validate.flag("use_bias", arguments["use_bias"])
    take_rules(layer, arguments)


def kernel_config(layer: Any) -> Config:
    """Return the part of the config that every layer with a kernel ends with."""
    return {
        "activation": serialize_activation(layer.activation),
        "use_bias": layer.use_bias,
        **serialized(layer, *RULES[:4], "activity_regularizer", *RULES[4:]),
    }


def named_grads(dkernel: Array, dbias: Array | None) -> dict[str, Array]:
    """Return the gradients of both weights by name."""
    return {"kernel": dkernel, **({} if dbias is None else {"bias": dbias})}
