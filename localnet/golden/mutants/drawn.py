"""
Mutants by families with parameters, as real kernels go wrong: several hundred of them.

The tail of a tile left out, for every tile, axis and output; operands narrowed where
sizes are aligned; an option ignored where another is used; a limit of threads or of
an index. Each is made from the right model by one change.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..._typing import Array, Config
from ..case import Case
from ..references.connections import VARIANTS
from ..references.wires import by_location
from .base import Mutant, Sees, has_bias, is_first, wants_gradients
from .model import NARROWER, Model, rounded
from .variant_model import VariantModel

__all__ = [
    "DRAWN",
    "OPTIONS",
    "OUTPUT_OF",
    "RUNS",
    "SUMS",
    "first",
    "ignored",
    "narrowed",
    "no_bias",
    "no_slope",
    "uses",
    "without",
]

TILES = (4, 8, 16, 32, 64, 128)
# What a kernel runs over for each output, and the letter of the sum for it.
RUNS = {
    "y": {"locations": "l", "filters": "f", "patch": "k", "samples": "n"},
    "dx": {"locations": "l", "filters": "f", "patch": "k", "samples": "n"},
    "dkernel": {"locations": "l", "filters": "f", "patch": "k", "samples": "n"},
    "dbias": {"locations": "l", "filters": "f", "samples": "n"},
}
SUMS = {"y": "nlk,lkf->nlf", "dx": "nlf,lkf->nlk", "dkernel": "nlk,nlf->lkf"}
OUTPUT_OF = {subscripts: output for output, subscripts in SUMS.items()}


def counts(case: Case) -> dict[str, int]:
    """Return how long every run is."""
    c = case.config
    taps = math.prod(c["kernel_size"])
    return {
        "locations": math.prod(c["output_sizes"]),
        "filters": c["filters"],
        "patch": taps * c["channels"],
        "samples": c["batch"],
        "row": c["output_sizes"][-1],
        "channels": c["channels"],
    }


def without(
    letter: str, keep: Callable[[int], Array], output: str, base: type[Model] = Model
) -> type[Model]:
    """Return a model that leaves out a part of a run, in one output."""

    class Left(base):  # type: ignore[misc,valid-type]
        def contract(self, subscripts: str, one: Array, other: Array) -> Array:
            if OUTPUT_OF[subscripts] != output:
                return np.asarray(super().contract(subscripts, one, other))
            operands, _, _ = subscripts.partition("->")
            first, _, second = operands.partition(",")
            if letter in first:
                one = self.masked(one, first.index(letter))
            else:
                other = self.masked(other, second.index(letter))
            return np.asarray(super().contract(subscripts, one, other))

        def masked(self, array: Array, axis: int) -> Array:
            mask = keep(array.shape[axis])
            shape = [1] * array.ndim
            shape[axis] = -1
            return np.where(mask.reshape(shape), array, 0.0)

        def dbias(self, dz: Array) -> Array:
            if output == "dbias":
                dz = self.masked(dz, "nlf".index(letter))
            return np.asarray(super().dbias(dz))

    return Left


def _whole_tiles(tile: int) -> Callable[[int], Array]:
    return lambda count: np.arange(count) < max(count // tile * tile, min(count, tile))


def first(limit: int) -> Callable[[int], Array]:
    """Return what keeps so many of a run."""
    return lambda count: np.arange(count) < limit


def _tails(kind: str = "layer", base: type[Model] = Model) -> Iterator[Mutant]:
    for output, runs in RUNS.items():
        for run, letter in runs.items():
            if kind != "layer" and run == "patch":
                continue  # of a transposed layer it is another one
            for tile in TILES:

                def see(
                    case: Case, run: str = run, tile: int = tile, output: str = output
                ) -> bool:
                    count = counts(case)[run]
                    return output in case.wants and count > tile and count % tile > 0

                yield Mutant(
                    f"{_prefix(kind)}tail of {tile} {run} in {output}",
                    f"The last {run} of {output} that do not fill a tile of {tile}.",
                    False,
                    see,
                    without(letter, _whole_tiles(tile), output, base),
                    (kind,),
                )


def _prefix(kind: str) -> str:
    return "" if kind == "layer" else f"{kind}: "


def _limits() -> Iterator[Mutant]:
    for limit in (32, 64, 128, 256, 1024):
        for output in RUNS:
            for run, letter in RUNS[output].items():
                if run == "patch" and limit > 512:
                    continue

                def see(
                    case: Case, run: str = run, limit: int = limit, output: str = output
                ) -> bool:
                    return output in case.wants and counts(case)[run] > limit

                yield Mutant(
                    f"first {limit} {run} in {output}",
                    f"One block of {limit} threads runs over the {run} of {output}.",
                    False,
                    see,
                    without(letter, first(limit), output),
                )


def _flat(limit: int, output: str) -> type[Model]:
    class Flat(Model):
        def answers(self) -> dict[str, Array]:
            found = super().answers()
            if output in found:
                flat = found[output].copy().reshape(-1)
                flat[limit:] = 0
                found[output] = flat.reshape(found[output].shape)
            return found

    return Flat


def _flats() -> Iterator[Mutant]:
    for limit in (32, 128, 256, 1024, 4096, 32767):
        for output in ("y", "dx", "dkernel", "dbias"):
            if (limit, output) == (32767, "dbias"):
                continue  # the suite has no such bias

            def see(case: Case, limit: int = limit, output: str = output) -> bool:
                return output in case.wants and bool(case.expected[output].size > limit)

            yield Mutant(
                f"first {limit} numbers of {output}",
                f"A grid that ends after {limit} numbers of {output}.",
                False,
                see,
                _flat(limit, output),
            )


def narrowed(bits: int, sums: tuple[str, ...]) -> type[Model]:
    """Return a model whose operands of some sums are rounded to so many bits."""

    class Narrowed(Model):
        def contract(self, subscripts: str, one: Array, other: Array) -> Array:
            if OUTPUT_OF[subscripts] in sums:
                one, other = rounded(one, bits), rounded(other, bits)
            return np.asarray(super().contract(subscripts, one, other))

    return Narrowed


def _matrix_units() -> Iterator[Mutant]:
    for name, bits, precision in NARROWER:
        for unit in (4, 8, 16):
            for output in SUMS:

                def see(
                    case: Case,
                    unit: int = unit,
                    output: str = output,
                    precision: str = precision,
                ) -> bool:
                    n = counts(case)
                    aligned = n["patch"] % unit == 0 and n["filters"] % unit == 0
                    fits = case.precision == precision and output in case.wants
                    return aligned and fits

                yield Mutant(
                    f"{name} for {output} where K and F are divided by {unit}",
                    "A matrix unit that switches on when sizes are aligned.",
                    True,
                    see,
                    _aligned_only(unit, narrowed(bits, (output,))),
                )


def _aligned_only(unit: int, wrong: type[Model]) -> type[Model]:
    """Return a model that is wrong where K and F are aligned alone."""

    class Aligned(wrong):  # type: ignore[misc,valid-type]
        def contract(self, subscripts: str, one: Array, other: Array) -> Array:
            n = counts(self.case)
            if n["patch"] % unit or n["filters"] % unit:
                return Model.contract(self, subscripts, one, other)
            return np.asarray(super().contract(subscripts, one, other))

    return Aligned


def uses(name: str) -> Sees:
    """Return whether a case uses an option."""

    def see(case: Case) -> bool:
        c = case.config
        found: dict[str, bool] = {
            "strides": max(c["strides"]) > 1,
            "dilation": max(c["dilation_rate"]) > 1,
            "pads": any(map(any, c["pads"])),
            "border": any(map(any, c["pads"])) and c.get("pad_value", 0) != 0,
            "bias": case.bias is not None,
            "activation": c["activation"]["name"] != "linear",
            "channels_first": is_first(case),
            "one axis": len(c["kernel_size"]) == 1,
            "two axes": len(c["kernel_size"]) == 2,
            "three axes": len(c["kernel_size"]) == 3,
            "one sample": c["batch"] == 1,
            "one channel": c["channels"] == 1,
            "one filter": c["filters"] == 1,
            "many channels": c["channels"] > 8,
            "many filters": c["filters"] > 8,
        }
        return found[name]

    return see


def _all(*uses: Sees) -> Sees:
    return lambda case: all(use(case) for use in uses)


OPTIONS: dict[str, Callable[[Config], Config]] = {
    "strides": lambda c: {**c, "strides": [1] * len(c["strides"])},
    "dilation": lambda c: {**c, "dilation_rate": [1] * len(c["strides"])},
    "pads": lambda c: {**c, "pads": [[0, 0]] * len(c["strides"])},
    "border": lambda c: {**c, "pad_value": 0.0},
    "activation": lambda c: {**c, "activation": {"name": "linear"}},
}
CONDITIONS = (
    *("strides", "dilation", "pads", "border", "bias", "activation", "channels_first"),
    *("one axis", "two axes", "three axes", "one sample", "one channel"),
    *("one filter", "many channels", "many filters"),
)


def ignored(option: str, condition: Sees, base: type[Model] = Model) -> type[Model]:
    """Return a model that forgets an option where a condition holds."""

    class Ignored(base):  # type: ignore[misc,valid-type]
        def config(self, c: Config) -> Config:
            return OPTIONS[option](c) if condition(self.case) else c

    return Ignored


def _options(kind: str = "layer", base: type[Model] = Model) -> Iterator[Mutant]:
    for option in OPTIONS:
        if kind == "transposed" and option == "border":
            continue
        for condition in CONDITIONS:
            if kind == "transposed" and condition == "border":
                continue
            if condition == option or (option, condition) == ("border", "pads"):
                continue
            both = (uses(option), uses(condition))
            yield Mutant(
                f"{_prefix(kind)}{option} ignored with {condition}",
                f"{option} forgotten on a path that is taken with {condition}.",
                False,
                _all(*both),
                ignored(option, both[1], base),
                (kind,),
            )
    for condition in CONDITIONS:
        if kind == "transposed" and condition == "border":
            continue
        if condition != "bias":
            use = uses(condition)
            yield Mutant(
                f"{_prefix(kind)}bias ignored with {condition}",
                f"A bias forgotten on a path that is taken with {condition}.",
                False,
                _all(has_bias, use),
                no_bias(use, base),
                (kind,),
            )
        if condition != "activation":
            use = uses(condition)
            yield Mutant(
                f"{_prefix(kind)}slope ignored with {condition}",
                f"A slope forgotten on a path that is taken with {condition}.",
                False,
                _all(wants_gradients, uses("activation"), use),
                no_slope(use, base),
                (kind,),
            )


def no_bias(condition: Sees, base: type[Model] = Model) -> type[Model]:
    """Return a model that adds no bias where a condition holds."""

    class Unbiased(base):  # type: ignore[misc,valid-type]
        def add_bias(self, z: Array, bias: Array) -> Array:
            return z if condition(self.case) else np.asarray(super().add_bias(z, bias))

    return Unbiased


def no_slope(condition: Sees, base: type[Model] = Model) -> type[Model]:
    """Return a model that forgets an activation's slope where a condition holds."""

    class Slopeless(base):  # type: ignore[misc,valid-type]
        def dz(self, dy: Array, cache: Any) -> Array:
            if not condition(self.case):
                return np.asarray(super().dz(dy, cache))
            # A linear layer's slope, for which there is no step of its own.
            return by_location(dy, self.case.config)

    return Slopeless


