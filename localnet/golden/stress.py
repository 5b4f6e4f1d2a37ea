"""
What only some callers hand over: nothing at all, strange layouts, large sizes.

Frameworks give batches of none, arrays that are broadcast (dy of ``sum().backward()``)
or strided, and more locations than a grid of threads has blocks on an axis. A backend
that has no such thing raises NotImplementedError.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .._typing import Array
from ..config import DATA_FORMATS
from .case import INPUTS, Case
from .cases.precisions import precision as format_of
from .problems import problem
from .references.answers import solve
from .references.others import OTHERS
from .suite import at_precision, load_suite

__all__ = ["stress_cases"]

BLOCKS = 65_535  # on an axis of a grid of CUDA
LARGE: dict[str, tuple[str, dict[str, Any]]] = {
    "locations": (
        "more locations than an axis of a grid has blocks",
        {
            "sizes": BLOCKS + 3,
            "kernel_size": 2,
            "batch": 1,
            "channels": 1,
            "filters": 1,
        },
    ),
    "rows": (
        "in two dimensions: more locations than 16 bits count",
        {
            "sizes": (259, 257),
            "kernel_size": 2,
            "batch": 1,
            "channels": 1,
            "filters": 1,
        },
    ),
    "offsets": (
        "no axis is long, but offsets into the kernel need more than 16 bits",
        {"sizes": 131, "kernel_size": 5, "channels": 7, "filters": 17},
    ),
    "outputs": (
        "offsets into y need more than 16 bits, and those into the kernel do not",
        {"sizes": (37, 17), "kernel_size": 1, "batch": 41, "channels": 1, "filters": 3},
    ),
    "samples": (
        "more samples than an axis of a grid has blocks",
        {
            "sizes": 3,
            "kernel_size": 2,
            "batch": BLOCKS + 2,
            "channels": 1,
            "filters": 1,
        },
    ),
    "window": (
        "a sum of thousands of terms",
        {"sizes": 67, "kernel_size": 65, "channels": 63, "filters": 2},
    ),
    "filters": (
        "more filters than a block has threads, or four of them",
        {"sizes": 3, "kernel_size": 2, "channels": 2, "filters": 4 * 1024 + 7},
    ),
}
# More outputs than 16 bits count, of each variant.
LONG = {"kernel_size": 2, "batch": 1, "channels": 1, "filters": 1, "sizes": BLOCKS + 3}
SMALL: dict[str, dict[str, Any]] = {
    "1d": {"sizes": 9, "kernel_size": 3, "strides": 2, "filters": 3},
    "2d": {"sizes": (5, 4), "kernel_size": (2, 3), "channels": 3, "filters": 2},
    "3d": {
        "sizes": (3, 4, 3),
        "kernel_size": (2, 2, 1),
        "pads": ((1, 0),) * 3,
        "filters": 4,
    },
}
VARIANTS: dict[str, dict[str, Any]] = {
    "shared": {"sizes": 9, "kernel_size": 3, "share": 2},
    "low_rank": {"sizes": 9, "kernel_size": 3},
    "conv": {"sizes": (5, 6), "kernel_size": (2, 3), "channels": 4, "groups": 2},
    "transposed": {"sizes": 5, "kernel_size": 3, "strides": 2},
}


def stress_cases(
    kinds: Collection[str], precision: str | None = None
) -> Iterator[Case]:
    """
    Yield the cases of the stress test, all exact.

    Parameters
    ----------
    kinds : collection of str
        Of layers that the backend has.
    precision : str, optional
        What they are made for; default: float32.

    Yields
    ------
    Case
        With arrays as they are to be handed over: not always in C order, and read-only
        where numbers share memory.

    Raises
    ------
    ValueError
        If there is no such precision.
    """
    form = format_of(precision or "float32").name
    plain = {name: ("layer", sizes) for name, sizes in SMALL.items()}
    variants = {kind.replace("_", "-"): (kind, VARIANTS[kind]) for kind in VARIANTS}
    for name, (kind, sizes) in (plain | variants).items():
        if kind not in kinds:
            continue
        for data_format in DATA_FORMATS:
            end = f"{name}-{data_format.removeprefix('channels_')}"
            how: dict[str, Any] = {"kind": kind, "precision": form, **sizes}
            case = problem(**how, data_format=data_format)
            yield _of_none(case, f"stress-batch-0-{end}")
            yield from _laid_out(case, end)
            for one in ("x", "kernel", "bias", "dy"):
                yield _broadcast(case, one, f"stress-broadcast-{one}-{end}")
            if kind == "layer":
                how |= {"activation": "softmax", "tier": "bounded"}
                case = problem(**how, data_format=data_format)
                yield _of_none(case, f"stress-batch-0-softmax-{end}")
    for kind in OTHERS:
        found = _first_of(kind, precision) if kind in kinds else None
        if found is not None:
            yield from _laid_out(found, kind.replace("_", "-"))
    large = LARGE if "layer" in kinds else {}
    long = {f"{k}-outputs".replace("_", "-"): k for k in VARIANTS if k in kinds}
    why = "more outputs than 16 bits count"
    large |= {name: (why, LONG | {"kind": kind}) for name, kind in long.items()}
    for name, (why, sizes) in large.items():
        try:
            case = problem(**sizes, precision=form)
        except ValueError:
            continue  # sums that are not exact in a narrow precision
        yield replace(case, id=f"stress-{name}", why=why)


def _first_of(kind: str, precision: str | None) -> Case | None:
    """Return the first exact case of a kind, if there is one in the precision."""
    suite = load_suite()
    exact = (o.id for o in suite.outlines if (o.kind, o.tier) == (kind, "exact"))
    found = suite.only([next(exact)])
    held = found if precision is None else at_precision(found, precision)
    return next(iter(held.every), None)


def _laid_out(case: Case, end: str) -> Iterator[Case]:
    """Yield a case in all layouts."""
    for layout, arrange in LAYOUTS.items():
        arrays: dict[str, Any] = {
            name: arrange(getattr(case, name))
            for name in INPUTS
            if name != "bias_in_y" and getattr(case, name) is not None
        }
        yield replace(
            case,
            id=f"stress-{layout}-{end}",
            why=f"all inputs are {layout} in memory",
            **arrays,
        )


def _strided(array: Array) -> Array:
    """Return the numbers with others between them, every axis backwards."""
    wide = np.full([2 * size for size in array.shape], 7, array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view = view[(slice(None, None, -1),) * array.ndim]
    view[...] = array
    return view


def _stepped(array: Array) -> Array:
    """Return the numbers with others between those of the first axis."""
    wide = np.full((2 * len(array), *array.shape[1:]), 7, array.dtype)
    view = wide[::2]
    view[...] = array
    return view


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "strided": _strided,
    "stepped": _stepped,
    "fortran-ordered": np.asfortranarray,
}


def _of_none(case: Case, name: str) -> Case:
    """Return a case without samples: sums over them are 0."""
    expected = {
        key: value[:0] if key in ("y", "dx") else np.zeros_like(value)
        for key, value in case.expected.items()
    }
    return replace(
        case,
        id=name,
        why="a batch of none: y and dx are empty, the other gradients 0",
        tier="exact",
        config={**case.config, "batch": 0},
        x=case.x[:0],
        dy=None if case.dy is None else case.dy[:0],
        expected=expected,
        bound={},
        draws={},
        spans={},
    )


def _broadcast(case: Case, one: str, name: str) -> Case:
    """Return a case in which one input is its first entry again and again; dy is 1."""
    array = getattr(case, one)
    first = case.x.dtype.type(1) if one == "dy" else array[:1]
    arrays: dict[str, Any] = {one: np.broadcast_to(first, array.shape)}
    case = replace(
        case,
        id=name,
        why=f"{one} is broadcast: strides of it are 0",
        draws={},
        spans={},
        **arrays,
    )
    return replace(case, expected=solve(case).rounded)
