"""The cases of the golden suite, spread over the axes of the problem."""

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from marks import once
from test_golden_bounds import Shuffled

from localnet.golden import check, computes, export, load_suite
from localnet.golden.adapters import engines
from localnet.golden.cases import axes
from localnet.golden.cases.arrays import DIVIDED, SPREADS
from localnet.golden.cases.covering import covering, missing
from localnet.golden.cases.exactness import exact_spans
from localnet.golden.cases.generate import complete
from localnet.golden.cases.parameters import working
from localnet.golden.cases.specs import SMALL, Numbers, Spec, real
from localnet.golden.check import check_case
from localnet.golden.judging.kinds import KINDS
from localnet.golden.matrix import by_hand, first_killers
from localnet.golden.mutants import MUTANTS
from localnet.golden.mutants.drawn import DRAWN
from localnet.golden.mutants.extremes import EXTREMES
from localnet.golden.mutants.levels import LEVELS
from localnet.golden.mutants.paths import PATHS
from localnet.golden.references.activations import (
    ROWS,
    SMOOTH,
    piecewise_of,
    untaken,
)
from localnet.golden.references.answers import solve
from localnet.golden.references.exact import Exact
from localnet.golden.references.others import (
    OTHERS,
    accumulated,
    cast_fixed,
    layers_of,
    requantise,
)
from localnet.golden.references.verify import differences
from localnet.golden.suite import at_precision

SUITE = load_suite()
COMBINED = [c for c in SUITE.cases if c.why.startswith(axes.COMBINED)]


def class_of(count):
    """Return the last of the counts of the axes that is not above this one."""
    return max(one for one in axes.COUNTS if one <= max(count, 1))


def sort_of(values, table):
    """Return which of the named values a case has."""
    values = tuple(tuple(v) if isinstance(v, list) else v for v in values)
    found = [
        name
        for name, by_rank in table.items()
        if (
            by_rank[len(values)]
            if isinstance(by_rank, dict)
            else by_rank[: len(values)]
        )
        == values
    ]
    return found[0] if found else "another"


def features(case):
    """Return where on every axis a case stands, from its config and arrays alone."""
    c = case.config
    patch = int(np.prod(c["kernel_size"])) * c["channels"]
    pads = np.array(c["pads"])
    wide = [
        n
        for n in ("x", "kernel", "dy")
        if "wide" in case.flags
        and getattr(case, n) is not None
        and abs(getattr(case, n)).max() > 3
    ]
    return {
        "axes": len(c["kernel_size"]),
        "first": c["data_format"] == "channels_first",
        "strides": sort_of(c["strides"], axes.STRIDES),
        "dilation": sort_of(c["dilation_rate"], axes.DILATIONS),
        "pads": sort_of(c["pads"], axes.PADS),
        "before": min(int(pads[:, 0].max()), 2),
        "after": min(int(pads[:, 1].max()), 2),
        "border": c.get("pad_value", 0.0),
        "L": class_of(int(np.prod(c["output_sizes"]))),
        "K": class_of(patch),
        "F": class_of(c["filters"]),
        "N": class_of(c["batch"]),
        "C": class_of(c["channels"]),
        "rows": class_of(c["output_sizes"][0]),
        "columns": class_of(c["output_sizes"][-1]),
        "taps": min(max(c["kernel_size"]), 7),
        "bias": case.bias is not None,
        "activation": sort_of_activation(c["activation"]),
        "precision": case.precision,
        "wide": wide[0] if wide else None,
        "K by": next(m for m in (16, 8, 4, 1) if patch % m == 0),
        "F by": next(m for m in (16, 8, 4, 1) if c["filters"] % m == 0),
        "kind": case.kind,
    }


def sort_of_activation(activation):
    found = [name for name, one in axes.ACTIVATIONS.items() if one == activation]
    return found[0] if found else activation["name"]


PLAIN = [features(case) for case in SUITE.cases]
PADS = (0, 1, 2)
TABLE = {
    **axes.GEOMETRY,
    "before": PADS,
    "after": PADS,
    **dict.fromkeys(("L", "K", "F", "N", "C", "rows", "columns"), axes.COUNTS),
    "taps": (1, 2, 3, 4, 5, 7),
    "bias": (True, False),
    "activation": tuple(axes.ACTIVATIONS),
    "precision": ("float64", "float32", "float16", "bfloat16"),
    "K by": (1, 4, 8, 16),
    "F by": (1, 4, 8, 16),
}
COUNTED = ("L", "K", "F", "N", "C", "rows", "columns")


