"""From the contents of a file to the weights and the training of a model."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .. import optimizers
from .._typing import Array
from .._validate import shown
from .contents import Contents, Stored
from .keras import memory, training_config
from .weight_shapes import LayerPlan, legacy_order

__all__ = ["Source", "restore_training", "sources", "sources_by_name"]


class Source(NamedTuple):
    """A layer and where its weights lie in a file, all shapes compared."""

    plan: LayerPlan
    stored: dict[str, Stored]
    layout: str

    def read(self) -> Iterator[Array]:
        """Give the weights in the order and layout of `Layer.get_weights`."""
        for name, stored in self.stored.items():
            yield self.plan.convert(name, stored.read(), self.layout, "keras1")


def sources(contents: Contents, plans: Sequence[LayerPlan]) -> list[Source]:
    """
    Find the weights of every layer, by position or by class, as the format has it.

    Parameters
    ----------
    contents : Contents
        An open file.
    plans : sequence of LayerPlan
        Of the model that the weights are for.

    Returns
    -------
    list of Source
        One per layer with weights.

    Raises
    ------
    ValueError
        If the number of layers or of weights, or a shape, is not the model's. Nothing
        has been read then.
    """
    numbers = _numbers(contents)
    for plan in plans:
        plan.check_size(numbers)
    if contents.keyed_by == "name":
        return _sources_by_place(contents, plans)
    heavy = [plan for plan in plans if plan.shapes]
    groups = _groups(contents, plans, heavy)
    return [
        _source(plan, key, group, contents.native)
        for plan, (key, group) in zip(heavy, groups.items(), strict=True)
    ]


def sources_by_name(
    contents: Contents, plans: Sequence[LayerPlan], *, skip_mismatch: bool
) -> list[Source]:
    """
    Find weights for those layers whose names stand in a legacy HDF5 file.

    Parameters
    ----------
    contents : Contents
        An open file.
    plans : sequence of LayerPlan
        Of the model that the weights are for.
    skip_mismatch : bool
        Warn about a layer that does not fit, and leave it, instead of refusing it.

    Returns
    -------
    list of Source
        One per layer that is found.

    Raises
    ------
    ValueError
        If the file has no names, or a layer does not fit. Nothing has been read then.
    """
    if contents.keyed_by != "name":
        raise ValueError(
            "by_name must be False for a file without names of layers; save_weights of "
            "Keras writes them into a .h5"
        )
    numbers = _numbers(contents)
    found = []
    for name, inner in _by_top(plans).items():
        group = contents.layers.get(name)
        if group is None:
            continue
        try:
            for plan in inner:
                plan.check_size(numbers)
            found += _sources_in(name, name, inner, group)
        except ValueError as error:
            if not skip_mismatch:
                raise
            warnings.warn(f"weights are skipped: {error}", stacklevel=4)
    return found


def _numbers(contents: Contents) -> int:
    return sum(stored.size for stored in contents.arrays())


def _by_top(plans: Sequence[LayerPlan]) -> dict[str, list[LayerPlan]]:
    """Return the plans with weights by the layer or model that the file knows."""
    tops: dict[str, list[LayerPlan]] = {}
    for plan in plans:
        if plan.shapes:
            tops.setdefault(plan.names[0], []).append(plan)
    return tops


def _sources_by_place(contents: Contents, plans: Sequence[LayerPlan]) -> list[Source]:
    """Find weights in the order of a legacy HDF5 file, whatever the names in it are."""
    tops = _by_top(plans)
    groups = {key: group for key, group in contents.layers.items() if group}
    if len(groups) != len(tops):
        raise ValueError(
            f"the file must hold weights of {len(tops)} layers, "
            f"{', '.join(tops) or 'none'}, holds {len(groups)}, "
            f"{', '.join(groups) or 'none'}"
        )
    return [
        source
        for (name, inner), (key, group) in zip(
            tops.items(), groups.items(), strict=True
        )
        for source in _sources_in(name, key, inner, group)
    ]


def _sources_in(
    name: str, key: str, plans: Sequence[LayerPlan], group: Sequence[Stored]
) -> list[Source]:
    """Find the weights of a layer, or of all in a model, in one group of the file."""
    order = legacy_order(plans)
    if len(group) != len(order):
        label = name if key == name else f"{name} ({key} in the file)"
        listed = ", ".join(weight for _, weight in order)
        raise ValueError(
            f"{label} must have {len(order)} weights, {listed}, got {len(group)}"
        )
    of_plan: dict[int, list[Stored]] = {place: [] for place in range(len(plans))}
    for (place, _), stored in zip(order, group, strict=True):
        of_plan[place].append(stored)
    return [
        _source(plan, key if len(plans) == 1 else plan.names[-1], stored, False)
        for plan, stored in zip(plans, of_plan.values(), strict=True)
    ]


def _groups(
    contents: Contents, plans: Sequence[LayerPlan], heavy: Sequence[LayerPlan]
) -> dict[str, list[Stored]]:
    """Return the weights in the file, in the order of the layers that have some."""
    if contents.keyed_by == "class":
        keys = [plan.key for plan in plans]
        unknown = [k for k, group in contents.layers.items() if group and k not in keys]
        if unknown:
            raise ValueError(
                f"the file must hold weights of {', '.join(keys)}, holds {unknown[0]}"
            )
        return {plan.key: contents.layers.get(plan.key, []) for plan in heavy}
    flat = [stored for group in contents.layers.values() for stored in group]
    wanted = sum(len(plan.shapes) for plan in heavy)
    if len(flat) != wanted:
        raise ValueError(f"weights must be a list of {wanted} arrays, got {len(flat)}")
    arrays = iter(flat)
    return {p.path: [next(arrays) for _ in p.shapes] for p in heavy}


def _source(plan: LayerPlan, key: str, group: Sequence[Stored], native: bool) -> Source:
    name = plan.layer.name
    label = name if key in (name, plan.path) else f"{name} ({key} in the file)"
    if len(group) != len(plan.shapes):
        raise ValueError(
            f"{label} must have {len(plan.shapes)} weights, {', '.join(plan.shapes)}, "
            f"got {len(group)}"
        )
    layout = plan.layout_of(group[0].shape, native=native)
    wanted = plan.stored_shapes(layout)
    for (weight, shape), stored in zip(wanted.items(), group, strict=True):
        if stored.shape != shape:
            raise ValueError(
                f"{label}: weight {weight} must have shape {shape}, got {stored.shape}"
            )
    return Source(plan, dict(zip(wanted, group, strict=True)), layout)


# Training ------------------------------------------------------------------------


def restore_training(
    model: Any, contents: Contents, found: Sequence[Source], *, strict: bool
) -> None:
    """
    Compile a model as the one in the file was, with the memory of its optimizer.

    Parameters
    ----------
    model : Sequential
        With the weights of the file.
    contents : Contents
        An open file.
    found : sequence of Source
        Where the weights came from.
    strict : bool
        Whether a file of Keras that asks for something localnet lacks is refused; if
        not, it is said in a warning and the model is left without.

    Raises
    ------
    ValueError
        If the file asks for what localnet lacks, or contradicts itself.

    Warns
    -----
    UserWarning
        See `strict`.
    """
    if contents.training is None:
        return
    try:
        names = model.output_names
        arguments = training_config.arguments_of(contents.training, names)
        optimizer = optimizers.deserialize(arguments.pop("optimizer"))
        model.compile(optimizer, **arguments)
    except (TypeError, ValueError) as error:
        if strict or contents.native:
            raise
        warnings.warn(
            f"the model is not compiled, since localnet cannot train it as it was: "
            f"{error}; call compile with what localnet has, or load with compile=False",
            stacklevel=5,
        )
        return
    if not contents.optimizer:
        return
    owners = [
        (source, name)
        for source in found
        for name in source.stored
        if source.plan.layer.learns(name)
    ]
    try:
        state = _checked_state(optimizer, contents, owners)
    except ValueError as error:
        # A model that was frozen or thawed after its training, for instance.
        if strict or contents.native:
            raise
        warnings.warn(
            f"the optimizer starts anew, since what the file remembers of it does not "
            f"fit: {error}",
            stacklevel=5,
        )
        return
    optimizer.set_state(_read_state(optimizer, state, owners))
    if optimizer.slots:
        model._trainer.updated = list(model._trainer.trained())


Owners = Sequence[tuple[Source, str]]


def _checked_state(
    optimizer: Any, contents: Contents, owners: Owners
) -> dict[str, Stored]:
    """Return the optimizer's arrays under our names, all shapes compared."""
    state = contents.optimizer
    if not contents.native:
        shapes = [source.stored[name].shape for source, name in owners]
        state = memory.state_of(optimizer, state, shapes)
    for key, stored in state.items():
        _check_slot(optimizer, key, stored, owners)
    return state


