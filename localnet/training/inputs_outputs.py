"""
Which of several values belongs to which input or output of a model.

As in Keras 2, a user gives them as a list or tuple in order, or as a dict by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._validate import shown, suggestion

__all__ = ["Ports", "arrays_of", "items_of", "lists_of"]


@dataclass(frozen=True)
class Ports:
    """
    The inputs and outputs of a model.

    Parameters
    ----------
    inputs, outputs : tuple of str
        Their names.
    needed : tuple of bool
        Whether each output is compared with targets.
    """

    inputs: tuple[str, ...] = ("input",)
    outputs: tuple[str, ...] = ("output",)
    needed: tuple[bool, ...] = (True,)

    def without_targets(self) -> "Ports":
        """Return the ports of a model that nothing is compared with."""
        return Ports(self.inputs, self.outputs, (False,) * len(self.outputs))

    def labels(self, argument: str) -> list[str]:
        """Return what errors call the items of ``x``, ``y`` or ``sample_weight``."""
        names = self.inputs if argument == "x" else self.outputs
        one = len(names) == 1
        return [argument if one else f"{argument}[{name!r}]" for name in names]


def arrays_of(argument: str, value: Any, ports: Ports) -> list[Any]:
    """
    Return one array for each input or output.

    Parameters
    ----------
    argument : {"x", "y", "sample_weight"}
        Which of the data it is.
    value : object
        A list or tuple of arrays, a dict of arrays by name, or one array: for the one
        port that there is, or for every output.
    ports : Ports
        Those of the model.

    Returns
    -------
    list
        In the order of the names; None for what a dict leaves out.

    Raises
    ------
    ValueError
        If there are not as many arrays as names, or a name is unknown.
    """
    names = ports.inputs if argument == "x" else ports.outputs
    if _is_by_name(value):
        arrays = _by_name(argument, value, names)
        for name, array in zip(names, arrays, strict=True):
            if argument == "x" and array is None:
                raise ValueError(
                    f"x must have the keys {list(names)}, got none for {name!r}"
                )
        return arrays
    if len(names) == 1:
        return [_only_array(value)]
    if isinstance(value, (list, tuple)):
        return _in_order(argument, value, names)
    if argument == "x":
        raise ValueError(f"x must be {_rule(names)}, got {_kind(value)}")
    return [value] * len(names)


def items_of(argument: str, value: Any, names: Sequence[str]) -> list[Any]:
    """
    Return one item, such as a loss, for each output.

    Parameters
    ----------
    argument : str
        What errors call it.
    value : object
        A list or tuple of items, a dict of items by name, or one item for all.
    names : sequence of str
        Of the outputs.

    Returns
    -------
    list
        In the order of the names; None for what a dict leaves out.

    Raises
    ------
    ValueError
        If there are not as many items as names, or a name is unknown.
    """
    if _is_by_name(value):
        return _by_name(argument, value, names)
    if not isinstance(value, (list, tuple)):
        return [value] * len(names)
    # What is wrong with a list for one output is said by who reads its item.
    if len(names) == 1:
        return list(value) if len(value) == 1 else [value]
    return _in_order(argument, value, names)


def lists_of(argument: str, value: Any, names: Sequence[str]) -> list[list[Any]]:
    """
    Return one list of items, such as metrics, for each output.

    Parameters
    ----------
    argument : str
        What errors call it.
    value : object
        One item or a list of items, for every output; a list that holds lists, one for
        each output; or a dict of items or lists by name.
    names : sequence of str
        Of the outputs.

    Returns
    -------
    list of list
        Without the items that are None.

    Raises
    ------
    ValueError
        If there are not as many lists as names, or a name is unknown.
    """
    if _is_by_name(value):
        found = _by_name(argument, value, names)
    elif len(names) == 1:
        found = [value]
    elif isinstance(value, (list, tuple)) and any(map(_is_nested, value)):
        found = _in_order(argument, value, names)
    else:
        found = [value] * len(names)
    return [_flat(argument, item) for item in found]


def _by_name(argument: str, value: Any, names: Sequence[str]) -> list[Any]:
    for name in value:
        if name not in names:
            raise ValueError(
                f"{argument} must have keys among {list(names)}, "
                f"got {shown(name)}{suggestion(name, names)}"
            )
    return [value.get(name) for name in names]


def _in_order(argument: str, value: Any, names: Sequence[str]) -> list[Any]:
    if len(value) != len(names):
        raise ValueError(f"{argument} must be {_rule(names)}, got {len(value)}")
    return list(value)


def _rule(names: Sequence[str]) -> str:
    return f"a list of {len(names)}, one for each of {list(names)}"


def _kind(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"one array of shape {shape}"


def _is_by_name(value: Any) -> bool:
    return isinstance(value, Mapping) and not _is_config(value)


def _is_config(value: Any) -> bool:
    """Return whether a dict is one item: what `get_config` wrote of an object."""
    return isinstance(value, Mapping) and "class_name" in value


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or _is_by_name(value)


def _only_array(value: Any) -> Any:
    """Return the array in a list of one; other lists are arrays themselves."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        return value[0] if getattr(value[0], "ndim", 0) > 0 else value
    return value


def _flat(argument: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if _is_by_name(value):
        raise ValueError(
            f"{argument} must be a list for each output, got {shown(value)}"
        )
    if not isinstance(value, (list, tuple)):
        return [value]
    items = [item for v in value for item in (v if isinstance(v, list) else [v])]
    return [item for item in items if item is not None]