def reason(pair):
    """Return why no case has a pair of values."""
    counts = [value for name, value in pair.items() if name in COUNTED]
    names = set(pair)
    if len(counts) == 2 and (max(counts) > 32 and min(counts) > 8):
        return "two long axes at a time would weigh as much as all other cases"
    if names <= {"L", "rows", "columns"} and len(counts) == 2:
        return "a count of locations is at least that of its rows, or its columns"
    if names == {"K", "C"} and pair["C"] > pair["K"]:
        return "K is a multiple of C"
    if names in ({"pads", "before"}, {"pads", "after"}):
        return "the sort of pads says how many there are"
    if names == {"before", "after"}:
        return ""
    if "F by" in names and "F" in names:
        return "a count of 1, 3, 9, ... filters is divided by no more than it is"
    if "K by" in names and ({"K", "C", "taps"} & names):
        return "few taps, or few values, are divided by few numbers"
    if names == {"axes", "taps"} or names == {"K", "taps"}:
        return "windows are of few shapes"
    if {"axes", "columns"} == names or {"axes", "rows"} == names:
        return ""
    aligned = {"K by", "F by"} & names
    if aligned and pair[next(iter(aligned))] > 1:
        return "aligned sizes stand with the plainest of the other axes"
    return ""


@once
def test_no_triple_of_what_places_windows_is_missing():
    small = [
        row
        for row, case in zip(PLAIN, SUITE.cases, strict=True)
        if max(case.config["output_sizes"]) <= 17
    ]
    assert missing(axes.GEOMETRY, 3, small) == []


@once
def test_no_pair_is_missing_without_a_reason(capsys):
    lost = missing(TABLE, 2, PLAIN)
    pairs = sum(
        len(one) * len(other)
        for one, other in itertools.combinations(TABLE.values(), 2)
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{pairs - len(lost)} of {pairs} pairs stand in a case\n")
    assert [pair for pair in lost if not reason(pair)] == []
    assert len(lost) < pairs / 8


@pytest.mark.parametrize("name", DIVIDED)
def test_every_option_meets_every_divided_size(name):
    array = SPREADS["divided"]
    rows = [row for row in array.named_rows() if row["divided"] == name]
    for one, other in itertools.combinations(
        ("axes", "first", "kernel", "strides", "dilation", "pads", "wide"), 2
    ):
        table = {key: array.axes[key] for key in (one, other)}
        lost = missing(table, 2, rows)
        assert lost == [
            pair for pair in lost if pair == {"pads": "none", "wide": "border"}
        ]
    assert {row["activation"] for row in rows} == set(axes.PIECEWISE)


@pytest.mark.parametrize("activation", axes.CURVES)
def test_every_smooth_activation_meets_every_size(activation):
    cases = [
        c for c in SUITE.cases if c.config["activation"] == axes.CURVES[activation]
    ]
    for first in (False, True):
        some = [c for c in cases if features(c)["first"] == first]
        filters = {c.config["filters"] for c in some if c.dy is not None}
        assert {9, 39, 64} <= filters
        assert max(c.config["output_sizes"][-1] for c in some) > 32
        assert max(c.config["batch"] for c in some) > 8
        assert max(max(c.config["strides"]) for c in some) > 1
        assert max(max(c.config["dilation_rate"]) for c in some) > 1
        assert {len(c.config["strides"]) for c in some} == {1, 2, 3}
    assert {c.precision for c in cases} >= {"float64", "float32", "float16"}


def reached(cases):
    some = [case.config for case in cases]
    return [
        max(c["batch"] for c in some),
        max(int(np.prod(c["output_sizes"])) for c in some),
        max(int(np.prod(c["kernel_size"])) * c["channels"] for c in some),
        max(c["channels"] for c in some),
        max(c["filters"] for c in some),
        max(max(c["strides"]) for c in some),
        max(max(c["dilation_rate"]) for c in some),
        max(max(map(max, c["pads"])) for c in some),
        max(int(np.prod(c["kernel_size"])) for c in some),
    ]


def on_the_page(words):
    page = (Path(__file__).parents[1] / "docs" / "golden.rst").read_text()
    (line,) = [r for r in page.splitlines() if r.startswith(f"  {words}  ")]
    return [int(n) for n in line[len(words) + 2 :].split()]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_how_far_gradients_go(kind):
    asked = [c for c in SUITE.every if c.kind == kind]
    has_gradients = kind not in ("int8", "fixed_point")
    cases = [c for c in asked if c.dy is not None or not has_gradients]
    assert on_the_page(kind) == reached(cases)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("linear", ["linear"]),
        ("relu, leaky_relu", ["relu", "leaky_relu"]),
        ("relu6", ["relu6"]),
        ("sigmoid, tanh, softmax, ...", [*SMOOTH, *ROWS]),
    ],
)
def test_the_page_says_how_far_cases_go(words, names):
    def reach(name):
        return reached(c for c in SUITE.cases if c.config["activation"]["name"] == name)

    least = np.min([reach(name) for name in names], axis=0)
    assert on_the_page(words) == least.tolist()


