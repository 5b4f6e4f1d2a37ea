"""
Smooth activations of the variants, at the arguments at which plain layers have them.

Kernels of other kinds have activations of their own, which overflow, saturate and lose
digits as those of the plain layer do.
"""

from collections.abc import Iterator
from dataclasses import fields

from ...references.activations import ROWS
from ..axes import COMBINED
from ..numbers import far, scales, steep, sunk
from ..specs import Numbers, Spec, VariantSpec
from .practice import borders

__all__ = ["variant_practice"]

# A mixture that changes signs alone.
SIGNS = Numbers(1, 1, 1)
EVERY = (far, scales, sunk, steep)
WHERE = {
    "conv": (EVERY, ("float64", "float32")),
    "shared": (EVERY, ("float32",)),
    "low_rank": ((far, scales), ("float32",)),  # whose rows would change their signs
}


def variant_practice() -> Iterator[Spec]:
    """Yield every curve far from 0, next to it and where it is level, and far pads."""
    for kind, (families, precisions) in WHERE.items():
        for spec in (spec for family in families for spec in family()):
            # Over an axis of locations slopes of rows sum to 0, as a tied bias does;
            # few kernels have few levels.
            row = spec.activation["name"] in ROWS
            lost = {"conv": row and spec.first, "low_rank": row or spec.first}
            if spec.precision in precisions and not lost.get(kind):
                yield _of_kind(kind, spec)
        yield from borders(kind)


def _of_kind(kind: str, spec: Spec) -> Spec:
    """Return the same layer of another kind, with the same sums."""
    given = {f.name: getattr(spec, f.name) for f in fields(Spec)}
    given |= {"id": f"{kind.replace('_', '-')}-{spec.id}", "kind": kind}
    given |= {"why": f"{COMBINED}{kind}, {spec.why}"}
    if kind == "low_rank":
        given |= {"rank": 1, "data": {**spec.numbers, "mixture": SIGNS}}
    return VariantSpec(**given)
