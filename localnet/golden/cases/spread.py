"""
What a row of a covering array means: a layer, and numbers whose sums are exact.

Sizes just above those of tiles, warps and blocks; strides, dilation and pads of every
sort; operands that use all the bits of their precision. Which rows these are follows
from `covering`; what a row means stands here.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ..._typing import Shape
from .axes import (
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
    SIGNS,
    STRIDES,
    VARIED,
    VARIED_ALIGNED,
)
from .covering import Row, covering
from .precisions import PRECISIONS
from .specs import SMALL, Numbers, Spec
from .variant_specs import VariantSpec

__all__ = ["fits_within", "numbers_of", "spec_of", "spread", "weight_of"]

# Of each precision, the bits of the next narrower one.
NARROWER = {"float64": 26, "float32": 13, "float16": 1, "bfloat16": 1}


@dataclass(frozen=True)
class Sizes:
    """
    How large a layer is.

    Parameters
    ----------
    samples, locations, taps, channels, filters, cells : int
        N, L, K/C, C, F, and the cells of one channel of x.
    cover : int
        At most so many windows read a cell.
    """

    samples: int
    locations: int
    taps: int
    channels: int
    filters: int
    cells: int
    cover: int

    @property
    def weights(self) -> int:
        """L*K*F."""
        return self.locations * self.taps * self.channels * self.filters


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
    return [
        spec_of(row, f"{kind.replace('_', '-')}-{name}-{n}", kind)
        for name, found in (("spread", rows), ("aligned", aligned))
        for n, row in enumerate(found)
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
        "pads": PADS[row.get("pads", "none")][:axes],
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
        channels, filters = row["channels"] + 1, row["filters"] + 1
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


def _sizes(spec: Spec) -> Sizes:
    """Return how large the layer of a spec is."""
    c = spec.config
    kernel, outputs = c["kernel_size"], c["output_sizes"]
    channels, locations = c["channels"], math.prod(outputs)
    if spec.kind == "transposed":
        locations = math.prod(c["input_sizes"])
    cells = max(math.prod(c["input_sizes"]), math.prod(outputs))
    cover = math.prod(
        min(-(-r // s) if d == 1 else r, o)
        for r, s, d, o in zip(
            kernel, c["strides"], c["dilation_rate"], outputs, strict=True
        )
    )
    return Sizes(
        c["batch"], locations, math.prod(kernel), channels, c["filters"], cells, cover
    )


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
        more = {
            "kernel_size": KERNELS[row["kernel"]][row["axes"]],
            "strides": STRIDES[row.get("strides", "1")][row["axes"]],
            "dilation_rate": DILATIONS[row.get("dilation", "1")][row["axes"]],
            "pads": PADS[row.get("pads", "none")][: row["axes"]],
        }
        # Of a transposed layer these are what it makes, and what it paints there.
        if not _sees(_outputs(row), _inputs(row, _outputs(row), more), more):
            return False
        size = _weight_of(row, kind)
        return size is not None and all(
            number * cap <= most
            for number, most in zip(
                size, (MOST_WEIGHTS, MOST_PRODUCTS, MOST_CELLS), strict=True
            )
        )

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
        pads = PADS[row.get("pads", "none")][:axes]
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


def numbers_of(spec: Spec, row: Row) -> tuple[str, Mapping[str, Numbers], bool]:
    """
    Return numbers whose sums are exact, in the precision of a row or a wider one.

    Parameters
    ----------
    spec : Spec
        The layer.
    row : dict
        ``precision``, and which operand is ``wide``.

    Returns
    -------
    precision : str
        The one of the row where it has bits enough.
    numbers : mapping of str to Numbers
        One for each input.
    wide : bool
        Whether an operand has more bits than the next narrower format.
    """
    needed, k = _bits_needed(spec)
    names = list(PRECISIONS)[::-1]  # narrowest first
    precision = row.get("precision", names[0])
    role = row.get("wide")
    if role == "dy" and not spec.gradients:
        role = "x"
    least = {"float64": 26, "float32": 12}.get(precision, 99)
    bounded = spec.activation["name"] == "relu6" or "max_value" in spec.activation
    if role and not bounded:
        for numbers, most in ((SMALL, (2, 3, 2)), (SIGNS, (1, 1, 1))):
            for bits in range(min(PRECISIONS[precision].bits, 40), least - 1, -1):
                sizes = dict(zip(("x", "kernel", "dy"), most, strict=True))
                sizes[role] = 2**bits
                if needed(*sizes.values()) <= PRECISIONS[precision].bits:
                    odd = Numbers(2 ** (bits - 1) + 1, 2, 2 ** (bits - 2))
                    return precision, {**numbers, role: odd}, True
    start = max(names.index("bfloat16"), 0)
    for name in names[names.index(precision) if precision in names else start :]:
        for numbers, most in ((SMALL, (2, 3, 2)), (SIGNS, (1, 1, 1))):
            if needed(*most) <= PRECISIONS[name].bits and (numbers is SMALL or k > 8):
                return name, numbers, False
    raise ValueError(f"case {spec.id} must have sums that some precision holds")


def bordered(spec: Spec, row: Row) -> tuple[str, Mapping[str, Numbers], float]:
    """
    Return a pad value that no integer and no narrower format holds, with the others.

    Parameters
    ----------
    spec : Spec
        The layer.
    row : dict
        ``precision``.

    Returns
    -------
    precision : str
        The one of the row where it has bits enough.
    numbers : mapping of str to Numbers
        One for each input.
    border : float
        From 1 to 2, with as many bits as the sums have room for.
    """
    needed, _ = _bits_needed(replace(spec, pad_value=0.0))
    names = list(PRECISIONS)[::-1]
    for name in names[names.index(row["precision"]) :]:
        most, least = PRECISIONS[name].bits, NARROWER[name]
        for bits in range(min(most, 40), least, -1):
            if needed(2**bits, 3, 2) <= most:
                # 1.0101...: no run of zeros at which it could be cut without a trace.
                return name, SMALL, (2 ** (bits + 1) // 3 | 1) / 2 ** (bits - 1)
    raise ValueError(f"case {spec.id} must have sums that some precision holds")


def _bits_needed(spec: Spec) -> tuple[Callable[[int, int, int], int], int]:
    """Return how many bits the sums of a layer need, by its largest operands; and K."""
    size, border = _sizes(spec), abs(spec.pad_value)
    k, rank = size.taps * size.channels, getattr(spec, "rank", 1) or 1
    if spec.kind == "transposed":
        k = size.cover * size.channels
    dx = size.cover * size.filters
    if spec.kind == "transposed":
        dx = size.taps * size.filters
    # Weights that are shared meet every location; their gradient is as long a sum.
    dkernel = size.samples * (1 if spec.kind in ("layer", "transposed") else 0)
    dkernel = dkernel or size.samples * math.prod(spec.config["output_sizes"])
    mixed = 2 * rank if spec.kind == "low_rank" else 1
    activated = 4 if spec.activation["name"] != "linear" else 1

    def needed(x: int, kernel: int, dy: int) -> int:
        x = max(x, math.ceil(border))
        largest = max(
            (2 * k * x * kernel * mixed + 4) * activated,
            dx * dy * kernel * mixed * activated,
            dkernel * x * dy * mixed * activated,
            k * size.samples * size.filters * x * dy * kernel * activated * (mixed > 1),
        )
        return largest.bit_length()

    return needed, k


def _why(spec: Spec, wide: str) -> str:
    """Return the sizes and the windows of a case in words."""
    c, size = spec.config, _sizes(spec)
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