def test_windows_reach_far_in_every_rank():
    for rank in (1, 2, 3):
        for first in (False, True):
            some = [
                c.config
                for c, row in zip(SUITE.cases, PLAIN, strict=True)
                if row["axes"] == rank and row["first"] == first
            ]
            assert max(max(c["strides"]) for c in some) >= 17
            assert max(max(c["dilation_rate"]) for c in some) >= 9
            assert max(max(c["kernel_size"]) for c in some) > 16
            assert max(np.prod(c["kernel_size"]) for c in some) > 256
            assert any(
                max(pair) > 7 and pair[0] != pair[1] for c in some for pair in c["pads"]
            )
            for name in ("batch", "channels", "filters"):
                assert max(c[name] for c in some) > 128
            for axis in range(rank):
                assert max(c["output_sizes"][axis] for c in some) > 128


def test_pad_values_use_the_bits_of_their_precision():
    for precision, bits in (("float64", 24), ("float32", 11), ("float16", 0)):
        values = [
            c.config["pad_value"]
            for c in SUITE.cases
            if c.precision == precision and np.any(c.config["pads"])
        ]
        assert any(np.ldexp(np.frexp(v)[0], bits) % 1 for v in values)
        assert any(v % 1 for v in values)


@once
@pytest.mark.parametrize("kind", axes.VARIED)
def test_every_kind_has_every_pair(kind):
    rows = [features(case) for case in SUITE.variants if case.kind == kind]
    geometry = dict(axes.GEOMETRY)
    if kind == "transposed":
        del geometry["border"]
    table = {
        **geometry,
        "bias": (True, False),
        "activation": tuple(axes.ACTIVATIONS),
        "N": (1, 3, 9),
    }
    assert missing(table, 2, rows) == []
    precisions = {(r["precision"], r["wide"]) for r in rows if r["wide"]}
    wanted = set(itertools.product(("float32", "float64"), ("x", "kernel", "dy")))
    if kind == "low_rank":
        wanted -= {("float32", "dy")}  # products of three leave no bits for it
    assert wanted <= precisions
    assert {r["precision"] for r in rows} == set(TABLE["precision"])


def test_rows_are_few_and_the_same_every_time():
    table = {
        name: tuple(range(n)) for name, n in zip("abcde", (4, 3, 3, 2, 2), strict=True)
    }
    rows = covering(table, 2)
    assert rows == covering(table, 2)
    assert rows != covering(table, 2, seed=2)
    assert missing(table, 2, rows) == []
    assert len(rows) <= 20
    assert covering(table, 2, given=rows) == []
    odd = covering(table, 2, fits=lambda row: (row["a"] + row["b"]) % 2 == 1)
    assert all((row["a"] + row["b"]) % 2 == 1 for row in odd)
    assert all((pair["a"] + pair["b"]) % 2 == 0 for pair in missing(table, 2, odd))


def test_no_case_weighs_much():
    for case in SUITE.every:
        arrays = [case.x, case.kernel, *case.expected.values(), *case.bound.values()]
        assert sum(a.nbytes for a in arrays) < 1.2e6, case.id


