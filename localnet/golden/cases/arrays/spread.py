"""
What a row of a covering array means: a layer, and numbers whose sums are exact.

Sizes just above those of tiles, warps and blocks; strides, dilation and pads of every
sort. Which rows these are follows from `covering`; what a row means stands here.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from ...._typing import Shape
from ..axes import (
    COMBINED,
    DILATIONS,
    KERNELS,
    LONG,
    MOST_CELLS,
    MOST_PRODUCTS,
    MOST_WEIGHTS,
    OWN,
    PADS,
    PIECEWISE,
    STRIDES,
    VARIED,
    VARIED_ALIGNED,
)
from ..covering import Row, covering
from ..specs import Spec, VariantSpec
from .bits import bordered, numbers_of, sizes_of

__all__ = ["fits_within", "spec_of", "spread", "weight_of"]


def spread(kind: str) -> list[Spec]:
    """
    Return the specs of all rows of one variant.

    Parameters
    ----------
    kind : str
        A key of `VARIED`.

    Returns
    -------
    list of Spec
        In the order in which the rows were found.
    """
    rows = covering(VARIED[kind], 2, fits=fits_within(kind), weight=weight_of(kind))
    aligned = [{"own": OWN[kind][0], **row} for row in covering(VARIED_ALIGNED, 2)]
    families = (("spread", rows), ("aligned", aligned), ("added", _added(kind)))
    return [
        spec_of(row, f"{kind.replace('_', '-')}-{name}-{n}", kind)
        for name, found in families
        for n, row in enumerate(found)
    ]


def _added(kind: str) -> list[Row]:
    """Return aligned rows in which the operand that only variants add is wide."""
    mixed = kind == "low_rank"
    rows = itertools.product(
        ("bias", "mixture") if mixed else ("bias",),
        ("float32", "float64"),
        (False, True),
    )
    same = {"axes": 1, "kernel": "2", "size": 3, "channels": 8, "filters": 8}
    same["own"] = OWN[kind][mixed]  # two ranks, where there are any
    return [
        {**same, "wide": wide, "precision": precision, "first": first}
        for wide, precision, first in rows
    ]


def spec_of(row: Row, name: str, kind: str = "layer") -> Spec:
    """
    Return what a row means.

    Parameters
    ----------
    row : dict
        Some of the axes above; the others have values of their own.
    name : str
        Of the case.
    kind : str
        Of the case.

    Returns
    -------
    Spec
        With numbers that are exact in its precision, or in the next wider one.
    """
    axes, more = row["axes"], _own(row, kind)
    fields: dict[str, Any] = {
        "kernel_size": KERNELS[row["kernel"]][axes],
        "strides": STRIDES[row.get("strides", "1")][axes],
        "dilation_rate": DILATIONS[row.get("dilation", "1")][axes],
        "pads": _pads(row),
        "pad_value": row.get("border", 0.0),
        "batch": row.get("samples", 2),
        "channels": row.get("channels", 2),
        "filters": row.get("filters", 3),
        "first": row["first"],
        "activation": PIECEWISE[row.get("activation", "linear")],
        "bias": row.get("bias", True),
        **more,
    }
    outputs = _outputs(row)
    fields["sizes"] = outputs if kind == "transposed" else _inputs(row, outputs, fields)
    # Without a bias in halves z may lie on a kink.
    fields["gradients"] = fields["bias"] or fields["activation"]["name"] == "linear"
    made = Spec if kind == "layer" else VariantSpec
    spec = made(name, "", kind=kind, **fields)
    if row.get("wide") == "border":
        precision, numbers, fields["pad_value"] = bordered(spec, row)
        spec = replace(spec, pad_value=fields["pad_value"])
        wide = precision in ("float32", "float64")
    else:
        precision, numbers, wide = numbers_of(spec, row)
    return made(
        name,
        _why(spec, precision if wide else ""),
        kind=kind,
        precision=precision,
        data=numbers,
        flags=("wide",) if wide else (),
        **fields,
    )


def _pads(row: Row) -> tuple[tuple[int, int], ...]:
    """Return the pads of every axis; ``tapped`` pads those of more than one tap."""
    axes = row["axes"]
    if row.get("pads") == "tapped":
        return tuple((int(taps > 1), 0) for taps in KERNELS[row["kernel"]][axes])
    return PADS[row.get("pads", "none")][:axes]


def _outputs(row: Row) -> Shape:
    """Return the sizes of the axes of y, one of them long."""
    across = row.get("across", 2)
    sizes = [across, across + (across > 1), across][: row["axes"]]
    sizes[min(row.get("long", row["axes"] - 1), row["axes"] - 1)] = row["size"]
    return tuple(sizes)


def _inputs(row: Row, outputs: Shape, fields: Mapping[str, Any]) -> Shape:
    """Return the sizes of x that give these of y, with cells left over or none."""
    names = ("kernel_size", "strides", "dilation_rate", "pads")
    axes = zip(outputs, *(fields[name] for name in names), strict=True)
    return tuple(
        (o - 1) * s + (r - 1) * d + 1 - sum(pads) + (s - 1) * row.get("left over", 0)
        for o, r, s, d, pads in axes
    )


def _own(row: Row, kind: str) -> dict[str, Any]:
    """Return the fields that only one kind has, and those that they decide."""
    own, axes = row.get("own"), row["axes"]
    if own == "blocks":
        return {"share": (2, 3, 2)[:axes]}
    if own == "tiles":
        return {"tile": (3, 2, 2)[:axes]}
    if own == "blocks that repeat":
        return {"share": (2, 1, 2)[:axes], "tile": (2, 3, 1)[:axes]}
    if own == "one":
        return {"share": (1000,) * axes}
    if own == "two groups":
        channels, filters = (row[n] + row[n] % 2 for n in ("channels", "filters"))
        return {"groups": 2, "channels": channels, "filters": filters}
    if own == "a group each":
        channels = row["channels"]
        filters = channels * max(1, row["filters"] // channels)
        return {"groups": channels, "filters": filters}
    if own == "more cells":
        strides = STRIDES[row["strides"]][axes]
        return {"output_padding": tuple(s - 1 for s in strides)}
    if kind == "low_rank":
        rank = {"rank 1": 1, "rank 5": 5}.get(row["own"], 2)
        return {"rank": rank, "untied": own == "untied"}
    return {"untied": True} if own == "untied" else {}


def fits_within(
    kind: str, *, long_axes: int = 1, factor: float = 1.0
) -> Callable[[Row], bool]:
    """
    Return what says of a row whether it is a layer, and small enough.

    Parameters
    ----------
    kind : str
        Of the layer.
    long_axes : int
        So many of its counts may be long.
    factor : float
        Multiplies what it may weigh.

    Returns
    -------
    callable
        Of a row.
    """
    cap = (1 if kind == "layer" else 2) / factor

    def fits(row: Row) -> bool:
        counts = (row.get(n, 1) for n in ("size", "samples", "channels", "filters"))
        if sum(count > LONG for count in counts) > long_axes:
            return False
        size = _weight_of(row, kind)
        if size is None:
            return False
        weights, products, cells = size
        if weights * cap > MOST_WEIGHTS or products * cap > MOST_PRODUCTS:
            return False
        if cells * cap > MOST_CELLS:
            return False
        more = {
            "kernel_size": KERNELS[row["kernel"]][row["axes"]],
            "strides": STRIDES[row.get("strides", "1")][row["axes"]],
            "dilation_rate": DILATIONS[row.get("dilation", "1")][row["axes"]],
            "pads": _pads(row),
        }
        # Of a transposed layer these are what it makes, and what it paints there.
        outputs = _outputs(row)
        return _sees(outputs, _inputs(row, outputs, more), more)

    return fits


def _sees(outputs: Shape, inputs: Shape, fields: Mapping[str, Any]) -> bool:
    """Return whether on every axis at least half of the windows see the input."""
    names = ("kernel_size", "strides", "dilation_rate", "pads")
    axes = zip(outputs, inputs, *(fields[name] for name in names), strict=True)
    return all(_axis_sees(o, n, r, s, d, before) for o, n, r, s, d, (before, _) in axes)


@cache
def _axis_sees(o: int, n: int, r: int, s: int, d: int, before: int) -> bool:
    """Return whether at least half of the windows of one axis see the input."""
    seen = sum(
        any(0 <= window * s - before + tap * d < n for tap in range(r))
        for window in range(o)
    )
    return 2 * seen > o


def _weight_of(row: Row, kind: str) -> tuple[int, int, int] | None:
    """Return weights, products and cells of a row; None if it is no layer."""
    axes, more = row["axes"], _own(row, kind)
    channels = int(more.get("channels") or row.get("channels", 2))
    filters = int(more.get("filters") or row.get("filters", 3))
    samples: int = row.get("samples", 2)
    kernel = KERNELS[row["kernel"]][axes]
    strides = STRIDES[row.get("strides", "1")][axes]
    dilations = DILATIONS[row.get("dilation", "1")][axes]
    outputs = _outputs(row)
    spans = [
        (o - 1) * s + (r - 1) * d + 1
        for o, r, s, d in zip(outputs, kernel, strides, dilations, strict=True)
    ]
    if kind == "transposed":
        pads = _pads(row)
        if min(n - sum(p) for n, p in zip(spans, pads, strict=True)) < 1:
            return None
    weights = math.prod(outputs) * math.prod(kernel) * channels * filters
    weights *= more.get("rank", 1)
    cells = math.prod(spans) * (filters if kind == "transposed" else channels)
    most = samples * max(cells, math.prod(outputs) * max(channels, filters))
    return weights, weights * samples, most


def weight_of(kind: str) -> Callable[[Row], float]:
    """Return what a row costs, in combinations that it should cover for that."""

    def weight(row: Row) -> float:
        found = _weight_of(row, kind)
        return 0.0 if found is None else (found[0] + found[1] / 4 + 3 * found[2]) / 1200

    return weight


def _why(spec: Spec, wide: str) -> str:
    """Return the sizes and the windows of a case in words."""
    c, size = spec.config, sizes_of(spec)
    words = [
        f"N={size.samples} L={'x'.join(map(str, c['output_sizes']))} "
        f"K={size.taps * size.channels} C={size.channels} F={size.filters}",
        f"kernel_size {c['kernel_size']}",
    ]
    ones = [1] * len(c["kernel_size"])
    for name in ("strides", "dilation_rate"):
        if c[name] != ones:
            words.append(f"{name} {c[name]}")
    if any(map(sum, c["pads"])):
        border = f" of {spec.pad_value:g}" if spec.pad_value else ""
        words.append(f"pads {c['pads']}{border}")
    if spec.activation["name"] != "linear":
        words.append(" ".join(f"{value}" for value in spec.activation.values()))
    if wide:
        words.append(f"an operand that uses the bits of {wide}")
    return COMBINED + ", ".join(words)
