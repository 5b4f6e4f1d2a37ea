"""Arrays as tensors of PyTorch and back, and PyTorch's activations by Keras's names."""

from collections.abc import Callable
from typing import Any

from ..._typing import Array

__all__ = ["from_torch", "functions", "to_torch"]


def to_torch(
    array: Array, *, precision: str, device: str = "cpu", requires_grad: bool = True
) -> Any:
    """Return an array as a tensor of this precision."""
    import torch

    tensor = torch.from_numpy(array.copy())
    tensor = tensor.to(device, getattr(torch, precision))
    return tensor.requires_grad_(requires_grad)


def from_torch(tensor: Any) -> Array:
    """Return a tensor as an array, bfloat16 as float32, which holds it exactly."""
    import torch

    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return tensor.numpy()  # type: ignore[no-any-return]


def functions() -> dict[str, Callable[..., Any]]:
    """Return PyTorch's activations by Keras's names and with Keras's parameters."""
    import torch
    from torch.nn import functional as F

    return {
        "linear": lambda z: z,
        "relu": _relu,
        "relu6": F.relu6,
        "leaky_relu": lambda z, alpha=0.2: F.leaky_relu(z, alpha),
        "elu": lambda z, alpha=1.0: F.elu(z, alpha),
        "selu": F.selu,
        # PyTorch's own hardsigmoid has the slope 1/6.
        "hard_sigmoid": lambda z: torch.clamp(0.2 * z + 0.5, 0.0, 1.0),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "exponential": torch.exp,
        "softplus": F.softplus,
        "softsign": F.softsign,
        "swish": F.silu,
        "gelu": lambda z, approximate=False: F.gelu(
            z, approximate="tanh" if approximate else "none"
        ),
        "mish": F.mish,
        "softmax": lambda z: torch.softmax(z, -1),
        "log_softmax": lambda z: torch.log_softmax(z, -1),
    }


def _relu(
    z: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """Return Keras's relu, by PyTorch's where nothing else is asked for."""
    import torch

    if not alpha and not threshold:
        return torch.relu(z) if max_value is None else torch.clamp(z, 0, max_value)
    found = z if max_value is None else torch.clamp(z, 0, max_value)
    return torch.where(z > threshold, found, alpha * (z - threshold))