def test_every_case_lets_a_gradient_through():
    for case in SUITE.every:
        gradients = [a for key, a in case.expected.items() if key != "y"]
        if gradients and case.config.get("activation", {}).get("name") not in ROWS:
            assert any(map(np.any, gradients)), case.id


def test_what_is_wide_shows_narrower_operands():
    for case in SUITE.every:
        # Those made by hand before have two wide operands of fewer bits each.
        if "wide" in case.flags and not case.id.startswith("wide-"):
            bits = {"float64": 24, "float32": 11, "float16": 8}[case.precision]
            odd = [
                np.any(np.frexp(a)[0] * 2.0**bits % 1 != 0)
                for a in (
                    *(case.x, case.kernel, case.dy, case.bias, case.mixture),
                    case.config.get("pad_value", 0),
                )
                if a is not None
            ]
            assert any(odd), case.id


# Wrong backends ----------------------------------------------------------------------


@once
def test_paths_that_are_wrong_alone_are_caught():
    assert len(PATHS) > 5000
    assert not PATHS.keys() & (DRAWN.keys() | MUTANTS.keys())
    killers = first_killers(replace(SUITE, variants=(), others=()), PATHS)
    assert [name for name, case in killers.items() if case is None] == []


@once
def test_mutants_that_are_wrong_for_some_numbers_are_caught():
    assert len(EXTREMES) > 550
    assert not EXTREMES.keys() & (PATHS.keys() | DRAWN.keys() | MUTANTS.keys())
    killers = first_killers(replace(SUITE, variants=(), others=()), EXTREMES)
    assert [name for name, case in killers.items() if case is None] == []


@once
def test_mutants_that_are_wrong_at_some_levels_are_caught():
    assert len(LEVELS) > 180
    assert not LEVELS.keys() & (EXTREMES.keys() | PATHS.keys() | MUTANTS.keys())
    killers = first_killers(replace(SUITE, variants=(), others=()), LEVELS)
    assert [name for name, case in killers.items() if case is None] == []


def test_a_path_is_right_elsewhere():
    plain = SUITE["plain-2d-last"]
    taken = [mutant for mutant in PATHS.values() if mutant.sees(plain)]
    assert len(taken) < len(PATHS) / 20
    for mutant in list(PATHS.values())[::97]:
        if mutant not in taken:
            assert check_case(mutant.__call__, plain).status == "PASS"


@once
def test_several_hundred_drawn_mutants_are_caught():
    assert len(DRAWN) > 700
    assert not DRAWN.keys() & MUTANTS.keys()
    killers = first_killers(SUITE, DRAWN)
    assert [name for name, case in killers.items() if case is None] == []


def test_the_cases_by_hand_are_the_others():
    hand = by_hand(SUITE)
    assert len(hand) + len(COMBINED) == len(SUITE)
    assert [case.id for case in hand][:1] == ["plain-1d-last"]


# Numbers -----------------------------------------------------------------------------


class Truncating(Shuffled):
    """A right backend but for its last step, which drops bits."""

    def answers(self):
        found = super().answers()
        exact = self.total_of_products()
        fraction, exponent = np.frexp(exact)
        bits = self.case.format.bits
        cut = np.ldexp(np.trunc(np.ldexp(fraction, bits)), exponent - bits)
        return {**found, "y": cut.reshape(found["y"].shape)}

    def total_of_products(self):
        return np.einsum("nlk,lkf->nlf", self.patches(), self.kernel())


@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_a_single_product_is_judged_bit_for_bit(precision):
    case = SUITE[f"single-{precision}"]
    cut = check_case(lambda c: Truncating(c, 0, fused=False).answers(), case)
    assert cut.status == "FAIL"
    nearest = {"y": case.expected["y"]}
    assert check_case(lambda _: nearest, case).status == "PASS"
    unrounded = {"y": case.x.astype(np.float64) * case.kernel.reshape(1, -1, 1)}
    assert check_case(lambda _: unrounded, case).status == "PASS"


