"""
What only some callers hand over: nothing at all, strange layouts, large sizes.

Frameworks give batches of none, gradients that are broadcast (of ``sum().backward()``)
or strided, and more locations than a grid of threads has blocks on an axis. A backend
that has no such thing raises NotImplementedError.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .._typing import Array
from .case import INPUTS, Case
from .cases.precisions import precision as format_of
from .problems import problem
from .references.answers import solve

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
        "more filters than a block has threads",
        {"sizes": 3, "kernel_size": 2, "channels": 2, "filters": 1031},
    ),
}
SMALL: dict[str, dict[str, Any]] = {
    "1d-last": {"sizes": 9, "kernel_size": 3, "strides": 2, "filters": 3},
    "2d-first": {
        "sizes": (5, 4),
        "kernel_size": (2, 3),
        "channels": 3,
        "data_format": "channels_first",
    },
    "3d-last": {"sizes": (3, 4, 3), "kernel_size": (2, 2, 1), "pads": ((1, 0),) * 3},
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
    plain = SMALL if "layer" in kinds else {}
    others = {kind: VARIANTS[kind] for kind in VARIANTS if kind in kinds}
    for name, sizes in (plain | others).items():
        kind = name if name in VARIANTS else "layer"
        case = problem(**sizes, kind=kind, precision=form)
        end = name.replace("_", "-")
        yield _of_none(case, f"stress-batch-0-{end}")
        for layout, arrange in LAYOUTS.items():
            arrays: dict[str, Any] = {
                n: arrange(getattr(case, n))
                for n in INPUTS
                if n != "bias_in_y" and getattr(case, n) is not None
            }
            yield replace(
                case,
                id=f"stress-{layout}-{end}",
                why=f"all inputs are {layout} in memory",
                **arrays,
            )
        yield _broadcast(case, f"stress-broadcast-{end}")
    if "layer" in kinds:
        for name, (why, sizes) in LARGE.items():
            try:
                case = problem(**sizes, precision=form)
            except ValueError:
                continue  # sums that are not exact in a narrow precision
            yield replace(case, id=f"stress-{name}", why=why)


def _strided(array: Array) -> Array:
    """Return the numbers with others between them, every axis backwards."""
    wide = np.full([2 * size for size in array.shape], 7, array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view = view[(slice(None, None, -1),) * array.ndim]
    view[...] = array
    return view


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "strided": _strided,
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
        config={**case.config, "batch": 0},
        x=case.x[:0],
        dy=None if case.dy is None else case.dy[:0],
        expected=expected,
        draws={},
        spans={},
    )


def _broadcast(case: Case, name: str) -> Case:
    """Return a case whose dy is one number, as after ``y.sum().backward()``."""
    dy = np.broadcast_to(case.x.dtype.type(1), case.expected["y"].shape)
    case = replace(
        case,
        id=name,
        why="dy is one number, broadcast: all its strides are 0",
        dy=dy,
        draws={},
        spans={},
    )
    return replace(case, expected=solve(case).rounded)
