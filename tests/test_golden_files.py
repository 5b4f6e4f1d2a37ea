"""Suites on disk: the same bytes everywhere; damaged and hostile ones are refused."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from marks import WHOLE

from localnet.golden import Suite, check, export, load_suite
from localnet.golden.adapters import engines
from localnet.golden.files.manifest import files_of
from localnet.golden.files.npy import decode, encode
from localnet.golden.files.schema import mismatch, schema

# The suite is part of the interface: a change stands under "Numbers changed" in the
# changelog, with a new version of the suite once this one has been published.
DIGEST = "cbc40441e1dfaf81bad127d528e4634e45715c6e200e33f9fc93cb105b1c361b"

IDS = ("plain-1d-first", "pad-value", "sigmoid-float32", "softmax-float16")


@pytest.fixture(scope="module")
def small():
    suite = load_suite()
    return Suite([suite[case_id] for case_id in IDS], suite.traces[:1])


@pytest.fixture
def folder(small, tmp_path):
    return export(tmp_path / "suite", small, layouts=["jax", "torch", "keras2"])


def test_bytes_of_the_suite():
    files = files_of(load_suite())
    assert hashlib.sha256(files.manifest).hexdigest() == DIGEST
    assert sum(map(len, files.others.values())) + len(files.manifest) < 68e6


def test_what_is_read_is_what_was_written(small, folder):
    again = load_suite(folder)
    assert [case.id for case in again] == list(IDS)
    for old, new in zip(small, again, strict=True):
        assert (new.config, new.flags, new.spans) == (old.config, old.flags, old.spans)
        for name in ("x", "kernel", "bias", "bias_in_y", "dy"):
            a, b = getattr(old, name), getattr(new, name)
            assert (a is None) == (b is None)
            assert a is None or (np.array_equal(a, b) and a.dtype == b.dtype)
        for key in old.wants:
            assert np.array_equal(old.expected[key], new.expected[key])
        for name, draw in new.draws.items():
            values = np.ldexp(draw.integers(getattr(new, name).shape), draw.exponent)
            assert np.array_equal(values, getattr(new, name))
    assert check(engines.blocked, again, traces=True).count("PASS") == 5


def test_suites_of_version_1_are_read(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["version"] = 1
    del manifest["others"], manifest["kinds"], manifest["variants"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    again = load_suite(folder)
    assert [case.id for case in again] == list(IDS)
    assert check(engines.blocked, again).count("PASS") == len(IDS)


@pytest.mark.parametrize("shape", [(), (3,), (2, 0, 3), (2, 3, 4)])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f8"])
def test_npy_is_numpys(shape, dtype, tmp_path):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    (tmp_path / "a.npy").write_bytes(encode(array))
    for read in (np.load(tmp_path / "a.npy"), decode(encode(array))):
        assert np.array_equal(read, array)
        assert read.shape == shape


def test_export_needs_an_empty_folder(small, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    with pytest.raises(ValueError, match="must be a new or empty folder"):
        export(tmp_path / "full", small)
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    assert export(tmp_path / "empty", small).is_dir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="must be a new or empty folder"):
        export(tmp_path / "link", small)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "full", "link"]


def test_failed_export_leaves_nothing(small, tmp_path, monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        export(tmp_path / "suite", small)
    assert list(tmp_path.iterdir()) == []


def test_unknown_layout(small, tmp_path):
    with pytest.raises(ValueError, match="layout must be one of"):
        export(tmp_path / "suite", small, layouts=["chainer"])


def edit(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def case_of(manifest, number=0):
    return manifest["cases"][number]


EDITS = {
    "version": (lambda m: m.update(version=3), r"version must be one of \[1, 2\]"),
    "format": (lambda m: m.update(format="other"), "format must be"),
    "parent": (lambda m: case_of(m).update(id="../x"), "must match"),
    "absolute": (lambda m: case_of(m).update(id="/etc/passwd"), "must match"),
    "newline": (lambda m: case_of(m).update(id="a\n"), "must match"),
    "array name": (
        lambda m: case_of(m)["cases"].update({"../x": case_of(m)["cases"]["x"]}),
        "must match",
    ),
    "same id": (lambda m: case_of(m).update(id=IDS[1]), "ids of their own"),
    "count": (lambda m: m.update(count=9), "ids of their own"),
    "missing key": (lambda m: case_of(m).pop("config"), "must have the key 'config'"),
    "new key": (lambda m: m.update(extra=1), "must have no key 'extra'"),
    "bool": (lambda m: case_of(m)["config"].update(batch=True), "of type integer"),
    "shape": (
        lambda m: case_of(m)["expected"]["y"].update(shape=[1]),
        "the manifest says",
    ),
    "dtype": (lambda m: case_of(m)["cases"]["x"].update(dtype="<f8"), "manifest says"),
    "array gone": (
        lambda m: case_of(m)["expected"].pop("dx"),
        "must be in the manifest",
    ),
    "no dy": (lambda m: case_of(m)["cases"].pop("dy"), "must have the array dy"),
    "huge": (lambda m: case_of(m)["config"].update(batch=10**6), "the manifest says"),
    "windows": (lambda m: case_of(m)["config"].update(strides=[9]), "must lie in"),
    "rank": (
        lambda m: case_of(m)["config"].update(strides=[1, 1]),
        "must have 1 items",
    ),
    "not an object": (lambda m: m.update(cases=[3]), "of type object"),
    "trace": (lambda m: m["traces"][0]["config"].update(steps=2), "manifest says"),
}


@pytest.mark.parametrize("name", EDITS)
def test_wrong_manifest(name, folder):
    change, words = EDITS[name]
    edit(folder, change)
    with pytest.raises(ValueError, match=words) as caught:
        load_suite(folder)
    assert len(caught.value.args) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "NaN", '{"a": Infinity}', "[" * 10**5])
def test_manifest_that_is_none(text, folder):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest"):
        load_suite(folder)


FILE = "expected/plain-1d-first/dx.npy"


def test_flipped_byte(folder):
    data = bytearray((folder / FILE).read_bytes())
    data[-3] ^= 1
    (folder / FILE).write_bytes(data)
    with pytest.raises(ValueError, match=r"dx\.npy must be the file .* sha256 differs"):
        load_suite(folder)


@pytest.mark.parametrize(
    "change", [lambda d: d[:-1], lambda d: d + b"\0", lambda d: b""]
)
def test_file_of_another_length(change, folder):
    (folder / FILE).write_bytes(change((folder / FILE).read_bytes()))
    with pytest.raises(ValueError, match="sha256 differs"):
        load_suite(folder)


def test_file_far_too_long_is_not_read(folder):
    (folder / FILE).write_bytes(bytes(10**6))
    with pytest.raises(ValueError, match="got more than"):
        load_suite(folder)


def test_missing_file(folder):
    (folder / FILE).unlink()
    with pytest.raises(OSError, match=r"dx\.npy"):
        load_suite(folder)
    with pytest.raises(OSError, match=r"manifest\.json"):
        load_suite(folder / "cases")


@pytest.mark.parametrize(
    "place", [FILE, "expected/plain-1d-first", "cases", "manifest.json"]
)
def test_symbolic_links_are_refused(place, folder, tmp_path):
    outside = tmp_path / "outside"
    (folder / place).rename(outside)
    (folder / place).symlink_to(outside)
    with pytest.raises(ValueError, match="got a symbolic link"):
        load_suite(folder)


@pytest.mark.parametrize(
    "array", [np.array([1, None]), np.array(["x"])], ids=["o", "U"]
)
def test_pickles_and_words_are_refused(array, folder, tmp_path):
    np.save(tmp_path / "bad.npy", array, allow_pickle=True)
    data = (tmp_path / "bad.npy").read_bytes()
    (folder / FILE).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    edit(folder, lambda m: case_of(m)["expected"]["dx"].update(sha256=digest))
    with pytest.raises(ValueError, match=r"dx\.npy must"):
        load_suite(folder)


def test_numbers_must_be_finite(folder):
    array = np.load(folder / FILE)
    array.flat[0] = np.nan
    (folder / FILE).write_bytes(encode(array))
    digest = hashlib.sha256(encode(array)).hexdigest()
    edit(folder, lambda m: case_of(m)["expected"]["dx"].update(sha256=digest))
    with pytest.raises(ValueError, match="must hold finite numbers"):
        load_suite(folder)


def test_schema_is_what_json_schema_says(folder):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    suite = load_suite()
    text = files_of(suite).manifest
    assert mismatch(json.loads(text)) == ""
    if not WHOLE:  # JSON Schema takes a minute for all cases, `mismatch` a second
        some = [outline.id for outline in suite.outlines[::15]]
        text = files_of(suite.only([*some, *(t.id for t in suite.traces)])).manifest
    assert validator.is_valid(json.loads(text))
    assert json.loads((folder / "manifest.schema.json").read_text()) == schema()
    text = (folder / "manifest.json").read_text()
    for name, (change, _) in EDITS.items():
        manifest = json.loads(text)
        change(manifest)
        if (
            name != "newline"
        ):  # Python's $ matches before a newline, JSON Schema's does not
            assert validator.is_valid(manifest) == (mismatch(manifest) == ""), name


def test_layouts_where_they_can_hold_the_case(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert case_of(manifest)["layouts"] == ["6d", "keras2", "jax", "torch"]
    assert case_of(manifest, 1)["layouts"] == ["6d", "jax", "torch"]  # has a pad value
    kernel = np.load(folder / "cases/pad-value/kernel_6d.npy")
    case = load_suite()["pad-value"]
    sizes = (*case.config["output_sizes"], *case.config["kernel_size"], 1, 2)
    assert np.array_equal(kernel, case.kernel.reshape(sizes))


def test_the_readable_layout_of_combined_cases_is_there_where_asked():
    suite = load_suite().only(["options-0", "plain-1d-first"])
    for layouts, wanted in (((), 1), (["jax"], 1), (["6d"], 2)):
        names = files_of(suite, layouts).others
        assert len([n for n in names if n.endswith("/kernel_6d.npy")]) == wanted
    assert "cases/plain-1d-first/kernel_6d.npy" in files_of(suite).others


def test_copy_elsewhere(folder, tmp_path):
    assert len(load_suite(shutil.copytree(folder, tmp_path / "copy"))) == 4
