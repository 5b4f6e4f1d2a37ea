"""Configurations that architectures use, ordinary counts, and long ones."""

from itertools import product

import pytest
from marks import once

from localnet.golden import Suite, load_suite
from localnet.golden.adapters import engines
from localnet.golden.cases import axes
from localnet.golden.cases.layers import FAMILIES
from localnet.golden.cases.usual import CAUSAL, TRANSPOSED, WINDOWS
from localnet.golden.cases.variants import VARIANT_FAMILIES
from localnet.golden.check import check_case
from localnet.golden.matrix import first_killers
from localnet.golden.mutants import MUTANTS
from localnet.golden.mutants.drawn import DRAWN
from localnet.golden.mutants.everyday import EVERYDAY
from localnet.golden.mutants.paths import PATHS
from localnet.golden.mutants.variant_paths import VARIANT_PATHS
from localnet.golden.references.verify import differences

SUITE = load_suite()
PLAIN = ("everyday", "lengths")
VARIED = ("everyday_variants", "variant_lengths")
NEW = [spec.id for name in PLAIN for spec in FAMILIES[name]()]
NEW += [spec.id for name in VARIED for spec in VARIANT_FAMILIES[name]()]
CASES = [SUITE[case_id] for case_id in NEW]


# Families that came later stand behind these.
FIRST = SUITE.cases.index(SUITE[NEW[0]])
FIRST_VARIED = SUITE.variants.index(SUITE[NEW[116]])


def test_they_stand_together_behind_what_was_there():
    plain = SUITE.cases[FIRST:][:116]
    varied = SUITE.variants[FIRST_VARIED:][:145]
    assert [case.id for case in (*plain, *varied)] == NEW
    assert len(NEW) == len(set(NEW)) == 261
    assert all(case.why.startswith(axes.COMBINED) for case in CASES)


def test_all_of_them_ask_for_gradients_and_few_weigh_much():
    sizes = []
    for case in CASES:
        assert case.dy is not None
        assert set(case.wants) >= {"y", "dx", "dkernel", "dbias"}
        arrays = [case.x, case.kernel, case.dy, *case.expected.values()]
        sizes.append(sum(a.nbytes for a in arrays))
    assert max(sizes) < 150_000
    assert sum(sizes) < 4_300_000
    assert sum(size < 20_000 for size in sizes) > 170
    assert sum(case.tier == "bounded" for case in CASES) == 4


@pytest.mark.parametrize("kind", ["layer", "conv", "transposed"])
def test_every_window_stands_in_both_sizes_or_formats(kind):
    windows = TRANSPOSED if kind == "transposed" else {**WINDOWS, **CAUSAL}
    configs = [case.config for case in CASES if case.kind == kind]
    for name, window in windows.items():
        for rank in (1, 2):
            if rank == 2 and name in CAUSAL:
                continue
            some = [
                c
                for c in configs
                if c["kernel_size"] == [window.kernel] * rank
                and c["strides"] == [window.stride] * rank
                and c["pads"] == [[window.before, window.after]] * rank
                and c["dilation_rate"] == [window.dilation] * rank
                and c.get("output_padding", [0])[0] == window.extra
            ]
            assert some, (name, rank)
            if rank == 2:
                assert {c["data_format"][9:] for c in some} == {"first", "last"}
                if name != "k3s2-same":
                    assert {c["input_sizes"][0] % 2 for c in some} == {0, 1}


@pytest.mark.parametrize("kind", axes.OWN)
def test_long_counts_meet_pads_and_every_parameter(kind):
    configs = [case.config for case in CASES if case.kind == kind]
    for name, count in (("batch", 192), ("channels", 192), ("filters", 192)):
        some = [c for c in configs if c[name] == count]
        assert {c["activation"]["name"] for c in some} == {"relu", "leaky_relu"}
        assert all(pad[0] != pad[1] for c in some for pad in c["pads"])
        assert {max(c["dilation_rate"]) for c in some} == {1, 2}


@pytest.mark.parametrize("case", CASES[::9], ids=repr)
def test_references_agree_with_the_second_road(case):
    pytest.importorskip("mpmath")
    assert differences(case) == []


@pytest.mark.parametrize("engine", ["naive", "blocked", "einsum"])
def test_the_engines_pass(engine):
    for case in CASES if engine != "naive" else CASES[::5]:
        result = check_case(getattr(engines, engine), case)
        assert result.status == "PASS", (case.id, result.reason)


def test_names_of_wrong_backends_are_their_own():
    others = MUTANTS.keys() | DRAWN.keys() | PATHS.keys() | VARIANT_PATHS.keys()
    assert len(EVERYDAY) > 600
    assert not EVERYDAY.keys() & others


@once
def test_wrong_backends_of_these_kinds_are_caught():
    new = Suite(CASES[:116], variants=CASES[116:])
    killers = first_killers(new, EVERYDAY)
    assert [name for name, case in killers.items() if case is None] == []


@once
def test_they_needed_cases_of_their_own():
    """What covering arrays have lets most of them live."""
    old = Suite(SUITE.cases[:FIRST], variants=SUITE.variants[:FIRST_VARIED])
    killers = first_killers(old, EVERYDAY)
    living = {name for name, case in killers.items() if case is None}
    assert len(living) > 480
    wanted = {
        *(
            f"{kind}: last location of {output} lost, {window} of two axes"
            for kind, output, window in product(
                ("layer", "conv"), ("y", "dx", "dkernel"), ("k5s1p2", "k7s2p3")
            )
        ),
        "layer: last of dkernel lost, N of 48",
        "layer: pads within 8 of 0, bfloat16",
        "layer: subnormal dy of bfloat16",
        "layer: relu clipped before it meets its threshold",
        "layer: max_value of relu ignored, L above 1024",
        "low_rank: ranks beyond 8",
        "shared: shares beyond 8, several",
        "transposed: cells painted by more than 8",
        "conv: filters of y beyond 32 lost, depthwise",
    }
    assert wanted <= living
