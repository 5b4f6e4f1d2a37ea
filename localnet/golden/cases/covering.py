"""
Covering arrays: few rows in which every combination of two values, or three, occurs.

A row is one value for each axis of a problem. Rows are drawn by the suite's own
generator and kept greedily, so that they are the same on every machine.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._typing import Array
from .lehmer import states

__all__ = ["Axes", "Row", "covering", "missing"]

Axes = Mapping[str, Sequence[Any]]
Row = dict[str, Any]
TRIES = 24
# So often as many draws, before a combination is left out; `missing` tells of it.
PATIENCE = 6


def covering(
    axes: Axes,
    strength: int,
    *,
    also: Sequence[Sequence[str]] = (),
    fits: Callable[[Row], bool] = lambda row: True,
    weight: Callable[[Row], float] = lambda row: 0.0,
    given: Sequence[Row] = (),
    seed: int = 1,
) -> list[Row]:
    """
    Return rows that have every combination of values of so many axes.

    Parameters
    ----------
    axes : mapping of str to sequence
        The values of every axis, the plainest first.
    strength : int
        2 for pairs, 3 for triples.
    also : sequence of sequence of str
        Axes of which every combination must stand, too, however many they are.
    fits : callable
        Of a row: whether it may be used. A combination of which no row fits is left
        out.
    weight : callable
        Of a row: what it costs, counted in combinations.
    given : sequence of dict
        Rows that there are already.
    seed : int
        Of the generator.

    Returns
    -------
    list of dict
        The new rows.

    Examples
    --------
    Four rows are enough for all pairs of three axes of two values:

    >>> rows = covering({"a": (0, 1), "b": (0, 1), "c": (0, 1)}, 2)
    >>> len(rows), missing({"a": (0, 1), "b": (0, 1)}, 2, rows)
    (4, [])
    """
    sizes = [len(values) for values in axes.values()]
    groups = list(itertools.combinations(range(len(sizes)), strength))
    order = list(axes)
    groups += [tuple(sorted(map(order.index, names))) for names in also]
    starts, steps, total = _places(sizes, groups)
    places = {
        name: {value: n for n, value in enumerate(values)}
        for name, values in axes.items()
    }
    open_ = np.ones(total, bool)
    for row in given:
        digits = np.array([places[name].get(row.get(name), -1) for name in axes])
        unknown = (digits < 0) @ (steps > 0)  # a group with such an axis
        open_[(digits @ steps + starts)[~unknown]] = False
    draw = _Source(seed)
    found: list[Row] = []
    while open_.any():
        goal = int(np.argmax(open_))
        group = int(np.searchsorted(starts, goal, side="right")) - 1
        fixed = _digits(goal - int(starts[group]), groups[group], sizes)
        for trial in range(PATIENCE):
            drawn = draw(TRIES, len(sizes)) % sizes
            if trial:  # nothing fits yet: nearer to the first values
                drawn *= draw(TRIES, len(sizes)) % 3 == 0
            for axis, digit in fixed:
                drawn[:, axis] = digit
            covered = drawn @ steps + starts
            best = _best(drawn, open_[covered].sum(1), axes, fits, weight)
            if best is not None:
                open_[covered[best[0]]] = False
                found.append(best[1])
                break
        else:
            open_[goal] = False
    return found


def _best(
    drawn: Array,
    gains: Array,
    axes: Axes,
    fits: Callable[[Row], bool],
    weight: Callable[[Row], float],
) -> tuple[int, Row] | None:
    """Return which row that fits gains most for what it weighs, and the row."""
    best: tuple[int, Row] | None = None
    most, digits, gain = -math.inf, drawn.tolist(), gains.tolist()
    for number in np.argsort(-gains, kind="stable").tolist():
        if gain[number] <= most:
            break  # those that are left gain less, whatever they weigh
        row = {
            name: values[digit]
            for (name, values), digit in zip(axes.items(), digits[number], strict=True)
        }
        if fits(row) and (score := gain[number] - weight(row)) > most:
            most, best = score, (number, row)
    return best


def missing(axes: Axes, strength: int, rows: Sequence[Row]) -> list[Row]:
    """
    Return the combinations of values that no row has.

    Parameters
    ----------
    axes : mapping of str to sequence
        The values of every axis.
    strength : int
        2 for pairs, 3 for triples.
    rows : sequence of dict
        What there is.

    Returns
    -------
    list of dict
        Each with so many axes.
    """
    found = []
    for names in itertools.combinations(axes, strength):
        there = {tuple(row.get(name) for name in names) for row in rows}
        for values in itertools.product(*(axes[name] for name in names)):
            if values not in there:
                found.append(dict(zip(names, values, strict=True)))
    return found


class _Source:
    """The states of the generator without their lowest bits, one after another."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, *shape: int) -> Array:
        """Return the next ones in an array."""
        block = states(self.seed, math.prod(shape))
        self.seed = int(block[-1])
        return (block >> 8).reshape(shape)


def _places(
    sizes: Sequence[int], groups: Sequence[tuple[int, ...]]
) -> tuple[Array, Array, int]:
    """Return numbers by which ``digits @ steps + starts`` are a row's combinations."""
    steps = np.zeros((len(sizes), len(groups)), np.int64)
    starts = np.zeros(len(groups), np.int64)
    total = 0
    for number, group in enumerate(groups):
        starts[number] = total
        factor = 1
        for axis in reversed(group):
            steps[axis, number] = factor
            factor *= sizes[axis]
        total += factor
    return starts, steps, total


def _digits(
    number: int, group: tuple[int, ...], sizes: Sequence[int]
) -> list[tuple[int, int]]:
    """Return axes and values of one numbered combination."""
    found = []
    for axis in reversed(group):
        number, digit = divmod(number, sizes[axis])
        found.append((axis, digit))
    return found
