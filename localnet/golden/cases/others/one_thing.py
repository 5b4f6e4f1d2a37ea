"""
Layers of other kinds that differ from the one before in one thing, on the same numbers.

Whoever keeps a plan, a count, a scale or packed weights by less than all they follow
from gives the answer of the layer before.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...._typing import Array
from ...case import Case
from ..axes import PIECEWISE
from ..configs import shapes_of
from ..specs import SMALL, Numbers, Spec
from .corners import stack_config, stacked
from .integers import fixed_config, int8_config
from .layered import SCALES, centred, norm_config, pool_config
from .making import check_stack, config_of, made

__all__ = ["integers_alone", "norms_alone", "pools_alone", "stacks_alone"]

INPUTS = ("x", "kernel", "bias", "dy", "mixture", "kernel2", "bias2")
# By the words for it: keys of a config, or arrays, None for those that are left out.
Changes = Mapping[str, Mapping[str, Any]]


def _alone(base: Case, changes: Changes) -> Iterator[Case]:
    """Yield a case, and one for each change of it."""
    yield base
    for n, (words, change) in enumerate(changes.items()):
        found = {key: getattr(base, key) for key in INPUTS} | base.config
        found |= change
        config = {key: found[key] for key in found if key not in INPUTS}
        config = {key: value for key, value in config.items() if value is not None}
        shapes = shapes_of(config, base.kind)
        given = {
            key: np.resize(found[key], shapes[key])
            for key in INPUTS
            if key in shapes and found[key] is not None
        }
        name, why = f"{base.id}-{n}", f"as {base.id}, but for {words}"
        case = made(name, why, base.kind, config, base.precision, {}, given)
        if case.kind == "stack":
            check_stack(case)
        yield case


def _turned(base: Case, *names: str) -> Changes:
    """Return changes of one number each, in the middle of an array."""
    return {
        f"a number in the middle of {name}": {name: _negated(getattr(base, name))}
        for name in names
    }


def _negated(array: Array) -> Array:
    found = array.copy()
    middle = found.size // 2
    found.flat[middle + np.flatnonzero(found.ravel()[middle:])[0]] *= -1
    return found


def pools_alone() -> Iterator[Case]:
    """Yield poolings that differ in pads, strides, a window, or what is taken."""
    config = pool_config("average", ((9,), (2,), (2,)), 3, first=False)
    x = np.arange(54.0) * 7 % 54 + 1  # no two are equal
    base = made(
        "pool-alone",
        "what others differ from",
        "pool",
        config,
        "float32",
        {"dy": SMALL["dy"]},
        {"kernel": np.zeros(0), "x": x},
    )
    turned = {"channels": 9, "filters": 9, "input_sizes": [3], "output_sizes": [2]}
    yield from _alone(
        base,
        {
            "where its pads stand": {"pads": [[1, 0]]},
            "its pads, and so its window": {"pads": [[0, 0]], "kernel_size": [1]},
            "the largest in place of the mean": {"pool": "max"},
            "its stride": {"strides": [1], "output_sizes": [9]},
            "its data format": {"data_format": "channels_first", **turned},
        },
    )


def norms_alone() -> Iterator[Case]:
    """Yield normalisations that differ in epsilon, moments, scale or shift."""
    config = norm_config(2, (4,), 5, first=False)
    given = centred(config, 3) | {"mixture": np.array([np.arange(5.0), [2.5] * 5])}
    why, config["training"] = "what others differ from", False
    base = made("norm-alone", why, "batch_norm", config, "float32", SCALES, given)
    mean, variance = given["mixture"].copy(), given["mixture"].copy()
    mean[0, 2], variance[1, 2] = -7, 14.5
    yield from _alone(
        base,
        {
            "its epsilon": {"epsilon": 13.5},
            "a mean in the middle": {"mixture": mean},
            "a variance in the middle": {"mixture": variance},
            "moments of its own": {"training": True},
            **_turned(base, "kernel", "bias"),
        },
    )


def stacks_alone() -> Iterator[Case]:
    """Yield two layers that differ in an array, a border or a slope of either."""
    relu, leaky = PIECEWISE["relu of Keras"], PIECEWISE["leaky"]
    below = Spec("", "", (6,), (2,), pads=((1, 0),), pad_value=-1.0, activation=relu)
    config = stack_config(
        below, (2,), pads=((0, 1),), pad_value=2.0, dilation_rate=(2,), activation=leaky
    )
    base = stacked("stack-alone", "what others differ from", config)
    second = config["second"]
    yield from _alone(
        base,
        {
            **_turned(base, "kernel", "bias", "kernel2", "bias2"),
            "the first border": {"pad_value": 3.0},
            "the first slope": {"activation": {**relu, "alpha": 0.5}},
            "the second border": {"second": {**second, "pad_value": -1.0}},
            "where the second's pads stand": {"second": {**second, "pads": [[1, 0]]}},
            "the second slope": {
                "second": {**second, "activation": {**leaky, "alpha": 0.5}}
            },
            "the second's stride": {
                "second": {**second, "strides": [2], "output_sizes": [3]}
            },
            "the second's dilation": {
                "second": {**second, "dilation_rate": [1], "output_sizes": [6]}
            },
        },
    )


def integers_alone() -> Iterator[Case]:
    """Yield layers of integers that differ in a scale, a zero point, or a rounding."""
    numbers = {
        "x": Numbers(0, 1, 20),
        "kernel": Numbers(0, 1, 20),
        "bias": Numbers(1, 1, 40),
    }
    row = {"axes": 1, "size": 5, "samples": 2, "channels": 4, "filters": 4}
    layer = config_of(row | {"first": False}, (2,), (1, 0))
    why, more = "what others differ from", int8_config("each", 4, 7, 31, -5, 2)
    base = made("int8-alone", why, "int8", layer | more, "int32", numbers)
    of_all: Changes = {
        **_turned(base, "kernel", "bias"),
        "its bias": {"bias": None},
        "where its pads stand": {"pads": [[0, 1]]},
    }
    no_scale = dict.fromkeys(("multiplier", "shift", "output_zero_point"))
    yield from _alone(
        base,
        {
            **of_all,
            "the zero point of x": {"input_zero_point": -3},
            "the zero point of the kernel": {"kernel_zero_point": 5},
            "the zero point of y": {"output_zero_point": -1},
            "its shift": {"shift": 6},
            "a multiplier": {"multiplier": [1, 9, 5, 13]},
            "one multiplier for all": {"multiplier": [1]},
            "its scale": no_scale,
        },
    )
    more = fixed_config(6, 3, "truncate", "wrap")
    base = made("fixed-alone", why, "fixed_point", layer | more, "int32", numbers)
    yield from _alone(
        base,
        {
            **of_all,
            **_turned(base, "kernel", "bias"),
            "its width": {"width": 7},
            "what it cuts": {"fraction": 4},
            "what its products have": {"fraction_of_products": 9},
            "ties that go upwards": {"rounding": "nearest"},
            "ties that go to even": {"rounding": "even"},
            "its overflow": {"overflow": "saturate"},
        },
    )
