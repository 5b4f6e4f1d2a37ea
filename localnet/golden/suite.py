"""The default suite, made in memory, or one that was written to a folder."""

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from .case import INPUTS, Case, Cases, Suite
from .cases.exactness import exact_spans
from .cases.generate import complete
from .cases.layers import specs
from .cases.others import others
from .cases.precisions import PRECISIONS, Precision
from .cases.precisions import precision as format_of
from .cases.traces import traces
from .cases.variants import variant_specs
from .references.answers import solve

__all__ = ["at_precision", "load_suite"]


def load_suite(path: str | os.PathLike[str] | None = None) -> Suite:
    """
    Return a suite.

    Parameters
    ----------
    path : str or path-like, optional
        A folder that `export` wrote; by default the suite of this version is made in
        memory, each case when it is first asked for: one takes a second or two, all of
        them some sixteen.

    Returns
    -------
    Suite
        An iterable of `Case`.

    Raises
    ------
    ValueError
        If the folder does not hold an undamaged suite of this version.
    OSError
        If a file cannot be read.

    See Also
    --------
    check : Holds a backend to it.

    Examples
    --------
    >>> case = load_suite()["stride-1d-last"]
    >>> case.config["strides"], case.x.shape, case.expected["y"].shape
    ([2], (2, 8, 2), (2, 3, 2))
    """
    if path is None:
        return _default()
    from .files.reading import read

    return read(path)


@cache
def _default() -> Suite:
    return Suite(
        Cases(specs, complete),
        traces(),
        variants=Cases(variant_specs, complete),
        others=Cases(others, lambda case: case),
    )


def at_precision(suite: Suite, precision: str) -> Suite:
    """
    Return the cases that hold in one precision, made for it.

    Parameters
    ----------
    suite : Suite
        Any suite.
    precision : {"float64", "float32", "float16", "bfloat16"}
        Of the backend.

    Returns
    -------
    Suite
        Bounded cases of this precision, and exact ones of it and of narrower ones with
        their arrays in its type; cases of integers as they are.

    Raises
    ------
    ValueError
        If there is no such precision.
    """
    form = format_of(precision)
    return replace(
        suite,
        cases=_all_at(suite.cases, form),
        variants=_all_at(suite.variants, form),
        others=[
            found
            for case in suite.others
            if (found := _other_at(case, form)) is not None
        ],
    )


def _other_at(case: Case, form: Precision) -> Case | None:
    """Return a case of another kind in a precision that holds all of its numbers."""
    own = case.format
    if case.precision not in PRECISIONS or own.name == form.name:
        return case  # integers are what they are
    if own.bits > form.bits or own.greatest > form.greatest:
        return None
    arrays = {
        name: array.astype(form.holds)
        for name in INPUTS
        if name != "bias_in_y" and (array := getattr(case, name)) is not None
    }
    return replace(case, precision=form.name, **arrays)


def _all_at(cases: Iterable[Case], form: Precision) -> list[Case]:
    """Return the cases that hold in a precision, made for it."""
    found = []
    for case in cases:
        if case.precision == form.name:
            found.append(case)
        elif case.tier == "exact" and (wider := _widened(case, form)) is not None:
            found.append(wider)
    return found


def _widened(case: Case, form: Precision) -> Case | None:
    """Return an exact case in another precision, or None if it is not exact there."""
    arrays: dict[str, Any] = {}
    for name in INPUTS:
        array = getattr(case, name)
        if name == "bias_in_y" or array is None:
            continue
        with np.errstate(over="ignore"):
            arrays[name] = array.astype(form.holds)
        if not np.array_equal(arrays[name], array):
            return None
    wider = replace(case, precision=form.name, **arrays)
    own = case.format
    if (
        own.bits <= form.bits
        and form.least <= own.least <= own.greatest <= form.greatest
    ):
        return wider  # which holds all that the other holds
    try:
        return replace(wider, spans=exact_spans(wider, solve(wider)))
    except ValueError:
        return None
