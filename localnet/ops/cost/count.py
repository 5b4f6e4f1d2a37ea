"""
What operations cost by their shapes alone: arithmetic, traffic and memory.

Nothing here touches an array, and every number is a Python integer of any size. The
traffic is the least that any implementation needs: each array that goes in or comes
out moves once. So times that follow from it are lower bounds.
"""

import math
from dataclasses import dataclass
from typing import Any

from ... import _validate, config
from ..._typing import DTypeLike, Shape
from ...roofline import Work

__all__ = [
    "NOTHING",
    "Cost",
    "checked_options",
    "copy_cost",
    "dense_cost",
    "elementwise_cost",
    "view_cost",
]

NOTHING = Work(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """
    What an operation on one batch costs.

    Parameters
    ----------
    parameters : int
        How many numbers its weights hold.
    forward, backward : Work
        Operations and bytes of a call of ``<op>_forward`` and of ``<op>_backward``.
    input_bytes, parameter_bytes, output_bytes : int
        Memory of the batch, of the weights and of the result; an output that is a view
        of the input takes none.
    cache_bytes : int
        Memory that the cache holds between the two calls beside these.
    dx_bytes : int
        Memory of what flows on: dx, if it is needed and no view of dy, and after `then`
        the gradient in between.

    See Also
    --------
    localnet.roofline.Machine : Turns work into time.
    """

    parameters: int = 0
    forward: Work = NOTHING
    backward: Work = NOTHING
    input_bytes: int = 0
    parameter_bytes: int = 0
    output_bytes: int = 0
    cache_bytes: int = 0
    dx_bytes: int = 0

    @property
    def gradient_bytes(self) -> int:
        """Memory of the gradients: those of the weights, and what flows on."""
        return self.parameter_bytes + self.dx_bytes

    @property
    def forward_memory(self) -> int:
        """Bytes that must be there at once for the forward call."""
        return (
            self.input_bytes
            + self.parameter_bytes
            + self.cache_bytes
            + self.output_bytes
        )

    @property
    def step_memory(self) -> int:
        """Bytes for forward and backward: dy and the gradients come on top."""
        return self.forward_memory + self.output_bytes + self.gradient_bytes

    def then(self, last: "Cost") -> "Cost":
        """
        Return the cost of this operation followed by another on its result.

        Parameters
        ----------
        last : Cost
            Without weights, such as an activation. The result in between is kept for
            the way back.

        Returns
        -------
        Cost
            Of the two as one.
        """
        return Cost(
            parameters=self.parameters,
            forward=self.forward + last.forward,
            backward=last.backward + self.backward,
            input_bytes=self.input_bytes,
            parameter_bytes=self.parameter_bytes,
            output_bytes=last.output_bytes,
            cache_bytes=self.cache_bytes + self.output_bytes + last.cache_bytes,
            dx_bytes=self.dx_bytes + last.dx_bytes,
        )


def checked_options(
    batch_size: Any, dtype: DTypeLike | None, **flags: Any
) -> tuple[int, int]:
    """Return the batch size and the bytes of one number, or refuse them or a flag."""
    for name, value in flags.items():
        _validate.flag(name, value)
    return (
        _validate.whole("batch_size", batch_size, minimum=0),
        int(config.float_dtype(dtype).itemsize),
    )


def dense_cost(
    input_shape: Shape,
    units: int,
    *,
    batch_size: int = 1,
    dtype: DTypeLike | None = None,
    use_bias: bool = True,
    need_dx: bool = True,
) -> Cost:
    r"""
    Work out what a fully connected layer costs.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample, (..., C).
    units : int
        F, the number of outputs.
    batch_size : int
        N, the number of samples.
    dtype : dtype_like, optional
        Float type of all arrays; default ``localnet.config.floatx()``.
    use_bias, need_dx : bool
        Whether there is a bias, and whether the gradient of the input is wanted.

    Returns
    -------
    Cost
        Of `dense_forward` and `dense_backward`.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    Notes
    -----
    With M = N times the sizes before C, forward, dx and dkernel are

    .. math:: 2 M C F

    operations each, and adding the bias and its gradient M F each.

    Examples
    --------
    >>> cost = dense_cost((100,), 10, batch_size=32)
    >>> cost.parameters, cost.forward.flops
    (1010, 64320)
    """
    n, itemsize = checked_options(batch_size, dtype, use_bias=use_bias, need_dx=need_dx)
    input_shape = _validate.shape("input_shape", input_shape)
    if not input_shape:
        raise ValueError("input_shape must have an axis to connect, got ()")
    units = _validate.whole("units", units, minimum=1)
    *free, channels = input_shape
    rows = n * math.prod(free)
    kernel, bias = channels * units, units if use_bias else 0
    x, y = rows * channels, rows * units
    product, addition = 2 * rows * kernel, y if use_bias else 0
    return Cost(
        parameters=kernel + bias,
        forward=Work(product + addition, itemsize * (x + kernel + bias + y)),
        backward=Work(
            product * (1 + bool(need_dx)) + addition,
            itemsize * (y + x + kernel + bias + (kernel + x if need_dx else 0)),
        ),
        input_bytes=itemsize * x,
        parameter_bytes=itemsize * (kernel + bias),
        output_bytes=itemsize * y,
        dx_bytes=itemsize * x if need_dx else 0,
    )


def elementwise_cost(
    input_shape: Shape, *, batch_size: int = 1, dtype: DTypeLike | None = None
) -> Cost:
    """
    Work out what a function of each value alone costs at least.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample.
    batch_size : int
        The number of samples.
    dtype : dtype_like, optional
        Float type; default ``localnet.config.floatx()``.

    Returns
    -------
    Cost
        One operation per value and direction, whatever the function. Forward reads an
        array and writes one; backward reads two and writes one.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    Examples
    --------
    >>> elementwise_cost((10,), batch_size=2, dtype="float32").backward
    Work(flops=20, nbytes=240)
    """
    values, nbytes = _size(input_shape, batch_size, dtype)
    return Cost(
        forward=Work(values, 2 * nbytes),
        backward=Work(values, 3 * nbytes),
        input_bytes=nbytes,
        output_bytes=nbytes,
        dx_bytes=nbytes,
    )


def view_cost(
    input_shape: Shape, *, batch_size: int = 1, dtype: DTypeLike | None = None
) -> Cost:
    """Return the cost of another look at the same memory: that of its input alone."""
    return Cost(input_bytes=_size(input_shape, batch_size, dtype)[1])


def copy_cost(
    input_shape: Shape, *, batch_size: int = 1, dtype: DTypeLike | None = None
) -> Cost:
    """Return the cost of a copy in another order, whose gradient is a view."""
    _, nbytes = _size(input_shape, batch_size, dtype)
    return Cost(forward=Work(0, 2 * nbytes), input_bytes=nbytes, output_bytes=nbytes)


def _size(
    input_shape: Shape, batch_size: Any, dtype: DTypeLike | None
) -> tuple[int, int]:
    """Return how many values a batch holds, and their bytes."""
    n, itemsize = checked_options(batch_size, dtype)
    values = n * math.prod(_validate.shape("input_shape", input_shape))
    return values, values * itemsize
