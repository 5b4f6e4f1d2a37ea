"""The proven bounds, attacked: every order of summation, small precisions, greed."""

import itertools
from functools import partial

import numpy as np
import pytest
from marks import WHOLE, once

from localnet.golden import load_suite
from localnet.golden.cases.axes import COMBINED
from localnet.golden.cases.precisions import PRECISIONS, Precision
from localnet.golden.check import Conditions, check_case
from localnet.golden.judging.judge import judge, root_mean_square
from localnet.golden.mutants import MUTANTS
from localnet.golden.mutants.model import Model as Plain
from localnet.golden.mutants.model import rounded
from localnet.golden.references.answers import solve
from localnet.golden.references.bounds import (
    NEAREST,
    Model,
    bounds_of,
    rounding_errors,
)
from localnet.golden.references.exact import Exact

SUITE = load_suite()
BOUNDED = [case for case in SUITE if case.tier == "bounded"]


def truncated(values, bits):
    fractions, exponents = np.frexp(values)
    return np.ldexp(np.trunc(np.ldexp(fractions, bits)), exponents - bits)


def trees(n):
    """Yield every way to add n terms in pairs, as a list of (i, j) to merge."""
    if n == 1:
        yield []
        return
    for pair in itertools.combinations(range(n), 2):
        for rest in trees(n - 1):
            yield [pair, *rest]


def summed(terms, tree, bits, rounding=rounded):
    """Add the terms of the last axis along a tree, rounding every sum."""
    parts = [terms[..., k] for k in range(terms.shape[-1])]
    for i, j in tree:
        total = rounding(parts[i] + parts[j], bits)
        parts = [p for k, p in enumerate(parts) if k not in (i, j)] + [total]
    return parts[0]


def fused(a, b, bits, rounding=rounded):
    total = np.zeros(a.shape[:-1])
    for k in range(a.shape[-1]):
        total = rounding(total + a[..., k] * b[..., k], bits)
    return total


def bound(a, b, bits, model=NEAREST):
    """Return n*u*A as the suite computes it, in a precision of so many bits."""
    form = Precision("tiny", bits, -1000, 1000, "float64")
    size = (Exact.of(np.abs(a)) * Exact.of(np.abs(b))).sum(a.ndim - 1)
    n = Exact(np.array(a.shape[-1], np.int64))
    return rounding_errors(n, size, form, model).nearest()


def assert_holds(a, b, bits, rounding=rounded, model=NEAREST):
    """Try every tree and the fused loop; return the largest error over bound."""
    exact = (a * b).sum(-1)  # few bits: exact in float64
    limit = bound(a, b, bits, model)
    products = rounding(a * b, bits)
    worst = 0.0
    ways = [summed(products, tree, bits, rounding) for tree in trees(a.shape[-1])]
    for got in [*ways, fused(a, b, bits, rounding)]:
        error = np.abs(got - exact)
        assert np.all(error <= limit)
        worst = max(worst, float(np.max(error / limit)))
    return worst


def test_every_pair_of_products_in_three_bits():
    significands = np.array([4.0, 5, 6, 7, 8, 10, -4, -5, -6, -7, -10])
    a, b, c, d = (v.ravel() for v in np.meshgrid(*[significands] * 4))
    ratio = assert_holds(np.stack([a, c], -1), np.stack([b, d], -1), 3)
    assert ratio > 0.4


@pytest.mark.parametrize("bits", range(3, 9))
@pytest.mark.parametrize("n", [3, 4])
def test_random_operands_along_every_tree(bits, n, rng):
    shape = (2000, n)
    a, b = (
        np.ldexp(
            rng.integers(2 ** (bits - 1), 2**bits, shape)
            * rng.choice([-1.0, 1.0], shape),
            rng.integers(-2, 3, shape),
        )
        for _ in range(2)
    )
    assert assert_holds(a, b, bits) > 0.1
    directed = assert_holds(a, b, bits, truncated, Model(directed=True))
    assert directed > 0.1


@pytest.mark.parametrize("bits", [3, 5, 8])
def test_greedy_attack(bits, rng):
    """Climb towards the largest error, one operand at a time, n = 5, in any order."""
    n, best = 5, 0.0
    choices = np.arange(2 ** (bits - 1), 2**bits, dtype=float)
    ways = list(trees(n))
    for _ in range(6):
        operands = rng.choice(choices, (2, n))
        tree = ways[rng.integers(len(ways))]
        for _ in range(3):
            for side, k in itertools.product(range(2), range(n)):
                tried = np.repeat(operands[:, None], 2 * len(choices), axis=1)
                tried[side, :, k] = np.concatenate([choices, -choices])
                a, b = tried
                got = summed(rounded(a * b, bits), tree, bits)
                ratio = np.abs(got - (a * b).sum(-1)) / bound(a, b, bits)
                assert ratio.max() <= 1
                operands = tried[:, np.argmax(ratio)]
                best = max(best, float(ratio.max()))
    assert best > 0.3


def test_truncation_breaks_the_bound_of_rounding_to_nearest():
    form = Precision("tiny", 3, -1000, 1000, "float64")
    one, size = Exact(np.array(1, np.int64)), Exact.of(np.array(4.875))
    error = 4.875 - truncated(np.array(4.0 + 0.875), 3)
    assert error > rounding_errors(one, size, form, NEAREST).nearest()
    assert error <= rounding_errors(one, size, form, Model(directed=True)).nearest()


def test_flushing_adds_where_there_is_something_to_lose():
    form = PRECISIONS["float16"]
    terms = Exact(np.array([3, 3]))
    sizes = Exact(np.array([0, 1]))
    flushed = rounding_errors(terms, sizes, form, Model(flushing=True)).nearest()
    assert flushed.tolist() == [0.0, 3 * 2.0**-11 + 3 * 2.0**-14]


