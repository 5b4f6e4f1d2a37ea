"""
Cases in which one operand is another, and nothing else.

Whoever knows a call by all operands but one gives the answer of the call before; so
does who knows one by its sum, by its ends, or by every second number of it.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from ..._typing import Array
from ..case import Case
from .answered import answered

__all__ = ["OPERANDS", "negated", "nudged", "odd", "swapped"]

OPERANDS = ("x", "kernel", "bias", "mixture", "dy", "kernel2", "bias2")
# So many numbers at both ends are left as they are.
ENDS = 8
# What three decimals do not show, and float32 has bits for.
LITTLE = 2.0**-12


def negated(case: Case, name: str) -> Case | None:
    """Return a case in which an operand has the other sign, and no other operand."""
    array = getattr(case, name)
    if array is None or not array.size:
        return None
    found = _opposite(case, array)
    if case.kind == "batch_norm" and name == "mixture":
        found = np.stack([found[0], array[1]])  # variances have no sign
    return _with(case, name, found)


def swapped(case: Case, name: str) -> Case | None:
    """Return a case in which two numbers of an operand have changed places."""
    array = getattr(case, name)
    if array is None or array.size < 2:
        return None
    for one, other in _neighbours(case, name, array):
        found = array.ravel().copy()
        if found[one] != found[other]:
            found[[one, other]] = found[[other, one]]
            if changed := _with(case, name, found.reshape(array.shape)):
                return changed
    return None


def odd(case: Case, name: str) -> Case | None:
    """Return a case with another number at an odd place, far from both ends."""
    array = getattr(case, name)
    if array is None or array.size <= 2 * ENDS + 1:
        return None
    means = case.kind == "batch_norm" and name == "mixture"
    end = min(array.size - ENDS, array.size // 2 if means else array.size)
    middle = array.size // 2
    places = [place for place in range(ENDS, end) if place % 2 and array.flat[place]]
    for place in sorted(places, key=lambda place: abs(place - middle))[:ENDS]:
        found = array.ravel().copy()
        found[place] = _opposite(case, found[place])
        if changed := _with(case, name, found.reshape(array.shape)):
            return changed
    return None


def nudged(case: Case, name: str) -> Case | None:
    """Return a case in which a number is another, by so little that it looks alike."""
    array = getattr(case, name)
    means = case.kind == "batch_norm" and name == "mixture"
    if array is None or means or case.precision not in ("float32", "float64"):
        return None
    found = array.copy()
    found.flat[array.size // 2 : array.size // 2 + 1] += LITTLE
    return _with(case, name, found)


def _opposite(case: Case, values: Any) -> Any:
    """Return values with the other sign; of integers those that int8 holds as well."""
    return -1 - values if case.kind in ("int8", "fixed_point") else -values


def _neighbours(case: Case, name: str, array: Array) -> Iterator[tuple[int, int]]:
    """Yield places beside each other; of a channel, if its variance must stay."""
    apart = 1
    if case.kind == "batch_norm" and name in ("x", "dy"):
        last = case.config["data_format"] == "channels_last"
        apart = case.config["channels"] if last else 1
    means = case.kind == "batch_norm" and name == "mixture"
    size = array.size // 2 if means else array.size
    middle = size // 2
    for shift in range(0, middle, apart):
        for one in (middle + shift, middle - shift - apart):
            if one >= 0 and one + apart < size:
                yield one, one + apart
        if shift > 4 * ENDS * apart:
            return


def _with(case: Case, name: str, array: Array) -> Case | None:
    """Return a case with another array, if it has other answers, and exact ones."""
    changed: dict[str, Any] = {name: array}
    with suppress(ValueError):
        found = answered(replace(case, **changed))
        keys = found.expected.keys() & case.expected.keys()
        if any(not np.array_equal(found.expected[k], case.expected[k]) for k in keys):
            return found
    return None
