"""
Layers that differ in one option alone, and have the same shapes all over.

Cases of a suite need not have such a sibling: strides that leave as many windows, as
many channels as cells, pads that move.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from ..._typing import Array, Config
from ..case import Case
from ..cases.configs import shapes_of
from ..cases.others.corners import stack_config
from ..cases.others.integers import fixed_config, int8_config
from ..cases.others.layered import norm_config, pool_config
from ..cases.others.making import made
from ..cases.specs import SMALL, STACKED, Numbers, Spec
from .answered import answered

__all__ = ["pairs_of"]

# The same number of windows for strides of 3 and 4, and for dilations of 1 and 2.
LOOSE: dict[str, Any] = {"sizes": (9,), "kernel_size": (2,), "strides": (3,)}
LOOSE |= {"pads": ((1, 0),), "channels": 2}
# As many cells as channels, and filters.
CUBE: dict[str, Any] = {"sizes": (4,), "kernel_size": (1,), "channels": 4, "filters": 4}
OPTIONS: Config = {"strides": [4], "dilation_rate": [2], "pads": [[0, 1]]}
FIRST: Config = {"data_format": "channels_first"}
INTEGERS = {
    "x": Numbers(0, 1, 20),
    "kernel": Numbers(0, 1, 20),
    "bias": Numbers(1, 1, 9),
}
ATTEMPTS = 50


def pairs_of(kind: str) -> Iterator[tuple[Case, str, Case]]:
    """
    Yield cases of another kind with what is different, and the case that differs.

    Parameters
    ----------
    kind : str
        No plain layer and no variant.

    Yields
    ------
    tuple of Case, str and Case
        With their answers.
    """
    for layer, options in ((LOOSE, OPTIONS), (CUBE, FIRST)):
        for where in ("", "second") if kind == "stack" and layer is LOOSE else ("",):
            for option, value in options.items():
                with suppress(ValueError):
                    yield _pair(kind, layer, where, option, value)


def _pair(
    kind: str, layer: dict[str, Any], where: str, option: str, value: Any
) -> tuple[Case, str, Case]:
    config = _config(kind, layer)
    if kind in ("pool", "int8", "fixed_point", "batch_norm"):
        known = ("strides", "pads", "data_format")
        if option not in known or (kind == "batch_norm" and layer is LOOSE):
            raise ValueError(f"{kind} must have {option}")
    changed = {**config, option: value}
    if where and option == "pads":
        value = [pair[::-1] for pair in config[where]["pads"]]
    if where:
        changed = {**config, where: {**config[where], option: value}}
    elif kind == "stack" and option == "data_format":
        changed["second"] = {**config["second"], option: value}
    _check_outputs(changed)
    old = (config[where] if where else config)[option]
    words = f"{where} {option} {value} in the place of {old}".strip()
    reason = ValueError()
    for attempt in range(ATTEMPTS):
        try:
            one = answered(_made(kind, config, attempt))
            other = answered(replace(one, config=changed))
        except ValueError as error:
            reason = error
            continue
        if not np.array_equal(one.expected["y"], other.expected["y"]):
            return one, words, other
    raise reason


def _check_outputs(c: Config) -> None:
    """Refuse a config with more windows, or fewer, than it says."""
    names = ("input_sizes", "kernel_size", "strides", "dilation_rate", "pads")
    axes = zip(*(c[name] for name in names), strict=True)
    outputs = [(n + sum(p) - (r - 1) * d - 1) // s + 1 for n, r, s, d, p in axes]
    if outputs != c["output_sizes"]:
        raise ValueError(f"output_sizes must be {outputs}, got {c['output_sizes']}")
    if "second" in c:
        _check_outputs(c["second"])


def _config(kind: str, layer: dict[str, Any]) -> Config:
    """Return the config of a kind on a layer."""
    cube = layer is CUBE
    if kind == "batch_norm":
        return norm_config(2, (4,), 4, first=False, training=False)
    spec = Spec("", "", **{"filters": 2, **layer})
    if kind == "stack":
        more = {"strides": (3,), "pads": ((4, 3),), "pad_value": 1.0}
        relu = {"name": "relu"}
        return stack_config(
            replace(spec, activation=relu),
            spec.kernel_size,
            **({"filters": 4} if cube else more),
        )
    if kind == "pool":
        window = (layer["sizes"], layer["kernel_size"], layer.get("strides", (1,)))
        found = pool_config("max", window, layer["channels"], first=False)
        config = spec.config
        return {**found, "pads": config["pads"], "output_sizes": config["output_sizes"]}
    if kind == "int8":
        return spec.config | int8_config("none", 4, 0, 3, -5, 0)
    return spec.config | fixed_config(16, 1, "nearest", "wrap")


def _made(kind: str, config: Config, attempt: int) -> Case:
    name, precision = f"pair-{kind}", "float32"
    given: dict[str, Array] = {}
    numbers = STACKED if kind == "stack" else SMALL
    if kind in ("int8", "fixed_point"):
        numbers, precision = INTEGERS, "int32"
    if kind == "pool":
        shape = shapes_of(config, kind)["x"]
        order = np.arange(np.prod(shape)) * 7 % (np.prod(shape) + 1)
        given = {"kernel": np.zeros(0), "x": order.reshape(shape)}
    if kind == "batch_norm":
        channels = np.arange(float(config["channels"]))
        given = {"mixture": np.stack([channels - 2, 4.0 ** (channels % 3) - 0.25])}
    why = "differs from another in one option"
    return made(name, why, kind, config, precision, numbers, given, attempt)
