"""Pooling, normalisation, stacks, integers: what a plain row of sizes does not show."""

from dataclasses import replace

import numpy as np
import pytest
from marks import once

from localnet import activations
from localnet.golden import Suite, check, load_suite
from localnet.golden.adapters import engines
from localnet.golden.case import INPUTS
from localnet.golden.cases.corners import CORNERS
from localnet.golden.cases.others import (
    OTHER_FAMILIES,
    covered,
    everyday,
    everyday_layers,
    moments,
)
from localnet.golden.cases.others.moments import check_norm
from localnet.golden.cases.usual import (
    everyday_variants,
    variant_lengths,
    variant_practice,
)
from localnet.golden.check import check_case
from localnet.golden.matrix import first_killers
from localnet.golden.mutants import MUTANTS
from localnet.golden.mutants.drawn import DRAWN
from localnet.golden.mutants.operands import OPERANDS
from localnet.golden.mutants.other_kinds import OTHER_MUTANTS, USUAL_MUTANTS
from localnet.golden.mutants.other_models import Integers, Norm, Pool, Stack
from localnet.golden.mutants.variant_paths import VARIANT_PATHS
from localnet.golden.mutants.variant_values import VARIANT_VALUES
from localnet.golden.references.activations import piecewise_of
from localnet.golden.references.exact import Exact
from localnet.golden.references.others import OTHERS, answers_of
from localnet.golden.references.verify import differences

SUITE = load_suite()
MODELS = {
    "pool": Pool,
    "batch_norm": Norm,
    "stack": Stack,
    "int8": Integers,
    "fixed_point": Integers,
}
NEW = {
    case.id
    for family in OTHER_FAMILIES
    if family.__name__ not in covered.__all__
    for case in family()
}
EVERYDAY = {
    case.id
    for family in OTHER_FAMILIES
    if family.__module__ in {m.__name__ for m in (everyday, everyday_layers, moments)}
    for case in family()
}
SMALL = [case for case in SUITE.others if case.id in NEW and case.kernel.size < 2000]


@pytest.mark.parametrize("case", SMALL, ids=repr)
def test_references_are_right_by_fractions(case):
    assert differences(case) == []


def test_wrong_bits_are_found_by_fractions():
    for kind in OTHERS:
        case = next(case for case in SMALL if case.kind == kind)
        answer = case.expected["y"].copy()
        answer.flat[0] += 1
        assert differences(replace(case, expected={**case.expected, "y": answer}))


def test_models_that_mutants_are_made_of_are_right():
    for case in SUITE.others:
        result = check_case(lambda case: MODELS[case.kind](case).answers(), case)
        assert result.status == "PASS", (case.id, result.reason)


@once
def test_wrong_backends_of_other_kinds_are_caught():
    assert len(OTHER_MUTANTS) > 200
    killers = first_killers(replace(SUITE, cases=(), variants=()), OTHER_MUTANTS)
    assert [name for name, case in killers.items() if case is None] == []


def test_they_needed_cases_of_their_own():
    """Plain rows of sizes and small numbers let most of them live."""
    plain = [case for case in SUITE.others if case.id not in NEW]
    killers = first_killers(Suite([], others=plain), OTHER_MUTANTS)
    living = {name for name, case in killers.items() if case is None}
    assert len(living) > 60
    assert {
        "pool: ties to each",
        "pool: pads counted in the mean",
        "batch_norm: tail of 32 in moments",
        "batch_norm: variance in one pass, float32",
        "stack: hidden in bfloat16: more than 32 numbers",
        "int8: multiplier of f % 8",
        "fixed_point: 16 bits of wrap: saturates",
    } <= living


@once
def test_what_goes_wrong_in_everyday_use_needed_cases_of_its_own():
    """All that outsiders' wrong backends had in common lived, and is caught now."""
    assert len(USUAL_MUTANTS) > 180
    assert not USUAL_MUTANTS.keys() & OTHER_MUTANTS.keys()
    before = [case for case in SUITE.others if case.id not in EVERYDAY]
    killers = first_killers(Suite([], others=before), USUAL_MUTANTS)
    assert [name for name, case in killers.items() if case is not None] == []
    new = [case for case in SUITE.others if case.id in EVERYDAY]
    killers = first_killers(Suite([], others=new), USUAL_MUTANTS)
    assert [name for name, case in killers.items() if case is None] == []