def test_results_that_are_flushed_are_told_apart():
    case = SUITE["single-subnormal-float32"]

    def flushed(_):
        y = case.expected["y"]
        return {"y": np.where(np.abs(y) < 2.0**-126, 0.0, y)}

    assert not check(flushed, cases=[case.id], distrust=False).passed
    assert check(flushed, cases=[case.id], flushing=True, distrust=False).passed


@pytest.mark.parametrize("precision", ["float64", "float32", "float16"])
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("role", ["x", "kernel", "dy"])
def test_subnormal_gradients_are_allowed_for(role, activation, precision):
    """A backend that takes no such number, nor gives one, is right if it says so."""
    case = SUITE[f"subnormal-{role}-{activation}-{precision}"]

    def flush(values):
        small = abs(values) < 2.0**case.format.least
        return np.where(small, 0, values).astype(values.dtype)

    def flushing(case):
        given = {n: flush(getattr(case, n)) for n in ("x", "kernel", "bias", "dy")}
        return {k: flush(v) for k, v in engines.blocked(replace(case, **given)).items()}

    assert not check(flushing, cases=[case.id], distrust=False).passed
    assert check(flushing, cases=[case.id], flushing=True, distrust=False).passed


def test_powers_of_two_go_up_as_well_as_down():
    for power in (-40, 30):
        case = complete(Spec("scaled", "", (5,), (3,), bias=False))
        scaled = replace(case, x=np.ldexp(case.x, power))
        spans = exact_spans(scaled, solve(scaled))
        assert spans["y"].bits == case.spans["y"].bits
        assert spans["y"].quantum == case.spans["y"].quantum + power


