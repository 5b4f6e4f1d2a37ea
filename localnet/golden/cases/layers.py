"""The families of the plain layer, those that are combined by covering arrays too."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import combinations, product

from ..references.activations import ROWS
from .arrays import CURVED_NUMBERS, ROW_NUMBERS, SIZED, SPREADS, USUAL
from .arrays.precise import precise
from .arrays.spread import fits_within, spec_of, weight_of
from .axes import COMBINED, CURVES, FREE, SIZES, STEPS, WINDOWS
from .bounded import BOUNDED
from .covering import Row, covering
from .exact import EXACT
from .numbers import NUMBERS
from .specs import Spec, once
from .usual import everyday, lengths, practice

__all__ = ["FAMILIES", "specs"]


def spread() -> Iterator[Spec]:
    """Every row of the covering arrays of the plain layer."""
    found = {"windows": _windows()}
    found |= {name: array.rows() for name, array in SPREADS.items()}
    made: list[Row] = []
    for name, rows in found.items():
        mean = curved if name in ("curved-units", "curve", "row") else spec_of
        for number, row in enumerate(rows):
            spec = mean(row, f"{name}-{number}")
            # Sums that are too long for a precision, and pad values, are as they are.
            made.append(USUAL | row | {"precision": spec.precision})
            if row.get("wide") == "border":
                made[-1]["border"] = spec.pad_value
            yield spec
    yield from _many()
    sizes = covering(
        SIZES,
        2,
        fits=_one_is_long,
        weight=lambda row: 4 * weight_of("layer")(row),
        given=[*made, *_both_long()],
    )
    for number, row in enumerate(sizes):
        yield spec_of(row, f"sizes-{number}")


def _many() -> Iterator[Spec]:
    """More numbers than 15 or 16 bits count: weights, cells, patches, biases."""
    one = Spec("", "", (), (), batch=1, channels=1, precision="float32", bias=False)
    why = f"{COMBINED}a kernel of 66,048 numbers"
    yield replace(
        one,
        id="vast-kernel",
        why=why,
        sizes=(2, 5),
        kernel_size=(1, 2),
        channels=64,
        strides=(1, 2),
        filters=129,
    )
    yield replace(
        one,
        id="vast-sample",
        why=f"{COMBINED}34,848 numbers of x in one sample",
        sizes=(33, 32, 33),
        kernel_size=(2, 2, 2),
        strides=(16, 15, 16),
        filters=1,
        first=True,
    )
    yield replace(
        one,
        id="vast-patches",
        why=f"{COMBINED}66,560 numbers of all patches, few of x and of the kernel",
        sizes=(63,),
        kernel_size=(32,),
        batch=65,
        filters=1,
    )
    yield replace(
        one,
        id="vast-bias",
        why=f"{COMBINED}32,769 locations with a bias each",
        sizes=(32769,),
        kernel_size=(1,),
        filters=1,
        precision="float16",
        bias=True,
    )


def _one_is_long(row: Row) -> bool:
    """Return whether a row fits, and no other count is long beside a longer one."""
    *_, second, longest = sorted(row[name] for name in SIZED)
    return (longest <= 32 or second <= 8) and fits_within("layer")(row)


def _both_long() -> Iterator[Row]:
    """Yield the pairs of counts that `CORNERS` have in the place of `SIZES`."""
    for two in combinations(SIZED, 2):
        for values in product(*(SIZES[name] for name in two)):
            if max(values) > 32 and min(values) > 8:
                yield dict(zip(two, values, strict=True))


def _windows() -> list[Row]:
    """Return all triples of what places windows; other axes take values in turn."""
    rows = covering(
        {**WINDOWS, "kernel": ("2", "3", "mixed"), "size": (3, 5, 9, 17)},
        3,
        fits=fits_within("layer"),
        weight=weight_of("layer"),
    )
    return [
        {name: values[n * STEPS[name] % len(values)] for name, values in FREE.items()}
        | row
        for n, row in enumerate(rows)
    ]


def curved(row: Row, name: str) -> Spec:
    """Return the spec of a row with a smooth activation, which is never exact."""
    activation = CURVES[row["activation"]]
    # Its gradient has none on a kink, where z may be without a bias.
    kinked = activation["name"] == "selu" or activation.get("alpha", 1.0) != 1
    layer = spec_of(
        {**row, "activation": "linear", "bias": row["bias"] or kinked}, name
    )
    words = " ".join(map(str, activation.values()))
    data = ROW_NUMBERS if activation["name"] in ROWS else CURVED_NUMBERS
    return replace(
        layer,
        why=f"{layer.why}, {words} in {row['precision']}",
        activation=activation,
        tier="bounded",
        precision=row["precision"],
        data=data[row["precision"]],
        flags=(),
    )


FAMILIES: dict[str, Callable[[], Iterable[Spec]]] = {
    family.__name__: once(family)
    for family in (
        *EXACT,
        *BOUNDED,
        *NUMBERS,
        spread,
        precise,
        everyday,
        lengths,
        practice,
    )
}


def specs() -> list[Spec]:
    """
    Return what the default suite is made of.

    Returns
    -------
    list of Spec
        In the order of the manifest.
    """
    return [spec for family in FAMILIES.values() for spec in family()]
