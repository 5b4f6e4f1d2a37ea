"""Small helpers for data: batches by number, one-hot labels, unit vectors, splits."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from . import _arrays, _validate
from ._keras.names import old_names
from ._registry import custom_object_scope
from ._typing import Array, ArrayLike

__all__ = [
    "Sequence",
    "custom_object_scope",
    "normalize",
    "pad_sequences",
    "to_categorical",
    "train_test_split",
]

# Scripts of Keras import ``utils.np_utils`` and the like, which needs a package.
__path__: list[str] = []


class Sequence:
    """
    Batches by number, for data that are read or made a batch at a time.

    Override `__len__` and `__getitem__`, and give an instance to `fit`, `evaluate` or
    `predict`. Anything with these two methods and `on_epoch_end` will do as well, such
    as a Sequence of Keras.

    See Also
    --------
    localnet.callbacks.BackupAndRestore : Resumes a training in the middle of an epoch.

    Notes
    -----
    `fit` asks for batch 0 once more before it begins, to build the model and to meet
    errors early. ``shuffle=True`` changes the order of the batches in every epoch.

    Examples
    --------
    >>> class Squares(Sequence):
    ...     def __len__(self):
    ...         return 3
    ...
    ...     def __getitem__(self, number):
    ...         x = np.arange(4.0).reshape(4, 1) + 4 * number
    ...         return x, x**2
    >>> x, y = Squares()[2]
    >>> y[:, 0]
    array([ 64.,  81., 100., 121.])
    """

    def __len__(self) -> int:
        """Return the number of batches."""
        raise NotImplementedError(f"{type(self).__name__} must override __len__")

    def __getitem__(self, number: int) -> Any:
        """Return one batch: x, (x, y) or (x, y, sample_weight)."""
        raise NotImplementedError(f"{type(self).__name__} must override __getitem__")

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches in order, once."""
        return (self[number] for number in range(len(self)))

    def on_epoch_end(self) -> None:
        """Act after an epoch, for instance mix the samples anew."""

    def get_state(self) -> dict[str, Any]:
        """
        Return what a resumed training needs to know of a Sequence that changes.

        Returns
        -------
        dict
            Numbers, strings, None and arrays, in lists and dicts with strings as keys.
        """
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """
        Go on from what `get_state` returned.

        Parameters
        ----------
        state : dict
            Tuples have become lists, and arrays without an axis numbers.
        """


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: str = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> Array:
    """
    Put sequences of several lengths into one array.

    Parameters
    ----------
    sequences : sequence of array_like
        Each of shape (T, ...), with T of its own and the same further axes. Not
        modified.
    maxlen : int, optional
        Length of all in the result; default: that of the longest.
    dtype : str, default "int32"
        Dtype of the result.
    padding : {"pre", "post"}
        Whether `value` stands before or after a shorter sequence.
    truncating : {"pre", "post"}
        Whether a longer sequence loses its beginning or its end.
    value : float, default 0.0
        What stands where a sequence is too short.

    Returns
    -------
    ndarray of shape (len(sequences), maxlen, ...)
        The sequences.

    Raises
    ------
    ValueError
        If a sequence has no axis or other further axes than the rest, or an argument is
        not one of those above.

    Examples
    --------
    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2)
    array([[0, 1],
           [3, 4]], dtype=int32)
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError(
            f"sequences must be a list of sequences, got {_validate.shown(sequences)}"
        )
    _validate.choice("padding", padding, ("pre", "post"))
    _validate.choice("truncating", truncating, ("pre", "post"))
    kind = _validate.dtype("dtype", dtype)
    arrays = [np.asarray(sequence) for sequence in sequences]
    for a in arrays:
        if a.dtype.kind in "iu" and kind.kind in "iu" and (a.astype(kind) != a).any():
            raise ValueError(
                f"sequences must hold numbers that {kind} has, got {_validate.shown(a)}"
            )
    inner = {a.shape[1:] for a in arrays if a.ndim and len(a)} or {()}
    if len(inner) > 1 or any(a.ndim == 0 for a in arrays):
        raise ValueError(
            "sequences must have an axis for time, and the same axes behind it, got "
            f"shapes {[a.shape for a in arrays]}"
        )
    longest = max((len(a) for a in arrays), default=0)
    length = (
        longest if maxlen is None else _validate.integer("maxlen", maxlen, minimum=0)
    )
    is_number = kind.kind in "biufc"
    checked = _arrays.numbers if kind.kind == "c" else _arrays.real_numbers
    filling = checked("value", value) if is_number else np.asarray(value)
    if filling.ndim:
        raise ValueError(f"value must be one number, got shape {filling.shape}")
    if kind.kind not in "fc" and is_number and not np.isfinite(filling):
        raise ValueError(f"value must be a number that {kind} has, got {value}")
    padded = np.full((len(arrays), length, *inner.pop()), filling, kind)
    for row, sequence in zip(padded, arrays, strict=True):
        kept = min(len(sequence), length)
        from_end = truncating == "pre"
        part = sequence[len(sequence) - kept :] if from_end else sequence[:kept]
        row[length - kept if padding == "pre" else 0 :][:kept] = part
    return padded


def to_categorical(
    y: ArrayLike, num_classes: int | None = None, dtype: str = "float32"
) -> Array:
    """
    Turn class numbers into one-hot vectors, as ``categorical_crossentropy`` needs them.

    Parameters
    ----------
    y : array_like of int
        Class numbers from 0, of any shape; a last axis of length 1 is dropped, unless
        it is the only one. Floats that are whole are numbers too. Not modified.
    num_classes : int, optional
        By default, and for 0, the largest number and 1.
    dtype : str, default "float32"
        Dtype of the result.

    Returns
    -------
    ndarray of shape (*y.shape, num_classes)
        1 at the number of the class, and 0 elsewhere.

    Raises
    ------
    ValueError
        If a number is not whole, negative or not below `num_classes`, or if there is
        none to tell `num_classes` from.

    See Also
    --------
    localnet.losses.sparse_categorical_crossentropy : Takes the numbers themselves.

    Notes
    -----
    Keras cuts off fractions, and counts negative numbers from the last class; here they
    are refused. What Keras raises as an IndexError is a ValueError here.

    Examples
    --------
    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    kind = _validate.dtype("dtype", dtype)
    given = _arrays.real_numbers("y", y)
    # NaN is never equal to itself, nor infinity to a whole number.
    with np.errstate(invalid="ignore"):
        labels = given.astype(np.int64)
    if not np.array_equal(labels, given) or (labels < 0).any():
        wrong = given[(labels != given) | (labels < 0)][0]
        raise ValueError(f"y must hold class numbers, integers >= 0, got {wrong}")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = 0
    if num_classes is not None:
        classes = _validate.integer("num_classes", num_classes, minimum=0)
    if not classes:
        if not labels.size:
            raise ValueError("num_classes must be given for an empty y, got none")
        classes = int(labels.max()) + 1
    if labels.size and labels.max() >= classes:
        raise ValueError(
            f"y must be below num_classes, {classes}, got {int(labels.max())}"
        )
    categorical = np.zeros((*labels.shape, classes), kind)
    np.put_along_axis(categorical, labels[..., np.newaxis], 1, axis=-1)
    return categorical


