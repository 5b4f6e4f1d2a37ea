"""The cases of the default suite, family by family."""

from collections.abc import Callable, Iterable

from .bounded import BOUNDED
from .exact import EXACT
from .layers import spread
from .numbers import NUMBERS
from .specs import Spec

__all__ = ["FAMILIES", "specs"]

FAMILIES: dict[str, Callable[[], Iterable[Spec]]] = {
    family.__name__: family for family in (*EXACT, *BOUNDED, *NUMBERS, spread)
}


def specs() -> list[Spec]:
    """
    Return what the default suite is made of.

    Returns
    -------
    list of Spec
        In the order of the manifest.
    """
    return [spec for family in FAMILIES.values() for spec in family()]
