"""
Covering arrays: few rows in which every combination of two values, or three, occurs.

A row is one value for each axis of a problem. Rows are drawn by the suite's own
generator and kept greedily, so that they are the same on every machine.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._typing import Array
from .lehmer import states

__all__ = ["Axes", "Row", "covering", "missing"]

Axes = Mapping[str, Sequence[Any]]
Row = dict[str, Any]
TRIES = 24
# Draws for one combination before it is left out; `missing` tells of it.
PATIENCE = 60


def covering(
    axes: Axes,
    strength: int,
    *,
    also: Sequence[Sequence[str]] = (),
    fits: Callable[[Row], bool] = lambda row: True,
    weight: Callable[[Row], float] = lambda row: 0.0,
    given: Sequence[Row] = (),
    seed: int = 1,
    patience: int = PATIENCE,
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
    patience : int
        Draws for one combination before it is left out, as multiples of `TRIES`.

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
        digits = [places[name].get(row.get(name), -1) for name in axes]
        known = [all(digits[axis] >= 0 for axis in group) for group in groups]
        open_[(np.array(digits) @ steps + starts)[known]] = False
    source = _integers(seed)
    found: list[Row] = []
    while open_.any():
        goal = int(np.argmax(open_))
        group = int(np.searchsorted(starts, goal, side="right")) - 1
        fixed = _digits(goal - int(starts[group]), groups[group], sizes)
        best: tuple[float, Array, Row] | None = None
        for attempt in range(TRIES * patience):
            if best is not None and attempt >= TRIES:
                break
            drawn = [number % size for size, number in zip(sizes, source, strict=False)]
            if attempt >= TRIES:  # nothing fits yet: nearer to the first values
                drawn = [digit * (next(source) % 3 == 0) for digit in drawn]
            for axis, digit in fixed:
                drawn[axis] = digit
            row = {
                name: values[digit]
                for digit, (name, values) in zip(drawn, axes.items(), strict=True)
            }
            if not fits(row):
                continue
            covered = np.array(drawn) @ steps + starts
            score = float(np.count_nonzero(open_[covered])) - weight(row)
            if best is None or score > best[0]:
                best = score, covered, row
        if best is None:
            open_[goal] = False
            continue
        open_[best[1]] = False
        found.append(best[2])
    return found


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


def _integers(seed: int) -> Any:
    """Yield the states of the generator without their lowest bits."""
    while True:
        block = states(seed, 4096)
        yield from (block >> 8).tolist()
        seed = int(block[-1])


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
