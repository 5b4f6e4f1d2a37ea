"""
Which kinds of layers a backend has.

A backend that was written for the plain layer knows nothing of variants, and would
compute something else for them. So it is given none, unless it says that it has them.
"""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from ... import _validate
from ..references.connections import VARIANTS
from ..references.others import OTHERS

__all__ = ["KINDS", "computes", "kinds_of", "known_kinds"]

PLAIN = "layer"
KINDS = (PLAIN, *VARIANTS, *OTHERS)
AnyBackend = TypeVar("AnyBackend", bound=Callable[..., Any])


def computes(*kinds: str) -> Callable[[AnyBackend], AnyBackend]:
    """
    Say which kinds of layers a backend has.

    Parameters
    ----------
    *kinds : {"layer", "shared", "low_rank", "conv", "transposed", "pool", \
"batch_norm", "stack", "int8", "fixed_point"}
        Kinds; "layer" is the plain one, which a backend has that says nothing.

    Returns
    -------
    callable
        A decorator, which returns the function itself.

    Raises
    ------
    ValueError
        If there is no such kind.

    See Also
    --------
    check : Gives a backend the cases of these kinds.

    Examples
    --------
    >>> from localnet.golden import check, computes
    >>> @computes("layer", "conv")
    ... def backend(case):
    ...     raise NotImplementedError("not yet")
    >>> report = check(backend, cases=["conv-1d-last", "shared-1d-last"])
    >>> [result.reason for result in report]
    ['the backend does not say that it has shared', 'not yet']
    """
    known = known_kinds(kinds)

    def mark(backend: AnyBackend) -> AnyBackend:
        backend.golden_kinds = known  # type: ignore[attr-defined]
        return backend

    return mark


def kinds_of(backend: Any) -> tuple[str, ...]:
    """Return which kinds a backend says that it has."""
    while not hasattr(backend, "golden_kinds") and hasattr(backend, "func"):
        backend = backend.func  # functools.partial
    return known_kinds(getattr(backend, "golden_kinds", (PLAIN,)))


def known_kinds(kinds: Any) -> tuple[str, ...]:
    """Return kinds as a tuple, or refuse what is none."""
    if isinstance(kinds, str) or not isinstance(kinds, Collection):
        raise ValueError(
            f"kinds must be a collection of names, got {_validate.shown(kinds)}"
        )
    return tuple(_validate.choice("kind", kind, KINDS) for kind in kinds)
