"""What an optimizer remembers of the parameters from one update to the next."""

import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike

__all__ = ["Memory"]


class Owner:
    """
    Whose parameters a memory is of; neither is kept alive by it.

    Parameters
    ----------
    model : object
        What is trained.
    params : sequence of ndarray
        Its parameters that learn.
    """

    def __init__(self, model: object, params: Sequence[Array]) -> None:
        self.model = weakref.ref(model)
        self.params = [weakref.ref(param) for param in params]

    def is_same(self, model: object, params: Sequence[Array]) -> bool:
        """Return whether it is this model, or another one around the same arrays."""
        return self.model() is model or (
            len(params) == len(self.params)
            and all(ref() is p for ref, p in zip(self.params, params, strict=True))
        )


class Listed(list[Array]):
    """A list that may be called for itself, as its name is a method in early Keras."""

    def __call__(self) -> list[Array]:
        """Return the list."""
        return self


class Memory:
    """
    Keep one array per parameter in each of some slots, and count the updates.

    A subclass names its slots, and may say how they start.

    Attributes
    ----------
    slots : dict of str to list of ndarray
        What is remembered of each parameter, by position. Empty until the first update.
    slot_names : tuple of str
        The keys that `slots` may have, in the order in which Keras makes them.
    keras_names : dict of str to str
        What Keras calls a slot, where that is not its key.
    keras_pair : tuple of str
        Slots that Keras makes in turn for each parameter, rather than one for all
        parameters and then the next.
    use_ema : bool
        Whether there is a slot ``average``.
    """

    slot_names: ClassVar[tuple[str, ...]] = ("average",)
    keras_names: ClassVar[Mapping[str, str]] = {}
    keras_pair: ClassVar[tuple[str, ...]] = ()
    _iterations: int
    slots: dict[str, list[Array]]
    use_ema: bool
    _owner: Owner | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Copy without the model: whose the copy is shows at its next update."""
        return {key: value for key, value in vars(self).items() if key != "_owner"}

    def turns_to(self, model: object, params: Sequence[Array]) -> bool:
        """
        Return whether the next update may be of these parameters.

        Parameters
        ----------
        model : object
            What is trained.
        params : sequence of ndarray
            Its parameters that learn.

        Returns
        -------
        bool
            False if the memory is of another model.
        """
        return self._owner is None or self._owner.is_same(model, params)

    def has_updated(self, model: object, params: Sequence[Array]) -> None:
        """
        Take note of whose parameters the memory is of.

        Parameters
        ----------
        model, params
            As for `turns_to`.
        """
        if not (self._owner and self._owner.model() is model):
            self._owner = Owner(model, params)

    def get_state(self) -> dict[str, Array]:
        """
        Return what `set_state` needs to go on from here.

        Returns
        -------
        dict of str to ndarray
            Copies: ``iterations`` as a 0-d int64 array, and each slot as
            ``<name>_<position>``.
        """
        state = {"iterations": np.array(self._iterations, np.int64)}
        for name, arrays in self.slots.items():
            for index, array in enumerate(arrays):
                state[f"{name}_{index}"] = array.copy()
        return state

    def set_state(self, state: Mapping[str, ArrayLike]) -> None:
        """
        Go on from a state that `get_state` returned.

        Parameters
        ----------
        state : mapping of str to array_like
            ``iterations``, and ``<name>_<position>`` for every slot. A slot that is
            left out starts anew at the next update.

        Raises
        ------
        ValueError
            If ``iterations`` is missing, a key is unknown, an array does not hold
            floats, or two slots differ in their shapes. Nothing is changed.
        """
        if not isinstance(state, Mapping):
            raise ValueError(
                f"state must be a dict of names to arrays, got {type(state).__name__}"
            )
        if "iterations" not in state:
            raise ValueError(f"state must hold iterations, got the keys {list(state)}")
        iterations = _validate.integer("iterations", state["iterations"], minimum=0)
        slots: dict[str, list[Array]] = {}
        known = {"iterations"}
        for name in self.slot_names:
            while (key := f"{name}_{len(slots.get(name, ()))}") in state:
                array = np.array(_arrays.numbers(key, state[key]))
                if array.dtype.kind != "f":
                    raise ValueError(f"{key} must hold floats, got dtype {array.dtype}")
                slots.setdefault(name, []).append(array)
                known.add(key)
        for key in state:
            if key not in known:
                raise ValueError(
                    f"state must hold iterations and slots numbered from 0, of "
                    f"{' or '.join(self.slot_names)}, got {_validate.shown(key)}"
                )
        shapes = {name: _shapes(arrays) for name, arrays in slots.items()}
        if any(shape != next(iter(shapes.values())) for shape in shapes.values()):
            raise ValueError(f"state must hold slots of equal shapes, got {shapes}")
        self._iterations, self.slots = iterations, slots

    @property
    def variables(self) -> Listed:
        """
        What `get_weights` copies.

        Returns
        -------
        list of ndarray
            Slots are live, and numbers are not; it may be called, as in early Keras.
        """
        dtypes = [array.dtype for arrays in self.slots.values() for array in arrays]
        found = Listed([np.array(self._iterations, np.int64)])
        if dtypes:
            numbers = self.keras_numbers().values()
            found += [np.array(number, dtypes[0]) for number in numbers]
        params = next(iter(self.slots.values()), [])
        for slot, _, index in self.keras_slots(len(params)):
            kept = self.slots.get(slot)
            found.append(kept[index] if kept else self.new_slot(slot, params[index]))
        return found

    @property
    def weights(self) -> Listed:
        """
        The same as `variables`, under its old name.

        Returns
        -------
        list of ndarray
            As for `variables`.
        """
        return self.variables

    def get_weights(self) -> list[Array]:
        """
        Return what `set_weights` needs to go on from here, in Keras's order.

        Returns
        -------
        list of ndarray
            Copies: the number of updates, what else Keras counts, and an array for each
            slot and parameter as in `keras_slots`; before an update the first alone.

        See Also
        --------
        get_state : The same by names.
        """
        return [array.copy() for array in self.variables]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """
        Go on from what `get_weights` returned, here or in Keras.

        Parameters
        ----------
        weights : sequence of array_like
            The number of updates first. What follows from it is not read.

        Raises
        ------
        ValueError
            If there are too few or too many, or `set_state` refuses them. Nothing is
            changed.
        """
        arrays = list(weights)[1 + len(self.keras_numbers()) :]
        each = len(self.keras_slots(1))
        count, rest = divmod(len(arrays), each) if each else (0, len(arrays))
        if not len(weights) or rest:
            raise ValueError(
                "weights must be the number of updates and what get_weights puts "
                f"behind it, {each} for each parameter, got {len(weights)} arrays"
            )
        state = {"iterations": weights[0]}
        slots = self.keras_slots(count)
        for (slot, _, index), array in zip(slots, arrays, strict=True):
            if self._needs(slot):
                state[f"{slot}_{index}"] = array
        self.set_state(state)

    @property
    def used_slots(self) -> list[str]:
        """
        The slots that the next update uses, by the arguments as they are now.

        Returns
        -------
        list of str
            Some of `slot_names`, in their order.
        """
        return [name for name in self.slot_names if self._needs(name)]

    def keras_numbers(self) -> dict[str, float]:
        """
        Return the numbers that Keras keeps beside that of the updates.

        Returns
        -------
        dict of str to float
            By Keras's names, in the order of its files.
        """
        return {}

    def keras_slots(self, count: int) -> list[tuple[str, str, int]]:
        """
        Return the arrays that Keras keeps of `count` parameters, in its files' order.

        Parameters
        ----------
        count : int
            How many parameters there are.

        Returns
        -------
        list of (str, str, int)
            For each array its key in `slots`, Keras's name of it, and the position of
            the parameter.

        Examples
        --------
        >>> from localnet.optimizers import Adam
        >>> [f"{name}{index}" for _, name, index in Adam(amsgrad=True).keras_slots(2)]
        ['m0', 'v0', 'm1', 'v1', 'vhat0', 'vhat1']
        """
        found: list[tuple[str, int]] = []
        for slot in filter(self._keras_keeps, self.slot_names):
            pair = self.keras_pair if slot in self.keras_pair else (slot,)
            if slot == pair[0]:
                found += [(each, index) for index in range(count) for each in pair]
        return [(slot, self.keras_names.get(slot, slot), i) for slot, i in found]

    def new_slot(self, name: str, param: Array) -> Array:
        """
        Return what a slot holds of a parameter before the first update.

        Parameters
        ----------
        name : str
            One of `slot_names`.
        param : ndarray
            The parameter. Not modified.

        Returns
        -------
        ndarray
            Of the shape and dtype of `param`: a copy of it for averages, else zeros.
        """
        if name == "average":
            return np.array(param)
        return np.zeros(param.shape, param.dtype)

    def _needs(self, slot: str) -> bool:
        """Return whether the next update uses the slot of this name."""
        return slot != "average" or self.use_ema

    def _keras_keeps(self, slot: str) -> bool:
        """Return whether Keras has the slot in its files."""
        return self._needs(slot)

    def _slots_at(self, index: int, *names: str) -> list[Array]:
        """Return what these slots hold of the parameter at position `index`."""
        return [self.slots[name][index] for name in names]

    def _slots_for(self, variables: dict[Any, Array]) -> dict[str, list[Array]]:
        """Return the slots of these parameters, old and newly needed."""
        params = list(variables.values())
        slots: dict[str, list[Array]] = {}
        for name in self.slot_names:
            if name in self.slots:
                shapes = _shapes(self.slots[name])
                if shapes != _shapes(params):
                    raise ValueError(
                        f"params must have the shapes of the former updates, {shapes}, "
                        f"got {_shapes(params)}"
                    )
                slots[name] = [
                    array.astype(param.dtype, copy=False)
                    for array, param in zip(self.slots[name], params, strict=True)
                ]
            elif self._needs(name):
                slots[name] = [self.new_slot(name, param) for param in params]
        return slots


def _shapes(arrays: Iterable[Array]) -> list[tuple[int, ...]]:
    return [array.shape for array in arrays]