class Shuffled(Plain):
    """A right backend that sums in a random order, every sum and product rounded."""

    rounding = staticmethod(rounded)

    def __init__(self, case, seed, fused):
        super().__init__(case)
        self.rng, self.fused = np.random.default_rng(seed), fused

    @classmethod
    def compute(cls, case, seed, fused):
        return cls(case, seed, fused).answers()

    def contract(self, subscripts, one, other):
        axis = {"nlk,lkf->nlf": "k", "nlf,lkf->nlk": "f", "nlk,nlf->lkf": "n"}[
            subscripts
        ]
        inputs, output = subscripts.split("->")
        a, b = inputs.split(",")
        order = self.rng.permutation(one.shape[a.index(axis)])
        one = np.take(one, order, a.index(axis))
        other = np.take(other, order, b.index(axis))
        terms = np.einsum(f"{inputs}->{output}{axis}", one, other)
        return self.total(terms)

    def total(self, terms):
        bits = self.case.format.bits
        parts = [terms[..., k] for k in range(terms.shape[-1])]
        if not self.fused:
            parts = [self.rounding(part, bits) for part in parts]
        while len(parts) > 1:
            i = int(self.rng.integers(len(parts) - 1)) if len(parts) < 40 else 0
            parts.append(self.rounding(parts.pop(i) + parts.pop(i), bits))
        return parts[0]

    def add_bias(self, z, bias):
        return self.rounding(z + bias, self.case.format.bits)

    def dbias(self, dz):
        return super().dbias(self.total(np.moveaxis(dz, 0, -1))[None])

    def dz(self, dy, cache):
        return self.rounding(super().dz(dy, cache), self.case.format.bits)

    def activate(self, z):
        y, cache = super().activate(z)
        return self.rounding(y, self.case.format.bits), cache

    def dx(self, dp):
        cells, bits = self.cells(), self.case.format.bits
        dx = np.zeros((len(dp), self.case.x[0].size))
        for location in self.rng.permutation(len(cells)):
            inside = cells[location] >= 0
            at = cells[location, inside]
            dx[:, at] = self.rounding(dx[:, at] + dp[:, location, inside], bits)
        return dx.reshape(self.case.x.shape)


class Truncated(Shuffled):
    rounding = staticmethod(truncated)

    def answers(self):
        bits = self.case.format.bits
        return {key: truncated(v, bits) for key, v in super().answers().items()}


# The model computes float64 in float64, and its activations with it.
NARROW = [case for case in SUITE if case.precision != "float64"]


@once
@pytest.mark.parametrize("fused", [False, True])
def test_no_false_alarm_in_any_order(fused):
    for number, case in enumerate(NARROW):
        backend = partial(Shuffled.compute, seed=number, fused=fused)
        result = check_case(backend, case)
        assert result.status == "PASS", (case.id, result.reason)


@once
def test_no_false_alarm_when_rounding_is_directed():
    """Each case is solved again: of those that were combined every fifth."""
    conditions = Conditions(Model(directed=True))
    for number, case in enumerate(NARROW):
        if case.why.startswith(COMBINED) and number % 5 and not WHOLE:
            continue
        backend = partial(Truncated.compute, seed=number, fused=False)
        result = check_case(backend, case, conditions)
        assert result.status == "PASS", (case.id, result.reason)


@pytest.mark.parametrize(
    "name", ["float16 accumulation", "tf32 inputs", "bfloat16 inputs"]
)
@pytest.mark.parametrize("output", ["y", "dx", "dkernel"])
def test_narrow_arithmetic_is_caught_on_every_output(name, output):
    shares = {}
    for case in BOUNDED:
        linear = case.config["activation"]["name"] == "linear"
        if case.precision == "float32" and linear and not case.flags:
            got = MUTANTS[name](case)[output]
            judgement = judge(
                got, case.expected[output], case.bound[output], case.format
            )
            shares[case.id] = judgement.wrong / judgement.size
    assert max(shares.values()) > 0.9, shares


@once
def test_every_output_kind_has_a_short_sum():
    """TF32 inputs hide in long sums: each kind needs a float32 case with n <= 64."""
    short = set()
    for case in BOUNDED:
        if case.precision != "float32" or case.dy is None:
            continue
        sums = solve(case).sums.terms()
        ones = Exact(np.ones(sums.z().shape, np.int64))
        counts = {"y": sums.z(), **sums.gradients(ones)}
        short |= {k for k, n in counts.items() if n.integers.max() <= 64}
    assert short == {"y", "dx", "dkernel", "dbias"}


def test_bound_is_nought_only_where_the_answer_is():
    for case in BOUNDED:
        for key, limit in case.bound.items():
            assert np.all(limit >= 0)
            # Of one sample and no curve dbias is a copy, and exact.
            linear = case.config["activation"]["name"] == "linear"
            if not (key == "dbias" and case.config["batch"] == 1 and linear):
                assert np.all(case.expected[key][limit == 0] == 0)


def test_stored_bounds_are_those_of_the_formula():
    for case in BOUNDED[::7]:
        again = bounds_of(case, solve(case))
        for key, limit in case.bound.items():
            assert np.array_equal(limit, again[key])


def test_the_root_of_the_mean_square_is_finite_where_squares_are_not():
    assert root_mean_square([3.0, 4.0]) == np.sqrt(12.5)
    assert root_mean_square([1e300, 1e300]) == 1e300
    assert root_mean_square([5e-324]) == 5e-324
    assert root_mean_square([]) == root_mean_square([0.0]) == 0
    assert root_mean_square([1.0, np.inf]) == np.inf
    assert np.isnan(root_mean_square([1.0, np.nan]))
