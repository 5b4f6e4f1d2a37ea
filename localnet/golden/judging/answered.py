"""Answers to a case that was changed, of any kind, if they are still exact."""

from dataclasses import replace
from typing import Any

import numpy as np

from ..._typing import Array
from ..case import Case
from ..cases.exactness import exact_spans
from ..cases.others.making import check_stack
from ..references.answers import solve
from ..references.bounds import kinks_near
from ..references.connections import VARIANTS
from ..references.others import accumulated, answers_of
from ..references.wires import patch_cells

__all__ = ["answered"]

MOST = 2**31 - 1


def answered(found: Case) -> Case:
    """
    Return a case with its answers; without gradients where they lie on a kink.

    Parameters
    ----------
    found : Case
        Of any kind; its answers are not looked at.

    Returns
    -------
    Case
        Of the exact tier.

    Raises
    ------
    ValueError
        If they are not exact, or follow from a convention.
    """
    found = replace(found, expected={}, bound={}, spans={})
    if found.kind in ("layer", *VARIANTS):
        return _of_sums(found)
    expected = answers_of(found)
    form = found.format
    for key, values in expected.items():
        fractions, _ = np.frexp(values)
        if np.any(np.ldexp(fractions, form.bits) % 1):
            raise ValueError(f"{key} of case {found.id} must be numbers of {form.name}")
    if found.kind == "stack":
        check_stack(found)
    elif found.kind in ("int8", "fixed_point"):
        most = max(found.config.get("multiplier", [1]))
        if np.abs(accumulated(found)).max(initial=0) * most > MOST:
            raise ValueError(f"sums of case {found.id} must fit into 32 bits")
    elif any(count & (count - 1) for count in _divisors(found)):
        raise ValueError(f"means of case {found.id} must be over powers of two")
    return replace(found, expected=expected)


def _of_sums(found: Case) -> Case:
    solution = solve(found)
    exact_spans(found, solution)
    if found.dy is not None and kinks_near(found, solution).any():
        found = replace(found, wants=("y",), dy=None)
        solution = solve(found)
    return replace(found, expected=solution.rounded)


def _divisors(case: Case) -> list[int]:
    """Return what means divide by."""
    c: dict[str, Any] = case.config
    if case.kind == "pool" and c["pool"] == "average":
        cells: Array = patch_cells({**c, "channels": 1}) >= 0
        return [int(count) for count in np.unique(cells.sum(-1))]
    if case.kind == "batch_norm" and c["training"]:
        return [case.x.size // c["channels"]]
    return []
