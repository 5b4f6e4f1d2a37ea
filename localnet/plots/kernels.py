"""What a layer has learned, laid out by location."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _validate
from .._typing import Shape
from ..geometry import Geometry
from ..layers import Layer
from ..ops import patch_indices
from .style import LIGHT, axes_for, bar_beside, spaced
from .wiring import Wiring, wiring

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["filters"]

MOST_GAPPED = 240  # cells along an axis between whose windows there is a gap


def filters(
    layer: Layer,
    *,
    filter: int | None = None,
    location: int | Shape | None = None,
    channel: int = 0,
    input_shape: Shape | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """
    Show the weights of a layer as small images on one scale of colours.

    A locally connected layer has a window of weights at every location: one filter is
    drawn, each of its windows where it lies. The filters of a convolution or a dense
    layer, or those of one location, stand side by side.

    Parameters
    ----------
    layer : Layer
        Built: dense, locally connected or convolution, with one or two spatial axes.
    filter : int, optional
        Which filter of a locally connected layer to draw at all locations; default 0.
    location : int or tuple of int, optional
        Draw all filters at this location instead.
    channel : int
        Which channel of the input the weights belong to.
    input_shape : tuple of int, optional
        Shape of one sample, (*S, C): how the input of a `Dense` layer is laid out, or
        the input of a convolution that was built without its sizes.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Its image holds the windows side by side, with gaps of one cell where there is
        room for them. Gaps and taps on padding, which are no weights, are masked and
        grey. With one spatial axis a window is a column.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or both `filter` and `location` are given.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    See Also
    --------
    receptive_field : Where one window lies on the input.

    Examples
    --------
    >>> from localnet.layers import LocallyConnected1D
    >>> layer = LocallyConnected1D(1, 2, kernel_initializer="ones")
    >>> layer.build((None, 4, 1))
    >>> print(filters(layer).get_images()[0].get_array())
    [[1.0 1.0 1.0]
     [1.0 1.0 1.0]]
    """
    if not isinstance(layer, Layer):
        raise ValueError(f"layer must be a layer, got {type(layer).__name__}")
    wires = wiring(layer, input_shape=input_shape)
    windows = wires.windows
    if windows.rank > 2:
        raise ValueError(
            f"layer must have one or two spatial axes to be drawn, got {windows.rank}"
        )
    channel = _index("channel", channel, windows.channels)
    if location is not None and wires.kind != "local":
        raise ValueError(
            "location must be left out for a layer with the same weights everywhere, "
            f"got {_validate.shown(location)}"
        )
    if filter is not None and (location is not None or wires.kind != "local"):
        raise ValueError(
            "filter must be left out where all filters are drawn, got "
            f"{_validate.shown(filter)}"
        )
    if wires.kind == "local" and location is None:
        number = _index("filter", 0 if filter is None else filter, wires.filters)
        numbers = _weights(wires, slice(None))[:, :, number]
        grid, what = (1, *windows.output_sizes)[-2:], "location"
        title = f"filter {number} at {_count(windows.locations, 'location')}"
    else:
        flat, index = wires.location(0 if location is None else location)
        numbers = _weights(wires, flat)[0].T
        grid, what = _near_square(wires.filters, windows.rank), "filter"
        title = _count(wires.filters, "filter")
        if location is not None:
            title += f" of location {index if len(index) > 1 else index[0]}"
    if windows.channels > 1:
        title += f", input channel {channel}"
    tiles = _of_channel(numbers, windows, channel)
    axes = axes_for(ax)
    gap = _gap(grid, tiles.shape[1:], windows.rank)
    _draw(axes, _mosaic(tiles, grid, gap), windows.rank)
    _name_axes(axes, grid, tiles.shape[1:], gap, windows.rank, what)
    axes.set_title(title, fontsize="medium")
    return axes


def _index(name: str, value: Any, count: int) -> int:
    return _validate.integer(name, value, minimum=0, maximum=count - 1)


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count > 1)}"


def _near_square(count: int, rank: int) -> Shape:
    """Return the rows and columns for so many images; a sequence has one row."""
    if rank == 1:
        return (1, count)
    columns = math.ceil(math.sqrt(count))
    return (math.ceil(count / columns), columns)


def _weights(wires: Wiring, location: Any) -> Any:
    """Return the kernel at some locations, (., K, F), masked where a tap is on pads."""
    kernel: Any = wires.kernel
    if wires.kind != "local":
        return np.ma.array(kernel, mask=np.zeros(kernel.shape, bool))
    on_pads = patch_indices(wires.windows) < 0
    mask = np.broadcast_to(on_pads[:, :, np.newaxis], kernel.shape)
    found = np.ma.array(kernel, mask=mask)[location]
    return found.reshape(-1, *kernel.shape[1:])


def _of_channel(numbers: Any, windows: Geometry, channel: int) -> Any:
    """Return the windows (., K) of one channel as images (., rows, columns)."""
    taps = math.prod(windows.kernel_size)
    if windows.channels_last:
        chosen = numbers.reshape(-1, taps, windows.channels)[:, :, channel]
    else:
        chosen = numbers.reshape(-1, windows.channels, taps)[:, channel]
    # A window over a sequence stands upright.
    sizes = windows.kernel_size if windows.rank == 2 else (*windows.kernel_size, 1)
    return chosen.reshape(-1, *sizes)


def _gap(grid: Shape, window: Shape, rank: int) -> int:
    """Return the cells between windows: none where they would hide the weights."""
    cells = max(many * (size + 1) for many, size in zip(grid, window, strict=True))
    return int(rank == 2 and max(window) > 1 and cells <= MOST_GAPPED)


def _mosaic(tiles: Any, grid: Shape, gap: int) -> Any:
    """Return the images as one, row by row, masked between them and past the last."""
    (rows, columns), (height, width) = grid, tiles.shape[1:]
    size = (rows, height + gap, columns, width + gap)
    whole: Any = np.ma.array(np.zeros(size, tiles.dtype), mask=True)
    place = np.unravel_index(np.arange(len(tiles)), (rows, columns))
    for i, j, tile in zip(*place, tiles, strict=True):
        whole[i, :height, j, :width] = tile
    whole = whole.reshape(rows * (height + gap), columns * (width + gap))
    return whole[: len(whole) - gap, : whole.shape[1] - gap]


def _draw(ax: Any, mosaic: Any, rank: int) -> None:
    mask = np.ma.getmaskarray(mosaic) | ~np.isfinite(mosaic.data)
    # float64, in which the range of colours of a wide float32 does not overflow.
    shown: Any = np.ma.array(np.where(mask, 0.0, mosaic.data.astype(float)), mask=mask)
    largest = float(np.abs(shown).max()) if shown.count() else 0.0
    drawn = ax.imshow(
        shown,
        cmap="RdBu_r",
        vmin=-(largest or 1.0),
        vmax=largest or 1.0,
        aspect="equal" if rank == 2 else "auto",
        interpolation="nearest",
    )
    ax.set_facecolor(LIGHT)
    bar_beside(ax, drawn, "weight")


def _name_axes(
    ax: Any, grid: Shape, window: Shape, gap: int, rank: int, what: str
) -> None:
    """Write numbers of images, and of taps where a window is a column, on the axes."""
    (rows, columns), (height, width) = grid, window
    across, down = spaced(columns, 10), spaced(rows, 10)
    ax.set_xticks([j * (width + gap) + (width - 1) / 2 for j in across], across)
    if rank == 1:
        ax.set_yticks(spaced(height, 10))
        ax.set(xlabel=what, ylabel="tap")
        return
    step = columns if what == "filter" else 1
    ticks = [i * (height + gap) + (height - 1) / 2 for i in down]
    ax.set_yticks(ticks, [i * step for i in down])
    if what == "filter":
        ax.set(xlabel="number within the row", ylabel="first filter of the row")
    else:
        ax.set(xlabel="column of the location", ylabel="row of the location")