@once
def test_variants_that_forget_an_option_on_one_path_are_caught():
    assert len(VARIANT_PATHS) > 450
    assert not VARIANT_PATHS.keys() & (OPERANDS.keys() | DRAWN.keys() | MUTANTS.keys())
    killers = first_killers(replace(SUITE, cases=(), others=()), VARIANT_PATHS)
    assert [name for name, case in killers.items() if case is None] == []
    later = (everyday_variants, variant_lengths)
    new = {spec.id for family in (*CORNERS, *later) for spec in family()}
    before = [case for case in SUITE.variants if case.id not in new]
    killers = first_killers(Suite([], variants=before), VARIANT_PATHS)
    assert sum(case is None for case in killers.values()) > 200


@once
def test_parameters_and_pad_values_of_variants_are_held_in_all_bits():
    assert len(VARIANT_VALUES) > 60
    killers = first_killers(replace(SUITE, cases=(), others=()), VARIANT_VALUES)
    assert [name for name, case in killers.items() if case is None] == []
    new = ("-precise-", "-bordered-")
    later = {s.id for f in (everyday_variants, variant_lengths) for s in f()}
    before = [c for c in SUITE.variants if not any(part in c.id for part in new)]
    before = [case for case in before if case.id not in later]
    killers = first_killers(Suite([], variants=before), VARIANT_VALUES)
    assert sum(case is None for case in killers.values()) > 50


@pytest.mark.parametrize("bits", [8, 11])
def test_means_are_exact_by_division_and_by_an_inverse(bits):
    """In each precision that holds the case, and in all wider ones."""
    for case in SUITE.others:
        if not case.id.startswith("pool-mean") or case.format.bits > bits:
            continue
        count = int(np.prod(case.config["kernel_size"]))
        total = case.expected["y"] * count
        for form in (np.float16, np.float32, np.float64):
            if np.finfo(form).nmant + 1 >= case.format.bits:
                given = total.astype(form)
                inverse = form(1) / form(count)
                assert np.array_equal(given * inverse, case.expected["y"])
                assert np.array_equal(given / form(count), case.expected["y"])


ALONE = {
    "conv": ("bias", "activation"),
    "shared": ("bias", "activation", "tile"),
    "low_rank": ("bias", "activation", "mixture"),
    "transposed": ("bias", "activation"),
    "pool": ("pads", "pool"),
    "batch_norm": ("kernel", "bias", "mixture", "epsilon"),
    "stack": (
        *("kernel", "bias", "kernel2", "bias2"),
        *("second", "activation", "pad_value"),
    ),
    "int8": (
        *("kernel", "bias", "pads", "multiplier", "shift"),
        *("input_zero_point", "kernel_zero_point", "output_zero_point"),
    ),
    "fixed_point": (
        *("kernel", "bias", "pads", "width", "rounding", "overflow"),
        *("fraction", "fraction_of_products"),
    ),
}


@pytest.mark.parametrize(
    ("kind", "left"), [(kind, left) for kind, names in ALONE.items() for left in names]
)
def test_who_keeps_answers_by_all_but_one_thing_is_caught(kind, left):
    kept, caught = {}, False
    for case in (*SUITE.variants, *SUITE.others):
        if case.kind != kind or "-alone" not in case.id:
            continue
        arrays = {key: getattr(case, key) for key in INPUTS}
        given = {key: a.tobytes() for key, a in arrays.items() if a is not None}
        given = {key: value for key, value in given.items() if key != "bias_in_y"}
        follows = {**case.config, **given}
        follows.pop(left, None)
        first = kept.setdefault(repr(sorted(follows.items())), case.expected["y"])
        caught = caught or not np.array_equal(first, case.expected["y"])
    assert caught


@once
def test_every_operand_of_a_variant_is_read_in_full():
    assert len(OPERANDS) > 200
    assert not OPERANDS.keys() & (OTHER_MUTANTS.keys() | MUTANTS.keys())
    killers = first_killers(replace(SUITE, cases=(), others=()), OPERANDS)
    assert [name for name, case in killers.items() if case is None] == []
    new = ("-added-", "-mixture-", "-precise-", "-bordered-", "-many-")
    later = {spec.id for spec in variant_practice()}
    before = [
        case
        for case in SUITE.variants
        if case.id not in later and not any(part in case.id for part in new)
    ]
    some = {
        name: mutant
        for name, mutant in OPERANDS.items()
        if name.startswith(("low_rank: mixture", "conv: bias"))
    }
    killers = first_killers(Suite([], variants=before), some)
    assert set(killers.values()) == {None}


# What the cases hold ------------------------------------------------------------------


def family(name):
    found = next(one for one in OTHER_FAMILIES if one.__name__ == name)
    return list(found())


def test_tied_windows_have_several_largest_numbers():
    for case in family("tied"):
        assert case.flags == ("kink",)
        untied = replace(case, flags=())
        with pytest.raises(ValueError, match="one largest number a window"):
            answers_of(untied)


