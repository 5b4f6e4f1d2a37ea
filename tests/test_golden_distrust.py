"""The runner distrusts: what a backend keeps between calls, and what it may not do."""

import math
import os
import re
import time
from dataclasses import replace

import numpy as np
import pytest
from crashing import crashing
from marks import long

from localnet.golden import Suite, check, computes, load_suite
from localnet.golden.adapters import engines
from localnet.golden.judging.arrays import as_array
from localnet.golden.judging.distrust import fresh, written_to
from localnet.golden.judging.kinds import KINDS
from localnet.golden.judging.siblings import Siblings, spec_of
from localnet.golden.matrix import by_hand, kill_matrix
from localnet.golden.mutants.other_models import Pool
from localnet.golden.rejects import rejects
from localnet.golden.render import as_text

SUITE = load_suite()
FEW = ["plain-1d-last", "plain-2d-first", "pads-uneven-first", "linear-27-float32"]


def right(case):
    return dict(engines.blocked(case))


def kept(key_of, choose=lambda case: dict(engines.blocked(case))):
    """Return a backend that remembers, by a key, what it should not."""
    memory = {}

    def backend(case):
        return choose(replace(case, **memory.setdefault(*key_of(case))))

    return backend


class Buffered:
    """Answers in memory that the next call of the same shape overwrites."""

    def __init__(self, ring=1, only=""):
        self.memory, self.calls, self.ring, self.only = {}, 0, ring, only

    def __call__(self, case):
        self.calls += 1
        found = {}
        for key, value in right(case).items():
            if not key.startswith(self.only):
                found[key] = value
                continue
            place = (key, value.shape, value.dtype, self.calls % self.ring)
            found[key] = self.memory.setdefault(place, np.empty_like(value))
            found[key][...] = value
        return found


def adding_up():
    total = {}

    def backend(case):
        answers = right(case)
        place = ("dkernel", case.id)
        if "dkernel" in answers:
            total[place] = total.get(place, 0) + answers["dkernel"]
            answers["dkernel"] = np.array(total[place])
        return answers

    return backend


def writing(name):
    def backend(case):
        answers = right(case)
        if getattr(case, name) is not None:
            getattr(case, name)[...] += 1
        return answers

    return backend


def baked(name):
    return kept(lambda c: (c.id, {name: np.array(getattr(c, name))}))


def baked_by_address():
    return kept(lambda c: (id(c.kernel), {"kernel": c.kernel.copy()}))


def planned(field):
    """Keep one field of the config by the shapes of the arrays."""
    plans = {}

    def backend(case):
        shapes = (case.x.shape, case.kernel.shape, case.dy is None or case.dy.shape)
        plan = plans.setdefault((shapes, case.precision), case.config[field])
        return right(replace(case, config={**case.config, field: plan}))

    return backend


STATEFUL = {
    "a buffer": (Buffered(), "y, dx, dkernel, dbias of the first call must stay"),
    "a ring of two buffers": (Buffered(2), "of the first call must stay"),
    "a buffer for one gradient": (Buffered(only="dbias"), "dbias of the first call"),
    "gradients added up": (adding_up(), "called again .*: dkernel"),
    "x written to": (writing("x"), "x must not be written to"),
    "dy written to": (writing("dy"), "dy must not be written to"),
    "kernel written to": (writing("kernel"), "kernel must not be written to"),
    "kernel baked in": (
        baked("kernel"),
        "called again with kernel and bias negated: y",
    ),
    "bias baked in": (baked("bias"), "called again with kernel and bias negated"),
    "kernel by address": (baked_by_address(), "in the arrays of the call before: y"),
}


@pytest.mark.parametrize("name", STATEFUL)
def test_state_is_seen(name):
    backend, words = STATEFUL[name]
    report = check(backend, cases=["plain-1d-last", "stride-2d-first"])
    assert report.count("FAIL") == 2, as_text(report)
    for result in report:
        assert result.by_state
        assert not any(judged.reason for judged in result.answers.values())
    assert re.search(words, report.results[0].reason), report.results[0].reason


def test_state_is_not_looked_for_when_it_is_trusted():
    assert check(Buffered(), cases=FEW, distrust=False).passed
    assert check(writing("x"), cases=FEW, distrust=False).count("FAIL") == len(FEW)


@pytest.fixture(scope="module")
def plain_by_hand():
    return Suite(by_hand(SUITE).cases)


