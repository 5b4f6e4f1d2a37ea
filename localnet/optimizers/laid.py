"""
Small parameters laid end to end, so that one pass serves all of them.

A model has many arrays of a few hundred numbers, and each call of NumPy takes longer
than its arithmetic. The rules of our optimizers treat each number alone: what they give
is equal to the bit, however the numbers lie.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._typing import Array

__all__ = ["Laid"]

# Numbers of a parameter up to which copying it costs less than passes of its own.
SMALL = 1 << 13


class Laid:
    """
    Parameters and what is remembered of them, in few pieces.

    Parameters
    ----------
    params : list of ndarray
        In the order of the slots.
    slots : dict of str to list of ndarray
        Their small arrays become parts of larger ones, with the same values.
    """

    def __init__(self, params: list[Array], slots: dict[str, list[Array]]) -> None:
        self.params, self.source = params, slots
        kinds: dict[Any, list[int]] = {}
        for number, param in enumerate(params):
            kind = param.dtype if param.size <= SMALL else number
            kinds.setdefault(kind, []).append(number)
        self.groups = list(kinds.values())
        self.slots: dict[str, list[Array]] = {}
        for name, arrays in slots.items():
            self.slots[name] = [_together(arrays, group) for group in self.groups]
        self.pieces = [
            params[group[0]] if len(group) == 1 else _laid(params, group)
            for group in self.groups
        ]
        self._grads = [
            None if len(group) == 1 else np.empty_like(piece)
            for group, piece in zip(self.groups, self.pieces, strict=True)
        ]
        # Where each small parameter lies in its piece.
        self._parts = [
            (params[number], part)
            for group, piece in zip(self.groups, self.pieces, strict=True)
            if len(group) > 1
            for number, part in zip(group, _parts(piece, params, group), strict=True)
        ]

    def holds(self, params: list[Array]) -> bool:
        """Return whether these parameters were laid."""
        return params is self.params or (
            len(params) == len(self.params)
            and all(a is b for a, b in zip(params, self.params, strict=True))
        )

    def gather(self, grads: Sequence[Array]) -> list[Array]:
        """Bring the small parameters and their gradients together."""
        for param, part in self._parts:
            part[...] = param
        return [
            grads[group[0]]
            if room is None
            else np.concatenate([grads[n].reshape(-1) for n in group], out=room)
            for group, room in zip(self.groups, self._grads, strict=True)
        ]

    def scatter(self) -> None:
        """Write the small parameters back to where they live."""
        for param, part in self._parts:
            param[...] = part


def _laid(arrays: Sequence[Array], group: Sequence[int]) -> Array:
    return np.concatenate([arrays[number].reshape(-1) for number in group])


def _parts(piece: Array, like: Sequence[Array], group: Sequence[int]) -> list[Array]:
    stops = np.cumsum([like[number].size for number in group])[:-1]
    parts = np.split(piece, stops)
    return [p.reshape(like[n].shape) for p, n in zip(parts, group, strict=True)]


def _together(arrays: list[Array], group: Sequence[int]) -> Array:
    """Return the arrays of a group in one, of which they become parts."""
    if len(group) == 1:
        return arrays[group[0]]
    piece = _laid(arrays, group)
    for number, part in zip(group, _parts(piece, arrays, group), strict=True):
        arrays[number] = part
    return piece
