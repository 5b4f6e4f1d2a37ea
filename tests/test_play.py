"""The numbers of the interactive page are those of localnet."""

import itertools
import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from localnet.layers import Conv1D, Dense, LocallyConnected1D
from localnet.ops import Geometry, patch_indices

SCRIPT = Path(__file__).parent.parent / "docs" / "static" / "play.js"
SIZES = [
    dict(
        zip(
            ("size", "kernel", "stride", "dilation", "padding", "share"),
            values,
            strict=True,
        )
    )
    for values in itertools.product(
        (7, 12), (1, 2, 3, 5), (1, 2, 3, 4), (1, 2), ("valid", "same"), (1, 3)
    )
    if (values[1] - 1) * values[3] + 1 <= values[0]
]
RUN = """
const { connections, counts } = require(process.argv[1]);
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = cases.map((o) => ({ rows: connections(o), ...counts(o) }));
process.stdout.write(JSON.stringify(answers));
"""


@pytest.fixture(scope="module")
def answered():
    """Return what the script says of every case and kind."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    cases = [
        {**sizes, "kind": kind}
        for sizes in SIZES
        for kind in ("dense", "local", "convolution")
    ]
    run = subprocess.run(
        [node, "-e", RUN, str(SCRIPT)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return list(zip(cases, json.loads(run.stdout), strict=True))


def geometry_of(case):
    return Geometry.of(
        (case["size"], 1),
        kernel_size=case["kernel"],
        strides=case["stride"],
        dilation_rate=case["dilation"],
        padding=case["padding"],
    )


def test_there_are_many_cases(answered):
    assert len(answered) > 300


def test_windows_are_those_of_geometry(answered):
    for case, answer in answered:
        windows = geometry_of(case)
        assert len(answer["rows"]) == windows.locations, case
        if case["kind"] == "dense":
            continue
        cells = np.array([[cell for cell, _ in row] for row in answer["rows"]])
        inside = (cells >= 0) & (cells < case["size"])
        assert np.array_equal(np.where(inside, cells, -1), patch_indices(windows)), case


def test_weights_are_counted_as_the_layers_count_them(answered):
    for case, answer in answered:
        if case["stride"] > 1 and case["dilation"] > 1:
            continue  # layers refuse it, and the page never shows it
        windows = geometry_of(case)
        options = {"strides": case["stride"], "use_bias": False}
        if case["kind"] == "dense":
            layer, shape = (
                Dense(windows.locations, use_bias=False),
                (None, case["size"]),
            )
        elif case["kind"] == "convolution":
            layer, shape = Conv1D(1, case["kernel"], **options), (None, 30, 1)
        else:
            layer = LocallyConnected1D(
                1,
                case["kernel"],
                padding=case["padding"],
                dilation_rate=case["dilation"],
                share=case["share"],
                **options,
            )
            shape = (None, case["size"], 1)
        layer.build(shape)
        assert answer["weights"] == layer.count_params(), case
        links = np.count_nonzero(patch_indices(windows) >= 0)
        if case["kind"] == "dense":
            links = windows.locations * case["size"]
        assert answer["connections"] == links, case


def test_weights_are_shared_where_they_should_be(answered):
    for case, answer in answered:
        numbers = np.array([[weight for _, weight in row] for row in answer["rows"]])
        if case["kind"] == "dense":
            assert len(np.unique(numbers)) == numbers.size
            continue
        share = math.inf if case["kind"] == "convolution" else case["share"]
        groups = [int(location // share) for location in range(len(numbers))]
        expected = np.array(groups)[:, None] * case["kernel"] + np.arange(
            case["kernel"]
        )
        assert np.array_equal(numbers, expected), case


def test_the_page_loads_nothing_from_elsewhere():
    page = (SCRIPT.parent / "play.html").read_text(encoding="utf-8")
    code = SCRIPT.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "http" not in page + code
    assert page.count("src=") == 1