@pytest.mark.parametrize(
    "field",
    ["pads", "strides", "dilation_rate", "kernel_size", "data_format", "pad_value"],
)
def test_plans_kept_by_shape_are_seen(field, plain_by_hand):
    report = check(planned(field), plain_by_hand)
    failed = [result for result in report if result.status == "FAIL"]
    assert failed
    assert any("called again" in result.reason for result in failed), as_text(report)


def test_an_activation_kept_by_shape_is_seen():
    assert not check(planned("activation"), cases=["plain-1d-last"]).passed


@pytest.mark.parametrize(
    "engine", [pytest.param("naive", marks=long), "einsum", "blocked"]
)
def test_right_backends_are_not_accused(engine):
    """Nor of what is asked beside the suite: test_golden_check asks for all of it."""
    backend, few = getattr(engines, engine), Suite([SUITE[name] for name in FEW])
    stress = engine == "blocked"
    report = check(backend, few, stress=stress, rejects=True, random="5:20")
    assert report.count("FAIL") == 0, as_text(report)
    assert report.passed
    ids = {result.id for result in report}
    assert len(ids & {case.id for case in rejects(KINDS)}) == len(rejects(KINDS))


def views_of_its_input(case):
    """Return y that is a view, and dbias that shares memory with dy."""
    answers = right(case)
    linear = case.config["activation"]["name"] == "linear"
    if linear and len(case.x) == 1 and case.bias is not None:
        answers["dbias"] = case.dy[0].reshape(case.bias.shape)
    return {key: value[...] for key, value in answers.items()}


def test_answers_that_share_memory_with_the_input_are_seen():
    ids = [
        case.id
        for case in SUITE.cases[:60]
        if len(case.x) == 1 and case.bias is not None
        if case.config["activation"]["name"] == "linear"
    ]
    assert ids
    report = check(views_of_its_input, cases=ids)
    assert report.count("FAIL") == len(ids)
    assert "dbias of the first call must not share" in report.results[0].reason


@pytest.mark.parametrize("kind", ["layer", "conv", "pool", "int8"])
@pytest.mark.parametrize("ring", [3, 8])
def test_rings_of_buffers_are_seen(ring, kind):
    backend = computes(*KINDS)(Buffered(ring, "y"))
    few = [o.id for o in SUITE.outlines if o.kind == kind and o.tier == "exact"][:3]
    report = check(backend, cases=few)
    assert report.count("FAIL") > 0
    assert "y of the first call must stay" in as_text(report)


@pytest.mark.parametrize("only", ["y", "dx", "dkernel", "dbias"])
@pytest.mark.parametrize("ring", [32, 256])
def test_large_rings_are_seen_in_a_plain_layer(ring, only):
    report = check(Buffered(ring, only), cases=["plain-1d-last"])
    assert f"{only} of the first call must stay" in as_text(report)


@pytest.mark.parametrize("name", ["x", "kernel", "bias", "dy"])
@pytest.mark.parametrize("case", ["plain-1d-last", "relu-1d", "leaky-relu-1d"])
def test_answers_kept_by_all_operands_but_one_are_seen(name, case):
    memory = {}

    def backend(case):
        known = {n: getattr(case, n).tobytes() for n in ("x", "kernel", "bias", "dy")}
        del known[name]
        key = (*known.values(), str(case.config))
        return {k: v.copy() for k, v in memory.setdefault(key, right(case)).items()}

    report = check(backend, cases=[case])
    assert not report.passed
    assert report.results[0].by_state


OF_KINDS = {
    "shared": ("shared-1d-last", ("x", "kernel", "bias", "dy")),
    "conv": ("conv-1d-last", ("x", "kernel", "bias", "dy")),
    "low_rank": ("low-rank-2d-first", ("x", "kernel", "bias", "mixture", "dy")),
    "transposed": ("transposed-2d-first", ("x", "kernel", "bias", "dy")),
    "pool": ("pool-0", ("x", "dy")),
    "batch_norm": ("norm-4", ("x", "kernel", "bias", "mixture", "dy")),
    "stack": ("stack-0", ("x", "kernel", "bias", "kernel2", "bias2", "dy")),
    "int8": ("int8-1", ("x", "kernel", "bias")),
    "fixed_point": ("fixed-1", ("x", "kernel", "bias")),
}
SHORT = {
    "negated": lambda array: None,
    "swapped": lambda array: float(np.sum(array, dtype=float)),
    "magnitudes": lambda array: np.sort(np.abs(array), axis=None).tobytes(),
}


