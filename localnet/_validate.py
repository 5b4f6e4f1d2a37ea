"""
Argument errors in one voice: ``<name> must be <rule>, got <value>``.

Every check returns the value in its normal form, so that a constructor reads as a list
of assignments. A check raises ``ValueError`` with a single string and changes nothing.
"""

import difflib
import inspect
import math
import operator
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from typing import Any

import numpy as np

from ._typing import Shape

__all__ = [
    "Checked",
    "assign",
    "callable_",
    "choice",
    "dtype",
    "file",
    "flag",
    "fraction",
    "function",
    "generator",
    "generator_of",
    "instance",
    "integer",
    "is_word",
    "items",
    "misfit",
    "named",
    "number",
    "optional_integer",
    "optional_number",
    "optional_text",
    "pairs",
    "path",
    "seed",
    "shape",
    "shown",
    "sizes",
    "suggestion",
    "text",
    "whole",
]


# What can be gone through, but holds no items of its own, or none in an order.
NO_SEQUENCES = (str, bytes, bytearray, memoryview, Mapping, Set)
# What strides, kernels and margins can be: no memory has more addresses, and sums of
# them fit into 64 bits.
LARGEST = 2**48
# Axes of a NumPy array.
MOST_AXES = 64
# What counts can be: how many items a sequence has at most, wherever they are compared
# and added up.
MOST = sys.maxsize
# How many characters of a value errors quote.
QUOTED = 200


class Checked:
    """
    An attribute that is checked whenever it is set, in a class with `assign`.

    It lies in the instance under its own name, so that reading it costs nothing.

    Parameters
    ----------
    check : callable
        One of these functions.
    **bounds
        Its further arguments.
    """

    def __init__(self, check: Callable[..., Any], **bounds: Any) -> None:
        self.check, self.bounds = check, bounds

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        kind = type(instance).__name__
        raise AttributeError(f"{kind!r} object has no attribute {self.name!r}")


def assign(self: Any, name: str, value: Any) -> None:
    """Set an attribute, checked if its class says so: for ``__setattr__``."""
    attribute = getattr(type(self), name, None)
    if type(attribute) is Checked:
        value = attribute.check(name, value, **attribute.bounds)
    object.__setattr__(self, name, value)


