"""What a unit sees, and which weights are shared."""

import colorsys
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _arrays
from .._typing import Array, ArrayLike, Shape
from ..geometry import Geometry
from ..layers import Layer
from ..ops import local_conv_matrix
from .style import BLACK, BLUE, GREY, LIGHT, ORANGE, WHEEL, axes_for, spaced
from .wiring import TITLES, Wiring, wiring

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["connection_matrix", "receptive_field"]

MOST_CELLS = 4_000_000  # of a matrix; a picture has fewer pixels
MOST_NUMBERS = 12  # rows or columns in which the number of a weight can be read
MOST_TWINS = 1600  # windows whose middles can be told apart
MOST_GRID = 40  # cells along an axis between which lines are drawn


def receptive_field(
    source: Layer | Geometry,
    location: int | Shape,
    *,
    kind: str | None = None,
    input_shape: Shape | None = None,
    image: ArrayLike | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """
    Show which part of the input one output of a layer reads.

    Parameters
    ----------
    source : Layer or Geometry
        A built layer, dense, locally connected or convolution; or windows, which are
        taken for the layer that `kind` says. One or two spatial axes.
    location : int or tuple of int
        The output: an index into the output sizes O, row-major if it is one number; of
        a `Dense` layer, the unit.
    kind : {"local", "convolution", "dense"}, optional
        For a Geometry; default ``local``.
    input_shape : tuple of int, optional
        Shape of one sample, (*S, C): how the input of a `Dense` layer is laid out, or
        the input of a convolution that was built without its sizes.
    image : array_like, optional
        One sample to draw beneath, in the data format; channels are averaged. The
        channel axis may be missing if there is one channel.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The last of its images is the overlay. Cells of padding have indices outside
        the input and are hatched.

    Raises
    ------
    ValueError
        If an argument breaks its rule or there are three spatial axes.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    See Also
    --------
    connection_matrix : The connections of all outputs.

    Examples
    --------
    >>> from localnet.ops import Geometry
    >>> ax = receptive_field(Geometry.of((5, 1), kernel_size=3), 1)
    >>> ax.get_images()[-1].get_array().mask.astype(int)  # 0 where output 1 reads
    array([[1, 0, 0, 0, 1]])
    """
    wires = wiring(source, kind=kind, input_shape=input_shape)
    windows = wires.windows
    _need_plane(windows)
    flat, index = wires.location(location)
    picture = None if image is None else _as_picture(image, windows)
    axes = axes_for(ax, size=(6.4, 4.8) if windows.rank == 2 else (6.4, 1.9))

    taps = wires.taps()
    window = taps[0 if wires.kind == "dense" else flat]
    reads = np.zeros(math.prod(windows.padded_sizes), bool)
    reads[window] = True
    reads = _plane(reads, windows.padded_sizes)
    inside, outside = _extents(windows)
    _draw_input(axes, windows, picture, inside, outside)
    _draw_overlay(axes, reads, outside)
    if wires.has_shared_weights and len(taps) <= MOST_TWINS:
        _draw_twins(axes, taps, windows, outside)
    axes.set(xlim=outside[:2], ylim=outside[2:], xlabel="input column")
    if windows.rank == 1:
        axes.set(yticks=[], xlabel="input cell")
    else:
        axes.set_ylabel("input row")
    axes.set_title(_what_it_reads(wires, flat, index), fontsize="medium")
    return axes


def _need_plane(windows: Geometry) -> None:
    if windows.rank > 2:
        raise ValueError(
            f"source must have one or two spatial axes to be drawn, got {windows.rank}"
        )


def _as_picture(image: ArrayLike, windows: Geometry) -> Array:
    """Return one sample as a plane of numbers."""
    array = _arrays.real_numbers("image", image)
    if array.shape == windows.input_sizes and windows.channels == 1:
        array = array.reshape(windows.input_shape)
    if array.shape != windows.input_shape:
        raise ValueError(
            f"image must be one sample of shape {windows.input_shape}, "
            f"got {array.shape}"
        )
    axis = -1 if windows.channels_last else 0
    return _plane(array.astype(float).mean(axis=axis), windows.input_sizes)


def _plane(values: Array, sizes: Shape) -> Array:
    """Return cells as rows and columns; a sequence is one row."""
    return values.reshape((1, *sizes)[-2:])


def _extents(windows: Geometry) -> tuple[Any, Any]:
    """Return left, right, bottom, top of the input and of the input with its pads."""
    rows, columns = (1, *windows.input_sizes)[-2:]
    (above, below), (left, right) = ((0, 0), *windows.pads)[-2:]
    return (
        (-0.5, columns - 0.5, rows - 0.5, -0.5),
        (-left - 0.5, columns + right - 0.5, rows + below - 0.5, -above - 0.5),
    )


def _draw_input(
    ax: Any, windows: Geometry, picture: Array | None, inside: Any, outside: Any
) -> None:
    from matplotlib.patches import Rectangle

    if windows.has_pads:
        left, right, bottom, top = outside
        pads = Rectangle(
            (left, top),
            right - left,
            bottom - top,
            facecolor="white",
            edgecolor=GREY,
            hatch="////",
            linewidth=0,
            label="padding",
        )
        ax.add_patch(pads)
    rows, columns = (1, *windows.input_sizes)[-2:]
    if picture is None:
        blank = np.full((rows, columns), 0.87)
        ax.imshow(blank, cmap="gray", vmin=0, vmax=1, extent=inside, zorder=1)
    else:
        ax.imshow(picture, cmap="gray", extent=inside, zorder=1)
    if max(rows, columns) <= MOST_GRID:
        lines = {"color": "white" if picture is None else GREY, "linewidth": 0.6}
        ax.hlines(np.arange(1, rows) - 0.5, *inside[:2], **lines, zorder=2)
        ax.vlines(np.arange(1, columns) - 0.5, *inside[2:], **lines, zorder=2)


def _draw_overlay(ax: Any, reads: Array, extent: Any) -> None:
    """Colour the cells that are read, and outline them."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import ListedColormap

    cells = np.ma.masked_where(~reads, np.ones(reads.shape))
    ax.imshow(cells, cmap=ListedColormap([ORANGE]), alpha=0.6, extent=extent, zorder=3)
    x, y = extent[0], extent[3]
    across = np.diff(np.pad(reads, ((0, 0), (1, 1))).astype(int), axis=1)
    down = np.diff(np.pad(reads, ((1, 1), (0, 0))).astype(int), axis=0)
    edges = [[(x + j, y + i), (x + j, y + i + 1)] for i, j in np.argwhere(across)]
    edges += [[(x + j, y + i), (x + j + 1, y + i)] for i, j in np.argwhere(down)]
    outline = LineCollection(edges, colors=BLACK, linewidths=1.8, capstyle="projecting")
    outline.set_zorder(4)
    ax.add_collection(outline, autolim=False)


def _draw_twins(ax: Any, taps: Array, windows: Geometry, outside: Any) -> None:
    """Mark the middle of every window that uses the same weights."""
    place = np.unravel_index(taps, windows.padded_sizes)
    y, x = (np.zeros(len(taps)), *(axis.mean(axis=1) for axis in place))[-2:]
    size = float(np.clip(2000 / len(taps), 1, 25))
    ax.scatter(
        x + outside[0] + 0.5,
        y + outside[3] + 0.5,
        s=size,
        color=BLUE,
        edgecolors="white",
        linewidths=0.5 if size > 4 else 0,
        zorder=5,
        label="the same weights",
    )


def _what_it_reads(wires: Wiring, flat: int, index: Shape) -> str:
    windows = wires.windows
    cells = _reads(windows, 0 if wires.kind == "dense" else flat)
    weights = windows.patch_size
    name = str(index) if len(index) > 1 else str(index[0])
    dots = " (dots)" if windows.locations <= MOST_TWINS else ""
    shared = f"shared by {windows.locations} locations{dots}"
    whose = shared if wires.has_shared_weights else "of its own"
    return (
        f"{TITLES[wires.kind]}: output {name}\n"
        f"reads {cells} of {math.prod(windows.input_shape)} values\n"
        f"by {weights} weight{'s' if weights > 1 else ''} {whose}"
    )


def _reads(windows: Geometry, location: int) -> int:
    from ..ops import patch_indices

    return int(np.count_nonzero(patch_indices(windows)[location] >= 0))


def connection_matrix(
    source: Layer | Geometry,
    *,
    kind: str | None = None,
    filters: int | None = None,
    input_shape: Shape | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """
    Show the layer as the matrix that it is, coloured by which weight stands where.

    Equal colours are one weight: the hue says which tap of its window it is, the
    lightness at which location. A dense layer is a full matrix; in the band of a
    locally connected layer every diagonal runs from dark to light; in that of a
    convolution it keeps one colour. In a matrix of at most 12 rows and columns the
    number of the weight is written, too.

    Parameters
    ----------
    source : Layer or Geometry
        A built layer, dense, locally connected or convolution; or windows, which are
        taken for the layer that `kind` says.
    kind : {"local", "convolution", "dense"}, optional
        For a Geometry; default ``local``. ``dense`` has as many outputs as the others.
    filters : int, optional
        F, for a Geometry; default 1.
    input_shape : tuple of int, optional
        As for `receptive_field`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Its image holds, for every output (rows) and every input value (columns) in C
        order of the data format, the index of the weight between them in the flattened
        kernel; masked where there is no connection.

    Raises
    ------
    ValueError
        If an argument breaks its rule or the matrix has more than 4 million entries.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    See Also
    --------
    localnet.ops.local_conv_matrix : The matrix with its numbers.

    Examples
    --------
    >>> from localnet.ops import Geometry
    >>> geometry = Geometry.of((4, 1), kernel_size=2)
    >>> ax = connection_matrix(geometry, kind="convolution")
    >>> print(ax.get_images()[0].get_array())
    [[0 1 -- --]
     [-- 0 1 --]
     [-- -- 0 1]]
    """
    wires = wiring(source, kind=kind, filters=filters, input_shape=input_shape)
    matrix = _weight_numbers(wires)
    axes = axes_for(ax)
    rows, columns = matrix.shape
    weights = len(np.unique(matrix.compressed()))
    colours = _colours(wires)
    from matplotlib.colors import ListedColormap

    axes.imshow(
        matrix,
        cmap=ListedColormap(colours),
        vmin=-0.5,
        vmax=len(colours) - 0.5,
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_facecolor("white")
    if max(rows, columns) <= MOST_NUMBERS:
        _write_numbers(axes, matrix, colours)
    if max(rows, columns) <= MOST_GRID:
        axes.set_xticks(np.arange(1, columns) - 0.5, minor=True)
        axes.set_yticks(np.arange(1, rows) - 0.5, minor=True)
        axes.grid(which="minor", color=LIGHT, linewidth=0.6)
        axes.tick_params(which="minor", length=0)
    axes.set_xticks(spaced(columns, 10))
    axes.set_yticks(spaced(rows, 10))
    axes.set(xlabel="input value", ylabel="output")
    links = matrix.count()
    axes.set_title(
        f"{TITLES[wires.kind]}\n{links} connections, {weights} weights",
        fontsize="medium",
    )
    return axes


def _colours(wires: Wiring) -> Array:
    """Return a colour for each number of the flattened kernel."""
    windows, filters = wires.windows, wires.filters
    taps = windows.patch_size
    if wires.kind == "dense":  # each unit is a location with one filter
        hues, lights, order = taps, filters, (1, 0)
    elif wires.has_shared_weights:
        return _hues(taps * filters)
    else:
        hues, lights, order = taps * filters, windows.locations, (0, 1)
    share = np.linspace(-0.45, 0.65, lights)[:, None, None]  # of black or of white
    base = _hues(hues)[None]
    blended = base + np.where(share < 0, share * base, share * (1 - base))
    found: Array = blended.transpose(*order, 2).reshape(-1, 3)
    return found


def _hues(count: int) -> Array:
    from matplotlib.colors import to_rgb

    if count <= len(WHEEL):
        return np.array([to_rgb(colour) for colour in WHEEL[:count]])
    return np.array([colorsys.hls_to_rgb(i / count, 0.5, 0.7) for i in range(count)])


def _weight_numbers(wires: Wiring) -> Any:
    """Return the masked matrix of indices into the flattened kernel of the layer."""
    windows, filters = wires.windows, wires.filters
    cells = windows.locations * filters * math.prod(windows.input_shape)
    if cells > MOST_CELLS:
        raise ValueError(
            f"source must have at most {MOST_CELLS} pairs of output and input to be "
            f"drawn, got {cells}"
        )
    kernel_shape = windows.kernel_shape(filters)
    if wires.has_shared_weights:
        shared = _of_shared_kernel(windows, filters)
        numbers = np.broadcast_to(shared, kernel_shape)
    else:
        numbers = np.arange(math.prod(kernel_shape)).reshape(kernel_shape)
    # From 1, since 0 means no connection; floats hold such integers exactly.
    found = local_conv_matrix(
        numbers + 1.0,
        windows.input_shape,
        kernel_size=windows.kernel_size,
        strides=windows.strides,
        padding=windows.pads,
        dilation_rate=windows.dilation_rate,
        data_format=windows.data_format,
    )
    if not found.nnz:
        raise ValueError(
            "source must connect an output with an input to be drawn, got windows "
            f"over an input of shape {windows.input_shape} that read none of it"
        )
    dense = found.toarray().astype(np.int64) - 1
    return np.ma.masked_where(dense < 0, dense)


def _of_shared_kernel(windows: Geometry, filters: int) -> Array:
    """Return the indices into a kernel (*R, C, F), in the order of the patches."""
    shape = (*windows.kernel_size, windows.channels, filters)
    numbers = np.arange(math.prod(shape)).reshape(shape)
    if not windows.channels_last:
        numbers = np.moveaxis(numbers, -2, 0)
    return numbers.reshape(windows.patch_size, filters)


def _write_numbers(ax: Any, matrix: Any, colours: Array) -> None:
    luminance = colours @ np.array([0.3, 0.59, 0.11])
    for i, j in np.argwhere(~np.ma.getmaskarray(matrix)):
        number = int(matrix[i, j])
        colour = "white" if luminance[number] < 0.5 else "black"
        ax.text(j, i, str(number), ha="center", va="center", color=colour, fontsize=8)