@pytest.mark.parametrize("how", SHORT)
@pytest.mark.parametrize(
    ("kind", "name"),
    [(k, name) for k, (_, names) in OF_KINDS.items() for name in names],
)
def test_every_kind_is_asked_with_one_operand_changed(kind, name, how):
    """Known by all operands but one, of which its sum or its magnitudes are known."""
    memory = {}

    @computes(kind)
    def backend(case):
        arrays = {n: getattr(case, n) for n in OF_KINDS[kind][1]}
        arrays = {n: array for n, array in arrays.items() if array is not None}
        known = [array.tobytes() for n, array in arrays.items() if n != name]
        if name in arrays:
            known.append(SHORT[how](arrays[name]))
        key = (*map(str, (case.config, case.x.shape)), *known)
        return {k: v.copy() for k, v in memory.setdefault(key, right(case)).items()}

    report = check(backend, cases=[OF_KINDS[kind][0]], kinds=[kind])
    assert not report.passed
    assert report.results[0].by_state


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        ("shared", "strides"),
        ("pool", "strides"),
        ("pool", "pads"),
        ("batch_norm", "data_format"),
        ("int8", "strides"),
        ("int8", "data_format"),
        ("fixed_point", "pads"),
        *(("stack", name) for name in ("strides", "pads", "dilation_rate")),
        *(("stack", f"second {name}") for name in ("strides", "pads", "dilation_rate")),
    ],
)
def test_plans_of_every_kind_kept_by_shape_are_seen(kind, option):
    where, _, name = option.rpartition(" ")
    kept = {}

    @computes(kind)
    def backend(case):
        config = {**case.config, **({where: {**case.config[where]}} if where else {})}
        part = config[where] if where else config
        value = part.pop(name)
        part[name] = kept.setdefault((case.x.shape, str(config)), value)
        planned = replace(case, config=config)
        return Pool(planned).answers() if kind == "pool" else right(planned)

    case = OF_KINDS[kind][0]
    report = check(backend, cases=[case], kinds=[kind])
    assert f"called again with {option} " in as_text(report)


def test_what_is_different_is_said_by_the_keys_of_a_config():
    words = {
        sibling.words
        for case in SUITE.cases[:60]
        for sibling in Siblings().of(case)
        if "in the place of" in sibling.words
    }
    keys = {one.partition(" ")[0] for one in words}
    assert "data_format channels_first in the place of channels_last" in words
    assert keys <= {*SUITE.cases[0].config, "no", "alpha", "max_value", "threshold"}


@pytest.mark.parametrize("name", ["alpha", "max_value", "threshold"])
def test_parameters_kept_by_shape_are_seen(name):
    kept = {}

    def backend(case):
        activation = dict(case.config["activation"])
        if name in activation:
            key = (case.x.shape, case.kernel.shape, activation["name"])
            activation[name] = kept.setdefault(key, activation[name])
        return right(replace(case, config={**case.config, "activation": activation}))

    report = check(backend, cases=["relu-all"])
    assert f"called again with {name} " in as_text(report)


def test_a_slope_that_is_forgotten_in_later_calls_is_seen():
    calls = []

    def backend(case):
        calls.append(case)
        activation = dict(case.config["activation"])
        if len(calls) > 4:
            activation.pop("alpha", None)
        forgetful = replace(case, config={**case.config, "activation": activation})
        return {**right(forgetful), "y": right(case)["y"]}

    assert "called again" in as_text(check(backend, cases=["relu-slope"]))


def test_large_kernels_kept_by_their_ends_are_seen():
    def key_of(case):
        stored = case.kernel.astype(np.float32).tobytes()
        return case.kernel.shape, stored[:4096], stored[-4096:]

    backend = kept(lambda c: (key_of(c), {"kernel": c.kernel.copy()}))
    report = check(backend, cases=["vast-kernel"])
    assert "two numbers of kernel in each other's place" in as_text(report)


@pytest.mark.parametrize(
    "key_of",
    [
        lambda kernel: kernel.ravel()[:16].tobytes(),
        lambda kernel: (kernel.ravel()[:16].tobytes(), kernel.ravel()[-16:].tobytes()),
    ],
)
def test_kernels_kept_by_their_ends_are_seen(key_of):
    backend = kept(
        lambda c: (
            (c.kernel.shape, c.precision, key_of(c.kernel)),
            {"kernel": c.kernel.copy()},
        )
    )
    report = check(backend, cases=["plain-1d-last", "plain-2d-last", "plain-3d-last"])
    assert report.count("FAIL") > 0
    assert re.search("another number at the .* of kernel: y", as_text(report))


