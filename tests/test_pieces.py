"""Arithmetic in pieces: every number once, whatever the memory and the threads."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from localnet import activations, config
from localnet.activations.rectifiers import relu_into
from localnet.layers import LocallyConnected1D
from localnet.layers._base.by_pieces import activate, activation_gradient
from localnet.ops import Workspace
from localnet.ops.runtime import pieces


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 100])
def test_every_number_is_treated_once(size, threads, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE", 64)  # bytes
    monkeypatch.setattr(pieces, "THREADED", 0)
    config.set_num_threads(threads)
    a, b = np.arange(size) * 1.0, np.arange(size) * 10.0
    lengths = []

    def work(a, b):
        lengths.append(len(a))
        a += b

    pieces.in_pieces(work, a, b)
    assert_array_equal(a, 11.0 * np.arange(size))
    assert sum(lengths) == size
    assert max(lengths) <= 8


def test_what_is_not_contiguous_is_treated_whole_and_in_place(monkeypatch):
    monkeypatch.setattr(pieces, "PIECE", 16)
    a = np.zeros((4, 6))[:, ::2]
    shapes = []

    def work(a):
        shapes.append(a.shape)
        a += 1

    pieces.in_pieces(work, a)
    assert shapes == [(4, 3)]
    assert_array_equal(a, 1)


@pytest.mark.parametrize("name", activations.PAIRS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [50, 2])
def test_activations_by_pieces_have_the_bits_of_the_whole(name, dtype, size, rng):
    pair = activations.PAIRS[name]
    z, dy = (rng.normal(size=(size, 30, 40)).astype(dtype) for _ in range(2))
    workspace = Workspace()
    y, cache = activate(pair, z, workspace)
    dz = activation_gradient(pair, dy, z, cache, workspace)
    whole, cache = pair[0](z)
    assert_array_equal(y, whole, strict=True)
    assert_array_equal(dz, pair[1](dy, cache), strict=True)


@pytest.mark.parametrize("size", [1, 5, 64, 100_000])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_a_large_rectifier_keeps_nan_and_the_signs_of_zeros(size, dtype, rng):
    x = rng.choice([-0.0, 0.0, np.nan, np.inf, -np.inf, 1e-40, -2.0], size).astype(
        dtype
    )
    y = np.full_like(x, 7.0)
    pieces.in_pieces(relu_into, x, y)
    for found in (y, activations.relu(x)):
        assert_array_equal(found, np.maximum(x, 0.0), strict=True)
        assert_array_equal(np.signbit(found), np.signbit(np.maximum(x, 0.0)))


@pytest.mark.parametrize("size", [2, 100_000])
def test_whole_numbers_become_floats_whatever_their_number(size):
    z = np.arange(-1, size - 1).reshape(1, size)
    relu = activations.PAIRS["relu"]
    y, cache = activate(relu, z, Workspace())
    assert_array_equal(y, relu[0](z)[0], strict=True)
    dy = np.ones(y.shape)
    dz = activation_gradient(relu, dy, z, cache, Workspace())
    assert_array_equal(dz, z > 0)


def test_a_pair_of_the_users_own_sees_the_whole_batch(rng):
    z = rng.normal(size=(50, 30, 40))
    means = (lambda z: (z - z.mean(axis=0), None), lambda dy, _: dy - dy.mean(axis=0))
    y, cache = activate(means, z, Workspace())
    assert_array_equal(y, z - z.mean(axis=0))
    dz = activation_gradient(means, z, z, cache, Workspace())
    assert_array_equal(dz, z - z.mean(axis=0))


def test_a_sum_of_pieces_is_the_sum(monkeypatch):
    monkeypatch.setattr(pieces, "SUMMED", 7)
    a = np.arange(100.0).reshape(4, 25)
    lengths = []

    def squared(a):
        lengths.append(a.size)
        return a * a

    assert pieces.sum_of_pieces(squared, a) == 328350
    assert max(lengths) == 7
    assert pieces.sum_of_pieces(np.abs, a[:, ::2]) == a[:, ::2].sum()
    assert pieces.sum_of_pieces(np.abs, np.zeros((0, 3))) == 0


@pytest.mark.parametrize("regularizer", ["l1", "l2", "l1_l2"])
def test_penalties_by_pieces_have_the_bits_of_the_whole(regularizer, monkeypatch, rng):
    x, dy = rng.normal(size=(2, 30, 4)), rng.normal(size=(2, 28, 3))
    results = []
    for piece in (1 << 15, 10):
        monkeypatch.setattr(pieces, "PIECE", 8 * piece)
        layer = LocallyConnected1D(
            3, 3, kernel_regularizer=regularizer, dtype="float64", name="l"
        )
        layer.set_seed(np.random.SeedSequence(1))
        layer(x)
        layer.backward(dy)
        results.append((layer.losses, layer.grads["kernel"]))
    (whole, gradient), (by_pieces, same) = results
    np.testing.assert_allclose(by_pieces, whole, rtol=1e-14)
    assert_array_equal(same, gradient)