def normalize(x: ArrayLike, axis: int = -1, order: float = 2) -> Array:
    r"""
    Divide the vectors along an axis by their norms.

    Parameters
    ----------
    x : array_like of any shape but ()
        Not modified.
    axis : int, default -1
        The axis along which the vectors lie.
    order : float, default 2
        Which norm, as for `numpy.linalg.norm`: 2 is the Euclidean one, 1 the sum of
        the magnitudes, infinity the largest.

    Returns
    -------
    ndarray
        Of the shape of `x`; integers become float64. Vectors of norm 0 stay 0. From a
        single vector, as in Keras, comes an array of shape (1, n).

    Raises
    ------
    ValueError
        If `axis` is not one of `x`, or `order` is no number.

    See Also
    --------
    localnet.constraints.UnitNorm : The same for weights, nearly.

    Notes
    -----
    .. math:: x \leftarrow x / \lVert x \rVert_p

    Examples
    --------
    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    array = _arrays.numbers("x", x)
    if not array.ndim:
        raise ValueError(f"x must have at least one axis, got {array}")
    along = _validate.integer("axis", axis, minimum=-array.ndim, maximum=array.ndim - 1)
    try:
        is_number = isinstance(order, (int, float, np.number)) and not math.isnan(order)
    except OverflowError:  # an int beyond the range of floats
        is_number = False
    if not is_number:
        raise ValueError(f"order must be a number, got {_validate.shown(order)}")
    norms = np.atleast_1d(np.linalg.norm(array, order, along))
    norms[norms == 0] = 1
    return np.asarray(array / np.expand_dims(norms, along))


def train_test_split(
    *arrays: ArrayLike,
    test_size: float = 0.25,
    seed: int | np.random.Generator | None = None,
    shuffle: bool = True,
    stratify: ArrayLike | None = None,
) -> list[Array]:
    """
    Split arrays along their first axis, all in the same places.

    Parameters
    ----------
    *arrays : array_like
        Of equal length, such as `x` and `y`. Not modified; of a `numpy.memmap` only the
        rows that are taken are read.
    test_size : float or int, default 0.25
        A fraction between 0 and 1, rounded up to whole samples, or a number of samples.
    seed : int or Generator, optional
        The same seed splits in the same way. By default every call differs.
    shuffle : bool, default True
        If not, the last samples are the test set.
    stratify : array_like of shape (N,), optional
        The class of each sample: every class gets its part of the test set, to within
        one sample.

    Returns
    -------
    list of ndarray
        ``[x_train, x_test, y_train, y_test, ...]``, copies.

    Raises
    ------
    ValueError
        If there is no array, lengths differ, a side would be empty, or `stratify` is
        given without `shuffle`, for a class of one sample, or for more classes than a
        side has samples.

    See Also
    --------
    localnet.models.Sequential.fit : Its ``validation_split`` takes the last samples.

    Notes
    -----
    The names are those of scikit-learn, but for ``random_state``, which is `seed`
    everywhere in localnet. The places of the test set are shared among the classes by
    largest remainder.

    Examples
    --------
    >>> x, y = np.arange(8.0), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> x_train, x_test, y_train, y_test = train_test_split(x, y, seed=0, stratify=y)
    >>> sorted(y_test.tolist())
    [0, 1]
    """
    if not arrays:
        raise ValueError("arrays must be at least one, got none")
    shuffle = _validate.flag("shuffle", shuffle)
    held = [_held(f"array {place}", array) for place, array in enumerate(arrays)]
    lengths = [len(array) if array.ndim else 0 for array in held]
    if len(set(lengths)) > 1:
        raise ValueError(f"arrays must have equal lengths, got {lengths}")
    total = lengths[0]
    tested = _test_samples(test_size, total)
    order = np.arange(total)
    if not shuffle:
        if stratify is not None:
            raise ValueError(
                "stratify must be None without shuffle, got "
                f"{_validate.shown(stratify)}"
            )
        train, test = order[: total - tested], order[total - tested :]
    else:
        order = _validate.generator_of("seed", seed).permutation(total)
        chosen = np.zeros(total, bool)
        if stratify is None:
            chosen[:tested] = True
        else:
            chosen = _stratified(_strata(stratify, total)[order], tested)
        train, test = order[~chosen], order[chosen]
    return [np.asarray(array[part]) for array in held for part in (train, test)]


def _held(name: str, value: Any) -> Array:
    """Return an array of anything, words too, of which a file stays one."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be rectangular, got {error}") from error