def exact_of(kind, count, **wanted):
    """Return the ids of the first exact cases of a kind."""
    found = [
        o.id
        for o in SUITE.outlines
        if (o.kind, o.tier) == (kind, "exact")
        and all(getattr(o, key) == value for key, value in wanted.items())
    ]
    return found[:count]


@pytest.mark.parametrize("kind", ["layer", "shared", "low_rank", "conv"])
@pytest.mark.parametrize(
    ("field", "short"),
    [
        ("strides", sorted),
        ("strides", math.prod),
        ("dilation_rate", sorted),
        ("pad_value", int),
    ],
)
def test_plans_kept_by_a_part_of_an_option_are_seen(kind, field, short):
    plans = {}

    @computes(kind)
    def backend(case):
        config = {**case.config, field: short(case.config[field])}
        plan = plans.setdefault((case.x.shape, str(config)), case.config[field])
        return right(replace(case, config={**case.config, field: plan}))

    report = check(backend, cases=exact_of(kind, 1), kinds=[kind])
    assert report.results[0].by_state, as_text(report)
    assert f"called again with {field}" in as_text(report)


@pytest.mark.parametrize("ends", [(-127, 127), (-128, 255)])
@pytest.mark.parametrize("kind", ["layer", "conv", "shared", "low_rank"])
def test_pad_values_of_a_byte_are_seen(kind, ends):
    @computes(kind)
    def backend(case):
        held = float(np.clip(case.config["pad_value"], *ends))
        return right(replace(case, config={**case.config, "pad_value": held}))

    assert not check(backend, cases=exact_of(kind, 1), kinds=[kind]).passed


@pytest.mark.parametrize("name", ["x", "kernel", "bias", "dy"])
@pytest.mark.parametrize("kind", ["layer", "conv", "transposed", "stack"])
def test_operands_known_by_three_decimals_are_seen(kind, name):
    def key_of(case):
        array = getattr(case, name)
        return str(case.config), case.x.shape, np.round(array, 3).tobytes()

    backend = computes(kind)(
        kept(lambda c: (key_of(c), {name: getattr(c, name).copy()}))
    )
    some = exact_of(kind, 30, precision="float32")
    report = check(backend, cases=some, kinds=[kind])
    assert f"2**-12 at the middle of {name}" in as_text(report)


def inexact_in_another_order(case):
    """Add in another order at every call, as atomic additions do."""
    rng = np.random.default_rng(time.perf_counter_ns())
    order = rng.permutation(len(case.x))
    back = np.argsort(order)
    answers = right(
        replace(case, x=case.x[order], dy=None if case.dy is None else case.dy[order])
    )
    return {k: v[back] if k in ("y", "dx") else v for k, v in answers.items()}


def test_sums_in_another_order_are_right():
    """Where the order can show: exact sums are the same in all."""
    ids = [outline.id for outline in SUITE.cases.outlines if outline.tier == "bounded"]
    report = check(inexact_in_another_order, cases=ids)
    assert report.count("PASS") == len(ids) > 300
    assert report.count("FAIL") == 0, as_text(report)


def test_inputs_are_writable_copies_in_c_order():
    flags = []

    def backend(case):
        for name in ("x", "kernel", "bias", "dy"):
            array = getattr(case, name)
            if array is not None:
                flags.append(array.flags.c_contiguous and array.flags.writeable)
        return right(case)

    assert check(backend, cases=FEW).passed
    assert len(flags) > 20
    assert all(flags)
    case = SUITE["plain-1d-last"]
    assert not case.x.flags.writeable
    assert written_to(fresh(case), case) == []


def test_siblings_differ_in_one_field_and_share_their_arrays():
    made = Siblings()
    fields = set()
    for case in (*SUITE.cases, *SUITE.variants):
        for sibling in made.of(case):
            one, other = (case, *sibling.cases)[-2:]
            if "input_sizes" in sibling.words:
                assert one.x.size == other.x.size
                continue
            if "calls" in sibling.words:
                assert len({*map(id, sibling.cases)}) == 1 < len(sibling.cases)
                one = case
            touched = re.search("at (?:the|an) .* of (.*)", sibling.words)
            swapped = re.match("two numbers of (.*) in each", sibling.words)
            negated = re.match("(.*) negated, and nothing else", sibling.words)
            for name in ("x", "kernel", "bias", "mixture"):
                array = getattr(one, name)
                if touched and touched[1] == name:
                    assert np.sum(array != getattr(other, name)) == 1
                elif swapped and swapped[1] == name:
                    assert np.sum(array != getattr(other, name)) == 2
                elif negated and negated[1] == name:
                    assert np.array_equal(array, -getattr(other, name))
                elif name == "x" and "calls" in sibling.words:
                    assert not np.array_equal(array, other.x)
                elif (name != "bias" or negated or swapped) and array is not None:
                    assert np.array_equal(array, getattr(other, name))
            different = {k for k in one.config if one.config[k] != other.config[k]}
            different -= {"output_sizes"}
            fields |= different
            alike = touched or negated or swapped
            alike = alike or re.match("no bias|.* calls", sibling.words)
            assert len(different) == (not alike), (case.id, sibling.words)
            assert not kill_matrix_fails(other)
    assert fields >= {"pads", "strides", "dilation_rate", "kernel_size", "pad_value"}
    assert fields >= {"data_format", "activation", "share", "output_padding"}


