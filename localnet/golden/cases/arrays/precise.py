"""
The covering arrays of activations, of all their parameters, and of pad values.

Parameters and pad values need bits that no narrower format has; samples, locations,
channels and filters are what vectors divide, or leave a tail, one or two at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...._typing import Config
from ...references.activations import PIECEWISE, ROWS
from ..axes import CURVES, OWN
from ..covering import Axes, Row, covering
from ..parameters import idle
from ..precisions import PRECISIONS
from ..specs import SMALL, Numbers, Spec, full, real
from .array import BASE
from .curves import CURVED_NUMBERS, ROW_NUMBERS
from .spread import fits_within, spec_of, weight_of

__all__ = ["precise", "precise_variants"]

# Of a parameter: beyond the next narrower format, with room for sums of products.
BITS = {"float32": 14, "float64": 40}


def filled(bits: int, exponent: int = 0) -> float:
    """Return 2/3 of a power of two in so many bits, none of them in a run of zeros."""
    return float((2 ** (bits + 1) // 3 | 1) * 2.0 ** (exponent - bits))


def parameters_of(precision: str) -> Mapping[str, Config]:
    """
    Return activations whose parameters need many bits, on both sides of 0 and of 1.

    Parameters
    ----------
    precision : {"float32", "float64"}
        Of the case.

    Returns
    -------
    mapping of str to dict
        By names of their own.
    """
    part, two, four = (filled(BITS[precision], n) for n in (-1, 0, 1))
    all_bits = filled(PRECISIONS[precision].bits, 1)
    return {
        "leaky": {"name": "leaky_relu", "alpha": part},
        "leaky downwards": {"name": "leaky_relu", "alpha": -four},
        "relu with a slope": {"name": "relu", "alpha": two},
        "relu of all": {
            "name": "relu",
            "alpha": -part,
            "threshold": 1.0,
            "max_value": 3.0,
        },
        "steep relu": {"name": "relu", "alpha": four, "max_value": 2.0},
        "high relu": {"name": "relu", "alpha": 0.5, "threshold": four},
        # Between the threshold and 0 neither a value nor a slope is left.
        "early relu": {
            "name": "relu",
            "alpha": 0.25,
            "threshold": -four,
            "max_value": four,
        },
        "early slope": {"name": "relu", "alpha": two, "threshold": -1.0},
        "relu6": {"name": "relu6"},
        "elu downwards": {"name": "elu", "alpha": -all_bits},
        "flat elu": {"name": "elu", "alpha": 0.0},
    }


NAMES = tuple(parameters_of("float32"))
# The others that are smooth.
SMOOTHED = tuple(name for name in CURVES if name != "elu of 2")
# Samples and locations that vectors divide, and what leaves a tail.
PLACES: Mapping[str, Row] = {
    "N by 32, L by 4": {"samples": 32, "size": 4, "channels": 1, "filters": 1},
    "N by 2, L by 32": {"samples": 2, "size": 32, "channels": 1, "filters": 1},
    "tails": {"samples": 17, "size": 2, "channels": 5, "filters": 3},
}
SHAPE: Axes = {
    "place": tuple(PLACES),
    **BASE,
    "long": (0, 1, 2),
    "kernel": ("1", "pair"),
    "strides": ("1", "2"),
    "dilation": ("1", "2"),
    "pads": ("none", "both", "uneven"),
    "bias": (True, False),
    "precision": ("float32", "float64"),
}
PLAIN: Axes = {"activation": (*NAMES, *SMOOTHED), **SHAPE, "steep": (False, True)}
VARIANT: Axes = {
    "kind": tuple(OWN),
    "activation": (*NAMES, "gelu by tanh", "linear"),
    **SHAPE,
}
# Pad values with as many bits as sums have room for.
BORDERED: Axes = {
    "kind": tuple(kind for kind in OWN if kind != "transposed"),
    **BASE,
    "place": ("N by 2, L by 32", "tails"),
    "kernel": ("pair",),
    "pads": ("both", "uneven"),
    "precision": ("float32", "float64"),
}
OPTIONS = ("place", "strides", "dilation", "pads", "axes", "precision")
PAIRS = [("activation", "place")]
PAIRS += [("place", name) for name in (*OPTIONS[1:], "first", "bias", "long")]
VARIANT_PAIRS = [("kind", name) for name in ("activation", *OPTIONS)]
VARIANT_PAIRS += [("activation", "place")]
BORDER_PAIRS = [("kind", "precision", "place"), ("kind", "axes"), ("kind", "first")]
LINEAR: Config = {"name": "linear"}


def _meant(row: Row) -> Row:
    """Return a row as `spec_of` takes it; what only its kind has follows from it."""
    meant = {**row, **PLACES[row["place"]], "across": 1}
    if kind := row.get("kind"):
        names = (*row, *map(str, row.values()))
        meant["own"] = OWN[kind][sum(map(len, names)) % len(OWN[kind])]
    return meant


def _fits(row: Row) -> bool:
    """Return whether a row is a layer that lies on no kink."""
    meant, name, kind = _meant(row), row.get("activation"), row.get("kind", "layer")
    if name in ROWS and not row["first"] and meant["filters"] < 3:
        return False  # a row of one entry
    if (
        name in ROWS
        and row["first"]
        and (row["long"] < row["axes"] - 1 or row["place"] == "tails")
    ):
        return False
    if row.get("steep") and (name in NAMES or name in ("exponential", "selu")):
        return False
    # Halves in the bias keep integers off a kink, and sums of few values off 0.
    if not row.get("bias", True) and (name in NAMES or name == "selu"):
        return False
    if kind == "low_rank" and name in NAMES and row["precision"] != "float64":
        return False  # sums of products of four need too many bits
    return fits_within(kind, long_axes=2)(meant)


def _rows(axes: Axes, also: Sequence[Sequence[str]]) -> list[Row]:
    """Return rows that have all values, and all of these combinations of them."""

    def weight(row: Row) -> float:
        return 3 * weight_of("layer")(_meant(row))

    return covering(axes, 1, also=also, fits=_fits, weight=weight)


def precise() -> Iterator[Spec]:
    """Every activation where samples, locations, channels or filters are aligned."""
    for number, row in enumerate(_rows(PLAIN, PAIRS)):
        yield _spec(row, f"precise-{number}", number)
    for name in ROWS:
        row = {"axes": 1, "first": False, "kernel": "1", "samples": 1, "size": 2}
        layer = spec_of(row | {"filters": 67}, f"precise-{name.replace('_', '-')}")
        yield replace(
            layer,
            why=f"{layer.why}, {name} of 67 entries with its gradients",
            activation={"name": name},
            **real("float32") | {"data": ROW_NUMBERS["float32"]},
        )


def precise_variants() -> Iterator[Spec]:
    """Every parameter, and every pad value, in many bits, of every variant."""
    for number, row in enumerate(_rows(VARIANT, VARIANT_PAIRS)):
        name = f"{row['kind'].replace('_', '-')}-precise-{number}"
        yield _spec(row, name, number)
    for number, row in enumerate(_rows(BORDERED, BORDER_PAIRS)):
        name = f"{row['kind'].replace('_', '-')}-bordered-{number}"
        yield spec_of({**_meant(row), "wide": "border"}, name, row["kind"])


def _spec(row: Row, name: str, number: int) -> Spec:
    """Return the spec of a row."""
    precision, named = row["precision"], row["activation"]
    known = {**CURVES, **parameters_of(precision), "linear": LINEAR}
    activation = known[named]
    kind = row.get("kind", "layer")
    meant = {**_meant(row), "activation": "linear", "border": (-1.0, 2.0)[number % 2]}
    layer = spec_of(meant, name, kind)
    fields: dict[str, Any] = {"precision": precision, "data": SMALL}
    if named not in NAMES or activation["name"] == "elu":
        fields = real(precision)
        if kind == "layer":
            # Of gelu by tanh the slope far below 0 is a difference that cancels.
            steep = row["steep"] and named != "gelu by tanh"
            fields["data"] = _numbers(activation["name"], precision, steep)
        bits = PRECISIONS[precision].bits
        fields["pad_value"] = meant["border"] / 2 * filled(bits, 1)
    if kind == "transposed" or not any(map(any, layer.pads)):
        fields["pad_value"] = 0.0
    words = ", ".join(f"{key} {value}" for key, value in activation.items())
    border = f" of {meant['border']:g}"
    own = f" of {fields.get('pad_value', meant['border']):g}"
    return replace(
        layer,
        why=f"{layer.why.replace(border, own)}, {words}, in {precision}",
        activation=activation,
        flags=(),
        refuses=idle if activation["name"] in PIECEWISE else None,
        gradients=True,
        **fields,
    )


def _numbers(name: str, precision: str, steep: bool) -> Mapping[str, Numbers]:
    """Return real numbers of few values, and far from 0 if they are to be steep."""
    found = (ROW_NUMBERS if name in ROWS else CURVED_NUMBERS)[precision]
    bits = PRECISIONS[precision].bits
    return {**found, "kernel": full(bits, 1, 2)} if steep else found
