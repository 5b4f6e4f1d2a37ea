"""A picture of how the layers of a model follow one another."""

import os
from typing import TYPE_CHECKING, Any

from .._validate import shown
from .files import picture_path, save
from .style import BLUE, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_model"]

# Inches of a box.
WIDTH, HEIGHT = 2.6, 0.9


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] | None = "model.png",
    show_shapes: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    dpi: float = 96,
    **kwargs: Any,
) -> "Axes":
    """
    Draw the layers of a model as boxes, and what they are called on as arrows.

    Parameters
    ----------
    model : Model
        Its input shape is known.
    to_file : str or path-like, optional
        A ``.png``, ``.svg`` or ``.pdf`` file; None writes nothing.
    show_shapes : bool
        Whether to name the shapes of the outputs.
    show_layer_names : bool
        Whether to name the layers, and not their classes alone.
    rankdir : {"TB", "LR"}
        From top to bottom, or from left to right.
    dpi : float
        Dots per inch of a ``.png``.
    **kwargs
        Keras's ``show_dtype``, ``expand_nested`` and so on have no meaning.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn.

    Raises
    ------
    ValueError
        If `rankdir` is another word, or the suffix that of another format.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    Examples
    --------
    >>> from localnet import Sequential, layers
    >>> model = Sequential([layers.Dense(2, input_shape=(3,), name="d")])
    >>> ax = plot_model(model, to_file=None)
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['d_input: InputLayer', 'd: Dense']
    """
    del kwargs
    if rankdir not in ("TB", "LR"):
        raise ValueError(f"rankdir must be 'TB' or 'LR', got {shown(rankdir)}")
    if to_file is not None:
        picture_path("to_file", to_file)
    boxes, arrows = _graph(model)
    places = _places(boxes, arrows)
    ax = axes_for(None)
    columns = 1 + max(column for column, _ in places.values())
    rows = 1 + max(row for _, row in places.values())
    if rankdir == "LR":
        places = {name: (row, column) for name, (column, row) in places.items()}
        columns, rows = rows, columns
    figure: Any = ax.figure
    figure.set_size_inches(1 + WIDTH * columns, 0.5 + HEIGHT * rows)
    for start, end in arrows:
        ax.annotate(
            "",
            places[end],
            places[start],
            arrowprops={"arrowstyle": "->", "shrinkA": 16, "shrinkB": 16},
        )
    for name, (class_name, shape) in boxes.items():
        lines = [f"{name}: {class_name}" if show_layer_names else class_name]
        lines += [str(shape)] * bool(show_shapes)
        ax.text(
            *places[name],
            "\n".join(lines),
            ha="center",
            va="center",
            fontsize=8,
            bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": BLUE},
        )
    ax.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.5, -0.5))
    ax.set_axis_off()
    if to_file is not None:
        save(ax, to_file, dpi=dpi)
    return ax


def _graph(model: Any) -> tuple[dict[str, tuple[str, Any]], list[tuple[str, str]]]:
    """Return class and shape of each layer by name, and who takes from whom."""
    boxes: dict[str, tuple[str, Any]] = {}
    arrows: list[tuple[str, str]] = []
    for node in model._network.nodes:
        name = node.layer.name
        shapes = [handle.shape for handle in node.outputs]
        boxes.setdefault(
            name,
            (type(node.layer).__name__, shapes if len(shapes) > 1 else shapes[0]),
        )
        for handle in node.inputs:
            if (handle.name, name) not in arrows:
                arrows.append((handle.name, name))
    return boxes, arrows


def _places(
    boxes: dict[str, Any], arrows: list[tuple[str, str]]
) -> dict[str, tuple[int, int]]:
    """Return column and row of each box: a row below all that it takes from."""
    order = {name: place for place, name in enumerate(boxes)}
    rows = dict.fromkeys(boxes, 0)
    for name in boxes:
        for start, end in arrows:
            # A layer that is called again stays where its first call put it.
            if end == name and order[start] < order[end]:
                rows[end] = max(rows[end], rows[start] + 1)
    filled: dict[int, int] = {}
    places = {}
    for name, row in rows.items():
        places[name] = (filled.get(row, 0), row)
        filled[row] = filled.get(row, 0) + 1
    return places