def shown(value: object) -> str:
    """
    Return how errors quote `value`: its repr, or its type if the repr fails.

    A long one keeps both its ends, and the end of a path with it.
    """
    try:
        text = repr(value)
    except Exception:  # also an int of more digits than Python writes
        kind = type(value).__name__
        text = f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"
    if len(text) <= QUOTED:
        return text
    half = (QUOTED - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def items(name: str, value: Any, rule: str) -> list[Any]:
    """Return the items of a sequence; refuse what has none in an order by the rule."""
    try:
        if not isinstance(value, NO_SEQUENCES):
            return list(value)
    except Exception:  # also a KeyError: not everything with a length is a sequence
        pass
    raise ValueError(f"{name} must be {rule}, got {shown(value)}")


def suggestion(word: object, words: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest of `words`, or nothing."""
    known = {w.lower(): w for w in words}
    asked = word if isinstance(word, str) else shown(word)
    near = difflib.get_close_matches(asked[:QUOTED].lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {known[near[0]]!r}?" if near else ""


def misfit(function: Any, *arguments: object, **named: object) -> str:
    """Say why a function cannot be called with the arguments; nothing if it can."""
    if not callable(function):
        return f"{shown(function)} is not a callable object"
    try:
        if isinstance(function, np.ufunc) and len(arguments) != function.nin:
            return f"it takes another number of arrays, {function.nin}"
        inspect.signature(function).bind(*arguments, **named)
    except ValueError:  # a built-in without a signature
        return ""
    except TypeError as error:
        return str(error)
    return ""


def function(name: str, value: Any, *arguments: str, **named: object) -> None:
    """Refuse what cannot be called with arguments of these names; the last by name."""
    why = misfit(value, *arguments, **named)
    if why:
        names = ", ".join((*arguments, *named))
        raise ValueError(f"{name} must take ({names}), got {shown(value)}: {why}")


def callable_(name: str, value: Any) -> None:
    """Refuse what cannot be called, whatever its arguments are."""
    if not callable(value):
        raise ValueError(f"{name} must be callable, got {shown(value)}")


def choice(name: str, value: object, words: Sequence[str]) -> str:
    """Return `value` in lower case if it is one of `words`, whatever its case."""
    if isinstance(value, str) and value.lower() in words:
        return value.lower()
    listed = ", ".join(repr(w) for w in words)
    raise ValueError(
        f"{name} must be one of {listed}, got {shown(value)}{suggestion(value, words)}"
    )


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool: a bool of Python or NumPy, 0 or 1; no string is one."""
    if value is True or value is False:
        return value
    is_number = isinstance(value, (int, np.integer)) and not _no_number(value)
    if isinstance(value, np.bool) or (is_number and value in (0, 1)):
        return bool(value)
    raise ValueError(f"{name} must be True or False, got {shown(value)}")


def _no_number(value: Any) -> bool:
    """Whether `value` is what Python and NumPy count as a number, and nobody else."""
    return isinstance(value, (bool, np.bool, np.timedelta64))


def _index(value: Any) -> int | None:
    """Return `value` as a Python int, or None if it is no integer; no bool is one."""
    try:
        return None if _no_number(value) else operator.index(value)
    except TypeError:
        return None


def is_word(value: Any, word: str) -> bool:
    """Tell whether a value, which may be an array, is a word."""
    return isinstance(value, str) and value == word


def integer(name: str, value: Any, *, minimum: int, maximum: int | None = None) -> int:
    """
    Return `value` as a Python int inside the bounds; no float or bool is one.

    Without a `maximum`, it is a count: no more than a sequence can hold.
    """
    result = _index(value)
    most = MOST if maximum is None else maximum
    if result is None or not minimum <= result <= most:
        rule = f"an integer >= {minimum}"
        if maximum is not None or (result is not None and result > most):
            rule += f" and <= {most}"
        raise ValueError(f"{name} must be {rule}, got {shown(value)}")
    return result


def any_axis(value: Any) -> int:
    """Return an `axis` as a Python int that some array of NumPy has."""
    return integer("axis", value, minimum=-MOST_AXES, maximum=MOST_AXES - 1)


def whole(name: str, value: Any, *, minimum: int) -> int:
    """Return `value` as a Python int of at least `minimum`, of any size."""
    result = _index(value)
    if result is None or result < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}, got {shown(value)}")
    return result


def seed(name: str, value: Any) -> int:
    """Return `value` as a Python int of at least 0, of any size."""
    return whole(name, value, minimum=0)


def number(
    name: str,
    value: Any,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    open_minimum: bool = False,
    open_maximum: bool = False,
) -> float:
    """Return `value` as a finite Python float inside the bounds; open, not on them."""
    is_number = type(value) is float or (
        isinstance(value, (int, float, np.integer, np.floating))
        and not _no_number(value)
    )
    try:
        result = float(value) if is_number else math.nan
    except OverflowError:  # an int beyond the range of floats
        result = math.inf
    above = result > minimum if open_minimum else result >= minimum
    below = result < maximum if open_maximum else result <= maximum
    if not (math.isfinite(result) and above and below):
        bounds = []
        if minimum > -math.inf:
            bounds.append(f"{'>' if open_minimum else '>='} {minimum:g}")
        if maximum < math.inf:
            bounds.append(f"{'<' if open_maximum else '<='} {maximum:g}")
        rule = " ".join(["a finite number", " and ".join(bounds)]).strip()
        raise ValueError(f"{name} must be {rule}, got {shown(value)}")
    return result


def fraction(name: str, value: Any) -> float:
    """Return `value` as a float from 0 to below 1."""
    return number(name, value, minimum=0.0, maximum=1.0, open_maximum=True)


def optional_number(
    name: str, value: Any, *, minimum: float = -math.inf
) -> float | None:
    """Return None for None, else `value` as a finite float of at least `minimum`."""
    return None if value is None else number(name, value, minimum=minimum)


def optional_integer(name: str, value: Any, *, minimum: int) -> int | None:
    """Return None for None, else `value` as an int of at least `minimum`."""
    return None if value is None else integer(name, value, minimum=minimum)


def text(name: str, value: Any) -> str:
    """Return `value` if it is a string."""
    if isinstance(value, str):
        return value
    raise ValueError(f"{name} must be a string, got {shown(value)}")


def optional_text(name: str, value: Any) -> str | None:
    """Return None for None, else `value` if it is a string."""
    return None if value is None else text(name, value)


def named(name: str, value: Any) -> dict[str, Any]:
    """Return a mapping from names to anything as a dict; None is an empty one."""
    if value is None:
        return {}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise ValueError(f"{name} must be a dict with strings as keys, got {shown(value)}")


def generator(name: str, value: Any) -> np.random.Generator:
    """Return `value` if it is a source of random numbers."""
    if not isinstance(value, np.random.Generator):
        raise ValueError(f"{name} must be a numpy.random.Generator, got {shown(value)}")
    return value


def generator_of(name: str, value: Any) -> np.random.Generator:
    """Return a source of random numbers for a seed; one that is given stays it."""
    if not _no_number(value):
        with suppress(Exception):  # NumPy writes the repr of what it refuses
            return np.random.default_rng(value)
    raise ValueError(
        f"{name} must be an integer >= 0, None or a numpy.random.Generator, got "
        f"{shown(value)}"
    )


def dtype(name: str, value: Any) -> np.dtype:
    """Return the dtype that a name, a type or a dtype stands for; None is none."""
    try:
        if isinstance(value, (str, type, np.dtype)):
            return np.dtype(value)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{name} must be one of NumPy's, got {shown(value)}")


def instance(name: str, value: Any, kind: type) -> None:
    """Refuse what is not of the kind that only localnet makes."""
    if not isinstance(value, kind):
        raise ValueError(
            f"{name} must be of type {kind.__name__}, got {type(value).__name__}"
        )


def path(name: str, value: Any) -> str:
    """Return a str or path-like `value` as a str that a system can take."""
    try:
        result = os.fspath(value)
    except TypeError:
        result = None
    if not isinstance(result, str):
        raise ValueError(f"{name} must be a str or path-like, got {shown(value)}")
    if "\0" in result:
        raise ValueError(f"{name} must hold no NUL, got {shown(value)}")
    try:
        os.fsencode(result)
    except UnicodeEncodeError:
        raise ValueError(
            f"{name} must be text that a file system can take, got {shown(value)}"
        ) from None
    return result


def file(name: str, value: Any) -> str:
    """Return what `path` does, unless it names nothing."""
    result = path(name, value)
    if not result:
        raise ValueError(f"{name} must name a file, got ''")
    return result


def sizes(name: str, value: Any, n: int, *, minimum: int = 1) -> Shape:
    """
    Return `value` as a tuple of `n` ints: one Python int is repeated `n` times.

    As in Keras 2, a NumPy integer or a float is not an int here, while the items of a
    sequence may be of any integer type.
    """
    tuples = f"a tuple of {n} integer{'s' if n > 1 else ''}"
    rule = f"an integer or {tuples} >= {minimum}"
    given = [value] * n if isinstance(value, int) else items(name, value, rule)
    try:
        result = tuple(operator.index(i) for i in given if not _no_number(i))
    except TypeError:
        result = ()
    if len(result) == n and any(size > LARGEST for size in result):
        rule += f" and <= {LARGEST}"
    elif len(result) == n and all(size >= minimum for size in result):
        return result
    raise ValueError(f"{name} must be {rule}, got {shown(value)}")


def pairs(name: str, value: Any, n: int) -> tuple[tuple[int, int], ...]:
    """
    Return `value` as `n` pairs (before, after) of ints >= 0, in all of Keras's forms.

    One int serves both ends of every axis, and one int per axis both ends of it. A
    single axis takes its pair as it is.
    """
    each = "" if n == 1 else f", or {n} of these"
    rule = f"an integer or a pair of integers >= 0{each}"
    one = n == 1 or isinstance(value, int)
    given = [value] * n if one else items(name, value, rule)
    try:
        before_and_after = [sizes(name, item, 2, minimum=0) for item in given]
    except ValueError:
        before_and_after = []
    if len(before_and_after) != n:
        raise ValueError(f"{name} must be {rule}, got {shown(value)}")
    return tuple((before, after) for before, after in before_and_after)


def shape(name: str, value: Any, *, minimum: int = 0) -> Shape:
    """Return `value` as a tuple of ints of at least `minimum`, as many as there are."""
    rule = f"a tuple of integers >= {minimum}"
    given = items(name, value, rule)
    try:
        result = tuple(
            minimum - 1 if _no_number(i) else operator.index(i) for i in given
        )
    except TypeError:
        result = (minimum - 1,)
    if any(size < minimum for size in result):
        raise ValueError(f"{name} must be {rule}, got {shown(value)}")
    return result
