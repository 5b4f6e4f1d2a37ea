"""
What every loss does around its formula.

Targets are brought to the type and shape of the predictions before it, upstream
gradients and sample weights to the shape of the per-sample values after it.
"""

from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate, config
from .._typing import Array, ArrayLike, Shape

__all__ = [
    "LossCache",
    "align_targets",
    "align_weights",
    "check_axis",
    "check_label_smoothing",
    "class_labels",
    "expanded_upstream",
    "inside",
    "match",
    "match_exactly",
    "mean_backward",
    "predictions",
    "smoothed",
    "unbroadcast",
]


class LossCache(NamedTuple):
    """What a backward needs: views and references, not copies."""

    # Both broadcast to one shape, in the dtype of the predictions.
    y_true: Array
    y_pred: Array
    # The shape of the predictions as the caller gave them.
    shape: Shape
    # The fuzz factor of the forward call, since the setting may change before backward.
    epsilon: float


def predictions(y_pred: ArrayLike) -> Array:
    """Return `y_pred` as an array of real floats with at least one axis."""
    array = _arrays.reals("y_pred", y_pred)
    if array.ndim == 0:
        raise ValueError("y_pred must have at least one axis, got shape ()")
    return array


def align_targets(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Array]:
    """
    Bring targets to the dtype and the rank of the predictions; return both.

    Targets without the last axis gain one of size 1 where it can only mean "one target
    per sample": rank 1 against rank 2, or against predictions that end in 1. Others
    gain their first axes, as in every broadcast.
    """
    p = predictions(y_pred)
    given = t = _arrays.real_numbers("y_true", y_true)
    if t.ndim == p.ndim - 1 and (p.ndim == 2 or p.shape[-1] == 1):
        t = t[..., np.newaxis]
    if t.shape != p.shape:
        try:
            rank = len(np.broadcast_shapes(t.shape, p.shape))
        except ValueError:
            rank = 0
        # (N, 1) targets against (N,) predictions would pair each sample with all.
        if rank != p.ndim:
            raise ValueError(
                "y_true must have a shape that broadcasts with that of y_pred, "
                f"{p.shape}, got {given.shape}"
            )
        t = t.reshape((1,) * (p.ndim - t.ndim) + t.shape)
    return _arrays.cast("y_true", t, p.dtype), p


def match(y_true: ArrayLike, y_pred: ArrayLike) -> LossCache:
    """Do what `align_targets` does, and broadcast both to one shape."""
    t, p = align_targets(y_true, y_pred)
    own = p.shape
    if t.shape != own:  # else a small loss would take twice as long
        t, p = np.broadcast_arrays(t, p)
    return LossCache(t, p, own, config.epsilon())


def match_exactly(y_true: ArrayLike, y_pred: ArrayLike, hint: str = "") -> LossCache:
    """Do what `match` does, for losses whose targets never broadcast."""
    p = predictions(y_pred)
    t = _arrays.real_numbers("y_true", y_true)
    # A single class may come without its axis.
    if t.shape != p.shape and (*t.shape, 1) != p.shape:
        raise ValueError(
            f"y_true must have the shape of y_pred, {p.shape}, got {t.shape}{hint}"
        )
    if t.shape == p.shape and t.dtype == p.dtype:
        return LossCache(t, p, p.shape, config.epsilon())
    return match(t, p)


def check_axis(axis: int, ndim: int) -> int:
    """Return `axis` if an array of rank `ndim` has it."""
    number = _validate.integer("axis", axis, minimum=-ndim)
    if number >= ndim:
        raise ValueError(f"axis must be from {-ndim} to {ndim - 1}, got {axis}")
    return number


def check_label_smoothing(value: float) -> float:
    """Return `value` if it is a share of the labels."""
    return _validate.number("label_smoothing", value, minimum=0.0, maximum=1.0)


def smoothed(y_true: Array, label_smoothing: float, classes: int) -> Array:
    """Return targets of which a share is spread over all classes."""
    share = check_label_smoothing(label_smoothing)
    return y_true * (1 - share) + share / classes if share else y_true


