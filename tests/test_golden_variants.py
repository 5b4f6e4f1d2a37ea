"""Variants in the golden suite: right, able to fail, and unseen by old backends."""

import hashlib
import json
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from marks import long, once
from test_golden_bounds import Shuffled

from localnet import cli
from localnet.golden import Suite, check, computes, export, load_suite, test_backend
from localnet.golden.adapters import engines
from localnet.golden.cases.exactness import exact_spans
from localnet.golden.cases.generate import refusals
from localnet.golden.cases.variants import VARIANT_FAMILIES
from localnet.golden.check import Conditions, check_case
from localnet.golden.files.manifest import as_json, files_of
from localnet.golden.files.schema import mismatch, schema
from localnet.golden.judging.backends import from_command, from_results
from localnet.golden.matrix import by_hand, kill_matrix
from localnet.golden.mutants import MUTANTS
from localnet.golden.mutants.variant_model import VariantModel
from localnet.golden.references.answers import solve
from localnet.golden.references.bounds import Model as Arithmetic
from localnet.golden.references.connections import VARIANTS, connections
from localnet.golden.references.others import OTHERS
from localnet.golden.references.verify import differences
from localnet.golden.render import as_text

SUITE = load_suite()
VARIED = SUITE.variants
ONE_OF_EACH = [
    "transposed-1d-last",
    "shared-1d-last",
    "low-rank-1d-last",
    "conv-untied",
]
# Of the plain layers and the trainings in the manifest, as the suite had them alone.
BEFORE = "bf1675030f517650da25f49b480563b5d3242b6f1b52ee8ca540af2aec4b8719"


def test_plain_layers_are_the_same_bytes():
    manifest = json.loads(files_of(SUITE).manifest)
    old = as_json([manifest["cases"][:139], manifest["traces"]])
    assert hashlib.sha256(old).hexdigest() == BEFORE
    assert manifest["count"] == len(list(SUITE)) == len(SUITE) > 139


@once
@pytest.mark.parametrize("case", VARIED, ids=repr)
def test_references_are_right_to_the_last_bit(case):
    pytest.importorskip("mpmath")
    assert differences(case) == []


def test_a_wrong_bit_is_found():
    pytest.importorskip("mpmath")
    for case_id in ONE_OF_EACH:
        case = SUITE[case_id]
        for key in case.wants:
            answer = case.expected[key].copy()
            answer.flat[1] += 1
            wrong = replace(case, expected={**case.expected, key: answer})
            assert differences(wrong) == [
                f"1 of {answer.size} entries of {key} are not right"
            ]


def test_a_block_of_everything_is_a_convolution():
    """Two kinds of one layer: their answers agree, though their tables do not."""
    shared, conv = SUITE["shared-all"], SUITE["conv-1d-last"]
    config = {key: shared.config[key] for key in conv.config if key in shared.config}
    twin = replace(
        shared,
        kind="conv",
        config={**config, "groups": 1, "bias_per": "filter"},
        kernel=shared.kernel.reshape(2, 3, 2, 2),
        bias=shared.bias.reshape(2),
    )
    answers = solve(twin).rounded
    for key, want in shared.expected.items():
        assert np.array_equal(answers[key].ravel(), want.ravel()), key


def test_transposed_is_the_adjoint():
    case = SUITE["transposed-pads"]
    z = solve(replace(case, bias=None, wants=("y", "dx"))).rounded
    # <y, dy> and <x, dx> are the same sum of triple products.
    assert np.sum(z["y"] * case.dy) == np.sum(case.x * z["dx"])


def test_exactness_is_recorded_and_refused():
    for case in VARIED:
        assert bool(case.spans) == (case.tier == "exact")
        if case.spans:
            assert case.spans == exact_spans(case, solve(case))
        assert refusals(case, solve(case)) == []
    case = SUITE["low-rank-1d-last"]
    wide = replace(case, mixture=case.mixture * 1001)
    assert any("to be exact in bfloat16" in r for r in refusals(wide, solve(wide)))


