"""Data that come with the package or are made by it."""

import numpy as np
import pytest
from raising import refuses

from localnet.datasets import load_digits, make_mnist1d, make_shifted_digits
from localnet.datasets.mnist1d import CANVAS, LENGTH, PAD, SHIFTS, templates


def test_mnist1d_has_the_published_sizes_and_is_centred():
    (x, y), (x_test, y_test) = make_mnist1d()
    assert (x.shape, x_test.shape) == ((4000, 40), (1000, 40))
    assert np.bincount(np.concatenate([y, y_test])).tolist() == [500] * 10
    everything = np.concatenate([x, x_test])
    assert abs(everything.mean()) < 1e-12
    assert abs(everything.std() - 1) < 1e-12


def test_mnist1d_is_drawn_from_its_seed():
    first, again, other = (make_mnist1d(100, seed=s)[0] for s in (0, 0, 1))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.y, again.y)
    assert not np.array_equal(first.x, other.x)


def test_shuffled_sequences_are_the_plain_ones_rearranged():
    plain, shuffled = (make_mnist1d(100, shuffled=s)[0] for s in (False, True))
    np.testing.assert_array_equal(plain.y, shuffled.y)
    np.testing.assert_array_equal(np.sort(plain.x, 1), np.sort(shuffled.x, 1))
    # One permutation for all: the columns themselves change places.
    columns = {column.tobytes() for column in plain.x.T}
    assert columns == {column.tobytes() for column in shuffled.x.T}
    assert not np.array_equal(plain.x, shuffled.x)


def test_templates_have_equal_spread_and_begin_and_end_at_zero():
    strokes = templates()
    np.testing.assert_allclose(strokes.std(axis=1), 1 / 6)
    np.testing.assert_allclose(strokes[:, [0, -1]], 0, atol=1e-12)


def test_a_sequence_is_its_template_somewhere_in_it():
    # Noise aside, every sequence is told by the template that fits it best: a search
    # over sizes and places, written in other terms than the construction.
    (x, y), _ = make_mnist1d(200, seed=3)
    grid = np.linspace(0, CANVAS - 1, LENGTH)
    candidates, labels = [], []
    for pad in range(PAD[0], PAD[1] + 1, 4):
        length = 12 * CANVAS / (12 + pad)
        for shift in range(0, SHIFTS, 2):
            for digit, stroke in enumerate(templates()):
                places = (grid - shift) / length * 12
                inside = (places >= 0) & (places <= 11)
                wave = np.where(
                    inside, np.interp(places, np.arange(12), stroke), np.nan
                )
                candidates.append(wave)
                labels.append(digit)
    candidates = np.array(candidates)
    found = []
    for sequence in x:
        inside = ~np.isnan(candidates)
        count = inside.sum(axis=1)
        a = np.where(inside, candidates, 0)
        b = np.where(inside, sequence, 0)
        a = np.where(inside, a - (a.sum(1) / count)[:, None], 0)
        b = np.where(inside, b - (b.sum(1) / count)[:, None], 0)
        score = (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))
        found.append(labels[int(score.argmax())])
    assert np.mean(np.array(found) == y) > 0.5  # guessing: 0.1


@pytest.mark.parametrize("split", ["images", "drawings"])
def test_shifted_digits_have_the_sizes_of_1989(split):
    (x, y), (x_test, y_test) = make_shifted_digits(split)
    assert np.bincount(y).tolist() == [32] * 10
    assert np.bincount(y_test).tolist() == [16] * 10
    for images in (x, x_test):
        assert images.dtype == np.float32
        assert np.unique(images).tolist() == [-1, 1]
    assert (x.shape, x_test.shape) == ((320, 16, 16, 1), (160, 16, 16, 1))


def drawings(images):
    """Return the ink of each image, moved to the left edge."""
    seen = set()
    for image in images[..., 0] > 0:
        columns = np.flatnonzero(image.any(axis=0))
        ink = image[:, columns[0] : columns[-1] + 1]
        seen.add((ink.shape, ink.tobytes()))
    return seen


def test_only_the_split_by_image_leaks():
    train, test = make_shifted_digits("images")
    assert len(drawings(train.x) & drawings(test.x)) > 40
    train, test = make_shifted_digits("drawings")
    assert len(drawings(train.x)) > 70
    # Two people may draw the same straight bar for a 1.
    shared = drawings(train.x) & drawings(test.x)
    assert all(all(ink) for _, ink in shared)


def test_every_drawing_stands_at_four_places():
    train, test = make_shifted_digits("drawings", seed=5)
    images = np.concatenate([train.x[train.y == 7], test.x[test.y == 7]])
    assert len({image.tobytes() for image in images}) == 48
    assert len(drawings(images)) == 12


def test_seeds_choose_other_drawings():
    first, again, other = (make_shifted_digits(seed=s)[0].x for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_wrong_arguments_are_named():
    with refuses("samples must be a multiple of 10, got 55"):
        make_mnist1d(55)
    with refuses("samples must be an integer >= 10, got 0"):
        make_mnist1d(0)
    with refuses("seed must be an integer >= 0, got -1"):
        make_mnist1d(seed=-1)
    with refuses("split must be one of 'images', 'drawings', got 'writers'"):
        make_shifted_digits("writers")
    with refuses("seed must be an integer >= 0, got 'a'"):
        make_shifted_digits(seed="a")


def test_digits_are_whole_and_split_in_fixed_ways():
    for split in ("classes", "writers"):
        (x, y), (x_test, y_test) = load_digits(split)
        assert len(x) + len(x_test) == len(y) + len(y_test) == 1797