def _read_state(
    optimizer: Any, state: Mapping[str, Stored], owners: Owners
) -> dict[str, Array]:
    values: dict[str, Array] = {}
    for key, stored in state.items():
        values[key] = stored.read()
        slot, _, index = key.rpartition("_")
        if slot:
            source, name = owners[int(index)]
            start = memory.start_of(optimizer, slot)
            values[key] = source.plan.convert(
                name, values[key], source.layout, "keras1", start
            )
    return values


def _check_slot(optimizer: Any, key: str, stored: Stored, owners: Owners) -> None:
    """Refuse what the optimizer does not remember, before it is read."""
    if key == "iterations":
        if stored.shape != ():
            raise ValueError(f"iterations must be one number, got {stored.shape}")
        return
    slot, _, index = key.rpartition("_")
    known = slot in optimizer.slot_names and index.isdecimal()
    if not known or int(index) >= len(owners):
        raise ValueError(
            f"the optimizer must remember {' or '.join(optimizer.slot_names)} of "
            f"{len(owners)} weights, got {shown(key)}"
        )
    source, name = owners[int(index)]
    shape = source.stored[name].shape
    if stored.shape != shape:
        raise ValueError(
            f"{key} of the optimizer must have shape {shape}, got {stored.shape}"
        )
    if stored.dtype.kind != "f":
        raise ValueError(
            f"{key} of the optimizer must hold floats, got dtype {stored.dtype}"
        )
