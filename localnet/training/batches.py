"""
The data of `fit`, `evaluate` and `predict`: checked once, then cut into batches.

Everything that can be wrong with data is found here, before any weight changes.
"""

import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import _arrays, _validate
from .._typing import Array
from .inputs_outputs import Ports, arrays_of

__all__ = ["Data", "class_weights_of", "split"]

ONE_PORT_EACH = Ports()


@dataclass(frozen=True)
class Data:
    """
    Inputs, targets and weights of equal length.

    Build it with `Data.of`, which checks them.

    Parameters
    ----------
    xs : tuple of ndarray
        One for each input of the model.
    ys, sample_weights : tuple of ndarray or None
        One for each output; None for what is not given.
    """

    xs: tuple[Array, ...]
    ys: tuple[Any, ...] = (None,)
    sample_weights: tuple[Array | None, ...] = (None,)

    @classmethod
    def of(
        cls,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        ports: Ports = ONE_PORT_EACH,
    ) -> "Data":
        """
        Check the arrays that a caller gave.

        Parameters
        ----------
        x, y, sample_weight : array_like, or a list, tuple or dict of them
            First axis: samples. One array of targets or weights is for every output.
        ports : Ports
            Inputs and outputs of the model.

        Returns
        -------
        Data
            References to the arrays, no copies.

        Raises
        ------
        ValueError
            If an array is missing, empty, not numeric, or of another length than the
            first one, or there are not as many as inputs or outputs.
        """

        def named(argument: str, value: Any) -> Iterator[tuple[str, Any]]:
            arrays = arrays_of(argument, value, ports)
            return zip(ports.labels(argument), arrays, strict=True)

        first = ports.labels("x")[0]
        labelled = [(label, _samples(label, array)) for label, array in named("x", x)]
        xs = [array for _, array in labelled]
        ys: list[Array | None] = []
        weights: list[Array | None] = []
        for label, array in labelled:
            _check_length(first, xs[0], label, array)
        for (label, target), needed in zip(named("y", y), ports.needed, strict=True):
            if target is None and needed:
                raise ValueError(f"{label} must be given, got None")
            ys.append(None if target is None else _samples(label, target))
            _check_length(first, xs[0], label, ys[-1])
        given = named("sample_weight", sample_weight)
        for (label, weight), target in zip(given, ys, strict=True):
            # Without targets there is nothing to weigh.
            absent = weight is None or target is None
            weights.append(None if absent else _samples(label, weight))
            _check_weights(label, weights[-1], len(xs[0]))
        return cls(tuple(xs), tuple(ys), tuple(weights))

    @classmethod
    def plain(cls, x: Any, y: Any = None) -> "Data | None":
        """
        Return one input and its targets at once, if nothing can be wrong with them.

        Parameters
        ----------
        x : object
            As for `of`.
        y : object, optional
            Targets of the one output.

        Returns
        -------
        Data or None
            None for anything but real arrays of equal length.
        """
        arrays = (x,) if y is None else (x, y)
        for array in arrays:
            if type(array) is not np.ndarray or array.dtype.kind not in "biuf":
                return None
            if array.ndim == 0 or not 0 < len(array) == len(x):
                return None
        return cls((x,), (y,))

    def weighted(self, class_weight: Mapping[int, float] | None) -> "Data":
        """
        Multiply the weight of each sample by that of its class.

        Parameters
        ----------
        class_weight : mapping of int to float or None
            Every class of the targets must be in it; ``None`` changes nothing.

        Returns
        -------
        Data
            The same inputs and targets with other weights.

        Raises
        ------
        ValueError
            If there are no targets or several outputs, or a class has no weight.
        """
        if class_weight is None:
            return self
        if len(self.ys) > 1:
            raise ValueError(
                "class_weight must be used with one output, "
                f"got a model with {len(self.ys)}"
            )
        if self.ys[0] is None:
            raise ValueError("class_weight must be used with y, got y None")
        factors = class_weights_of(self.ys[0], class_weight)
        weight = self.sample_weights[0]
        if weight is not None:
            missing = weight.ndim - factors.ndim
            factors = weight.reshape(weight.shape + (1,) * -missing) * factors.reshape(
                factors.shape + (1,) * missing
            )
        return replace(self, sample_weights=(factors,))

    def __len__(self) -> int:
        return len(self.xs[0])

    @property
    def is_on_disk(self) -> bool:
        """Whether some array is a file that is read as it is used."""
        arrays = (*self.xs, *self.ys, *self.sample_weights)
        return any(_is_mapped(array) for array in arrays)

    def count_batches(self, batch_size: int) -> int:
        """Return how many batches `batches` yields."""
        return -(-len(self) // batch_size)

    def take(self, index: Any, room: Sequence[Array] | None = None) -> "Data":
        """Return the samples that an index selects, with the inputs in `room`."""
        if room is None:
            xs = [x[index] for x in self.xs]
        else:
            xs = [
                _gathered(x, index, out[: len(index)])
                for x, out in zip(self.xs, room, strict=True)
            ]
        return Data(
            tuple(xs),
            tuple(None if y is None else y[index] for y in self.ys),
            tuple(None if w is None else w[index] for w in self.sample_weights),
        )

    def drawn_order(
        self, batch_size: int, shuffle: bool | str, rng: np.random.Generator
    ) -> Array | None:
        """
        Return the order in which `batches` is to go through the samples.

        Parameters
        ----------
        batch_size : int
            Samples per batch.
        shuffle : bool or "batch"
            ``True``: a permutation of the samples; ``"batch"``: of the batches only, so
            that an input can be a file on disk.
        rng : numpy.random.Generator
            Drawn from once, if there is anything to shuffle.

        Returns
        -------
        ndarray of int or None
            Numbers of the samples, or of the first sample of each batch; None for the
            order as it is.
        """
        if shuffle == "batch":
            return rng.permutation(np.arange(0, len(self), batch_size))
        return rng.permutation(len(self)) if shuffle else None

    def batches(
        self,
        batch_size: int,
        *,
        shuffle: bool | str = False,
        order: Array | None = None,
        first: int = 0,
    ) -> Iterator["Data"]:
        """
        Yield the samples in batches; the last one may be smaller.

        Parameters
        ----------
        batch_size : int
            Samples per batch.
        shuffle : bool or "batch"
            What `order` counts: samples or batches.
        order : ndarray of int or None
            What `drawn_order` returned for the same arguments.
        first : int
            Number of the first batch that is yielded.

        Yields
        ------
        Data
            One batch. Shuffled inputs are valid until the next one: fresh memory for
            each would cost more than the copy.
        """
        starts = np.arange(0, len(self), batch_size)
        if shuffle and order is None:
            raise ValueError("order must be given for shuffling, got None")
        by_sample = order if shuffle is True else None
        if shuffle == "batch" and order is not None:
            starts = order
        room = None
        if by_sample is not None:
            rows = min(batch_size, len(self))
            room = [np.empty((rows, *x.shape[1:]), x.dtype) for x in self.xs]
        for start in starts[first:].tolist():
            index: Any = slice(start, start + batch_size)
            yield self.take(index if by_sample is None else by_sample[index], room)


def _is_mapped(array: Any) -> bool:
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return isinstance(array, mmap.mmap)


def _gathered(x: Array, index: Array, out: Array) -> Array:
    """Return some samples in the memory of `out`."""
    if x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative:
        # Without clip, NumPy would copy twice, to be able to refuse an index.
        return np.take(x, index, axis=0, out=out, mode="clip")
    out[...] = x[index]  # of such an array, np.take would copy the whole first
    return out


def _samples(name: str, value: Any) -> Array:
    array = _arrays.numbers(name, value)
    if array.dtype.kind == "c":
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.ndim == 0:
        raise ValueError(f"{name} must have a sample axis, got one number, {array}")
    if len(array) == 0:
        raise ValueError(f"{name} must hold samples, got shape {array.shape}")
    return array


def _check_length(first: str, x: Array, label: str, array: Array | None) -> None:
    if array is not None and len(array) != len(x):
        raise ValueError(
            f"{first} and {label} must have the same length, "
            f"got {len(x)} and {len(array)} samples"
        )


def _check_weights(label: str, weight: Array | None, samples: int) -> None:
    if weight is not None and len(weight) != samples:
        raise ValueError(
            f"{label} must have one entry per sample, "
            f"got {len(weight)} for {samples} samples"
        )


def split(data: Any, fraction: float) -> tuple[Data, Data]:
    """
    Take the last part of the samples away, before any shuffling.

    Parameters
    ----------
    data : Data
        All samples; nothing else can be split.
    fraction : float
        Part to take, in (0, 1): cut at ``floor(n*(1 - fraction))``, as Keras does.

    Returns
    -------
    first : Data
        The samples before the cut.
    last : Data
        Those from the cut on.

    Raises
    ------
    ValueError
        If one side would be empty, or the data are a Sequence or generator.
    """
    if not isinstance(data, Data):
        raise ValueError(
            "validation_split must be 0 where x is made of batches; give "
            f"validation_data, got {_validate.shown(fraction)}"
        )
    fraction = _validate.number("validation_split", fraction, minimum=0.0, maximum=1.0)
    cut = int(np.floor(len(data) * (1.0 - fraction)))
    if cut in (0, len(data)):
        raise ValueError(
            "validation_split must leave samples on both sides, "
            f"got {fraction} of {len(data)} samples"
        )
    return data.take(slice(0, cut)), data.take(slice(cut, None))


def class_weights_of(y: Array, class_weight: Mapping[int, float]) -> Array:
    """
    Return the weight of each sample's class.

    Parameters
    ----------
    y : ndarray of shape (N,), (N, 1), (N, C) or (N, ..., C)
        Labels, or one row of class indicators per sample, or per place of a sample.
    class_weight : mapping of int to float
        Weight per class.

    Returns
    -------
    ndarray of shape (N,) or (N, ...)
        One weight per sample, or per place.

    Raises
    ------
    ValueError
        If a class of `y` has no weight.
    """
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            f"class_weight must be a dict of class to weight, "
            f"got {_validate.shown(class_weight)}"
        )
    if y.ndim > 1 and y.shape[-1] > 1:
        labels = y.argmax(axis=-1)
    else:
        labels = y[..., 0] if y.ndim > 1 else y
    weights = {
        key: _validate.number(f"class_weight[{key!r}]", value)
        for key, value in class_weight.items()
    }
    for key, weight in weights.items():
        if weight < 0:
            raise ValueError(
                f"class_weight[{key!r}] must be >= 0, got {_validate.shown(weight)}"
            )
    classes, inverse = np.unique(labels, return_inverse=True)
    missing = [c for c in classes.tolist() if c not in weights]
    if missing:
        raise ValueError(
            f"class_weight must have a weight for every class of y, got none for "
            f"{missing[0]!r}"
        )
    return np.array([weights[c] for c in classes.tolist()])[inverse].reshape(
        labels.shape
    )
