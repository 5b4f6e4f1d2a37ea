"""
The memory of an optimizer in Keras's files.

Keras tells the arrays apart by their order alone: first numbers, such as how many
updates were made, then what `Optimizer.keras_slots` lists. Its versions differ in what
they keep beyond that.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

import numpy as np

from ..._typing import Array, Shape
from ...optimizers import (
    SGD,
    Legacy,
    LegacyAdadelta,
    LegacyAdagrad,
    LegacyAdam,
    LegacyRMSprop,
    Optimizer,
)
from ..contents import Stored

__all__ = ["start_of", "state_for_keras", "state_of"]

# Some versions keep these slots, the last ones, even where the rule does not use them.
SPARE = ((SGD, "momentum"), (LegacyAdam, "vhat"))
# Before Keras 2.3 the number of their updates was not kept.
UNCOUNTED = (LegacyRMSprop, LegacyAdagrad, LegacyAdadelta)
# The number of updates; a learning rate in some versions, or Nadam's momentum.
MOST_NUMBERS = 2

Slots = list[tuple[str, int]]


def state_of(
    optimizer: Optimizer, stored: Mapping[str, Stored], shapes: Sequence[Shape]
) -> dict[str, Stored]:
    """
    Return the optimizer's arrays of a Keras file under localnet's names.

    Parameters
    ----------
    optimizer : Optimizer
        From the same file.
    stored : mapping of str to Stored
        In the order of the file.
    shapes : sequence of tuple of int
        Of the trainable weights, as the file stores them.

    Returns
    -------
    dict of str to Stored
        Names as in ``optimizer.get_state()``; kernels still in the file's layout. Only
        what the optimizer uses.

    Raises
    ------
    ValueError
        If number or shapes are not those of the optimizer.

    Notes
    -----
    What follows from the number of updates, as Nadam's momentum does, is not read.
    """
    found = list(stored.values())
    used = [
        (slot, index)
        for slot, _, index in optimizer.keras_slots(len(shapes))
        if slot in optimizer.used_slots
    ]
    fewest = 0 if isinstance(optimizer, UNCOUNTED) else 1
    for slots, spare in _layouts(optimizer, used, len(shapes)):
        count = len(found) - len(slots) - spare
        if not fewest <= count <= MOST_NUMBERS:
            continue
        numbers, arrays = found[:count], found[count : count + len(slots)]
        wanted = [()] * count + [shapes[index] for _, index in slots]
        if [array.shape for array in numbers + arrays] != wanted:
            continue
        iterations = _iterations(numbers)
        if used and not slots and iterations.read() != 0:
            break  # updates were made, but what they left is missing
        state = {"iterations": iterations}
        for (slot, index), array in zip(slots, arrays, strict=True):
            state[f"{slot}_{index}"] = array
        return state
    raise ValueError(_refusal(found, used, shapes))


def _layouts(
    optimizer: Optimizer, used: Slots, count: int
) -> Iterator[tuple[Slots, int]]:
    """Yield what may come after the numbers: slots, and how many spare arrays."""
    yield used, 0
    for cls, slot in SPARE:
        if isinstance(optimizer, cls) and slot not in optimizer.used_slots:
            yield used, count
    yield [], 0  # before the first update


def _iterations(numbers: Sequence[Stored]) -> Stored:
    if not numbers:
        zero = np.zeros((), np.int64)
        return Stored(zero.shape, zero.dtype, lambda: zero)
    whole = [number for number in numbers if number.dtype.kind in "iu"]
    count = (whole or numbers)[0]
    return count._replace(read=lambda: _whole(count.read()))


def _whole(count: Array) -> Array:
    """Return a float that is a whole number as an int; early Keras 2 counted so."""
    with np.errstate(invalid="ignore"):
        whole = count.astype(np.int64)
    return whole if whole == count else count


def _refusal(found: Sequence[Stored], used: Slots, shapes: Sequence[Shape]) -> str:
    """Return what is wrong with a memory that has no known layout."""
    numbers = list(takewhile(lambda array: not array.shape, found))
    arrays = found[len(numbers) :]
    if not numbers:
        return "the state of the optimizer must begin with its iterations"
    if len(arrays) == len(used):
        for (slot, index), array in zip(used, arrays, strict=True):
            if array.shape != shapes[index]:
                return (
                    f"{slot} {index} of the optimizer must have shape {shapes[index]}, "
                    f"got {array.shape}"
                )
    names = ", ".join(dict.fromkeys(slot for slot, _ in used)) or "nothing"
    return (
        f"the optimizer must remember {names} of {len(shapes)} weights in "
        f"{len(used)} arrays, got {len(arrays)}"
    )


def start_of(optimizer: Optimizer, slot: str) -> float:
    """
    Return what a slot holds for an entry that connects nothing.

    Parameters
    ----------
    optimizer : Optimizer
        Any.
    slot : str
        One of its ``slot_names``.

    Returns
    -------
    float
        What it begins with where the weight is 0. Without a gradient it stays so.
    """
    return float(optimizer.new_slot(slot, np.zeros(())))


def state_for_keras(
    optimizer: Optimizer, weights: Mapping[str, Array], slots: Mapping[str, Array]
) -> dict[str, Array]:
    """
    Return the memory of an optimizer under Keras's names and in its order.

    Parameters
    ----------
    optimizer : Optimizer
        Any; Keras reads those that it has.
    weights : mapping of str to ndarray
        The trainable ones, ``"<layer>/kernel"`` and so on, in the file's layout.
    slots : mapping of str to ndarray
        ``optimizer.get_state()`` without the iterations, in the file's layout.

    Returns
    -------
    dict of str to ndarray
        Complete, as Keras wants it: what the optimizer does not hold yet is as before
        the first update.
    """
    legacy = isinstance(optimizer, Legacy)
    title = type(optimizer).__name__.removeprefix("Legacy")
    count = f"{title}/iter:0" if legacy else "iteration:0"
    state = {count: np.array(optimizer.iterations, np.int64)}
    named = list(weights.items())
    if named:
        _, first = named[0]
        for name, number in optimizer.keras_numbers().items():
            state[f"{title}/{name}:0"] = np.array(number, first.dtype)
    for slot, word, index in optimizer.keras_slots(len(named)):
        name, weight = named[index]
        key = f"{name}/{word}" if legacy else f"{word}/{name}"
        value = slots.get(f"{slot}_{index}")
        state[f"{title}/{key}:0"] = (
            optimizer.new_slot(slot, weight) if value is None else value
        )
    return state
