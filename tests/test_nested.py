"""Nested state: taken apart for a file, rebuilt, and refused where it must be."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raising import refuses
from unchanged import bits

from localnet.files import native
from localnet.files.nested import join, separate

NUMBERS = [
    *(np.arange(3).astype(kind) for kind in ("?", "i1", "<u4", "f2", ">f8", "c8")),
    *(np.zeros((2, 0)), np.asfortranarray(np.ones((2, 3))), np.float32(0.1)),
    *(np.int64(-3), np.bool_(True), np.array([math.nan, -0.0, math.inf])),
]
NESTED = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**200), 2**200),
        st.floats(allow_nan=False),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.sampled_from(NUMBERS),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab/.", max_size=3), inner)
    ),
    max_leaves=12,
)


def described(value):
    """Return a nested value in a form that == compares, bit for bit."""
    if isinstance(value, dict):
        return {key: described(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [described(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return type(value), bits({"": np.asarray(value)})
    return type(value), repr(value)


@given(NESTED)
def test_what_is_joined_is_what_was_separated(value):
    rest, arrays = separate(value)
    again = join(json.loads(json.dumps(rest)), arrays)
    assert described(again) == described(value)


@pytest.mark.parametrize("compress", [True, False])
def test_through_a_file(tmp_path, compress):
    value = {"a": NUMBERS, "b": [{"c": (1, 2.5, None)}], "x/y": np.ones(1), "x": []}
    rest, arrays = separate(value)
    path = tmp_path / "f.npz"
    native.write(path, {"rest": rest}, arrays, compress=compress)
    config, read = native.read(path)
    assert described(join(config["rest"], read)) == described(value)


def test_places_that_look_alike_are_told_apart():
    value = {"a.b": np.zeros(1), "a b": np.ones(1), "a": {"b": np.full(1, 2.0)}}
    rest, arrays = separate({**value, "a/b": np.full(1, 3.0)})
    assert len(arrays) == 4
    assert join(rest, arrays)["a b"] == 1.0
    assert all(set(name) <= set("ab_/") for name in arrays)


@pytest.mark.parametrize(
    ("value", "place", "got"),
    [
        ({"a": [1, {2}]}, "state['a'][1]", "{2}"),
        ({1: 2}, "state", "{1: 2}"),
        ({"__array__": "x"}, "state", "{'__array__': 'x'}"),
        ([np.array([None])], "state[0]", "array([None], dtype=object)"),
        ([np.array(["a"])], "state[0]", "array(['a'], dtype='<U1')"),
        (b"a", "state", "b'a'"),
    ],
    ids=["set", "keys", "mark", "objects", "words", "bytes"],
)
def test_what_a_file_cannot_hold_is_refused(value, place, got):
    with refuses(
        f"{place} must be made of numbers, strings, arrays, lists and dicts with "
        f"strings as keys, got {got}"
    ):
        separate(value)


@pytest.mark.parametrize("name", ["b", None, 3, ["a"]])
def test_a_missing_array_is_refused(name):
    with refuses(f"state must come with all its arrays, got none for {name!r}"):
        join({"x": {"__array__": name}}, {"a": np.ones(1)})


def test_a_config_that_could_not_be_read_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(native.bounded_json, "MAX_BYTES", 100)
    with refuses("config must have at most 100 bytes of JSON, got 145"):
        native.write(tmp_path / "f.npz", {"a": "b" * 100}, {})
    assert list(tmp_path.iterdir()) == []
