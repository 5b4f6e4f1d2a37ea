"""Numbers of weights against what they are worth."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _arrays, _validate, initializers
from .._typing import Array
from ..geometry import Geometry
from .style import (
    BLUE,
    DASHES,
    MARKERS,
    ORANGE,
    ORDER,
    VERMILLION,
    as_label,
    axes_for,
    legend_below,
    rows_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["accuracy_against_parameters", "initial_scale", "links_and_weights"]

RULES = (
    ("convolution", "-", 3.5, "none"),
    ("local: fans as in a convolution", "none", 1.5, "o"),
    ("keras: fans count the locations", "--", 1.8, "s"),
)


def links_and_weights(
    table: Mapping[str, tuple[int, int]], *, ax: "Axes | None" = None
) -> "Axes":
    """
    Show how many connections networks have, and how many free weights.

    Parameters
    ----------
    table : mapping of str to (int, int)
        For each network its links and its free weights, both positive.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Two bars for each network, from the top in the order of the table.

    Raises
    ------
    ValueError
        If `table` is empty or holds something else.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    Examples
    --------
    >>> ax = links_and_weights({"Net-1": (2570, 2570), "Net-5": (5194, 1060)})
    >>> [int(bar.get_width()) for bar in ax.containers[1]]
    [2570, 1060]
    """
    rows = rows_of("table", table)
    counts = [_pair(label, value) for label, value in rows]
    axes = axes_for(ax, size=(6.4, 1.0 + 0.65 * len(rows)))
    places = np.arange(len(rows))
    looks = (("links", BLUE, -0.2), ("weights", ORANGE, 0.2))
    for column, (label, colour, shift) in enumerate(looks):
        bars = axes.barh(
            places + shift,
            [float(pair[column]) for pair in counts],
            height=0.38,
            color=colour,
            edgecolor="black",
            linewidth=0.6,
            label=label,
        )
        numbers = [_in_words(pair[column], label) for pair in counts]
        axes.bar_label(bars, numbers, padding=3, fontsize="small")
    axes.set_xscale("log")
    low, high = min(map(min, counts)), max(map(max, counts))
    start = 10.0 ** math.floor(math.log10(low) - 0.3)
    axes.set_xlim(start, high * (high / start) ** 0.4)  # room for the numbers
    axes.set_yticks(places, [as_label(label) for label, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("number (logarithmic)")
    axes.set_title("Links and free weights", fontsize="medium")
    return axes


def _in_words(count: int, label: str) -> str:
    return f"{count} {label if count > 1 else label.removesuffix('s')}"


def _pair(label: str, value: Any) -> tuple[int, int]:
    try:
        links, weights = value
        return (
            _validate.whole("links", links, minimum=1),
            _validate.whole("weights", weights, minimum=1),
        )
    except (TypeError, ValueError):
        raise ValueError(
            "table must hold a pair of integers >= 1, links and free weights, "
            f"got {_validate.shown(value)} for {label!r}"
        ) from None


def accuracy_against_parameters(
    results: Mapping[str, Sequence[tuple[int, Sequence[float]]]],
    *,
    ax: "Axes | None" = None,
) -> "Axes":
    """
    Show what accuracy kinds of networks reach with how many parameters.

    Parameters
    ----------
    results : mapping of str to sequence of (int, sequence of float)
        For each kind its networks: the number of free parameters, and the accuracies
        from 0 to 1 that it reached from different seeds.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        A faint point for every seed; a line through the means, with bars of one
        standard deviation (of the sample, with n - 1) where there is more than one, cut
        off at 0 % and 100 %.

    Raises
    ------
    ValueError
        If `results` is empty or holds something else.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    Examples
    --------
    >>> ax = accuracy_against_parameters(
    ...     {"local": [(1000, [0.91, 0.93]), (4000, [0.95, 0.96])]}
    ... )
    >>> ax.containers[0].lines[0].get_ydata()
    array([92. , 95.5])
    """
    kinds = [
        (label, sorted(_networks(label, value), key=lambda network: network[0]))
        for label, value in rows_of("results", results)
    ]
    axes = axes_for(ax)
    for i, (label, networks) in enumerate(kinds):
        colour, marker = ORDER[i % len(ORDER)], MARKERS[i % len(MARKERS)]
        every = [(count, value) for count, values in networks for value in values]
        x, y = zip(*every, strict=True)
        (seeds,) = axes.plot(
            x, y, marker, color=colour, alpha=0.35, markersize=4, markeredgewidth=0
        )
        seeds.sticky_edges.y.extend([0.0, 100.0])  # where the margin ends
        means = np.array([values.mean() for _, values in networks])
        spreads = np.array([_spread(values) for _, values in networks])
        axes.errorbar(
            [count for count, _ in networks],
            means,
            # No accuracy lies below 0 % or above 100 %.
            np.stack([np.minimum(spreads, means), np.minimum(spreads, 100 - means)]),
            color=colour,
            marker=marker,
            linestyle=DASHES[i % len(DASHES)],
            markeredgecolor="black",
            markeredgewidth=0.6,
            capsize=3,
            label=as_label(label),
        )
    axes.set_xscale("log")
    axes.set(xlabel="free parameters (logarithmic)", ylabel="accuracy (%)")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    counts = {len(values) for _, networks in kinds for _, values in networks}
    most = max(counts)
    some = f"{most}" if len(counts) == 1 else f"{min(counts)} to {most}"
    spread = "mean and standard deviation" if most > 1 else "one training"
    axes.set_title(
        f"Accuracy against parameters\n{spread}, {some} seed{'s' * (most > 1)}",
        fontsize="medium",
    )
    legend_below(axes, ncols=min(3, len(kinds)), fontsize="small")
    return axes


def _spread(values: Array) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _networks(label: str, value: Any) -> list[tuple[int, Array]]:
    """Return one kind of networks, its accuracies in percent."""
    found = []
    try:
        for parameters, accuracies in value:
            array = np.atleast_1d(_arrays.real_numbers("accuracies", accuracies))
            if (
                array.ndim != 1
                or not array.size
                or not ((array >= 0) & (array <= 1)).all()
            ):
                raise ValueError
            count = _validate.whole("parameters", parameters, minimum=1)
            found.append((count, 100.0 * array))
    except (TypeError, ValueError):
        found = []
    if not found:
        raise ValueError(
            "results must hold lists of (parameters, accuracies from 0 to 1), "
            f"got {_validate.shown(value)} for {label!r}"
        )
    return found


def initial_scale(
    sizes: Sequence[int],
    *,
    filters: int = 16,
    kernel_size: int = 3,
    channels: int = 1,
    rank: int = 2,
    initializer: Any = "glorot_uniform",
    ax: "Axes | None" = None,
) -> "Axes":
    """
    Show how small a locally connected layer starts, by its rule for fans.

    Keras counts the locations among the inputs and outputs of a kernel, so that the
    weights of a large layer start near zero. With ``fans="local"`` they start at the
    scale of the convolution that the layer replaces.

    Parameters
    ----------
    sizes : sequence of int
        Lengths of the input along each spatial axis.
    filters, kernel_size, channels, rank : int
        Of the layers.
    initializer : str or VarianceScaling
        Of the kernels.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Three lines: convolution, ``fans="local"`` and ``fans="keras"``; locations from
        left to right, the standard deviation of a weight upwards.

    Raises
    ------
    ValueError
        If an argument breaks its rule, a size is too small for a window, or the
        initializer does not scale with fans.
    ImportError
        If matplotlib, of the extra ``plot``, is not installed.

    See Also
    --------
    localnet.initializers.compute_fans : The rule of Keras.

    Examples
    --------
    >>> ax = initial_scale([4, 8, 16], filters=1)
    >>> for line in ax.get_lines():
    ...     print(line.get_ydata().round(3))
    [0.333 0.333 0.333]
    [0.333 0.333 0.333]
    [0.224 0.075 0.032]
    """
    draws = initializers.get(initializer)
    if not isinstance(draws, initializers.VarianceScaling):
        raise ValueError(
            "initializer must be of the VarianceScaling family, "
            f"got {type(draws).__name__}"
        )
    filters = _validate.whole("filters", filters, minimum=1)
    channels = _validate.whole("channels", channels, minimum=1)
    rank = _validate.whole("rank", rank, minimum=1)
    lengths = _validate.shape("sizes", sizes, minimum=1)
    if not lengths:
        raise ValueError(
            f"sizes must hold a length of the input, got {_validate.shown(sizes)}"
        )
    layers = [
        Geometry.of((*(length,) * rank, channels), kernel_size=kernel_size)
        for length in sorted(lengths)
    ]
    shared = (*layers[0].kernel_size, channels, filters)
    convolution = draws.stddev(*initializers.compute_fans(shared))
    keras = [
        draws.stddev(*initializers.compute_fans(layer.kernel_shape(filters)))
        for layer in layers
    ]
    axes = axes_for(ax)
    values = ([convolution] * len(layers), [convolution] * len(layers), keras)
    colours = (ORANGE, BLUE, VERMILLION)
    locations = [layer.locations for layer in layers]
    for y, (label, dash, width, marker), colour in zip(
        values, RULES, colours, strict=True
    ):
        axes.plot(
            locations,
            np.array(y),
            linestyle=dash,
            linewidth=width,
            marker=marker,
            color=colour,
            label=label,
        )
    axes.set(xscale="log", yscale="log", xlabel="locations L (logarithmic)")
    axes.set_ylabel("standard deviation")
    window = "x".join(map(str, layers[0].kernel_size))
    axes.set_title(
        f"Initial scale of a weight, {type(draws).__name__}\n{window} windows, "
        f"{channels} channel{'s' * (channels > 1)}, "
        f"{filters} filter{'s' * (filters > 1)}",
        fontsize="medium",
    )
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    legend_below(axes, fontsize="small")
    return axes
