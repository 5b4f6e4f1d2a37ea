"""One-hot labels, unit vectors and parts of a data set."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses

from localnet.utils import (
    normalize,
    pad_sequences,
    to_categorical,
    train_test_split,
)

DATA = reference.load("utils.npz")

# Keras's numbers -----------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(DATA["labels"])))
def test_to_categorical_is_keras(number):
    y, how = DATA["labels"][number]
    result, expected = to_categorical(y, **how), DATA[f"to_categorical_{number}"]
    assert result.dtype == expected.dtype
    assert_array_equal(result, expected, strict=True)


@pytest.mark.parametrize("number", range(len(DATA["vectors"])))
def test_normalize_is_keras(number):
    x, how = DATA["vectors"][number]
    before = np.array(x)
    result, expected = normalize(before, **how), DATA[f"normalize_{number}"]
    assert result.shape == expected.shape
    assert_allclose(result, expected, rtol=1e-15)
    assert_array_equal(before, np.array(x))


def test_normalize_keeps_float32():
    x = np.array([[3.0, 4.0]], np.float32)
    assert normalize(x).dtype == np.float32
    assert_array_equal(normalize(x, order=np.inf), [[0.75, 1.0]])


@pytest.mark.parametrize(
    ("y", "how", "message"),
    [
        ([0, -1], {}, "y must hold class numbers, integers >= 0, got -1"),
        ([0, 1.5], {}, "y must hold class numbers, integers >= 0, got 1.5"),
        ([0, np.nan], {}, "y must hold class numbers, integers >= 0, got nan"),
        ([0, np.inf], {}, "y must hold class numbers, integers >= 0, got inf"),
        (["a"], {}, "y must hold numbers, got dtype <U1"),
        ([0, 3], {"num_classes": 3}, "y must be below num_classes, 3, got 3"),
        ([], {}, "num_classes must be given for an empty y, got none"),
        ([0], {"num_classes": 2.0}, "num_classes must be an integer >= 0, got 2.0"),
    ],
)
def test_bad_labels(y, how, message):
    with refuses(message):
        to_categorical(y, **how)


@pytest.mark.parametrize(
    ("x", "how", "message"),
    [
        (1.0, {}, "x must have at least one axis, got 1.0"),
        ([1.0], {"axis": 1}, "axis must be an integer >= -1 and <= 0, got 1"),
        ([1.0], {"axis": None}, "axis must be an integer >= -1 and <= 0, got None"),
        ([1.0], {"order": "fro"}, "order must be a number, got 'fro'"),
    ],
)
def test_bad_vectors(x, how, message):
    with refuses(message):
        normalize(x, **how)


# Splitting -----------------------------------------------------------------------


@st.composite
def splits(draw):
    total = draw(st.integers(2, 60))
    classes = draw(st.integers(1, 4))
    y = np.array(
        draw(st.lists(st.integers(0, classes), min_size=total, max_size=total))
    )
    tested = draw(st.integers(1, total - 1))
    return y, tested, draw(st.integers(0, 99))


@given(splits())
def test_every_sample_is_on_one_side_and_rows_stay_together(problem):
    y, tested, seed = problem
    x = np.arange(len(y))
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=tested, seed=seed
    )
    assert len(x_test) == len(y_test) == tested
    assert sorted([*x_train, *x_test]) == x.tolist()
    assert_array_equal(y_train, y[x_train])
    assert_array_equal(y_test, y[x_test])


@given(splits())
def test_strata_get_their_share_to_within_one_sample(problem):
    y, tested, seed = problem
    labels, counts = np.unique(y, return_counts=True)
    if counts.min() < 2 or len(labels) > min(tested, len(y) - tested):
        with pytest.raises(ValueError, match=r"^stratify must"):
            train_test_split(y, test_size=tested, seed=seed, stratify=y)
        return
    names = np.array(["a", "b", "c", "d", "e"])[y]
    train, test = train_test_split(y, test_size=tested, seed=seed, stratify=names)
    assert len(test) == tested
    assert sorted([*train, *test]) == sorted(y.tolist())
    for label, count in zip(labels, counts, strict=True):
        share = count * tested / len(y)
        assert abs(np.sum(test == label) - share) < 1


def test_seeds():
    x = np.arange(50)
    first, again = (train_test_split(x, seed=3) for _ in range(2))
    assert_array_equal(first[1], again[1])
    assert first[0].tolist() != sorted(first[0])  # shuffled
    other = train_test_split(x, seed=4)
    assert sorted(first[1]) != sorted(other[1])
    rng = np.random.default_rng(3)
    assert_array_equal(train_test_split(x, seed=rng)[1], first[1])
    one, two = (train_test_split(x) for _ in range(2))
    assert one[0].tolist() != two[0].tolist()
    strata = train_test_split(x, seed=3, stratify=x % 2)
    assert_array_equal(strata[1], train_test_split(x, seed=3, stratify=x % 2)[1])


def test_without_shuffle_the_last_samples_are_tested():
    train, test = train_test_split(np.arange(10), test_size=0.25, shuffle=False)
    assert (train.tolist(), test.tolist()) == (list(range(7)), [7, 8, 9])


@pytest.mark.parametrize(
    ("fraction", "total", "tested"), [(0.07, 100, 7), (0.1, 30, 3), (0.25, 5, 2)]
)
def test_fractions_count_as_they_are_written(fraction, total, tested):
    assert len(train_test_split(np.arange(total), test_size=fraction)[1]) == tested


def test_results_are_copies():
    x = np.arange(8.0)
    for shuffle in (False, True):
        for part in train_test_split(x, shuffle=shuffle):
            assert part.flags.writeable
            assert not np.may_share_memory(part, x)


def test_a_memmap_is_split_into_plain_arrays(tmp_path):
    x = np.memmap(tmp_path / "x", np.float32, "w+", shape=(20, 3))
    x[:] = np.arange(60).reshape(20, 3)
    train, test = train_test_split(x, test_size=5, seed=0)
    assert type(train) is type(test) is np.ndarray
    assert (train.shape, test.shape) == ((15, 3), (5, 3))
    assert np.sort(np.concatenate([train, test])[:, 0]).tolist() == x[:, 0].tolist()


TEN = np.arange(10)


@pytest.mark.parametrize(
    ("arrays", "how", "message"),
    [
        ((), {}, "arrays must be at least one, got none"),
        ((TEN, TEN[:9]), {}, "arrays must have equal lengths, got [10, 9]"),
        (
            (TEN,),
            {"test_size": 1.0},
            "test_size must be a finite number > 0 and < 1, got 1.0",
        ),
        (
            (TEN,),
            {"test_size": 10},
            "test_size must leave samples on both sides of 10, got 10",
        ),
        ((TEN,), {"test_size": 0}, "test_size must be an integer >= 1, got 0"),
        (
            (TEN[:1],),
            {},
            "test_size must leave samples on both sides of 1, got 0.25",
        ),
        (
            (TEN,),
            {"stratify": [1, 2], "shuffle": False},
            "stratify must be None without shuffle, got [1, 2]",
        ),
        ((TEN,), {"stratify": [1, 2]}, "stratify must have shape (10,), got (2,)"),
        (
            (TEN,),
            {"stratify": TEN > 8},
            "stratify must hold every class twice, got True once",
        ),
        (
            (TEN,),
            {"stratify": TEN // 2, "test_size": 0.25},
            "stratify must have no more classes than samples on either side, 3, got 5",
        ),
    ],
)
def test_bad_splits(arrays, how, message):
    with refuses(message):
        train_test_split(*arrays, **how)


# Sequences of several lengths -----------------------------------------------------


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, [[0, 0, 1], [2, 3, 4], [0, 0, 0]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 4], [0, 0, 0]]),
        ({"maxlen": 2}, [[0, 1], [3, 4], [0, 0]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [0, 0]]),
        ({"maxlen": 2, "value": 9, "padding": "post"}, [[1, 9], [3, 4], [9, 9]]),
        ({"maxlen": 0}, np.empty((3, 0))),
    ],
)
def test_sequences_are_filled_and_cut(how, expected):
    found = pad_sequences([[1], (2, 3, 4), []], **how)
    assert found.dtype == np.int32
    assert_array_equal(found, expected)


def test_sequences_keep_their_further_axes():
    found = pad_sequences([[[1, 2]], np.ones((2, 2))], dtype="float32")
    assert_array_equal(found, np.array([[[0, 0], [1, 2]], [[1, 1], [1, 1]]], "f4"))
    with refuses(
        "sequences must have an axis for time, and the same axes behind it, got shapes "
        "[(1,), (1, 2)]"
    ):
        pad_sequences([[1], [[1, 2]]])
    with refuses("padding must be one of 'pre', 'post', got 'left'"):
        pad_sequences([[1]], padding="left")