def test_low_rank_is_exact_in_every_order():
    """Also x times each kernel, or dz, before anything is mixed."""
    for case in VARIED:
        if case.kind == "low_rank" and case.tier == "exact" and case.dy is not None:
            sums = solve(case).sums.magnitudes()
            patches = sums.patches.nearest()
            mixture, kernel, dy = map(np.abs, (case.mixture, case.kernel, case.dy))
            dz = dy.reshape(len(dy), *mixture.shape[:1], -1)
            if case.config["data_format"] == "channels_first":
                dz = dy.reshape(len(dy), -1, len(mixture)).swapaxes(1, 2)
            for partial_sums in (
                np.einsum("lr,rkf->lkf", mixture, kernel),
                np.einsum("nlk,rkf->nlrf", patches, kernel),
                np.einsum("nlf,rkf->nlrk", dz, kernel),
                np.einsum("nlk,nlf->lkf", patches, dz),
                np.einsum("nlf,lr->nlrf", dz, mixture),
            ):
                assert partial_sums.max() <= 2.0**case.format.bits
            for array in (case.x, case.kernel, case.mixture, case.dy):
                assert np.array_equal(array, np.rint(array))


@pytest.mark.parametrize("case_id", ["shared-1d-last", "transposed-1d-last"])
def test_kernels_that_are_all_the_same_are_refused(case_id):
    case = SUITE[case_id]
    same = replace(case, kernel=np.broadcast_to(case.kernel[:1], case.kernel.shape))
    assert any("shared by all" in reason for reason in refusals(same, solve(same)))
    foreign = Suite([], foreign=True, variants=[same])
    assert [r.status for r in check(engines.blocked, foreign)] == ["MISTRUSTED"]


def test_what_a_variant_holds():
    for case in VARIED:
        config, answers = case.config, set(case.wants)
        assert case.expected.keys() == answers
        graded = case.kind == "low_rank" and case.dy is not None
        assert ("dmixture" in answers) == graded
        assert ("pad_value" in config) == (case.kind != "transposed")
        if case.bias is not None:
            y = case.expected["y"]
            assert case.bias_in_y.shape == y.shape[1:]
            zero = replace(case, x=case.x * 0)
            only = {**config, "pad_value": 0.0, "activation": {"name": "linear"}}
            z = solve(replace(zero, config=only, dy=None, wants=("y",))).rounded["y"]
            assert np.array_equal(z, np.broadcast_to(case.bias_in_y, y.shape))
    ranks = {(c.kind, len(c.config["kernel_size"])) for c in VARIED}
    assert ranks == {(kind, rank) for kind in VARIANTS for rank in (1, 2, 3)}
    formats = {(c.kind, c.config["data_format"]) for c in VARIED}
    assert len(formats) == 2 * len(VARIANTS)
    assert {c.kind for c in VARIED if c.config["batch"] == 1} == VARIANTS.keys()
    dilated = {c.kind for c in VARIED if max(c.config["dilation_rate"]) > 1}
    assert dilated == VARIANTS.keys()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    variants = [SUITE[case_id] for case_id in (*ONE_OF_EACH, "conv-float32")]
    suite = Suite([SUITE["plain-1d-last"]], variants=variants)
    return export(tmp_path_factory.mktemp("variants") / "suite", suite)


# Wrong backends and right ones --------------------------------------------------------


@once
@pytest.mark.parametrize(
    "part",
    [
        pytest.param(by_hand, id="by hand"),
        # Those that a covering array combined kill no fewer, and take long.
        pytest.param(lambda suite: suite, id="all", marks=long),
    ],
)
def test_every_wrong_backend_is_caught(part):
    matrix = kill_matrix(Suite([], variants=part(SUITE).variants))
    assert [m.name for m in matrix.mutants] == [
        name for name, mutant in MUTANTS.items() if "layer" not in mutant.kinds
    ]
    assert [mutant.name for mutant in matrix.survivors()] == []
    assert matrix.accidents == []
    for case, column in zip(matrix.cases, matrix.cells.T, strict=True):
        assert np.any(column == 2), case.id
    for mutant in matrix.mutants:
        assert len(mutant.error) > 15
        assert {case.kind for case in matrix.killers(mutant)} == set(mutant.kinds)