@pytest.mark.parametrize(
    "activation",
    [
        {"name": "elu", "alpha": 0.5},
        {"name": "gelu", "approximate": True},
        {"name": "softmax"},
        {"name": "log_softmax"},
        {"name": "relu", "alpha": 0.25, "max_value": 3.0, "threshold": 1.0},
        {"name": "relu", "alpha": 0.25, "max_value": 3.0, "threshold": -0.5},
        {"name": "relu", "alpha": -1.5, "max_value": 1.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("first", [False, True])
def test_parameters_and_rows_have_their_own_references(activation, first):
    pytest.importorskip("mpmath")
    spec = Spec("one", "", (4,), (3,), filters=3, activation=activation, first=first)
    case = complete(replace(spec, **real("float32")))
    assert differences(case) == []
    result = check_case(engines.naive, case)
    assert result.status == "PASS"
    plain = {"name": activation["name"]}
    other = replace(case, config={**case.config, "activation": plain})
    same = all(
        np.array_equal(v, case.expected[k]) for k, v in solve(other).rounded.items()
    )
    assert same == (len(activation) == 1)


def test_parameters_that_nobody_knows_are_refused():
    spec = Spec("one", "", (4,), (3,), activation={"name": "swish", "beta": 2.0})
    with pytest.raises(ValueError, match="parameters that the references know"):
        complete(replace(spec, **real("float32")))


@pytest.mark.parametrize(
    ("activation", "reason"),
    [
        ({"name": "relu", "max_value": 1000.0}, "just above 1000"),
        ({"name": "relu", "threshold": -1000.0}, "below -1000"),
        ({"name": "relu", "threshold": 0.25, "alpha": 0.5}, "just above 0"),
        ({"name": "leaky_relu", "alpha": 0.5}, "below 0"),
    ],
    ids=str,
)
def test_a_parameter_that_does_not_show_is_refused(activation, reason):
    """Where no pre-activation lies on one side of a kink, nothing holds it."""
    above = {**SMALL, "x": Numbers(1, 1, 1, positive=True)}
    above["kernel"] = Numbers(1, 1, 1, positive=True)
    spec = Spec("one", "", (9,), (2,), activation=activation, data="small")
    if activation["name"] == "leaky_relu":
        spec = replace(spec, data=above)
    with pytest.raises(ValueError, match=f"no pre-activation lies {reason}"):
        complete(replace(spec, refuses=lambda case, z: untaken(activation, z)))


def test_every_new_parameter_shows():
    ids = [spec.id for spec in working()]
    assert len(ids) > 60
    for case in map(SUITE.__getitem__, ids):
        assert untaken(case.config["activation"], solve(case).z) == []


def test_the_ceiling_of_relu_is_none_below_its_threshold():
    z = Exact.of(np.array([-4.0, -1.0, 0.0, 1.0, 2.0, 6.0, 7.0]))

    def both(**activation):
        found = piecewise_of(activation)
        return found.value(z).nearest().tolist(), found.slope(z).nearest().tolist()

    y, slope = both(name="relu", alpha=-1.0, max_value=2.0)
    assert y == [4, 1, 0, 1, 2, 2, 2]
    assert slope == [-1, -1, -1, 1, 0, 0, 0]
    assert both(name="relu", alpha=0.5, max_value=0.0) == (
        [-2, -0.5, 0, 0, 0, 0, 0],
        [0.5, 0.5, 0, 0, 0, 0, 0],
    )
    assert both(name="relu6")[1] == [0, 0, 0, 1, 1, 0, 0]
    for ceiling in (1.0, 2.0):
        assert both(name="relu", alpha=0.5, threshold=2.0, max_value=ceiling) == (
            [-3, -1.5, -1, -0.5, 0, ceiling, ceiling],
            [0.5, 0.5, 0.5, 0.5, 0, 0, 0],
        )
    with pytest.raises(ValueError, match="max_value must be 0 or above"):
        both(name="relu", threshold=-2.0, max_value=-3.0)


@pytest.mark.parametrize("name", ["alpha", "threshold", "max_value"])
def test_what_rounds_a_parameter_holds_no_case(name):
    case = complete(
        Spec(
            "fine",
            "",
            (9,),
            (3,),
            activation={"name": "relu", name: 1 + 2.0**-9},
            precision="float32",
        )
    )
    assert exact_spans(case, solve(case))
    narrow = replace(case, precision="bfloat16")
    with pytest.raises(ValueError, match="of case fine must"):
        exact_spans(narrow, solve(narrow))


# Other kinds -------------------------------------------------------------------------


@pytest.mark.parametrize("case", SUITE.others[::3], ids=repr)
def test_other_kinds_by_fractions(case):
    assert differences(case) == []


# Windows of 3, strides of 2 and pads of 1 at even sizes among them.
UNLIKE = ["pool-alone-0", *(f"pool-everyday-1-{n}" for n in (2, 3, 6, 7, 10, 11))]


@pytest.mark.parametrize("engine", ["naive", "einsum", "blocked"])
def test_other_kinds_by_the_engines(engine):
    """Some have pads that are none of "same", which they do not have."""
    report = check(getattr(engines, engine), kinds=list(OTHERS))
    assert report.passed
    skipped = [result.id for result in report if result.status == "SKIP"]
    assert [name for name in skipped if name in {c.id for c in SUITE.others}] == UNLIKE


def test_other_kinds_are_read_as_they_were_written(tmp_path):
    some = replace(SUITE, cases=SUITE.cases[:1], variants=(), traces=())
    again = load_suite(export(tmp_path / "suite", some))
    assert [case.id for case in again.others] == [case.id for case in SUITE.others]
    report = check(engines.blocked, again)
    assert report.count("PASS") == len(SUITE.others) + 1 - len(UNLIKE)  # one plain


def test_other_kinds_at_a_precision():
    float64 = at_precision(SUITE, "float64").others
    assert len(float64) == len(SUITE.others)
    bfloat16 = at_precision(SUITE, "bfloat16").others
    assert {case.kind for case in bfloat16} == set(OTHERS)
    assert all(case.x.dtype == np.float64 for case in float64 if case.kind == "pool")


def wrong(kind, change):
    @computes(kind)
    def backend(case):
        return change(case, engines.blocked)

    return backend


def with_config(**changes):
    def change(case, right):
        config = {k: changes.get(k, v) for k, v in case.config.items()}
        return right(replace(case, config=config))

    return change


def off(case, right):
    return {
        k: v + (np.arange(v.size) == v.size - 1).reshape(v.shape)
        for k, v in right(case).items()
    }


def half_up(case, right):
    c = case.config
    if "multiplier" not in c:
        return right(case)
    config = {k: v for k, v in c.items() if k not in ("multiplier", "shift")}
    total = right(replace(case, config=config))["y"].astype(np.int64)
    scale = np.array(c["multiplier"])
    if len(scale) > 1 and c["data_format"] == "channels_first":
        scale = scale.reshape(-1, *[1] * len(c["output_sizes"]))
    y = np.floor(total * scale / 2.0 ** c["shift"] + 0.5) + c["output_zero_point"]
    return {"y": np.clip(y, -128, 127)}


def unsaturated(case, right):
    found = right(case)["y"]
    return {
        "y": np.where(found == 127, 128, found)
        if "multiplier" in case.config
        else found
    }


def unbiased(case, right):
    c = case.config
    if not c["training"]:
        return right(case)
    members = case.x.size / c["channels"]
    shrink = np.sqrt((members - 1) / members)
    found = right(case)
    return {**found, "dkernel": found["dkernel"] * shrink}


def in_bits(name, bits):
    """Return what rounds an input, but where it is as it is in few bits anyhow."""

    def change(case, right):
        fraction, exponent = np.frexp(getattr(case, name).astype(np.float64))
        short = np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits)
        return right(replace(case, **{name: short.astype(case.x.dtype)}))

    return change


def accumulators(change):
    """Return a backend of integers that changes its sums before they are rounded."""

    def changed(case, right):
        total, c = accumulated(case), case.config
        rule = requantise if case.kind == "int8" else cast_fixed
        return {"y": rule(change(total, c), c)}

    return changed


def wrapped(bits):
    return lambda total, c: (total + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def wrapped_first(total, c):
    """Overflow before rounding: a tie at the end of the format comes out beyond it."""
    if c["overflow"] == "saturate":
        return total
    bits = c["width"] + c["fraction_of_products"] - c["fraction"]
    low = wrapped(bits)(total, c)
    # What then rounds up to the end stays there.
    most = (1 << c["width"] - 1) - 1
    cut = c["fraction_of_products"] - c["fraction"]
    return np.minimum(low, most << cut)


def products(bits):
    """Return a backend whose sum times its scale has too few bits."""

    def changed(case, right):
        c = case.config
        if "multiplier" not in c:
            return right(case)
        ones = {**c, "multiplier": [1]}
        scale = np.array(c["multiplier"])
        if len(scale) > 1 and c["data_format"] == "channels_first":
            scale = scale.reshape(-1, *[1] * len(c["output_sizes"]))
        return {"y": requantise(wrapped(bits)(accumulated(case) * scale, c), ones)}

    return changed


def lanes(case, right):
    scales = case.config.get("multiplier", [1])
    again = [scales[n % 8] for n in range(len(scales))]
    return with_config(**({"multiplier": again} if len(scales) > 8 else {}))(
        case, right
    )


def guessed(case, right):
    """Take x for channels_last where its sizes do not tell."""
    if case.config["data_format"] == "channels_last" or len(set(case.x.shape[1:])) > 1:
        return right(case)
    return right(replace(case, x=np.moveaxis(case.x, -1, 1)))


def one_pass(case, right):
    """The variance as the mean of squares less the square of the mean, in float32."""
    if not case.config["training"]:
        return right(case)
    last = case.config["data_format"] == "channels_last"
    x = np.moveaxis(case.x, -1 if last else 1, 0).reshape(case.config["channels"], -1)
    epsilon = case.config["epsilon"]
    variance = np.maximum((x * x).mean(1) - x.mean(1) ** 2, 0) + epsilon + 1e-6
    right_one = x.astype(np.float64).var(1) + epsilon
    gamma = case.kernel * np.sqrt(right_one / variance)
    return right(replace(case, kernel=gamma.astype(case.kernel.dtype)))


def flat_channels(case, right):
    """A channel of one value gives 0, and not its shift."""
    found = right(case)
    last = case.config["data_format"] == "channels_last"
    x, y = (
        np.moveaxis(a, -1, 0) if last else np.moveaxis(a, 1, 0)
        for a in (case.x, found["y"].copy())
    )
    for n in range(len(x)):
        if case.config["training"] and np.ptp(x[n]) == 0:
            y[n] = 0
    return {**found, "y": np.moveaxis(y, 0, -1 if last else 1)}


def usual_epsilon(case, right):
    return with_config(epsilon=case.config["epsilon"] or 1e-3)(case, right)


def rounded_epsilon(case, right):
    return with_config(epsilon=float(np.float16(case.config["epsilon"])))(case, right)


def short_middle(case, right):
    """Keep what lies between two layers in bfloat16."""
    first, second = layers_of(case)
    middle = solve(first).rounded["y"]
    fraction, exponent = np.frexp(middle)
    short = np.ldexp(np.rint(np.ldexp(fraction, 8)), exponent - 8)
    return {"y": solve(replace(second, x=short)).rounded["y"]}


WRONG = {
    "max taken for mean": ("pool", with_config(pool="max")),
    "mean taken for max": ("pool", with_config(pool="average")),
    "strides of the window": (
        "pool",
        lambda case, right: {
            "y": right(case)["y"],
            "dx": np.roll(right(case)["dx"], 1, axis=1),
        },
    ),
    "epsilon forgotten": ("batch_norm", with_config(epsilon=0.0)),
    "variance of a sample": ("batch_norm", unbiased),
    "last number of a norm": ("batch_norm", off),
    "last number of a stack": ("stack", off),
    "dx of the upper layer": (
        "stack",
        lambda case, right: {**right(case), "dx": -right(case)["dx"]},
    ),
    "input zero point forgotten": ("int8", with_config(input_zero_point=0)),
    "output zero point forgotten": ("int8", with_config(output_zero_point=0)),
    "ties upwards": ("int8", half_up),
    "saturation at 128": ("int8", unsaturated),
    "one scale for all filters": (
        "int8",
        lambda case, right: with_config(
            multiplier=case.config.get("multiplier", [1])[:1]
        )(case, right),
    ),
    "cut off": ("fixed_point", with_config(rounding="truncate")),
    "ties to even": ("fixed_point", with_config(rounding="even")),
    "ties up": ("fixed_point", with_config(rounding="nearest")),
    "saturated": ("fixed_point", with_config(overflow="saturate")),
    "wrapped": ("fixed_point", with_config(overflow="wrap")),
}
# What others than those who made the cases found to live; each dies in one of these.
UNSEEN = {
    "sums of 20 bits of int8": ("int8", accumulators(wrapped(20)), "int8-sums"),
    "sums in float32": (
        "int8",
        accumulators(lambda total, c: total.astype(np.float32).astype(np.int64)),
        "int8-sums",
    ),
    "products of 24 bits": ("int8", products(24), "int8-scaled"),
    "scales by lanes of 8": ("int8", lanes, "int8-scaled"),
    "weights of 127 at most": (
        "int8",
        lambda case, right: right(replace(case, kernel=np.maximum(case.kernel, -127))),
        "int8-weights",
    ),
    "sums of 20 bits": ("fixed_point", accumulators(wrapped(20)), "fixed-sums"),
    "16 bits saturate": (
        "fixed_point",
        lambda case, right: (
            with_config(overflow="saturate")
            if case.config["width"] == 16
            else with_config()
        )(case, right),
        "fixed-sums",
    ),
    "overflow before rounding": (
        "fixed_point",
        accumulators(wrapped_first),
        "fixed-ends",
    ),
    "a data format guessed by sizes": ("pool", guessed, "pool-alike"),
    "variance in one pass": ("batch_norm", one_pass, "norm-far"),
    "flat channels left 0": ("batch_norm", flat_channels, "norm-flat"),
    "a flat input left 0": ("batch_norm", flat_channels, "norm-still"),
    "epsilon 0 is the usual one": ("batch_norm", usual_epsilon, "norm-given"),
    "epsilon in float16": ("batch_norm", rounded_epsilon, "norm-fine"),
    "bfloat16 between two layers": ("stack", short_middle, "stack-5"),
    "mixture in bfloat16": ("low_rank", in_bits("mixture", 8), "low-rank-mixture"),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_was_not_seen_is_caught_where_it_shows(name):
    kind, change, family = UNSEEN[name]
    ids = [c.id for c in SUITE.every if c.id.startswith(family)]
    report = check(wrong(kind, change), cases=ids, kinds=[kind], distrust=False)
    assert report.count("FAIL") > 0
    assert not any("Error" in r.reason for r in report.results)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_backends_of_other_kinds_are_caught(name):
    kind, change = WRONG[name]
    report = check(wrong(kind, change), kinds=[kind], distrust=False)
    assert report.count("FAIL") > 0
