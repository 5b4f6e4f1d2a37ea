"""
Where the batches of `fit`, `evaluate` and `predict` come from.

Arrays, a Sequence and a generator answer the same questions, so that there is one loop.
"""

import inspect
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import _validate
from .._typing import Array, Config
from .batches import Data
from .fingerprint import identity_of_data
from .generators import (
    Batches,
    Generated,
    Source,
    is_iterator,
    is_ours,
    is_stream,
    length,
)
from .inputs_outputs import Ports
from .options import steps_of

__all__ = ["checked_data", "parted", "source_of", "validating"]

# Samples per piece when targets are tried out before training.
TRIAL = 128
# Pieces of a file that are tried out, in place of all of it.
TRIALS_OF_A_FILE = 8


class Arrays(Source):
    """
    Arrays, cut into batches.

    Parameters
    ----------
    data : Data
        All samples.
    batch_size : int
        Samples per batch.
    shuffle : bool or "batch"
        As for `Data.drawn_order`.
    steps : int
        Batches per epoch.
    class_weight : mapping of int to float or None
        Of targets in a file; others are weighted before.
    """

    def __init__(
        self,
        data: Data,
        batch_size: int,
        shuffle: bool | str,
        steps: int,
        class_weight: Mapping[int, float] | None,
    ) -> None:
        self.data = data
        self.batch_size: int = batch_size
        self.shuffle = shuffle
        self.class_weight = class_weight
        self._steps = steps

    @property
    def steps(self) -> int:
        """Batches of every epoch."""
        return self._steps

    def first(self) -> Data:
        """Return one sample."""
        return self.data.take(slice(0, 1))

    def trials(self, first: Data) -> Iterator[Data]:
        """Yield all samples, or some of a file, in pieces."""
        size, step = TRIAL, 1
        if self.data.is_on_disk:
            size = self.batch_size
            step = max(1, self.data.count_batches(size) // TRIALS_OF_A_FILE)
        for start in range(0, len(self.data), size * step):
            piece = self.data.take(slice(start, start + size))
            yield piece.weighted(self.class_weight)

    def draw_order(self, rng: np.random.Generator) -> Array | None:
        """Return a permutation of the samples or of the batches."""
        return self.data.drawn_order(self.batch_size, self.shuffle, rng)

    def batches(self, order: Array | None = None, first: int = 0) -> Iterator[Data]:
        """Yield pieces of the arrays."""
        batches = self.data.batches(
            self.batch_size, shuffle=self.shuffle, order=order, first=first
        )
        for batch in itertools.islice(batches, self._steps - first):
            yield batch.weighted(self.class_weight)

    def identity(self) -> Config:
        """Describe the arrays."""
        return identity_of_data(self.data)


def checked_data(
    x: Any, y: Any, sample_weight: Any, ports: Ports, name: str = "x"
) -> Any:
    """
    Return arrays as `Data`, and a Sequence or iterator as it is.

    Parameters
    ----------
    x, y, sample_weight : object
        As for `fit`.
    ports : Ports
        Inputs and outputs of the model.
    name : str
        What errors call a Sequence or iterator.

    Returns
    -------
    Data, Sequence or iterator
        For `source_of`.

    Raises
    ------
    ValueError
        If something is wrong with arrays, or targets are given beside batches.
    """
    if not is_stream(x):
        if isinstance(x, type) or inspect.isroutine(x):
            raise ValueError(
                f"{name} must be arrays, a Sequence or a generator, got "
                f"{_validate.shown(x)}; call it "
                "to make one"
            )
        return Data.of(x, y, sample_weight, ports)
    for argument, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"{argument} must be None where {name} is made of batches, which hold "
                f"it, got {type(value).__name__}"
            )
    return x


def parted(given: Any, forms: str) -> tuple[Any, Any, Any]:
    """Return validation data as x, y and a weight or None."""
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise ValueError(f"validation_data must be {forms}, got {type(given).__name__}")
    x, y, weight = (*given, None)[:3]
    return x, y, weight


@contextmanager
def validating() -> Iterator[None]:
    """Let errors say that they are of the validation data."""
    try:
        yield
    except ValueError as error:
        if "validation_data" in str(error).partition(":")[0] or not is_ours(error):
            raise
        raise ValueError(f"validation_data: {error}") from error


def source_of(
    data: Any,
    *,
    ports: Ports,
    batch_size: Any = None,
    shuffle: bool | str = False,
    steps: Any = None,
    class_weight: Mapping[int, float] | None = None,
    name: str = "x",
    steps_name: str = "steps",
) -> Source:
    """
    Return the source that data stand for.

    Parameters
    ----------
    data : Data, Sequence or iterator
        From `checked_data`.
    ports : Ports
        Inputs and outputs of the model.
    batch_size : int, optional
        Of arrays. Default: what `steps` implies, or 32.
    shuffle : bool or "batch"
        Of arrays and Sequences.
    steps : int, optional
        Batches per epoch.
    class_weight : mapping of int to float, optional
        Multiplied into the sample weights.
    name, steps_name : str
        What errors call the data and `steps`.

    Returns
    -------
    Source
        The first epoch has not begun.

    Raises
    ------
    ValueError
        If an option does not fit the data.
    """
    batch_size = _validate.optional_integer("batch_size", batch_size, minimum=1)
    steps = _validate.optional_integer(steps_name, steps_of(steps), minimum=1)
    if isinstance(data, Data):
        if batch_size is None:
            batch_size = 32 if steps is None else -(-len(data) // steps)
        known = data.count_batches(batch_size)
        _check_steps(steps_name, steps, known)
        if not data.is_on_disk:
            data, class_weight = data.weighted(class_weight), None
        return Arrays(data, batch_size, shuffle, steps or known, class_weight)
    if batch_size is not None:
        raise ValueError(
            f"batch_size must be None where {name} is made of batches, got {batch_size}"
        )
    how = {"ports": ports, "class_weight": class_weight, "name": name}
    if is_iterator(data):
        return Generated(data, steps, **how)
    known = length(name, data)
    if known == 0:
        raise ValueError(f"{name} must hold batches, got a Sequence of length 0")
    _check_steps(steps_name, steps, known)
    return Batches(data, bool(shuffle), steps, **how)


def _check_steps(name: str, steps: int | None, known: int) -> None:
    if steps is not None and steps > known:
        raise ValueError(
            f"{name} must be <= {known}, the number of batches, got {steps}"
        )
