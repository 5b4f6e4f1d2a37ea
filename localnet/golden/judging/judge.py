"""One answer against what is expected of it, element by element."""

import math
from dataclasses import dataclass

import numpy as np

from ..._typing import Array, ArrayLike
from ..cases.precisions import Precision
from .arrays import as_array

__all__ = ["Element", "Judgement", "judge", "root_mean_square"]


@dataclass(frozen=True)
class Element:
    """
    The element that is furthest beyond its bound, or nearest to it.

    Parameters
    ----------
    index : tuple of int
        Where it is.
    got, want, bound : float
        The answer, the reference, and how far apart they may be.
    ratio : float
        Error over bound; infinite where an exact answer is wrong, nan for a nan.
    """

    index: tuple[int, ...]
    got: float
    want: float
    bound: float
    ratio: float


@dataclass(frozen=True)
class Judgement:
    """
    What is to be said of one answer.

    Parameters
    ----------
    wrong, size : int
        Elements beyond their bound, and elements.
    worst : Element or None
        None if the shape is wrong, or there are no elements.
    mean, rms : float
        Mean and root mean square of error over bound, where the bound is not 0: how far
        inside its bound a backend is. Never a verdict.
    digits : float
        The fewest correct decimal digits of any element, -log10 of the relative error,
        at most those of the precision.
    reason : str
        Empty if the answer is right.
    """

    wrong: int
    size: int
    worst: Element | None
    mean: float
    rms: float
    digits: float
    reason: str = ""


def judge(
    got: object,
    want: Array,
    bound: Array | None,
    form: Precision,
    scale: float = 1.0,
) -> Judgement:
    """
    Hold one answer against its reference.

    Parameters
    ----------
    got : array_like
        What a backend returned, as `as_array` takes it. The sign of a zero does not
        count.
    want : ndarray of float64
        The reference.
    bound : ndarray of float64, or None
        How far apart they may be; None means not at all.
    form : Precision
        Caps the number of digits.
    scale : float
        Multiplies the bound.

    Returns
    -------
    Judgement
        Right if its reason is empty.
    """
    try:
        array = as_array(got)
    except ValueError as refusal:
        return _refused(str(refusal), want)
    if array.shape != want.shape:
        return _refused(f"must have shape {want.shape}, got {array.shape}", want)
    if want.size == 0:
        return Judgement(0, 0, None, 0.0, 0.0, _most_digits(form))
    values = array.astype(np.float64)
    if bound is None and np.array_equal(values, want):
        first = (0,) * want.ndim
        same = float(want[first])
        worst = Element(first, float(values[first]), same, 0.0, 0.0)
        return Judgement(0, want.size, worst, 0.0, 0.0, _most_digits(form))
    limit = np.zeros(want.shape) if bound is None else bound * scale
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        error = np.abs(values - want)
        ratio = np.where(error == 0, 0.0, error / limit)
    inside = np.asarray(error <= limit)
    # nan first, then the largest ratio; where elements must be equal, largest error.
    rank = np.where(np.isnan(ratio), np.inf, ratio)
    place = int(np.argmax(rank if rank.max() < np.inf else _infinite(rank, error)))
    index = tuple(int(i) for i in np.unravel_index(place, want.shape))
    worst = Element(
        index,
        float(values[index]),
        float(want[index]),
        float(limit[index]),
        float(ratio[index]),
    )
    wrong = int(np.count_nonzero(~inside))
    judged = ratio[limit > 0]
    return Judgement(
        wrong,
        want.size,
        worst,
        float(judged.mean()) if judged.size else 0.0,
        root_mean_square(judged),
        _digits(error, want, form),
        f"{wrong} of {want.size} elements are off" if wrong else "",
    )


def root_mean_square(values: ArrayLike) -> float:
    """
    Return the root of the mean of the squares, which may be beyond float64.

    Parameters
    ----------
    values : array_like
        Not negative.

    Returns
    -------
    float
        0 of no values; NaN if one of them is.
    """
    array = np.asarray(values, np.float64)
    scale = array.max() if array.size else 0.0
    if not 0 < scale < np.inf:
        return float(scale)
    return float(scale * np.sqrt(np.mean((array / scale) ** 2)))


def _infinite(rank: Array, error: Array) -> Array:
    """Rank the elements of infinite ratio by their errors, and no others."""
    errors = np.where(np.isnan(error), np.inf, error)
    return np.where(np.isinf(rank), errors, -1.0)


def _refused(reason: str, want: Array) -> Judgement:
    return Judgement(want.size, want.size, None, math.nan, math.nan, 0.0, reason)


def _most_digits(form: Precision) -> float:
    return form.bits * math.log10(2.0)


def _digits(error: Array, want: Array, form: Precision) -> float:
    """Return the fewest correct digits, as the StRD of NIST counts them."""
    if not error.any():
        return _most_digits(form)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        worst = np.max(np.where(want == 0, error, error / np.abs(want)))
        fewest = -float(np.log10(worst)) if worst < np.inf else 0.0  # nor nan
    return min(max(fewest, 0.0) + 0.0, _most_digits(form))
