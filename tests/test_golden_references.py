"""The references by a second road; `localnet golden verify` compares all of them."""

import pytest
from marks import long, once

from localnet.golden import load_suite
from localnet.golden.references.activations import ROWS
from localnet.golden.references.verify import differences

pytest.importorskip("mpmath")

pytestmark = once

SUITE = load_suite()


def work(case):
    """Return about how many logarithms and products the second road needs."""
    is_row = case.config["activation"]["name"] in ROWS
    return case.x.size + case.expected["y"].size * is_row * case.config["filters"]


# Some of every family; the long sums and rows take longest.
SAMPLE = [
    pytest.param(case, id=repr(case), marks=[] if work(case) < 2500 else long)
    for n, case in enumerate(SUITE)
    if n % 4 == 0 and case.x.size < 500
]


@pytest.mark.parametrize("case", SAMPLE)
def test_references_are_right_to_the_last_bit(case):
    assert differences(case) == []


def test_a_wrong_bit_is_found():
    from dataclasses import replace

    import numpy as np

    case = SUITE["sigmoid-float32"]
    y = case.expected["y"].copy()
    y.flat[3] = np.nextafter(y.flat[3], 1)
    wrong = replace(case, expected={**case.expected, "y": y})
    assert differences(wrong) == [f"1 of {y.size} entries of y are not right"]
