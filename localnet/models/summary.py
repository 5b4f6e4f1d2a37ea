"""The tables that `Model.summary` prints."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import _validate
from .._terminal import output, printable
from .._typing import Array
from ..layers import CostedLayer, Layer
from ..layers._base.shapes import BatchShape
from ..ops import Cost
from ..roofline import Machine, Work, this_machine

__all__ = ["CostedCall", "cost_table", "summary", "summary_table"]

# Keras 2's columns; they grow with long names, so that no cell is broken.
COLUMNS = (29, 26, 10, 0)
# Keras's for a chain and for a graph, where one of the two arguments is given.
LENGTHS = (65, 98)
POSITIONS = ((0.45, 0.85, 1.0), (0.3, 0.6, 0.7, 1.0))
COST_HEADER: tuple[str, ...] = ("Layer", *("FLOPs", "Bytes", "Time") * 2, "Memory")


def summary(
    self: Any,
    line_length: Any = None,
    positions: Any = None,
    print_fn: Any = None,
    *,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
    cost: bool = False,
    batch_size: int = 32,
    input_shape: Sequence[int | None] | None = None,
    machine: Machine | None = None,
) -> None:
    """
    Print the layers with their output shapes and numbers of parameters.

    Parameters
    ----------
    line_length : int, optional
        Characters in a line; a function in this place is `print_fn`.
    positions : list of float, optional
        Where the columns end, in characters or, up to 1, as parts of the line. Columns
        that are narrower than what stands in them grow, so that no cell is broken.
    print_fn : callable, optional
        Called with every line; default: written to standard output.
    expand_nested, show_trainable, layer_range
        Accepted as in Keras, without a meaning.
    cost : bool
        Whether to add what a batch costs in each layer: operations, bytes moved,
        the shortest time that these allow, and memory. See `CostedLayer.cost`.
    batch_size : int
        Samples of that batch.
    input_shape : tuple of int or None, optional
        Batch axis first. With it, the cost of a model that is not built is printed
        alone, and no weight is made: so one can tell whether the model fits.
    machine : Machine, optional
        Speed of arithmetic and memory. Default: measured once per process, which
        takes about a second.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or the model is not built, unless its cost
        for an `input_shape` is wanted.
    """
    del expand_nested, show_trainable, layer_range
    if callable(line_length):
        print_fn, line_length = print_fn or line_length, None
    if not self.built and not (cost and self.layers and input_shape is not None):
        raise ValueError(
            f"{self.name}: summary needs a built model; call build(input_shape) "
            "or give the first layer an input_shape"
        )
    tables = []
    if self.built:
        tables.append(
            summary_table(
                f'"{self.name}" ({type(self).__name__})',
                self.layers,
                list(self.leaves.values()),
                self._network.connections(),
                line_length,
                positions,
            )
        )
    if _validate.flag("cost", cost):
        batch_size = _validate.integer("batch_size", batch_size, minimum=1)
        if machine is not None and not isinstance(machine, Machine):
            raise ValueError(f"machine must be a Machine, got {machine!r}")
        shapes = self._network.known_input_shapes(input_shape)
        tables.append(
            cost_table(
                self.program.costed(shapes),
                shapes,
                batch_size,
                this_machine() if machine is None else machine,
            )
        )
    text = "\n".join(tables)
    if print_fn is None:
        output().write(text + "\n")
    else:
        for line in text.splitlines():
            print_fn(line)


def summary_table(
    title: str,
    parts: Sequence[Any],
    layers: Sequence[Layer],
    connections: Sequence[Sequence[str]] | None = None,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
) -> str:
    """
    Lay the layers of a built model out for reading, much as Keras 2 does.

    Parameters
    ----------
    title : str
        What the model is called.
    parts : sequence of Layer
        Layers and models that it is made of; all built.
    layers : sequence of Layer
        Every layer once, also those in models.
    connections : sequence of sequence of str, optional
        What each part is called on.
    line_length, positions
        As for `summary`.

    Returns
    -------
    str
        One line per part: name and class, output shape, number of parameters, and what
        it is connected to, if that is given.
    """
    rows: list[tuple[str, ...]] = [("Layer (type)", "Output Shape", "Param #")]
    for part in parts:
        label = f"{part.name} ({getattr(part, 'class_name', type(part).__name__)})"
        rows.append(
            (printable(label), str(part.output_shape), str(part.count_params()))
        )
    if connections is not None:
        header, *others = rows
        rows = [(*header, "Connected to")]
        for row, sources in zip(others, connections, strict=True):
            first, *more = map(printable, sources or [""])
            rows.append((*row, first))
            rows += [("", "", "", source) for source in more]
    columns = [
        max(width, 2 + max(len(row[i]) for row in rows))
        for i, width in enumerate(_widths(len(rows[0]), line_length, positions))
    ]
    header_line, *lines = (
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
            f"Model: {printable(title)}",
            "_" * rule,
            header_line,
            "=" * rule,
            *lines,
            "=" * rule,
            f"Total params: {_size([*learning, *fixed])}",
            f"Trainable params: {_size(learning)}",
            f"Non-trainable params: {_size(fixed)}",
            "_" * rule,
        )
    )


def _widths(
    columns: int, line_length: int | None, positions: Sequence[float] | None
) -> list[int]:
    """Return how wide the columns are, by the arguments of `summary`."""
    if line_length is None and positions is None:
        return list(COLUMNS[:columns])
    is_graph = columns == len(COLUMNS)
    length = _validate.integer(
        "line_length",
        (LENGTHS[is_graph] if line_length is None else line_length),
        minimum=1,
    )
    given = POSITIONS[is_graph] if positions is None else positions
    try:
        ends = [_validate.number("positions", end, minimum=0) for end in given]
    except TypeError:
        ends = []
    if len(ends) < columns or ends != sorted(ends):
        raise ValueError(
            f"positions must be {columns} rising numbers, got {positions!r}"
        )
    whole = [int(length * end if ends[-1] <= 1 else end) for end in ends[:columns]]
    return [end - start for start, end in zip([0, *whole], whole, strict=False)]


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
    rows = [COST_HEADER]
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