def test_families_and_mutants_are_apart():
    ids = [spec.id for family in VARIANT_FAMILIES.values() for spec in family()]
    assert ids == [case.id for case in VARIED]
    assert len({*ids, *(case.id for case in SUITE)}) == len(ids) + len(SUITE)
    plain = [m for m in MUTANTS.values() if m.kinds == ("layer",)]
    assert len(plain) == 85


class ShuffledVariant(Shuffled, VariantModel):
    """A right backend that sums in a random order, every sum and product rounded."""

    def gathered(self, values, places, shape):
        bits, total = self.case.format.bits, np.zeros(int(np.prod(shape)))
        values = self.rounding(values, bits)
        for location in self.rng.permutation(len(places)):
            inside = places[location] >= 0
            at = places[location][inside]
            total[at] = self.rounding(total[at] + values[location][inside], bits)
        return total.reshape(shape)


@once
@pytest.mark.parametrize("fused", [False, True])
def test_no_false_alarm_in_any_order(fused):
    for number, case in enumerate(VARIED):
        if case.precision != "float64":
            backend = partial(ShuffledVariant.compute, seed=number, fused=fused)
            result = check_case(backend, case)
            assert result.status == "PASS", (case.id, result.reason)


def test_other_arithmetic_widens_the_bounds():
    case = SUITE["shared-float32"]

    def off(case):
        answers = engines.blocked(case)
        y = case.expected["y"] + 1.5 * case.bound["y"]
        return {**answers, "y": y}

    assert check_case(off, case).status == "FAIL"
    directed = Conditions(Arithmetic(directed=True))
    assert check_case(off, case, directed).status == "PASS"


# Backends that do not know of variants ------------------------------------------------


def old(case):
    """A backend as it was written before there were variants."""
    assert case.kind == "layer"
    return engines.blocked(case)


def test_a_backend_that_says_nothing_is_not_asked():
    report = check(old, distrust=False)
    skipped = [*VARIED, *SUITE.others]
    assert (report.count("PASS"), report.count("SKIP")) == (len(SUITE), len(skipped))
    assert report.exit_status(require_all=True) == 0
    assert report.not_asked() == {
        kind: sum(case.kind == kind for case in skipped)
        for kind in (*VARIANTS, *OTHERS)
    }
    text = as_text(report)
    number = report.not_asked()["transposed"]
    assert f"SKIP {number} cases of kind transposed: the backend does not say" in text
    assert len(text.splitlines()) == len(VARIANTS) + len(OTHERS) + 3
    # Asked for by name, it is told why there is nothing.
    report = check(old, cases=["conv-relu"])
    assert report.exit_status() == 1
    assert [r.reason for r in report] == ["the backend does not say that it has conv"]


def test_a_backend_that_says_what_it_has():
    only = computes("conv")(lambda case: engines.blocked(case))
    for backend in (only, partial(only), partial(partial(only))):
        report = check(backend, distrust=False)
        assert {r.kind for r in report if r.status == "PASS"} == {"conv"}
        assert report.exit_status(require_all=True) == 0
    report = check(only, kinds=["shared"])
    assert {r.kind for r in report if r.asked} == {"shared"}
    lazy = computes("layer", "conv")(old)
    assert lazy is old
    del old.golden_kinds

    @computes("conv")
    def unwilling(case):
        raise NotImplementedError("groups")

    report = check(unwilling)
    assert report.exit_status(require_all=True) == 1
    assert "SKIP conv-relu: groups" in as_text(report)


def test_other_things_that_can_be_called():
    @computes("conv")
    class Backend:
        def __call__(self, case):
            return engines.blocked(case)

        @computes("shared")
        def method(self, case):
            return engines.blocked(case)

    for backend, kind in ((Backend(), "conv"), (Backend().method, "shared")):
        report = check(backend, distrust=False)
        assert {r.kind for r in report if r.asked} == {kind}
        assert report.passed