def test_means_are_those_of_whoever_multiplies_too():
    """1/M is no number of a precision where M is no power of two."""
    for case in family("tails"):
        members = case.x.size // case.config["channels"]
        assert np.log2(members) % 1


def test_far_sums_reach_beyond_the_bits_of_short_accumulators():
    largest = []
    for case in family("far_sums"):
        if "multiplier" not in case.config and case.kind == "int8":
            largest.append(int(abs(case.expected["y"]).max()).bit_length())
    assert max(largest) == 25
    assert any((case.kernel == -128).any() for case in family("zeros"))


def test_ends_are_met():
    for case in family("at_ends"):
        y = case.expected["y"]
        if case.kind == "int8":
            assert {-128, 127, 126, -127} <= set(y.ravel())
        else:
            top = 2 ** (case.config["width"] - 1)
            assert {-top, top - 1} <= set(y.ravel())


def test_cases_of_everyday_use_stand_behind_all_others():
    """Whoever knew the suite finds what it had where it was."""
    ids = [case.id for case in SUITE.others]
    assert set(ids[-len(EVERYDAY) :]) == EVERYDAY
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("pool", ["max", "average"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_usual_windows_are_there_in_every_rank(axes, pool):
    some = [case.config for case in family("everyday_pools")]
    some = [c for c in some if (len(c["strides"]), c["pool"]) == (axes, pool)]
    usual = {(c["kernel_size"][0], c["strides"][0], c["pads"][0][0]) for c in some}
    assert usual >= {(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 1, 0), (7, 7, 0)}
    assert any(c["kernel_size"] == c["input_sizes"] for c in some)
    assert {n % 2 for c in some for n in c["input_sizes"]} == {0, 1}
    assert {c["data_format"] for c in some} == {"channels_first", "channels_last"}


def test_maxima_differ_in_the_last_bits_of_their_precision():
    seen = set()
    for case in family("everyday_pools"):
        assert np.any(case.x % 1)
        assert np.any(case.expected["dx"] % 1)
        if case.config["pool"] == "max":
            seen.add(case.precision)
            _, exponents = np.frexp(case.x)
            assert np.all(abs(case.x) >= 0.5)
            assert np.all(exponents == 0)
            units = np.ldexp(case.x.astype(np.float64), case.format.bits)
            assert np.array_equal(units % 1, np.zeros(units.shape))
    assert seen == {"float64", "float32", "float16", "bfloat16"}


@pytest.mark.parametrize("kind", ["pool", "batch_norm", "stack"])
def test_kinds_are_asked_for_in_every_precision(kind):
    found = {case.precision for case in SUITE.others if case.kind == kind}
    assert found == {"float64", "float32", "float16", "bfloat16"}


def test_norms_of_which_a_number_is_rounded_are_refused():
    for case in family("precise_norms"):
        check_norm(case)
        narrow = {"float32": "float16", "float64": "float32"}[case.precision]
        with pytest.raises(ValueError, match="must be exact in"):
            check_norm(replace(case, precision=narrow))
    for case in (*family("far_norms"), *family("everyday_norms")):
        if not case.id.startswith("norm-beyond"):
            check_norm(case, folds=not case.id.startswith("norm-apart"))


@pytest.mark.parametrize("missing", [("bias",), ("bias2",), ("bias", "bias2")])
def test_stacks_without_a_bias_want_no_gradient_of_it(missing):
    cases = [
        case
        for case in family("everyday_stacks")
        if all(getattr(case, name) is None for name in missing)
    ]
    assert {case.config["data_format"] for case in cases} == {
        "channels_first",
        "channels_last",
    }
    for case in cases:
        assert not {f"d{name}" for name in missing} & set(case.wants)


def test_pads_of_pooling_that_are_no_same_are_skipped_by_the_engines():
    case = next(case for case in family("padded") if case.config["pads"] == [[1, 1]])
    odd = replace(
        case,
        config={**case.config, "pads": [[2, 0]]},
    )
    report = check(engines.blocked, Suite([], others=[odd]), distrust=False)
    assert [result.status for result in report] == ["SKIP"]


@pytest.mark.parametrize("alpha", [0.0, 0.25, -1.5])
@pytest.mark.parametrize("max_value", [None, 3.0])
@pytest.mark.parametrize("threshold", [0.0, 1.0, -2.0])
def test_relu_is_that_of_keras(alpha, max_value, threshold):
    """With a negative slope more than the ceiling; with a ceiling no less than 0."""
    z = np.arange(-4.25, 4.5, 0.5)
    given = {"alpha": alpha, "max_value": max_value, "threshold": threshold}
    pieces = piecewise_of({"name": "relu", **given})
    want = activations.relu(z, **given)
    assert np.array_equal(pieces.value(Exact.of(z)).nearest(), want)
