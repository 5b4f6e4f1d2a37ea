"""
What a right backend refuses: cases that describe no layer, or whose arrays do not fit.

A backend that trusts its caller computes something, or reads beyond its arrays. So
these are asked for on request only, and an error of any kind is the right answer.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .case import Case
from .problems import problem

__all__ = ["Reject", "rejects"]


@dataclass(frozen=True, eq=False)
class Reject(Case):
    """
    A case that must be refused.

    Parameters
    ----------
    id, why, tier, precision, wants, config, x, kernel, bias, dy, **others
        As those of a `Case`; `why` says what there is to refuse. Nothing is expected.
    """


def rejects(kinds: Collection[str] = ("layer",)) -> list[Reject]:
    """
    Return the cases that must be refused.

    Parameters
    ----------
    kinds : collection of str
        Of layers that the backend has.

    Returns
    -------
    list of Reject
        Each differs in one respect from a case that is right.

    Examples
    --------
    >>> [case.why for case in rejects()][0]
    'x has a channel more than config and kernel say'
    """
    case = problem((5, 6), (2, 3), strides=(2, 1), channels=2, filters=3)
    found = {
        name: (why, change(case))
        for name, (why, change) in CHANGES.items()
        if "layer" in kinds
    }
    if "conv" in kinds:
        grouped = problem(5, 2, kind="conv", channels=4, filters=4, groups=2)
        found["groups"] = (
            "groups do not divide the channels",
            _configured(grouped, groups=3),
        )
    if "transposed" in kinds:
        back = problem(4, 3, kind="transposed", strides=2)
        found["output-padding"] = (
            "output_padding is not less than the stride",
            _configured(back, output_padding=[2]),
        )
    return [_reject(f"reject-{name}", why, case) for name, (why, case) in found.items()]


def _reject(name: str, why: str, case: Case) -> Reject:
    given = {key: value for key, value in vars(case).items() if key in WHOLE}
    return Reject(**given | {"id": name, "why": why})


WHOLE = ("tier", "precision", "wants", "config", "x", "kernel", "bias", "dy", "kind")


def _configured(case: Case, **changes: Any) -> Case:
    return replace(case, config={**case.config, **changes})


def _longer(array: Any, axis: int) -> Any:
    return np.concatenate([array, array.take([0], axis)], axis)


CHANGES: dict[str, tuple[str, Callable[[Case], Case]]] = {
    "channels": (
        "x has a channel more than config and kernel say",
        lambda c: replace(c, x=_longer(c.x, 3)),
    ),
    "rank": (
        "x lacks a spatial axis",
        lambda c: replace(c, x=c.x[:, 0]),
    ),
    "kernel-locations": (
        "kernel has a location more than there are windows",
        lambda c: replace(c, kernel=_longer(c.kernel, 0)),
    ),
    "kernel-values": (
        "kernel has a value less than a window",
        lambda c: replace(c, kernel=c.kernel[:, 1:]),
    ),
    "kernel-rank": (
        "kernel lacks the axis of locations",
        lambda c: replace(c, kernel=c.kernel[0]),
    ),
    "bias": (
        "bias has a filter more than the kernel",
        lambda c: replace(c, bias=_longer(c.bias, 2)),
    ),
    "dy-filters": (
        "dy has a filter more than y",
        lambda c: replace(c, dy=_longer(c.dy, 3)),
    ),
    "dy-samples": (
        "dy has a sample more than x",
        lambda c: replace(c, dy=_longer(c.dy, 0)),
    ),
    "window": (
        "the window is longer than the padded input",
        lambda c: _configured(c, kernel_size=[9, 3]),
    ),
    "dilation": (
        "the dilated window is longer than the padded input",
        lambda c: _configured(c, dilation_rate=[7, 1]),
    ),
    "stride-zero": (
        "a stride is 0",
        lambda c: _configured(c, strides=[0, 1]),
    ),
    "stride-negative": (
        "a stride is negative",
        lambda c: _configured(c, strides=[-2, 1]),
    ),
    "pads": (
        "a pad is negative",
        lambda c: _configured(c, pads=[[-1, 1], [0, 0]]),
    ),
    "strides-rank": (
        "there is one stride for two axes",
        lambda c: _configured(c, strides=[2]),
    ),
    "format": (
        "there is no such data format",
        lambda c: _configured(c, data_format="channels_middle"),
    ),
    "activation": (
        "there is no such activation",
        lambda c: _configured(c, activation={"name": "linea"}),
    ),
}