@pytest.mark.parametrize("kinds", ["conv", ["convolution"], [3], 3])
def test_kinds_that_there_are_not(kinds):
    with pytest.raises(ValueError, match=r"kinds? must be"):
        check(old, kinds=kinds)
    with pytest.raises(ValueError, match=r"kind must be one of"):
        computes("layer", "convolution")


def test_the_layouts_of_plain_kernels_do_not_fit():
    def backend(case):
        answers = engines.blocked(case)
        return {**answers, "dkernel_torch": answers.pop("dkernel")}

    report = check(backend, cases=["conv-relu"], kinds=["conv"])
    assert "got dkernel_torch" in report.results[0].reason


PROGRAM = """
import json, pathlib, sys
import numpy as np
case, out = map(pathlib.Path, sys.argv[1:])
config = json.loads((case / "config.json").read_text())
if config["kind"] != "low_rank":
    sys.exit(77)
x, w, m = (np.load(case / f"{name}.npy") for name in ("x", "kernel", "mixture"))
windows = np.stack([x[:, i:i + 3].reshape(2, -1) for i in range(5)], 1)
y = np.einsum("nlk,lr,rkf->nlf", windows, m, w) + np.load(case / "bias_in_y.npy")
np.save(out / "y.npy", y)
"""


def test_a_program_says_it_on_the_command_line(tmp_path, written, capsys):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = f"{sys.executable} {tmp_path / 'program.py'} {{case}} {{out}}"
    words = ["golden", "check", "--command", command, "--kind", "low_rank"]
    words += ["--suite", str(written)]
    for case_id in ("plain-1d-last", "low-rank-1d-last", "conv-untied"):
        words += ["--case", case_id]
    assert cli.main(words) == 0
    out = capsys.readouterr().out
    assert "1 PASS, 2 SKIP" in out
    assert "SKIP 1 cases of kind layer" in out
    assert cli.main([*words, "--kind", "all"]) == 1
    out = capsys.readouterr().out
    assert "FAIL plain-1d-last" in out  # its config has no kind
    assert "--kind low_rank --kind all --case plain-1d-last" in out


def test_old_programs_that_go_through_the_folders(written):
    files = files_of(SUITE).others
    folders = {tuple(name.split("/")[:2]) for name in files}
    assert sum(part == "cases" for part, _ in folders) == len(SUITE)
    assert sum(part == "variants" for part, _ in folders) == len(VARIED)
    for name, data in files.items():
        if name.startswith("variants") and name.endswith("json"):
            keys = []
            json.loads(data, object_pairs_hook=keys.extend)
            names = [key for key, _ in keys]
            assert len(names) == len(set(names)), name
    statuses = [(r.kind, r.status) for r in check(from_results(written), SUITE)]
    assert set(statuses) == {
        ("layer", "FAIL"),
        *((kind, "SKIP") for kind in (*VARIANTS, *OTHERS)),
    }
    never = from_command("false {case} {out}", written)
    report = check(never, cases=["plain-1d-last", *ONE_OF_EACH])
    assert [r.status for r in report] == ["FAIL", *["SKIP"] * 4]


@pytest.mark.parametrize(
    ("words", "status"),
    [([], "skipped"), (["shared"], "skipped"), (["conv"], "run"), (["all"], "run")],
)
def test_pytest_asks_what_the_backend_has(words, status, monkeypatch):
    module = sys.modules[__name__]
    monkeypatch.setattr(module, "blocked", lambda case: engines.blocked(case), False)
    options = {"--backend": f"{__name__}:blocked", "--golden-kind": words or None}
    config = SimpleNamespace(getoption=options.get)
    request = SimpleNamespace(config=config)
    if not words:
        test_backend.test_case("plain-1d-last", request)
    if status == "skipped":
        with pytest.raises(pytest.skip.Exception, match="does not say that it has"):
            test_backend.test_case("conv-relu", request)
    else:
        test_backend.test_case("conv-relu", request)


