"""Windows, counts, borders and curves that layers in practice have."""

from dataclasses import replace

import numpy as np
import pytest

from localnet.golden import Suite, check, load_suite
from localnet.golden.adapters import engines
from localnet.golden.cases.layers import FAMILIES
from localnet.golden.cases.usual import LAID, OFTEN, PLACES
from localnet.golden.cases.variants import VARIANT_FAMILIES
from localnet.golden.check import check_case
from localnet.golden.mutants.variant_model import VariantModel
from localnet.golden.references.verify import differences

SUITE = load_suite()
PLAIN = [SUITE[spec.id] for spec in FAMILIES["practice"]()]
VARIED = [SUITE[spec.id] for spec in VARIANT_FAMILIES["variant_practice"]()]


def caught(backend, some):
    """Return whether some of the cases see what is wrong."""
    return any(check_case(backend, case).status == "FAIL" for case in some)


def test_they_stand_at_the_end_so_that_old_cases_keep_their_places():
    assert SUITE.cases[-len(PLAIN) :] == PLAIN
    assert SUITE.variants[-len(VARIED) :] == VARIED
    assert (len(PLAIN), len(VARIED)) == (151, 254)


@pytest.mark.parametrize("engine", ["blocked", "einsum"])
def test_the_engines_pass(engine):
    suite = Suite(PLAIN, variants=VARIED)
    report = check(getattr(engines, engine), suite)
    assert report.count("PASS") == len(PLAIN) + len(VARIED)


@pytest.mark.parametrize("case", (PLAIN + VARIED)[::13], ids=repr)
def test_references_agree_with_the_second_road(case):
    pytest.importorskip("mpmath")
    assert differences(case) == []


def short(array, bits):
    """Keep so many bits of each number."""
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.rint(mantissa * 2**bits), exponent - bits).astype(array.dtype)


def fits(window, case):
    c, rank = case.config, len(case.config["strides"])
    return (
        c["kernel_size"] == [window.kernel] * rank
        and c["strides"] == [window.stride] * rank
        and c["pads"] == [[window.before, window.after]] * rank
        and c["dilation_rate"] == [window.dilation] * rank
    )


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("name", LAID)
def test_a_path_for_one_window_is_seen(name, axes):
    def of_path(change):
        def backend(case):
            return engines.blocked(change(case) if fits(LAID[name], case) else case)

        return backend

    some = [case for case in PLAIN if fits(LAID[name], case)]
    some = [case for case in some if len(case.config["strides"]) == axes]
    assert some

    def forgetful(case):
        return replace(case, bias=np.zeros_like(case.bias))

    def in_tf32(case):
        return replace(case, x=short(case.x, 11), kernel=short(case.kernel, 11))

    assert caught(of_path(forgetful), some)
    assert caught(of_path(in_tf32), some)


@pytest.mark.parametrize("count", sorted({*OFTEN, *PLACES}))
@pytest.mark.parametrize("letter", ["N", "C", "F", "L"])
def test_a_path_for_one_count_is_seen(letter, count):
    wanted = PLACES if letter == "L" else OFTEN

    def of(case):
        c = case.config
        counts = {"N": c["batch"], "C": c["channels"], "F": c["filters"]}
        return {**counts, "L": int(np.prod(c["output_sizes"]))}[letter]

    def backend(case):
        if of(case) == count:
            case = replace(case, bias=np.zeros_like(case.bias))
        return engines.blocked(case)

    some = [case for case in PLAIN if of(case) == count and case.bias is not None]
    assert bool(some) == (count in wanted) or some
    if some:
        assert caught(backend, some[:3])


CURVES = {
    "tanh": lambda z: np.clip(z, -5, 5),
    "sigmoid": lambda z: np.clip(z, -8, 8),
    "softplus": lambda z: np.where(z < 0, 0.9 * z, z),
    "elu": lambda z: np.maximum(z, -8),
    "selu": lambda z: np.maximum(z, -8),
    "swish": lambda z: np.where(z < -12, 0, z),
    "mish": lambda z: np.where(z < -12, 0, z),
    "softsign": lambda z: np.clip(z, -8, 8),
}


@pytest.mark.parametrize("kind", ["conv", "shared", "low_rank", "transposed"])
@pytest.mark.parametrize("name", CURVES)
def test_a_curve_that_ends_too_early_is_seen(kind, name):
    class Ended(VariantModel):
        def activate(self, z):
            if self.c["activation"]["name"] == name:
                z = CURVES[name](z)
            return super().activate(z)

    some = [
        case
        for case in VARIED
        if case.kind == kind and case.config["activation"]["name"] == name
    ]
    assert caught(lambda case: Ended(case).answers(), some)


@pytest.mark.parametrize("ends", [(-100, 100), (-128, 127), (-1000, 1000)])
@pytest.mark.parametrize("kind", ["layer", "conv", "shared", "low_rank"])
def test_pad_values_in_a_short_type_are_seen(kind, ends):
    def backend(case):
        held = float(np.clip(case.config["pad_value"], *ends))
        config = {**case.config, "pad_value": held}
        return engines.blocked(replace(case, config=config))

    some = [c for c in PLAIN + VARIED if c.kind == kind and "practice-pad" in c.id]
    assert len(some) == 4
    assert caught(backend, some)


KINDS = ("conv", "shared", "low_rank", "transposed")
READ = [(kind, name) for kind in KINDS for name in ("x", "kernel", "bias", "dy")]


@pytest.mark.parametrize(("precision", "bits"), [("float16", 8), ("bfloat16", 6)])
@pytest.mark.parametrize(("kind", "operand"), [*READ, ("low_rank", "mixture")])
def test_operands_of_16_bits_read_in_fewer_are_seen(kind, operand, precision, bits):
    def backend(case):
        array = getattr(case, operand)
        if array is None:
            return engines.blocked(case)
        changed = {operand: short(array, bits)}
        if operand == "bias":
            changed["bias_in_y"] = short(case.bias_in_y, bits)
        return engines.blocked(replace(case, **changed))

    some = [c for c in VARIED if (c.kind, c.precision) == (kind, precision)]
    assert caught(backend, some)
