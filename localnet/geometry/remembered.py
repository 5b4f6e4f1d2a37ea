"""Answers that are remembered: a model asks for the same few again and again."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

__all__ = ["remembered"]

T = TypeVar("T")

PLAIN = frozenset((int, str, float, type, type(None)))


def remembered(function: Callable[..., T]) -> Callable[..., T]:
    """Return a function that answers the same arguments at once, if they are plain."""
    # Typed, since 1, 1.0 and True are equal and not all of them are right.
    known = lru_cache(maxsize=256, typed=True)(function)

    @wraps(function)
    def answer(*arguments: Any) -> T:
        return (known if all(map(is_plain, arguments)) else function)(*arguments)

    return answer


def is_plain(value: Any) -> bool:
    """Tell whether `value` is text, a number, a tuple of ints, a class, or None."""
    kind = type(value)
    return kind in PLAIN or (kind is tuple and is_plain_tuple(value))


def is_plain_tuple(value: Any) -> bool:
    """Tell whether `value` is a tuple of (tuples of) ints and only that."""
    # The types inside a tuple are what `typed` does not see.
    others = [item for item in value if type(item) is not int]
    return not others or all(type(i) is tuple and is_plain_tuple(i) for i in others)
