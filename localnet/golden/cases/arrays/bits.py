"""Numbers that use the bits of a precision, and of which all sums are exact in it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from ..axes import SIGNS
from ..covering import Row
from ..precisions import PRECISIONS
from ..specs import SMALL, Numbers, Spec

__all__ = ["Sizes", "bordered", "numbers_of", "sizes_of"]

# Of each precision, the bits of the next narrower one.
NARROWER = {"float64": 26, "float32": 13, "float16": 1, "bfloat16": 1}


class Sizes(NamedTuple):
    """
    How large a layer is.

    Parameters
    ----------
    samples, taps, channels, filters : int
        N, K/C, C and F.
    cover : int
        At most so many windows read a cell.
    """

    samples: int
    taps: int
    channels: int
    filters: int
    cover: int


def sizes_of(spec: Spec) -> Sizes:
    """Return how large the layer of a spec is."""
    c = spec.config
    names = ("kernel_size", "strides", "dilation_rate", "output_sizes")
    cover = math.prod(
        min(-(-r // s) if d == 1 else r, o)
        for r, s, d, o in zip(*(c[name] for name in names), strict=True)
    )
    taps = math.prod(c["kernel_size"])
    return Sizes(c["batch"], taps, c["channels"], c["filters"], cover)


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
                if needed(**sizes) <= PRECISIONS[precision].bits:
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


def _bits_needed(spec: Spec) -> tuple[Callable[..., int], int]:
    """Return how many bits the sums of a layer need, by its largest operands; and K."""
    size, border = sizes_of(spec), abs(spec.pad_value)
    k, rank = size.taps * size.channels, getattr(spec, "rank", 1) or 1
    if spec.kind == "transposed":
        k = size.cover * size.channels
    dx = size.cover * size.filters
    if spec.kind == "transposed":
        dx = size.taps * size.filters
    # Weights that are shared meet every location; their gradient is as long a sum.
    dkernel = size.samples * (1 if spec.kind in ("layer", "transposed") else 0)
    dkernel = dkernel or size.samples * math.prod(spec.config["output_sizes"])
    is_mixed = spec.kind == "low_rank"
    activated = 4 if spec.activation["name"] != "linear" else 1

    def needed(x: int, kernel: int, dy: int, mixture: int = 2, bias: int = 4) -> int:
        x = max(x, math.ceil(border))
        mixed = mixture * rank if is_mixed else 1
        largest = max(
            (2 * k * x * kernel * mixed + bias) * activated,
            dx * dy * kernel * mixed * activated,
            dkernel * x * dy * mixed * activated,
            k * size.samples * size.filters * x * dy * kernel * activated * is_mixed,
        )
        return largest.bit_length()

    return needed, k
