"""What Dense and the locally connected layers share: kernel, bias and activation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._typing import Array, Config, Shape
from .._activation import (
    activation_has_logits,
    activation_pair,
    resolve_activation,
    serialize_activation,
)
from .arguments import resolve, serialized
from .cost import CostedLayer
from .shapes import BatchShape, checked_shape

__all__ = ["KernelLayer"]


class KernelLayer(CostedLayer):
    """
    A layer with a weight called kernel and, if wanted, one called bias.

    Parameters
    ----------
    activation : str, callable, (forward, backward) pair, layer or None
        Applied last; ``None`` is linear.
    use_bias : bool
        Whether a bias is added.
    kernel_initializer, bias_initializer : initializer
        How the weights are born.
    kernel_regularizer, bias_regularizer, activity_regularizer : regularizer or None
        Penalties on the weights and on the output.
    kernel_constraint, bias_constraint : constraint or None
        Applied after every update by an optimizer.
    **kwargs
        Arguments of `Layer`.
    """

    def __init__(
        self,
        *,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        with self._named():
            self.activation = resolve_activation(activation)
            self._activation_pair = activation_pair(self.activation)
            self.use_bias = bool(use_bias)
            self.kernel_initializer = resolve("kernel_initializer", kernel_initializer)
            self.bias_initializer = resolve("bias_initializer", bias_initializer)
            self.kernel_regularizer = resolve("kernel_regularizer", kernel_regularizer)
            self.bias_regularizer = resolve("bias_regularizer", bias_regularizer)
            self.kernel_constraint = resolve("kernel_constraint", kernel_constraint)
            self.bias_constraint = resolve("bias_constraint", bias_constraint)

    @property
    def kernel(self) -> Array | None:
        """The live kernel, or None before the layer is built."""
        return self.params.get("kernel")

    @property
    def bias(self) -> Array | None:
        """The live bias, or None without one."""
        return self.params.get("bias")

    @property
    def has_logits(self) -> bool:
        return activation_has_logits(self.activation)

    def _kernel_and_bias_shapes(self, input_shape: BatchShape) -> tuple[Shape, Shape]:
        """Return both shapes, if the layer can work on the input's."""
        raise NotImplementedError

    def weight_shapes(self, input_shape: Sequence[int | None]) -> dict[str, Shape]:
        """Return the shapes of kernel and bias; see `Layer.weight_shapes`."""
        with self._named():
            shape = checked_shape(input_shape, self.input_rank)
            kernel, bias = self._kernel_and_bias_shapes(shape)
        return {"kernel": kernel, **({"bias": bias} if self.use_bias else {})}

    def _add_kernel_and_bias(
        self,
        input_shape: BatchShape,
        rng: np.random.Generator,
        fans: tuple[int, int] | None = None,
    ) -> None:
        shapes = self.weight_shapes(input_shape)
        rules = self._rules_of("kernel")
        self._add_weight("kernel", shapes["kernel"], rules, rng, fans=fans)
        if self.use_bias:
            self._add_weight("bias", shapes["bias"], self._rules_of("bias"), rng)

    def _weight_grads(self, dkernel: Array, dbias: Array | None) -> dict[str, Array]:
        return {"kernel": dkernel, **({} if dbias is None else {"bias": dbias})}

    def _kernel_config(self) -> Config:
        """Return the part of the config that every kernel layer ends with."""
        return {
            "activation": serialize_activation(self.activation),
            "use_bias": self.use_bias,
            **serialized(
                self,
                *("kernel_initializer", "bias_initializer"),
                *("kernel_regularizer", "bias_regularizer", "activity_regularizer"),
                *("kernel_constraint", "bias_constraint"),
            ),
        }
