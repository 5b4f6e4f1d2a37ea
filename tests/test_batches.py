"""The data of a training: checks, batches, shuffling, the validation cut, weights."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from raising import refuses

from localnet.training.batches import Data, class_weights_of, split
from localnet.training.inputs_outputs import Ports

X = np.arange(14.0).reshape(7, 2)
Y = np.arange(7)


def labels_of(data, batch_size, shuffle=False, rng=None, first=0):
    """Return the targets batch by batch, and check that the inputs stay with them."""
    order = data.drawn_order(batch_size, shuffle, rng)
    # Shuffled inputs are valid until the next batch.
    batches = [
        replace(batch, xs=(batch.xs[0].copy(),))
        for batch in data.batches(batch_size, shuffle=shuffle, order=order, first=first)
    ]
    for batch in batches:
        np.testing.assert_array_equal(batch.xs[0], X[batch.ys[0]])
    return [batch.ys[0].tolist() for batch in batches]


def test_arrays_are_referred_to_not_copied():
    data = Data.of(X, Y)
    assert data.xs[0] is X
    assert data.ys[0] is Y
    assert data.sample_weights == (None,)
    assert len(data) == 7


def test_lists_will_do():
    data = Data.of([[1], [2]], [0, 1], [1, 0.5])
    assert data.xs[0].shape == (2, 1)
    np.testing.assert_array_equal(data.sample_weights[0], [1, 0.5])


def test_targets_may_be_missing_where_they_are_not_needed():
    assert Data.of(X, ports=Ports().without_targets()).ys == (None,)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((X[:0], Y[:0]), "x must hold samples, got shape (0, 2)"),
        ((X, None), "y must be given, got None"),
        ((X, Y[:0]), "y must hold samples, got shape (0,)"),
        ((X, Y[:3]), "x and y must have the same length, got 7 and 3 samples"),
        (
            (X, Y, Y[:3]),
            "sample_weight must have one entry per sample, got 3 for 7 samples",
        ),
        ((X, Y, 3.0), "sample_weight must have a sample axis, got one number, 3.0"),
        ((["a"], Y), "x must hold numbers, got dtype <U1"),
        ((None, Y), "x must hold numbers, got dtype object"),
        ((X, ["a"] * 7), "y must hold numbers, got dtype <U1"),
        ((X * 1j, Y), "x must hold real numbers, got dtype complex128"),
        ((X, Y * 1j), "y must hold real numbers, got dtype complex128"),
        ((X, Y, Y * 1j), "sample_weight must hold real numbers, got dtype complex128"),
        (
            ([[1], [2, 3]], Y),
            "x must be a rectangular array of numbers, got rows of unequal length",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_of_refuses(arguments, sentence):
    with refuses(sentence):
        Data.of(*arguments)


# Batches -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expected"),
    [(3, [[0, 1, 2], [3, 4, 5], [6]]), (7, [[*range(7)]]), (32, [[*range(7)]])],
)
def test_batches_in_order(size, expected):
    data = Data.of(X, Y)
    assert labels_of(data, size) == expected
    assert data.count_batches(size) == len(expected)


def test_shuffled_batches_permute_the_samples():
    rng = np.random.default_rng(0)
    data = Data.of(X, Y)
    first = labels_of(data, 3, shuffle=True, rng=rng)
    second = labels_of(data, 3, shuffle=True, rng=rng)
    assert [len(batch) for batch in first] == [3, 3, 1]
    assert sorted(chain.from_iterable(first)) == list(range(7))
    assert first != second != labels_of(data, 3)


def test_batch_shuffling_permutes_whole_batches():
    rng = np.random.default_rng(1)
    data = Data.of(X, Y)
    plain = labels_of(data, 2)
    orders = [labels_of(data, 2, shuffle="batch", rng=rng) for _ in range(5)]
    assert all(sorted(order) == plain for order in orders)
    assert any(order != plain for order in orders)


def test_batch_shuffling_reads_slices_only():
    class OnlySlices(np.ndarray):
        def __getitem__(self, index):
            assert isinstance(index, slice)
            return super().__getitem__(index)

    data = Data((X.view(OnlySlices),))
    rng = np.random.default_rng(0)
    order = data.drawn_order(2, "batch", rng)
    assert len(list(data.batches(2, shuffle="batch", order=order))) == 4


def test_weights_go_with_their_samples():
    data = Data.of(X, Y, Y / 10)
    order = data.drawn_order(2, True, np.random.default_rng(0))
    for batch in data.batches(2, shuffle=True, order=order):
        np.testing.assert_array_equal(batch.sample_weights[0], batch.ys[0] / 10)


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
@pytest.mark.parametrize("first", range(5))
def test_batches_may_begin_anywhere(shuffle, first):
    data = Data.of(X, Y)
    rest, whole = (
        labels_of(data, 2, shuffle, np.random.default_rng(3), start)
        for start in (first, 0)
    )
    assert rest == whole[first:]


@pytest.mark.parametrize("shuffle", [True, "batch"])
def test_shuffling_needs_an_order(shuffle):
    with refuses("order must be given for shuffling, got None"):
        list(Data.of(X, Y).batches(2, shuffle=shuffle))


# Validation split ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fraction", "cut"), [(0.3, 4), (0.5, 3), (0.01, 6), (0.85, 1), (1 / 7, 6)]
)
def test_split_cuts_at_floor_of_the_rest(fraction, cut):
    first, last = split(Data.of(X, Y, Y), fraction)
    assert first.ys[0].tolist() == list(range(cut))
    assert last.ys[0].tolist() == list(range(cut, 7))
    np.testing.assert_array_equal(last.xs[0], X[cut:])
    np.testing.assert_array_equal(last.sample_weights[0], Y[cut:])


@pytest.mark.parametrize(
    ("fraction", "sentence"),
    [
        (
            0.9,
            "validation_split must leave samples on both sides, got 0.9 of 7 samples",
        ),
        (
            1.0,
            "validation_split must leave samples on both sides, got 1.0 of 7 samples",
        ),
        (
            0.0,
            "validation_split must leave samples on both sides, got 0.0 of 7 samples",
        ),
        (-0.1, "validation_split must be a finite number >= 0 and <= 1, got -0.1"),
        (np.nan, "validation_split must be a finite number >= 0 and <= 1, got nan"),
        ("a", "validation_split must be a finite number >= 0 and <= 1, got 'a'"),
    ],
)
def test_split_refuses(fraction, sentence):
    with refuses(sentence):
        split(Data.of(X, Y), fraction)


# Class weights -------------------------------------------------------------------

WEIGHTS = {0: 1.0, 1: 2.0, 2: 4.0}


@pytest.mark.parametrize(
    "y",
    [
        np.array([2, 0, 1]),
        np.array([2.0, 0.0, 1.0]),
        np.array([[2], [0], [1]]),
        np.array([[0, 0, 1], [1, 0, 0], [0.1, 0.8, 0.1]]),
    ],
    ids=["labels", "float-labels", "column", "one-hot"],
)
def test_class_weights(y):
    np.testing.assert_array_equal(class_weights_of(y, WEIGHTS), [4, 1, 2])


def test_class_weights_of_every_place():
    y = np.array([[2, 0], [1, 1]])
    expected = [[4, 1], [2, 2]]
    np.testing.assert_array_equal(class_weights_of(y[..., None], WEIGHTS), expected)
    np.testing.assert_array_equal(class_weights_of(np.eye(3)[y], WEIGHTS), expected)
    data = Data.of(X[:2], np.eye(3)[y], [1.0, 0.5]).weighted(WEIGHTS)
    np.testing.assert_array_equal(data.sample_weights[0], [[4, 1], [1, 1]])


def test_class_weights_multiply_sample_weights():
    data = Data.of(X[:3], [2, 0, 1], [1.0, 0.5, 0.25]).weighted(WEIGHTS)
    np.testing.assert_array_equal(data.sample_weights[0], [4, 0.5, 0.5])
    data = Data.of(X[:3], [2, 0, 1], np.ones((3, 2))).weighted(WEIGHTS)
    np.testing.assert_array_equal(data.sample_weights[0], [[4, 4], [1, 1], [2, 2]])


@pytest.mark.parametrize(
    ("y", "weights", "sentence"),
    [
        (
            [0, 3],
            WEIGHTS,
            "class_weight must have a weight for every class of y, got none for 3",
        ),
        (
            [0, 1],
            [1, 2],
            "class_weight must be a dict of class to weight, got [1, 2]",
        ),
        (
            [0, 1],
            {0: 1, 1: "a"},
            "class_weight[1] must be a finite number, got 'a'",
        ),
    ],
    ids=["missing", "list", "word"],
)
def test_class_weights_refuse(y, weights, sentence):
    with refuses(sentence):
        class_weights_of(np.asarray(y), weights)


def test_shuffled_batches_share_one_room():
    data = Data.of(np.arange(14.0).reshape(7, 2), np.arange(7))
    order = np.array([6, 0, 5, 1, 4, 2, 3])
    rooms = [
        (batch.xs[0], batch.xs[0].copy(), batch.ys[0])
        for batch in data.batches(3, shuffle=True, order=order)
    ]
    for x, then, y in rooms:
        assert np.shares_memory(x, rooms[0][0])
        assert not np.shares_memory(x, data.xs[0])
        np.testing.assert_array_equal(then, data.xs[0][y])