def _cut(bits: int, output: str) -> type[Model]:
    class Cut(Model):
        def answers(self) -> dict[str, Array]:
            exact = _Unrounded(self.case).answers()
            found = super().answers()
            mantissa, power = np.frexp(exact[output])
            short = np.trunc(np.ldexp(mantissa, bits))
            return {**found, output: np.ldexp(short, power - bits)}

    return Cut


class _Unrounded(Model):
    """The right model without the last rounding, which products in float64 allow."""

    def answers(self) -> dict[str, Array]:
        z = self.contract(SUMS["y"], self.patches(), self.kernel())
        if self.case.bias is not None:
            z = z + self.bias()
        y, cache = self.activate(z)
        found = {"y": y}
        if self.case.dy is not None:
            dz = self.dz(self.dy(), cache)
            found["dx"] = self.dx(self.contract(SUMS["dx"], dz, self.kernel()))
            found["dkernel"] = self.contract(SUMS["dkernel"], self.patches(), dz)
        return found


def _cuts() -> Iterator[Mutant]:
    for precision, bits in (("float32", 24), ("float16", 11), ("bfloat16", 8)):
        for output in SUMS:

            def see(
                case: Case, precision: str = precision, output: str = output
            ) -> bool:
                single = "single" in case.flags and "subnormal" not in case.flags
                return single and case.precision == precision and output in case.wants

            yield Mutant(
                f"{output} cut off in {precision}",
                f"Bits behind the last of {precision} dropped, not rounded.",
                True,
                see,
                _cut(bits, output),
            )


def _variants() -> Iterator[Mutant]:
    for kind in VARIANTS:
        yield from _tails(kind, VariantModel)
        yield from _options(kind, VariantModel)


DRAWN = {
    mutant.name: mutant
    for family in (_tails, _limits, _flats, _matrix_units, _options, _cuts, _variants)
    for mutant in family()
}
