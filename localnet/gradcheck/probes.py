"""From a map and the gradients claimed for it to probes, one for each argument."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import _validate
from .._typing import Array, ArrayLike
from .slopes import Probe, draw

__all__ = ["flat", "frozen", "is_float", "op_probes", "probes_of", "to_float64"]

# Two runs at one point may differ by the order of a threaded sum, by no more.
REPEATABLE = 1e-12


def op_probes(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    wrt: str | Sequence[str] | None,
    rng: np.random.Generator,
) -> list[Probe]:
    """Return one probe for each argument of a pair that is to be checked."""
    for name, function in (("forward", forward), ("backward", backward)):
        _validate.callable_(name, function)
    args = _validate.items("args", args, "a list of arguments")
    kwargs = _validate.named("kwargs", kwargs)
    names = _argument_names(forward, len(args))
    inputs = dict(zip(names, map(to_float64, args), strict=False))
    floats = {name: value for name, value in inputs.items() if is_float(value)}
    if isinstance(wrt, str):
        wrt = [wrt]
    if wrt is not None:
        wrt = _validate.items("wrt", wrt, "names of arguments")
    for name in wrt or ():
        if not isinstance(name, str) or name not in floats:
            raise ValueError(
                "wrt must name arguments that hold floats, "
                f"{', '.join(map(repr, floats))}, got {_validate.shown(name)}"
            )
    arguments = {name: floats[name] for name in (floats if wrt is None else wrt)}
    if not arguments:
        raise ValueError("args must have an array of floats to check, got none")

    def outputs(moved: Mapping[str, Array]) -> Array:
        return flat(forward(*{**inputs, **moved}.values(), **kwargs)[0])

    y, cache = forward(*inputs.values(), **kwargs)
    dy = frozen(draw(rng, np.shape(y)))
    returned = backward(dy, cache)
    if isinstance(returned, tuple):
        fields = getattr(returned, "_fields", ())
        if fields and {field.removeprefix("d") for field in fields} <= set(names):
            names = [field.removeprefix("d") for field in fields]
        gradients = dict(zip(names, returned, strict=False))
    elif len(arguments) == 1:
        gradients = dict.fromkeys(arguments, returned)
    else:
        raise ValueError(
            "wrt must name the argument that the one gradient belongs to, "
            f"got {_validate.shown(wrt)} for {', '.join(map(repr, arguments))}"
        )
    return probes_of(outputs, arguments, gradients, flat(y), dy.ravel())


def probes_of(
    outputs: Callable[[Mapping[str, Array]], Array],
    arguments: Mapping[str, Array],
    gradients: Mapping[str, Any],
    first: Array,
    dy: Array,
) -> list[Probe]:
    """Return one probe for each argument; `first` are the outputs of the first run."""
    base = outputs(arguments)
    if not np.all(np.isfinite(base)):
        raise ValueError("y must be finite at the point to check, got nan or inf")
    if np.linalg.norm(base - first) > REPEATABLE * np.linalg.norm(base):
        raise ValueError("y must be the same in every run, got two that differ")
    for name in arguments:
        if gradients.get(name) is None:
            raise ValueError(
                f"d{name} must be an array, since {name} is checked, got None"
            )

    def alone(name: str) -> Callable[[Array], Array]:
        return lambda value: outputs({**arguments, name: value})

    return [
        Probe(name, alone(name), value, np.asarray(gradients[name]), base, dy)
        for name, value in arguments.items()
    ]


def flat(y: ArrayLike, losses: ArrayLike = ()) -> Array:
    """Return all outputs in one array, none of them below double precision."""
    y = np.asarray(y)
    if y.dtype not in (np.float64, np.complex128):
        raise ValueError(f"y must be float64 when the input is, got {y.dtype}")
    return np.concatenate([y.ravel(), np.asarray(losses, dtype=np.result_type(y))])


def _argument_names(forward: Callable[..., Any], count: int) -> list[str]:
    """Return the names of all positional parameters, at least `count` of them."""
    try:
        parameters = list(inspect.signature(forward).parameters.values())
    except ValueError:  # some functions written in C do not tell
        parameters = []
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    names = [p.name for p in parameters if p.kind in positional]
    return [*names, *(f"argument{i}" for i in range(len(names), count))]


def is_float(value: Any) -> bool:
    """Return whether a value is an array of floats."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def frozen(array: Array) -> Array:
    """Return an array that may no longer be written to."""
    array.flags.writeable = False
    return array


def to_float64(value: Any) -> Any:
    """Return a read-only float64 copy of an array of floats; anything else as it is."""
    if np.asarray(value).dtype.kind != "f":
        return value
    return frozen(np.array(value, dtype=np.float64))