def kill_matrix_fails(case):
    """Return whether the right model of the suite fails a case."""
    try:
        kill_matrix(Suite([case]), {})
    except ValueError:
        return True
    return False


def test_specs_describe_cases():
    for case in (*SUITE.cases, *SUITE.variants):
        assert spec_of(case).config == case.config


# Types of answers ---------------------------------------------------------------------


class WithArray:
    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value, dtype)


class WithDlpack:
    def __init__(self, value):
        self.value = np.array(value)

    def __dlpack__(self, **more):
        return self.value.__dlpack__(**more)

    def __dlpack_device__(self):
        return self.value.__dlpack_device__()


class Broken:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no\narray")


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.tolist(),
        lambda v: tuple(v),
        lambda v: [list(part) for part in v],
        WithArray,
        WithDlpack,
        np.asfortranarray,
        lambda v: v.astype(object),
        lambda v: v.astype(np.longdouble),
        lambda v: v.astype(v.dtype.newbyteorder(">")),
        lambda v: np.ma.masked_array(v),
        lambda v: memoryview(np.ascontiguousarray(v)),
    ],
)
def test_right_answers_of_other_types_pass(change):
    def backend(case):
        return {key: change(value) for key, value in right(case).items()}

    report = check(backend, cases=FEW)
    assert report.count("PASS") == len(FEW), as_text(report)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[1.0, 2.0], [3.0]], "got a list whose parts differ in shape"),
        ([1.0, [2.0]], "got a list whose parts differ in shape"),
        (Broken(), "got a .*Broken: no array"),
        (object(), "got a object"),
        ("text", "must hold real numbers, got a str of dtype <U4"),
        ([None], "got a list"),
        (1j, "must hold real numbers, got a complex of dtype complex128"),
        (np.ma.masked_array([1.0, 2.0], [0, 1]), "MaskedArray with masked ones"),
        (np.zeros(2, "V4"), "must hold real numbers, got a numpy ndarray of dtype"),
        ({"a": 1}, "got a dict"),
    ],
)
def test_wrong_types_are_a_verdict_that_names_the_type(value, words):
    def backend(case):
        return {**right(case), "dx": value}

    report = check(backend, cases=["plain-1d-last", "plain-2d-first"])
    assert [result.status for result in report] == ["FAIL", "FAIL"]
    for result in report:
        judged = result.answers["dx"]
        assert judged.wrong
        with pytest.raises(ValueError, match=words):
            raise ValueError(judged.reason)
        assert not result.answers["y"].reason
    with pytest.raises(ValueError, match=words) as caught:
        as_array(value)
    assert len(caught.value.args) == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "TypeError: must return a dict of arrays, got NoneType"),
        ([1], "TypeError: must return a dict of arrays, got list"),
        ({3: 1}, "must give any of y, dx, dkernel, dbias, got 3"),
        ({"dkernel_torch": "x"}, "ValueError: must hold real numbers"),
        ({"dkernel_torch": np.zeros(3)}, "ValueError: "),
    ],
)
def test_answers_that_are_none(value, words):
    report = check(lambda case: value, cases=["plain-1d-last"])
    assert report.results[0].status == "FAIL"
    assert report.results[0].reason.startswith(words)


def test_a_backend_that_exits_costs_one_case():
    def backend(case):
        if case.id == "relu-1d":
            raise SystemExit(3)
        return right(case)

    report = check(backend, cases=["plain-1d-last", "relu-1d"])
    assert [(r.status, r.reason) for r in report] == [
        ("PASS", ""),
        ("FAIL", "SystemExit: 3"),
    ]


# Processes ----------------------------------------------------------------------------