def class_labels(y_true: ArrayLike, y_pred: Array, axis: int = -1) -> Array:
    """
    Check integer labels against predictions of rank 1 or more.

    Returns them with an axis of size 1 in the place of the class axis, so that
    ``np.take_along_axis`` picks each sample's own class.
    """
    labels = _arrays.real_numbers("y_true", y_true)
    given = labels.shape
    axis %= y_pred.ndim
    before, classes, after = (
        y_pred.shape[:axis],
        y_pred.shape[axis],
        y_pred.shape[axis + 1 :],
    )
    if given == before + after:
        labels = labels.reshape((*before, 1, *after))
    if labels.shape != (*before, 1, *after):
        raise ValueError(
            f"y_true must hold one class label per sample, {before + after} or "
            f"{(*before, 1, *after)} for y_pred of shape {y_pred.shape}, got {given}"
        )
    if labels.dtype.kind == "i":
        # Negative numbers are the largest ones of those without a sign.
        good = labels.view(f"u{labels.itemsize}") < classes
    else:
        # Comparisons with NaN are false, so that it counts as a bad label.
        good = (labels >= 0) & (labels < classes)
    if labels.dtype.kind not in "biu":
        good &= labels == np.rint(labels)
    if not good.all():
        first = np.argwhere(~good.reshape(given))[0].tolist()
        index = first[0] if len(first) == 1 else tuple(first)
        raise ValueError(
            f"y_true must hold whole numbers from 0 to {classes - 1} as labels of "
            f"{classes} classes, got {labels.reshape(given)[tuple(first)]} "
            f"at index {index}"
        )
    return labels.astype(np.intp, copy=False)


def inside(array: Array, low: float, high: float) -> Array:
    """Return where a clip to the closed interval passes gradients; NaN passes too."""
    result: Array = ~((array < low) | (array > high))
    return result


def expanded_upstream(dy: ArrayLike, cache: LossCache, axis: int = -1) -> Array:
    """Return `dy` in the predictions' dtype, its reduced axis put back with size 1."""
    shape = cache.y_pred.shape
    axis %= len(shape)
    before, after = shape[:axis], shape[axis + 1 :]
    dtype = cache.y_pred.dtype
    dy = _arrays.upstream(dy, before + after, dtype, of="the per-sample values")
    return dy.reshape((*before, 1, *after))


def unbroadcast(dy_pred: Array, shape: Shape) -> Array:
    """Sum over the axes along which the predictions were broadcast."""
    pairs = enumerate(zip(dy_pred.shape, shape, strict=True))
    axes = tuple(axis for axis, (size, own) in pairs if size != own)
    return dy_pred.sum(axis=axes, keepdims=True) if axes else dy_pred


def mean_backward(
    dy: ArrayLike, slope: Array, cache: LossCache, axis: int = -1
) -> Array:
    """Send `dy` back through the mean, over `axis`, of elements with this `slope`."""
    share = expanded_upstream(dy, cache, axis) / cache.y_pred.shape[axis]
    return unbroadcast(share * slope, cache.shape)


def align_weights(sample_weight: ArrayLike | None, values: Array) -> Array:
    """
    Bring sample weights to the shape and dtype of per-sample values.

    Weights with fewer axes than `values` belong to its first ones; a last axis of
    size 1 too many is dropped. No weights are ones.
    """
    if sample_weight is None:
        weights = np.empty(values.shape, values.dtype)
        weights.fill(1)  # `np.ones` takes longer than a small loss
        return weights
    given = weights = _arrays.real_numbers("sample_weight", sample_weight)
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    elif 0 < weights.ndim < values.ndim:
        missing = values.ndim - weights.ndim
        weights = weights.reshape(weights.shape + (1,) * missing)
    weights = _arrays.cast("sample_weight", weights, values.dtype)
    try:
        return np.broadcast_to(weights, values.shape)
    except ValueError as error:
        raise ValueError(
            "sample_weight must have a shape that broadcasts to the per-sample values' "
            f"{values.shape}, got {given.shape}"
        ) from error
