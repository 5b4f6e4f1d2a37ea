"""The tables that `Model.summary` prints."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from .. import _validate
from .._terminal import output, printable
from .._typing import Array
from ..layers import Layer
from ..roofline import Machine, this_machine
from ..training.network import at_the_moment
from .costs import cost_table

__all__ = ["summary"]

# Keras 2's columns; they grow with long names, so that no cell is broken.
COLUMNS = (29, 26, 10, 0)
# Of the column that tells what is trainable, which Keras adds to the line.
TRAINABLE = 11
# Before the name of a layer inside a model, for each model around it.
NESTED = "| "
# Keras's for a chain and for a graph, where one of the two arguments is given.
LENGTHS = (65, 98)
# Characters, of any line that is laid out.
WIDEST = 10**6
POSITIONS = ((0.45, 0.85, 1.0), (0.3, 0.6, 0.7, 1.0))


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
    expand_nested : bool
        Whether to list what models among the layers are made of, below each of them.
    show_trainable : bool
        Whether to add a column that tells which layers are trainable, Y or N.
    layer_range : list of two str, optional
        Names of the first and the last layer that are listed, or regular expressions
        that match their beginnings, as in Keras. The totals remain those of the model.
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
        If an argument breaks its rule, no layer has such a name, or the model is not
        built, unless its cost for an `input_shape` is wanted.

    Examples
    --------
    >>> from localnet import Sequential, layers
    >>> model = Sequential(
    ...     [layers.Dense(3, input_shape=(4,), name="a"), layers.Dense(2, name="b")],
    ...     name="two",
    ... )
    >>> model.layers[0].trainable = False
    >>> model.summary(show_trainable=True, layer_range=["b", "b"])
    Model: "two"
    ____________________________________________________________________________
    Layer (type)                 Output Shape              Param #    Trainable
    ============================================================================
    b (Dense)                    (None, 2)                 8          Y
    ============================================================================
    Total params: 23 (92.00 Byte)
    Trainable params: 8 (32.00 Byte)
    Non-trainable params: 15 (60.00 Byte)
    ____________________________________________________________________________
    """
    if callable(line_length):
        print_fn, line_length = print_fn or line_length, None
    if print_fn is not None:
        _validate.function("print_fn", print_fn, "line")
    _validate.flag("expand_nested", expand_nested)
    _validate.flag("show_trainable", show_trainable)
    listed = _listed(self.layers, layer_range)
    batch_size = _validate.whole("batch_size", batch_size, minimum=1)
    if machine is not None:
        _validate.instance("machine", machine, Machine)
    if not self.built and not (cost and self.layers and input_shape is not None):
        raise ValueError(
            f"{self.name}: summary needs a built model; call build(input_shape) "
            "or give the first layer an input_shape"
        )
    tables = []
    if self.built:
        with at_the_moment(self._network):
            sources = None if _is_chain(self) else self._network.connections()
            table = _summary_table(
                f'"{self.name}"',
                self.layers[listed],
                list(self.leaves.values()),
                None if sources is None else sources[listed],
                line_length,
                positions,
                expand_nested=expand_nested,
                show_trainable=show_trainable,
            )
        tables.append(table)
    if _validate.flag("cost", cost):
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


def _is_chain(model: Any) -> bool:
    """Return whether each layer is called once, on the one before it."""
    below = [[], *([f"{part.name}[0][0]"] for part in model.layers[:-1])]
    return model._network.connections() in (None, below)


def _listed(parts: Sequence[Any], layer_range: Any) -> slice:
    """Return the places of the parts of a model that a `layer_range` asks for."""
    if layer_range is None:
        return slice(None)
    rule = "a list of two names of layers"
    ends = _validate.items("layer_range", layer_range, rule)
    if len(ends) != 2 or not all(isinstance(end, str) for end in ends):
        raise ValueError(
            f"layer_range must be {rule}, got {_validate.shown(layer_range)}"
        )
    try:
        first, last = (
            [place for place, part in enumerate(parts) if re.match(end, part.name)]
            for end in ends
        )
    except re.error as error:
        raise ValueError(
            f"layer_range must hold names or regular expressions, got "
            f"{_validate.shown(layer_range)}: {error}"
        ) from None
    if not (first and last):
        raise ValueError(
            f"layer_range must hold names of layers, {[part.name for part in parts]}, "
            f"got {_validate.shown(layer_range)}"
        )
    if first[0] > last[-1]:
        first, last = last, first
    return slice(first[0], last[-1] + 1)


def _summary_table(
    title: str,
    parts: Sequence[Any],
    layers: Sequence[Layer],
    connections: Sequence[Sequence[str]] | None = None,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    *,
    expand_nested: bool = False,
    show_trainable: bool = False,
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
    line_length, positions, expand_nested, show_trainable
        As for `summary`.

    Returns
    -------
    str
        One line per part: name and class, output shape, number of parameters, what it
        is connected to, if that is given, and whether it is trainable.
    """
    header = ["Layer (type)", "Output Shape", "Param #"]
    widths = _widths(3 if connections is None else 4, line_length, positions)
    if connections is not None:
        header.append("Connected to")
    if show_trainable:
        header.append("Trainable")
        widths.append(TRAINABLE)
    rows = [header]
    for depth, part, (first, *more) in _each(parts, connections, expand_nested):
        label = f"{part.name} ({getattr(part, 'class_name', type(part).__name__)})"
        row = [NESTED * depth + printable(label), str(part.output_shape)]
        row.append(str(part.count_params()))
        if connections is not None:
            row.append(printable(first))
        if show_trainable:
            row.append("Y" if part.trainable else "N")
        rows.append(row)
        for source in more:
            further = ["", "", "", printable(source), ""]
            rows.append(further[: len(header)])
    columns = [
        max(width, 2 + max(len(row[i]) for row in rows))
        for i, width in enumerate(widths)
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


def _each(
    parts: Sequence[Any],
    connections: Sequence[Sequence[str]] | None,
    nested: bool,
    depth: int = 0,
) -> Iterator[tuple[int, Any, Sequence[str]]]:
    """Yield parts, each with its depth and what it is called on."""
    for place, part in enumerate(parts):
        sources = connections[place] if connections else []
        yield depth, part, sources or [""]
        if nested and hasattr(part, "layers"):
            yield from _each(part.layers, None, nested, depth + 1)


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
    if length > WIDEST:
        raise ValueError(f"line_length must be <= {WIDEST}, got {length}")
    given = POSITIONS[is_graph] if positions is None else positions
    try:
        ends = [_validate.number("positions", end, minimum=0) for end in given]
    except TypeError:
        ends = []
    if len(ends) < columns or ends != sorted(ends) or ends[-1] > WIDEST:
        raise ValueError(
            f"positions must be {columns} rising numbers, got "
            f"{_validate.shown(positions)}"
        )
    whole = [int(length * end if ends[-1] <= 1 else end) for end in ends[:columns]]
    return [end - start for start, end in zip([0, *whole], whole, strict=False)]


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