def test_a_crash_and_an_endless_loop_cost_a_case_each():
    ids = ["plain-1d-last", "relu-1d", "pad-value", "stride-1d-last"]
    report = check(crashing, cases=ids, isolated=True, timeout=5)
    found = {result.id: (result.status, result.reason) for result in report}
    assert found["relu-1d"] == ("FAIL", "the process of the backend ended: SIGABRT")
    assert found["pad-value"] == ("FAIL", "no answer after 5 s")
    assert report.count("PASS") == 2
    assert "relu-1d" in as_text(report)


def test_functions_of_no_module_are_isolated_too():
    if not hasattr(os, "fork"):
        pytest.skip("no fork")
    seen = []

    def backend(case):
        seen.append(case.id)
        return right(case)

    report = check(backend, cases=["plain-1d-last"], isolated=True)
    assert report.passed
    assert seen == []


def test_isolation_sees_state():
    report = check(engines.einsum, cases=FEW, isolated=True, stress=False)
    assert report.count("PASS") == len(FEW)
    with pytest.raises(ValueError, match="timeout must be"):
        check(right, timeout=0)


# Stress and refusals ------------------------------------------------------------------


def test_planted_errors_that_only_stress_sees():
    def no_samples(case):
        if len(case.x) == 0:
            raise ZeroDivisionError("no samples")
        return right(case)

    def assumes_c_order(case):
        if case.dy is not None and not case.dy.flags.c_contiguous:
            dy = np.resize(np.ascontiguousarray(case.dy.T), case.dy.shape)
            case = replace(case, dy=dy)
        return right(case)

    def grid(case):
        answers = right(case)
        if case.kernel.shape[0] > 65_535:
            answers["y"] = answers["y"].copy()
            answers["y"][:, 65_535:] = 0
        return answers

    def samples(case):
        answers = right(case)
        if len(case.x) > 65_535:
            answers["dx"] = answers["dx"].copy()
            answers["dx"][65_535:] = 0
        return answers

    def one_bias(case):
        answers = right(case)
        if case.bias is not None and 0 in case.bias.strides:
            total = answers["dbias"].sum(axis=0)
            answers["dbias"] = np.broadcast_to(total, answers["dbias"].shape)
        return answers

    def dense_weights(case):
        kernel = case.kernel
        if kernel.strides[0] == 2 * kernel[0].nbytes:  # as if nothing lay between
            kernel = np.resize(kernel.base, kernel.shape)
        return right(replace(case, kernel=kernel))

    def writes(case):
        answers = right(case)
        if case.dy is not None and case.dy.flags.writeable:
            case.dy[...] = 0
        return answers

    for backend, part in (
        (no_samples, "stress-batch-0-1d-last"),
        (one_bias, "stress-broadcast-bias-2d-last"),
        (dense_weights, "stress-stepped-3d-first"),
        (writes, "stress-strided-1d-first"),
        (assumes_c_order, "stress-fortran-ordered-2d-first"),
        (assumes_c_order, "stress-strided-1d-last"),
        (grid, "stress-locations"),
        (samples, "stress-samples"),
    ):
        assert check(backend, cases=["plain-1d-last"]).passed is (backend is not writes)
        report = check(backend, cases=["plain-1d-last", part], stress=True)
        assert report.results[-1].status == "FAIL", part
    report = check(grid, cases=["plain-1d-last"], stress=True)
    assert not report.passed
    assert report.count("PASS") > 10


def test_flushing_decides():
    ids = [case.id for case in SUITE if "subnormal" in case.flags]

    def flushes(case):
        least = 2.0**case.format.least
        return {
            key: np.where(np.abs(value) < least, 0, value)
            for key, value in right(case).items()
        }

    assert check(right, cases=ids).passed
    strict = check(flushes, cases=ids)
    assert strict.count("FAIL") > 0
    assert check(flushes, cases=ids, flushing=True).passed, as_text(strict)


def test_a_backend_that_refuses_nothing_is_told_what():
    @computes(*KINDS)
    def careless(case):
        return {"y": np.zeros(1)}

    report = check(careless, rejects=True, cases=[r.id for r in rejects(KINDS)])
    assert {r.status for r in report} == {"FAIL"}
    assert "must be refused: a stride is 0" in as_text(report)
    assert "reject-groups" in as_text(report)

    def skipping(case):
        raise NotImplementedError("later")

    ids = [r.id for r in rejects()]
    assert check(skipping, rejects=True, cases=ids).count("SKIP") == len(ids)
