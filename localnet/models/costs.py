"""What a batch costs in each layer of a model, as a table."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..layers import CostedLayer, Layer
from ..layers._base.shapes import BatchShape
from ..ops import Cost
from ..roofline import Machine, Work

__all__ = ["CostedCall", "cost_table"]

HEADER: tuple[str, ...] = ("Layer", *("FLOPs", "Bytes", "Time") * 2, "Memory")


class CostedCall(NamedTuple):
    """
    One call of a layer in a model, for which costs are worked out.

    `below` says whether anything learns that its input depends on, and `first` whether
    it is the first call of its layer, with which its weights are counted; `samples`, if
    known, is how many it gets for one of the model.
    """

    name: str
    layer: Layer
    input_shape: Any
    below: bool
    first: bool = True
    samples: int | None = 1


class BatchCost(NamedTuple):
    """
    What one layer of a model does with one batch of a training step.

    `backward` is None if nothing below it or in it learns. `held` is the memory of its
    weights, their gradients and all that it keeps for the way back, `passing` that of
    the dy that comes in and the dx that goes out.
    """

    forward: Work
    backward: Work | None
    held: int
    passing: int

    @classmethod
    def of(cls, cost: Cost, *, backward: bool, first: bool = True) -> "BatchCost":
        """Take apart what a layer says."""
        kept = cost.cache_bytes + cost.output_bytes
        kept += cost.parameter_bytes if first else 0
        if not backward:
            return cls(cost.forward, None, kept, 0)
        return cls(
            cost.forward,
            cost.backward,
            kept + cost.parameter_bytes,
            cost.output_bytes + cost.dx_bytes,
        )


def batch_costs(calls: Sequence[CostedCall], batch_size: int) -> list[BatchCost | None]:
    """Return what a batch costs in each call, None for a layer that does not tell."""
    costs: list[BatchCost | None] = []
    for call in calls:
        layer = call.layer
        if not isinstance(layer, CostedLayer) or call.samples is None:
            costs.append(None)
            continue
        cost = layer.cost(
            batch_size * call.samples, call.input_shape, need_dx=call.below
        )
        learns = call.below or (layer.trainable and cost.parameters > 0)
        costs.append(BatchCost.of(cost, backward=learns, first=call.first))
    return costs


def cost_table(
    calls: Sequence[CostedCall],
    input_shapes: Sequence[BatchShape],
    batch_size: int,
    machine: Machine,
) -> str:
    """
    Lay out what a batch costs in each layer, built or not.

    Parameters
    ----------
    calls : sequence of CostedCall
        In order.
    input_shapes : sequence of tuple of int or None
        Of the model, batch axis first.
    batch_size : int
        Samples in the batch.
    machine : Machine
        Turns work into time.

    Returns
    -------
    str
        One line per call: operations, bytes moved and shortest time of the forward
        pass and of a training step, and memory; dashes where a layer does not tell.
    """
    costs = batch_costs(calls, batch_size)
    known = [cost for cost in costs if cost is not None]
    rows = [HEADER]
    for call, cost in zip(calls, costs, strict=True):
        cells = ("-",) * 7 if cost is None else _cost_cells([cost], machine)
        rows.append((call.name, *cells))
    rows.append(("Total", *_cost_cells(known, machine)))
    first, *widths = (2 + max(map(len, column)) for column in zip(*rows, strict=True))
    header, *lines, total = (
        name.ljust(first)
        + "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        for name, *cells in rows
    )
    rule = first + sum(widths)
    batch = batch_size * sum(
        math.prod(size for size in shape[1:] if size is not None)
        for shape in input_shapes
    )
    step = (
        batch * calls[0].layer.dtype.itemsize
        + sum(cost.held for cost in known)
        + max((cost.passing for cost in known), default=0)
    )
    return "\n".join(
        (
            f"Cost of a batch of {batch_size}, at best, with "
            f"{_count(machine.flops_per_second)}FLOP/s and "
            f"{_count(machine.bytes_per_second)}B/s",
            "_" * rule,
            "forward".rjust(first + sum(widths[:3]))
            + "training step".rjust(sum(widths[3:6])),
            header,
            "=" * rule,
            *lines,
            "=" * rule,
            total,
            f"A training step holds about {_count(step)}B, buffers not counted.",
            "_" * rule,
        )
    )


def _cost_cells(costs: Sequence[BatchCost], machine: Machine) -> tuple[str, ...]:
    forward = [cost.forward for cost in costs]
    backward = [cost.backward for cost in costs if cost.backward is not None]
    cells: list[str] = []
    for works in (forward, forward + backward):
        cells += (
            _count(sum(work.flops for work in works)),
            _count(sum(work.nbytes for work in works)) + "B",
            _seconds(machine.seconds(*works)),
        )
    return (*cells, _count(sum(cost.held for cost in costs)) + "B")


def _count(number: float) -> str:
    # In powers of 1000, as the rates of machines are given.
    for unit in ("", "k", "M", "G", "T", "P"):
        if number < 1000 or unit == "P":
            break
        number /= 1000
    return f"{number:.0f} " if not unit else f"{number:.2f} {unit}"


def _seconds(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1 or unit == "us":
            break
    return f"{seconds * scale:.2f} {unit}" if seconds else "0 s"
