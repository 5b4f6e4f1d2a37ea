"""
Smooth activations of the variants, and their operands in formats of 16 bits.

Kernels of other kinds have activations of their own, which overflow, saturate and lose
digits as those of the plain layer do, at the same arguments; and they may read each
operand in a narrower format.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from ...references.activations import ROWS
from ..axes import COMBINED, SIGNS
from ..numbers import far, scales, steep, sunk
from ..precisions import PRECISIONS
from ..specs import Numbers, Spec, VariantSpec
from .practice import borders
from .windows import of_kind

__all__ = ["variant_practice"]

EVERY = (far, scales, sunk, steep)
WHERE = {
    "conv": (EVERY, ("float64", "float32")),
    "shared": (EVERY, ("float32",)),
    "low_rank": ((far, scales), ("float32",)),  # whose rows would change their signs
    "transposed": (EVERY, ("float32",)),
}

# Of each kind a layer whose sums have one product, or two.
SINGLE: dict[str, dict[str, Any]] = {
    "conv": {"channels": 8, "filters": 8, "groups": 8},
    "shared": {"channels": 1, "filters": 2, "share": (2,)},
    "low_rank": {"channels": 1, "filters": 2, "rank": 1},
    "transposed": {"channels": 1, "filters": 2},
}


def variant_practice() -> Iterator[Spec]:
    """Yield curves far from 0, next to it and level, far pads, and narrow operands."""
    for kind, (families, precisions) in WHERE.items():
        for spec in (spec for family in families for spec in family()):
            # Over an axis of locations slopes of rows sum to 0, as a tied bias does;
            # few kernels have few levels.
            row = spec.activation["name"] in ROWS
            lost = {"conv": row and spec.first, "low_rank": row or spec.first}
            if spec.precision in precisions and not lost.get(kind):
                yield _of_kind(kind, spec)
        if kind != "transposed":  # which has no pads to read
            yield from borders(kind)
    for kind, given in SINGLE.items():
        for precision in ("float16", "bfloat16"):
            yield from _of_16_bits(kind, precision, given)


def _of_kind(kind: str, spec: Spec) -> Spec:
    """Return the same layer of another kind, with the same sums."""
    given = {f.name: getattr(spec, f.name) for f in fields(Spec)}
    given |= {"id": f"{kind.replace('_', '-')}-{spec.id}", "kind": kind}
    given |= {"why": f"{COMBINED}{kind}, {spec.why}"}
    if kind == "low_rank":
        given |= {"rank": 1, "data": {**spec.numbers, "mixture": SIGNS["mixture"]}}
    return VariantSpec(**given)


def _of_16_bits(kind: str, precision: str, given: Mapping[str, Any]) -> Iterator[Spec]:
    """Every operand in turn with all bits but the one that a sum of two needs."""
    bits = PRECISIONS[precision].bits - 1
    whole = Numbers(2 ** (bits - 1) + 1, 2, 2 ** (bits - 2))
    operands = ("x", "kernel", "bias", "dy")
    for n, role in enumerate((*operands, "mixture")[: 5 if kind == "low_rank" else 4]):
        spec = of_kind(
            kind,
            id=f"{kind.replace('_', '-')}-{role}-of-{bits}-bits",
            why=f"{COMBINED}{kind}, {role} with {bits} bits in {precision}",
            sizes=(2,),
            batch=1,
            first=bool(n % 2),
            precision=precision,
            **given,
        )
        yield replace(spec, data={**SIGNS, role: whole})