def _test_samples(test_size: Any, total: int) -> int:
    if isinstance(test_size, (float, np.floating)):
        part = _validate.number(
            "test_size",
            test_size,
            minimum=0.0,
            maximum=1.0,
            open_minimum=True,
            open_maximum=True,
        )
        # As it is written: 0.07 of 100 are 7, though the float is a little more.
        tested = math.ceil(Fraction(repr(part)) * total)
    else:
        tested = _validate.integer("test_size", test_size, minimum=1)
    if not 0 < tested < total:
        raise ValueError(
            f"test_size must leave samples on both sides of {total}, got "
            f"{_validate.shown(test_size)}"
        )
    return tested


def _strata(stratify: Any, total: int) -> Array:
    labels = np.asarray(stratify)
    if labels.shape != (total,):
        raise ValueError(f"stratify must have shape ({total},), got {labels.shape}")
    return labels


def _stratified(labels: Array, tested: int) -> Array:
    """Return which places are tested: of each class the first ones, its share."""
    total = len(labels)
    classes, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        rare = classes[counts.argmin()].item()
        raise ValueError(
            f"stratify must hold every class twice, got {_validate.shown(rare)} once"
        )
    if len(classes) > min(tested, total - tested):
        raise ValueError(
            f"stratify must have no more classes than samples on either side, "
            f"{min(tested, total - tested)}, got {len(classes)}"
        )
    shares, remainders = np.divmod(counts * tested, total)
    missing = tested - int(shares.sum())
    shares[np.argsort(-remainders, kind="stable")[:missing]] += 1
    chosen = np.zeros(total, bool)
    for number, share in enumerate(shares):
        chosen[np.flatnonzero(which == number)[:share]] = True
    return chosen


__getattr__ = old_names(__name__)


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