# Suites of others ---------------------------------------------------------------------


def test_what_is_read_is_what_was_written(written):
    again = load_suite(written)
    assert [case.id for case in again.variants] == [*ONE_OF_EACH, "conv-float32"]
    for new in again.variants:
        case = SUITE[new.id]
        assert (new.kind, new.config, new.spans) == (case.kind, case.config, case.spans)
        for name in ("x", "kernel", "bias", "bias_in_y", "dy", "mixture"):
            one, other = getattr(new, name), getattr(case, name)
            assert (one is None) == (other is None)
            assert one is None or np.array_equal(one, other)
        for name, draw in new.draws.items():
            values = np.ldexp(draw.integers(getattr(new, name).shape), draw.exponent)
            assert np.array_equal(values, getattr(new, name))
    report = check(engines.blocked, again)
    assert report.exit_status(require_all=True) == 0, as_text(report)


def edited(folder, number, change):
    path = folder / "manifest.json"
    text = path.read_text()
    manifest = json.loads(text)
    change(manifest["variants"][number])
    path.write_text(json.dumps(manifest))
    return path, text, manifest


EDITS = {
    "kind": (0, lambda v: v.update(kind="dense"), "must be one of"),
    "other kind": (0, lambda v: v.update(kind="conv"), "must have pad_value"),
    "parent": (0, lambda v: v.update(id="../x"), "must match"),
    "same id": (0, lambda v: v.update(id="plain-1d-last"), "ids of their own"),
    "extra": (1, lambda v: v["config"].update(rank=2), "must not have rank"),
    "bias": (1, lambda v: v["config"].update(bias_per="filter"), "bias_per"),
    "tile": (1, lambda v: v["config"].update(tile=[9]), "number of blocks"),
    "axes": (1, lambda v: v["config"].update(share=[2, 2]), "must have 1 items"),
    "windows": (1, lambda v: v["config"].update(strides=[9]), "must lie in"),
    "rank": (2, lambda v: v["config"].update(rank=3), "manifest says"),
    "no mixture": (2, lambda v: v["variants"].pop("mixture"), "the array mixture"),
    "dmixture": (1, lambda v: v["wants"].append("dmixture"), "of low rank"),
    "groups": (3, lambda v: v["config"].update(groups=2), "must divide"),
    "no groups": (3, lambda v: v["config"].update(groups=0), "in range"),
    "output padding": (
        0,
        lambda v: v["config"].update(output_padding=[1]),
        "output_padding",
    ),
    "bomb of ranks": (
        2,
        lambda v: v["config"].update(rank=10**6),
        "at most 16777216 cells and wires",
    ),
    "bomb": (
        4,
        lambda v: v["config"].update(filters=10**6),
        "at most 16777216 cells and wires",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_wrong_variants_are_refused(name, written):
    number, change, words = EDITS[name]
    path, text, manifest = edited(written, number, change)
    try:
        with pytest.raises(ValueError, match=words):
            load_suite(written)
    finally:
        path.write_text(text)
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema())
    assert validator.is_valid(manifest) == (mismatch(manifest) == "")


def test_a_suite_from_before_there_were_variants(written):
    path = written / "manifest.json"
    text = path.read_text()
    manifest = json.loads(text)
    del manifest["variants"], manifest["kinds"]
    path.write_text(json.dumps(manifest))
    try:
        assert len(load_suite(written).variants) == 0
    finally:
        path.write_text(text)


def test_table_of_a_large_transposed_layer_is_quick():
    config = {
        "batch": 1, "input_sizes": [20_000], "channels": 1, "output_sizes": [40_001],
        "filters": 1, "kernel_size": [3], "strides": [2], "pads": [[0, 0]],
        "dilation_rate": [1], "data_format": "channels_last", "bias_per": "location",
    }  # fmt: skip
    cells, weights, _ = connections(config, "transposed")
    assert cells.shape == (40_001, 2)
    assert np.count_nonzero(weights >= 0) == 3 * 20_000
