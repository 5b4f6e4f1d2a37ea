"""The tables that `Sequential.summary` prints."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ._typing import Array
from .layers import CostedLayer, Layer
from .layers.shapes import BatchShape
from .ops import Cost
from .roofline import Machine, Work

__all__ = ["cost_table", "summary_table"]

# Keras 2's columns; they grow with long names, so that no cell is broken.
COLUMNS = (29, 26, 10)
COST_HEADER: tuple[str, ...] = ("Layer", *("FLOPs", "Bytes", "Time") * 2, "Memory")


def summary_table(name: str, class_name: str, layers: Sequence[Layer]) -> str:
    """
    Lay the layers of a built model out for reading, much as Keras 2 does.

    Parameters
    ----------
    name, class_name : str
        Of the model.
    layers : sequence of Layer
        All built.

    Returns
    -------
    str
        One line per layer: name and class, output shape, number of parameters.
    """
    rows = [("Layer (type)", "Output Shape", "Param #")]
    for layer in layers:
        title = f"{layer.name} ({type(layer).__name__})"
        rows.append((title, str(layer.output_shape), str(layer.count_params())))
    columns = [
        max(width, 2 + max(len(row[i]) for row in rows))
        for i, width in enumerate(COLUMNS)
    ]
    header, *lines = (
        "".join(cell.ljust(width) for cell, width in zip(row, columns, strict=True))
        for row in rows
    )
    rule = sum(columns)
    weights = [(x.learns(name), v) for x in layers for name, v in x.params.items()]
    learning = [value for learns, value in weights if learns]
    fixed = [value for learns, value in weights if not learns]
    return "\n".join(
        line.rstrip()
        for line in (
            f'Model: "{name}" ({class_name})',
            "_" * rule,
            header,
            "=" * rule,
            *lines,
            "=" * rule,
            f"Total params: {_size([*learning, *fixed])}",
            f"Trainable params: {_size(learning)}",
            f"Non-trainable params: {_size(fixed)}",
            "_" * rule,
        )
    )


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
    def of(cls, cost: Cost, *, backward: bool) -> "BatchCost":
        """Take apart what a layer says."""
        kept = cost.parameter_bytes + cost.cache_bytes + cost.output_bytes
        if not backward:
            return cls(cost.forward, None, kept, 0)
        return cls(
            cost.forward,
            cost.backward,
            kept + cost.parameter_bytes,
            cost.output_bytes + cost.dx_bytes,
        )


def batch_costs(
    layers: Sequence[Layer], input_shape: BatchShape, batch_size: int
) -> list[BatchCost | None]:
    """Return what a batch costs in each layer, None for one that does not tell."""
    costs: list[BatchCost | None] = []
    shape, learns = input_shape, False
    for layer in layers:
        if isinstance(layer, CostedLayer):
            cost = layer.cost(batch_size, shape, need_dx=learns)
            learns = learns or (layer.trainable and cost.parameters > 0)
            costs.append(BatchCost.of(cost, backward=learns))
        else:
            names = layer.params or layer.weight_shapes(shape)
            learns = learns or any(layer.learns(name) for name in names)
            costs.append(None)
        shape = layer.compute_output_shape(shape)
    return costs


def cost_table(
    layers: Sequence[Layer],
    input_shape: BatchShape,
    batch_size: int,
    machine: Machine,
) -> str:
    """
    Lay out what a batch costs in each layer, built or not.

    Parameters
    ----------
    layers : sequence of Layer
        In order.
    input_shape : tuple of int or None
        Of the first layer, batch axis first.
    batch_size : int
        Samples in the batch.
    machine : Machine
        Turns work into time.

    Returns
    -------
    str
        One line per layer: operations, bytes moved and shortest time of the forward
        pass and of a training step, and memory; dashes where a layer does not tell.
    """
    costs = batch_costs(layers, input_shape, batch_size)
    known = [cost for cost in costs if cost is not None]
    rows = [COST_HEADER]
    for layer, cost in zip(layers, costs, strict=True):
        cells = ("-",) * 7 if cost is None else _cost_cells([cost], machine)
        rows.append((layer.name, *cells))
    rows.append(("Total", *_cost_cells(known, machine)))
    first, *widths = (2 + max(map(len, column)) for column in zip(*rows, strict=True))
    header, *lines, total = (
        name.ljust(first)
        + "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        for name, *cells in rows
    )
    rule = first + sum(widths)
    batch = batch_size * math.prod(size for size in input_shape[1:] if size is not None)
    step = (
        batch * layers[0].dtype.itemsize
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


def _size(weights: Sequence[Array]) -> str:
    """Return how many numbers the weights hold, and how much memory."""
    total = sum(value.size for value in weights)
    return f"{total} ({_bytes(sum(value.nbytes for value in weights))})"


def _bytes(size: float) -> str:
    # As Keras prints the memory of weights: in powers of 1024.
    for unit in ("Byte", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"


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
