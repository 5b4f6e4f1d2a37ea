"""
Where batches come from that are made already: a Sequence or a generator.

`Source` is what the loops of training know of them, and of arrays.
"""

import itertools
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from .._arrays import OURS
from .._typing import Array, Config
from .._validate import shown
from .batches import Data
from .inputs_outputs import Ports

__all__ = [
    "Batches",
    "Generated",
    "Source",
    "is_iterator",
    "is_ours",
    "is_stream",
    "length",
]


class Source:
    """
    What a training goes through, once in every epoch; by default, again and again.

    Attributes
    ----------
    batch_size : int or None
        Samples per batch, if that is the same for all.
    """

    batch_size: int | None = None

    @property
    def steps(self) -> int | None:
        """Batches of the epoch that comes; None if it ends when the source does."""
        raise NotImplementedError

    def first(self) -> Data:
        """Return what a model can be built for; nothing is used up."""
        raise NotImplementedError

    def trials(self, first: Data) -> Iterator[Data]:
        """Yield what targets are tried out with before training."""
        yield first

    def has_more(self) -> bool:
        """Return whether another epoch can begin; warn if not."""
        return True

    def draw_order(self, rng: np.random.Generator) -> Array | None:
        """Return the order of an epoch, if it is shuffled."""
        return None

    def batches(self, order: Array | None = None, first: int = 0) -> Iterator[Data]:
        """Yield the batches of an epoch from number `first` on."""
        raise NotImplementedError

    def blamed(self) -> AbstractContextManager[None]:
        """Let errors in a block say which batch of the user's does not fit."""
        return nullcontext()

    def end_epoch(self) -> None:
        """Tell the source that an epoch has ended."""

    def identity(self) -> Config:
        """Describe the source, ready for JSON."""
        raise NotImplementedError

    def get_state(self) -> dict[str, Any]:
        """Return what a resumed training needs to know of the source."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned."""


def is_stream(x: Any) -> bool:
    """
    Return whether data come in batches that are made already.

    Parameters
    ----------
    x : object
        What a user gave for x.

    Returns
    -------
    bool
        True for a Sequence or an iterator.
    """
    return _is_sequence(x) or is_iterator(x)


def _is_sequence(x: Any) -> bool:
    names = ("__len__", "__getitem__", "on_epoch_end")
    return not isinstance(x, type) and all(hasattr(x, name) for name in names)


def is_iterator(x: Any) -> bool:
    """Return whether data are a generator or another iterator."""
    return isinstance(x, Iterator)


def length(name: str, sequence: Any) -> int:
    """Return how many batches a Sequence says that it has."""
    try:
        return len(sequence)
    except (TypeError, ValueError, OverflowError):
        said = type(sequence).__len__(sequence)  # or what else is wrong
        raise ValueError(
            f"len({name}) must be an integer >= 0, got {shown(said)}"
        ) from None


class Stream(Source):
    """What sources have in common that hand out whole batches."""

    def __init__(
        self, ports: Ports, class_weight: Mapping[int, float] | None, name: str
    ) -> None:
        self.ports = ports
        self.class_weight = class_weight
        self.name = name
        self.number = 0  # of the batch that was yielded last

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Let what localnet raises name the batch; errors of others' code stay."""
        try:
            yield
        except ValueError as error:
            if not is_ours(error):
                raise
            raise ValueError(f"batch {self.number} of {self.name}: {error}") from error

    def checked(self, item: Any, number: int) -> Data:
        """Return a batch as the user's code gave it: x, (x, y) or (x, y, weight)."""
        parts = tuple(item) if isinstance(item, (tuple, list)) else (item,)
        if len(parts) not in (1, 2, 3):
            raise ValueError(
                f"batch {number} of {self.name} must be x, (x, y) or "
                f"(x, y, sample_weight), got {len(parts)} items"
            )
        x, y, weight = (*parts, None, None)[:3]
        if not any(self.ports.needed):  # what is not used may be anything
            y = weight = None
        try:
            return Data.of(x, y, weight, self.ports).weighted(self.class_weight)
        except ValueError as error:
            raise ValueError(f"batch {number} of {self.name}: {error}") from error


def is_ours(error: BaseException) -> bool:
    """Whether localnet raised an error, and not a function of the user's own."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    home = "" if trace is None else trace.tb_frame.f_globals.get("__name__", "")
    return str(home).startswith(OURS)


class Batches(Stream):
    """
    A Sequence: its batches by number.

    Parameters
    ----------
    sequence : Sequence
        Of `localnet.utils`, or anything with its methods.
    shuffle : bool
        Whether to change the order of the batches.
    steps : int or None
        Batches per epoch; None is all.
    """

    def __init__(
        self, sequence: Any, shuffle: bool, steps: int | None, **how: Any
    ) -> None:
        super().__init__(**how)
        self.sequence = sequence
        self.shuffle = shuffle
        self._steps = steps

    @property
    def steps(self) -> int:
        """Batches of the epoch that comes; `on_epoch_end` may change the length."""
        total = length(self.name, self.sequence)
        return total if self._steps is None else min(total, self._steps)

    def has_more(self) -> bool:
        """Return whether the Sequence still holds batches; warn if not."""
        if self.steps == 0:
            warnings.warn(
                f"{self.name} must hold batches, got a Sequence of length 0; "
                "it ends here",
                stacklevel=2,
            )
        return self.steps > 0

    def first(self) -> Data:
        """Return the first batch."""
        return self.checked(self.sequence[0], 0)

    def draw_order(self, rng: np.random.Generator) -> Array | None:
        """Return a permutation of the batches."""
        return rng.permutation(len(self.sequence)) if self.shuffle else None

    def batches(self, order: Array | None = None, first: int = 0) -> Iterator[Data]:
        """Yield the batches by their numbers."""
        numbers = range(self.steps) if order is None else order[: self.steps].tolist()
        for number in numbers[first:]:
            self.number = number
            yield self.checked(self.sequence[number], number)

    def end_epoch(self) -> None:
        """Call `on_epoch_end`."""
        self.sequence.on_epoch_end()

    def identity(self) -> Config:
        """Describe what the Sequence is, not what it holds."""
        changes = bool(self.get_state())  # then it says itself where it was
        return {
            "x": {
                "class_name": type(self.sequence).__name__,
                "batches": None if changes else len(self.sequence),
            }
        }

    def get_state(self) -> dict[str, Any]:
        """Return the state of the Sequence, if it has one."""
        state: dict[str, Any] = getattr(self.sequence, "get_state", dict)()
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Set the state of the Sequence, if it has one."""
        if hasattr(self.sequence, "set_state"):
            self.sequence.set_state(state)


class Generated(Stream):
    """
    A generator, or another iterator: its batches as they come, each of them once.

    Parameters
    ----------
    iterator : iterator
        Of batches.
    steps : int or None
        Batches per epoch; None: as many as there are.
    """

    def __init__(self, iterator: Iterator[Any], steps: int | None, **how: Any) -> None:
        super().__init__(**how)
        self.iterator = iterator
        self._steps = steps
        self.taken = 0
        self.ahead: list[Data] = []
        self.is_over = False

    @property
    def steps(self) -> int | None:
        """Batches of every epoch, if that was said."""
        return self._steps

    def first(self) -> Data:
        """Return the next batch, which stays the next."""
        if not self._look_ahead():
            raise ValueError(f"{self.name} must yield a batch, got none")
        return self.ahead[0]

    def has_more(self) -> bool:
        """Return whether there is another batch; warn if not."""
        if not self.is_over and not self._look_ahead():
            self._warn()
        return not self.is_over

    def batches(self, order: Array | None = None, first: int = 0) -> Iterator[Data]:
        """Yield the next batches; warn if there are too few."""
        for _ in itertools.count() if self._steps is None else range(self._steps):
            if not self._look_ahead():
                if self._steps is not None:
                    self._warn()
                return
            self.number = self.taken - 1
            yield self.ahead.pop()

    def _look_ahead(self) -> bool:
        """Have the next batch at hand; return whether there is one."""
        if not self.ahead:
            for item in itertools.islice(self.iterator, 1):
                self.ahead.append(self.checked(item, self.taken))
                self.taken += 1
        return bool(self.ahead)

    def _warn(self) -> None:
        self.is_over = True
        warnings.warn(
            f"{self.name} must yield enough batches, got only {self.taken}; it ends "
            "here, with what they gave",
            stacklevel=2,
        )

    def identity(self) -> Config:
        """Refuse: a generator cannot be brought to where it was."""
        raise ValueError(
            f"{self.name} must be arrays or a Sequence with BackupAndRestore, got a "
            "generator, which cannot be resumed"
        )
