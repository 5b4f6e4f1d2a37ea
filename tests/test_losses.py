"""Losses: real Keras numbers, central differences, kinks by name, weights, names."""

import inspect
import json
import math

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses

from localnet import Sequential, config, load_model, losses
from localnet._registry import custom_object_scope
from localnet.layers import Dense
from localnet.losses import PAIRS

KERAS = reference.cases("losses.npz") + reference.cases("focal.npz")
STEP = float(np.cbrt(np.finfo(np.float64).eps))
EPS = 1e-7

# Keras adds float32(log 2) - log 2 to every float64 value of log_cosh.
TOLERANCE = {"LogCosh": {"rtol": 1e-7, "atol": 1e-7}}
EXACT = {"rtol": 1e-12, "atol": 1e-14}


def keras_id(entry):
    case, _ = entry
    return f"{case['key']}-{case['class_name']}"


def one_hot(labels, classes):
    return np.eye(classes)[labels]


def slopes(name, y_true, y_pred, dy, **kwargs):
    """Differentiate sum(dy * values) with respect to y_pred by central differences."""
    forward = PAIRS[name][0]
    result = np.empty_like(y_pred)
    for index in np.ndindex(y_pred.shape):
        ends = []
        for step in (STEP, -STEP):
            moved = y_pred.copy()
            moved[index] += step
            ends.append(np.sum(dy * forward(y_true, moved, **kwargs)[0]))
        result[index] = (ends[0] - ends[1]) / (2 * STEP)
    return result


def problem(name, rng, shape=(3, 4)):
    """Return targets and predictions of one loss that stand clear of every kink."""
    real, probability = rng.normal(size=shape), rng.uniform(0.1, 0.9, shape)
    labels = rng.integers(0, shape[-1], shape[:-1])
    away = rng.choice([-1, 1], shape) * rng.uniform(0.2, 0.8, shape)
    return {
        "mean_squared_error": (real, real + away),
        "mean_absolute_error": (real, real + away),
        "mean_absolute_percentage_error": (3 + away, 3 - away),
        "mean_squared_logarithmic_error": (probability, 2 * probability[::-1]),
        "huber": (real, real + away * rng.choice([1, 4], shape)),
        "log_cosh": (real, real + 3 * away),
        "cosine_similarity": (real, real + away),
        "hinge": (np.sign(away), 1.5 * rng.choice([-1, 1], shape) + away / 4),
        "squared_hinge": (np.sign(away), 1.5 * rng.choice([-1, 1], shape) + away / 4),
        "categorical_hinge": (one_hot(labels, shape[-1]), rng.normal(size=shape)),
        "kl_divergence": (probability, rng.uniform(0.1, 0.9, shape)),
        "poisson": (rng.poisson(2.0, shape), probability * 3),
        "categorical_crossentropy": (
            rng.dirichlet(np.ones(shape[-1]), shape[:-1]),
            probability,
        ),
        "sparse_categorical_crossentropy": (labels, probability),
        "binary_crossentropy": (rng.uniform(size=shape), probability),
        "categorical_focal_crossentropy": (
            rng.dirichlet(np.ones(shape[-1]), shape[:-1]),
            probability,
        ),
        "binary_focal_crossentropy": (rng.uniform(size=shape), probability),
    }[name]


# Further ways to call a pair: (name, keyword arguments).
OPTIONS = [
    *((name, {}) for name in PAIRS),
    ("huber", {"delta": 0.3}),
    ("cosine_similarity", {"axis": 0}),
    ("categorical_crossentropy", {"from_logits": True}),
    ("categorical_crossentropy", {"from_logits": True, "label_smoothing": 0.2}),
    ("categorical_crossentropy", {"label_smoothing": 0.2, "axis": -2}),
    ("sparse_categorical_crossentropy", {"from_logits": True}),
    ("binary_crossentropy", {"from_logits": True}),
    ("binary_crossentropy", {"label_smoothing": 0.2, "axis": 0}),
    ("categorical_focal_crossentropy", {"from_logits": True, "gamma": 0.5}),
    ("categorical_focal_crossentropy", {"alpha": [0.1, 0.2, 0.3, 0.4], "gamma": 0}),
    ("categorical_focal_crossentropy", {"label_smoothing": 0.2, "axis": -2}),
    ("binary_focal_crossentropy", {"from_logits": True, "gamma": 3}),
    ("binary_focal_crossentropy", {"apply_class_balancing": True, "gamma": 0}),
    ("binary_focal_crossentropy", {"label_smoothing": 0.2, "axis": 0, "gamma": 1}),
]


def option_id(option):
    name, kwargs = option
    return "-".join([name, *(f"{k}={v}" for k, v in kwargs.items())])


@pytest.mark.parametrize("entry", KERAS, ids=keras_id)
class TestKerasNumbers:
    @pytest.fixture
    def tolerance(self, entry):
        return TOLERANCE.get(entry[0]["class_name"], EXACT)

    def loss(self, entry, reduction):
        case, _ = entry
        make = getattr(losses, case["class_name"])
        return make(reduction=reduction, **case["kwargs"])

    def arguments(self, entry):
        case, data = entry
        return data[case["y_true"]], data[case["y_pred"]]

    def weights(self, entry):
        case, data = entry
        values = data[f"{case['key']}__per_sample"]
        return data["sw"].reshape(-1, *(1,) * (values.ndim - 1))

    @pytest.mark.parametrize(
        ("reduction", "expected"),
        [
            ("none", "per_sample"),
            ("auto", "mean"),
            ("sum_over_batch_size", "mean"),
            ("sum", "sum"),
        ],
    )
    def test_values(self, entry, tolerance, reduction, expected):
        case, data = entry
        value = self.loss(entry, reduction)(*self.arguments(entry))
        assert_allclose(value, data[f"{case['key']}__{expected}"], **tolerance)

    def test_gradient_of_the_mean(self, entry):
        case, data = entry
        gradient = self.loss(entry, "auto").gradient(*self.arguments(entry))
        assert_allclose(gradient, data[f"{case['key']}__grad_mean"], **EXACT)

    def test_weighted_mean_and_gradient(self, entry, tolerance):
        case, data = entry
        loss = self.loss(entry, "auto")
        arguments = (*self.arguments(entry), self.weights(entry))
        value, gradient = loss.value_and_gradient(*arguments)
        assert_allclose(value, data[f"{case['key']}__weighted_mean"], **tolerance)
        assert_allclose(gradient, data[f"{case['key']}__grad_weighted"], **EXACT)
        assert loss(*arguments) == value

    def test_weights_of_samples_reach_every_value_of_the_sample(self, entry):
        _, data = entry
        loss = self.loss(entry, "none")
        y_true, y_pred = self.arguments(entry)
        assert_array_equal(
            loss(y_true, y_pred, data["sw"]), loss(y_true, y_pred, self.weights(entry))
        )


def test_every_loss_has_function_pair_class_and_keras_numbers():
    classes = {c["class_name"] for c, _ in KERAS}
    assert len(PAIRS) == len(classes) == 17
    for name, (forward, backward) in PAIRS.items():
        assert (forward.__name__, backward.__name__) == (
            f"{name}_forward",
            f"{name}_backward",
        )
        assert type(losses.as_loss(name)).__name__ in classes
        function = inspect.signature(getattr(losses, name))
        assert function.parameters == inspect.signature(forward).parameters


class TestGradients:
    @pytest.mark.parametrize("option", OPTIONS, ids=option_id)
    def test_central_differences(self, option, rng):
        name, kwargs = option
        y_true, y_pred = problem(name, rng)
        forward, backward = PAIRS[name]
        if kwargs.get("axis") == -2 and name == "categorical_crossentropy":
            y_true = y_true / y_true.sum(axis=0)
        values, cache = forward(y_true, y_pred, **kwargs)
        dy = rng.normal(size=values.shape)
        expected = slopes(name, y_true, y_pred, dy, **kwargs)
        assert_allclose(backward(dy, cache), expected, rtol=1e-8, atol=1e-9)
        assert_array_equal(getattr(losses, name)(y_true, y_pred, **kwargs), values)

    @pytest.mark.parametrize("name", PAIRS)
    def test_maps_of_values(self, name, rng):
        y_true, y_pred = problem(name, rng, (2, 3, 4))
        forward, backward = PAIRS[name]
        values, cache = forward(y_true, y_pred)
        assert values.shape == (2, 3)
        dy = rng.normal(size=values.shape)
        rows = [backward(dy[i], forward(y_true[i], y_pred[i])[1]) for i in range(2)]
        whole = backward(dy, cache)
        assert_allclose(whole, rows, rtol=1e-14, atol=1e-15)

    @pytest.mark.parametrize(
        "name",
        [name for name in PAIRS if not name.endswith("crossentropy")],
    )
    def test_broadcast_targets_and_broadcast_predictions(self, name, rng):
        y_true, y_pred = problem(name, rng, (2, 3, 4))
        forward, backward = PAIRS[name]
        dy = rng.normal(size=(2, 3))
        few_t, few_p = y_true[:, :1], y_pred[:, :1]

        values, cache = forward(few_t, y_pred)
        repeated = forward(np.repeat(few_t, 3, axis=1), y_pred)
        assert_array_equal(values, repeated[0])
        assert_array_equal(backward(dy, cache), backward(dy, repeated[1]))

        values, cache = forward(y_true, few_p)
        repeated = forward(y_true, np.repeat(few_p, 3, axis=1))
        assert_array_equal(values, repeated[0])
        summed = backward(dy, repeated[1]).sum(axis=1, keepdims=True)
        assert_allclose(backward(dy, cache), summed, rtol=1e-14)

    @pytest.mark.parametrize("axis", [1, -3])
    def test_sparse_classes_on_another_axis(self, axis, rng):
        labels, y_pred = problem("sparse_categorical_crossentropy", rng, (2, 3, 5, 4))
        moved = np.moveaxis(y_pred, -1, axis)
        forward, backward = PAIRS["sparse_categorical_crossentropy"]
        values, cache = forward(labels, y_pred)
        dy = rng.normal(size=values.shape)
        for given in (labels, np.expand_dims(labels, axis)):
            there, there_cache = forward(given, moved, axis=axis)
            assert_allclose(there, values, rtol=1e-14)
            back = np.moveaxis(backward(dy, there_cache), axis, -1)
            assert_allclose(back, backward(dy, cache), rtol=1e-13, atol=1e-15)

    def test_sparse_equals_one_hot_on_logits(self, rng):
        labels, z = rng.integers(0, 4, (5, 1)), rng.normal(size=(5, 4))
        pairs = [
            PAIRS[name][0](y_true, z, from_logits=True)
            for name, y_true in (
                ("sparse_categorical_crossentropy", labels),
                ("categorical_crossentropy", one_hot(labels[:, 0], 4)),
            )
        ]
        assert_allclose(pairs[0][0], pairs[1][0], rtol=1e-15)

    @pytest.mark.parametrize("axis", [-1, 0])
    def test_quirk_logits_get_softmax_minus_targets_whatever_these_sum_to(self, axis):
        z, t = np.array([0.5, -1.0, 2.0]), np.array([0.2, 0.3, 0.9])
        z, t = (np.expand_dims(a, 1 + axis) for a in (z, t))
        forward, backward = PAIRS["categorical_crossentropy"]
        values, cache = forward(t, z, from_logits=True, axis=axis)
        assert_allclose(values, [1.5378358153200198], rtol=1e-15)
        gradient = backward([3.0], cache).ravel()
        keras = [-0.07412882357988995, -0.7826622801879376, -0.34320889623217243]
        assert_allclose(gradient, keras, rtol=1e-14)
        derivative = slopes(
            "categorical_crossentropy", t, z, 3.0, from_logits=True, axis=axis
        )
        assert np.abs(derivative.ravel() - gradient).max() > 0.9


# From tf_keras 2.21, for dy = (1, 2, ...): the vectors are normalised, then broadcast.
COSINES = [
    pytest.param(
        [[2.0], [5.0]],
        1,
        [-1.6035674514745464, -1.7094086468945693],
        [
            [-0.1527207096642425, -0.038180177416060584, 0.07636035483212134],
            [-0.050320254540619364, -0.005920029945955224, 0.03848019464870889],
        ],
        id="one-number-for-a-vector",
    ),
    pytest.param(
        [[2.0, 3.0, 4.0]],
        1,
        [-0.9925833339709303, -0.9946115458726394],
        [
            [-0.028359523827740846, -0.007089880956935191, 0.014179761913870492],
            [0.01868847336815127, 0.0021986439256648505, -0.01429118551682157],
        ],
        id="one-vector-for-all",
    ),
    pytest.param(
        [[2.0, 3.0, 4.0]],
        0,
        [-1.212678125181665, -1.299867367239363, -1.341640786499874],
        [
            [-0.1712016176727056, -0.19209862570039848, -0.1788854381999832],
            [0.04280040441817645, 0.07683945028015937, 0.08944271909999157],
        ],
        id="one-number-for-a-vector-on-axis-0",
    ),
    pytest.param(
        [[2.0], [5.0]],
        0,
        [-0.990830168044299, -1.0, -0.9965457582448798],
        [
            [-0.0317913422901914, 0.0, 0.033218191941496],
            [0.007947835572547857, 0.0, -0.016609095970748],
        ],
        id="one-vector-for-all-on-axis-0",
    ),
]


class TestCosinesOfVectorsThatBroadcast:
    P = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

    @pytest.mark.parametrize(("y_true", "axis", "values", "slope"), COSINES)
    def test_keras_numbers(self, y_true, axis, values, slope):
        given, cache = losses.cosine_similarity_forward(y_true, self.P, axis)
        assert_allclose(given, values, rtol=1e-14)
        dy = np.arange(1.0, given.size + 1)
        gradient = losses.cosine_similarity_backward(dy, cache)
        assert_allclose(gradient, slope, rtol=1e-12, atol=1e-14)

    @pytest.mark.parametrize("t", [[[2.0]], [2.0], 2.0], ids=["column", "flat", "one"])
    def test_loss_object(self, t):
        value = losses.CosineSimilarity()(t, self.P[:1])
        assert_allclose(value, -6 / math.sqrt(14), rtol=1e-15)

    @pytest.mark.parametrize("shapes", [((2, 3), (2, 1)), ((2, 3), (1, 3))], ids=str)
    @pytest.mark.parametrize("axis", [0, 1])
    def test_predictions_that_broadcast(self, shapes, axis, rng):
        t, p = (rng.normal(size=shape) for shape in shapes)
        values, cache = losses.cosine_similarity_forward(t, p, axis)
        dy = rng.normal(size=values.shape)
        expected = slopes("cosine_similarity", t, p, dy, axis=axis)
        gradient = losses.cosine_similarity_backward(dy, cache)
        assert_allclose(gradient, expected, rtol=1e-8, atol=1e-9)


class TestKinks:
    def gradient(self, name, y_true, y_pred, **kwargs):
        forward, backward = PAIRS[name]
        values, cache = forward(y_true, np.array(y_pred, float), **kwargs)
        return backward(np.ones(values.shape), cache)

    @pytest.mark.parametrize(
        "name", ["mean_absolute_error", "mean_absolute_percentage_error"]
    )
    def test_absolute_difference_has_slope_zero_at_zero(self, name):
        assert_array_equal(self.gradient(name, [[2.0]], [[2.0]]), [[0.0]])

    def test_percentage_of_a_zero_target_is_of_epsilon(self):
        name = "mean_absolute_percentage_error"
        assert_allclose(losses.mean_absolute_percentage_error([[0.0]], [[1.0]]), [1e9])
        assert_allclose(self.gradient(name, [[0.0]], [[1.0]]), [[1e9]])

    def test_logarithmic_error_passes_at_the_clip_and_not_below(self):
        name = "mean_squared_logarithmic_error"
        at, below = self.gradient(name, [[1.0], [1.0]], [[EPS], [EPS / 2]])
        slope = 2 * (np.log1p(EPS) - np.log(2)) / (1 + EPS)
        assert_allclose(at, slope, rtol=1e-12)
        assert_array_equal(below, 0.0)
        value = losses.mean_squared_logarithmic_error([[0.0]], np.array([[-3.0]]))
        assert_array_equal(value, [0.0])

    @pytest.mark.parametrize(
        ("y_true", "y_pred", "slope"),
        [(1, 1, -1), (-1, -1, 1), (1, 1 + 1e-12, 0), (-1, -1 - 1e-12, 0)],
    )
    def test_hinge_passes_at_its_kink(self, y_true, y_pred, slope):
        assert_array_equal(self.gradient("hinge", [[y_true]], [[y_pred]]), [[slope]])

    def test_squared_hinge_is_smooth_at_its_kink(self):
        assert_array_equal(self.gradient("squared_hinge", [[1.0]], [[1.0]]), [[0.0]])

    @pytest.mark.parametrize("name", ["hinge", "squared_hinge"])
    def test_hinges_read_binary_targets_as_signs_for_the_whole_batch(self, name, rng):
        p = rng.normal(size=(2, 3))
        function = getattr(losses, name)
        binary = np.array([[0, 1, 1], [1, 0, 0]])
        assert_array_equal(function(binary, p), function(2 * binary - 1, p))
        binary[0, 0] = -1
        assert function(binary, p)[1] == np.mean(
            np.maximum(1 - binary[1] * p[1], 0) ** (2 if name == "squared_hinge" else 1)
        )

    def test_categorical_hinge_passes_at_its_kink_and_not_below(self):
        t = [[1, 0], [1, 0]]
        at, below = self.gradient("categorical_hinge", t, [[2.0, 1.0], [2.0, 0.5]])
        assert_array_equal(at, [-1.0, 1.0])
        assert_array_equal(below, [0.0, 0.0])

    def test_categorical_hinge_shares_the_slope_among_equals(self):
        gradient = self.gradient("categorical_hinge", [[0, 0, 1]], [[3.0, 3.0, 0.0]])
        assert_array_equal(gradient, [[0.5, 0.5, -1.0]])

    def test_categorical_hinge_counts_the_right_class_as_zero(self):
        value = losses.categorical_hinge([[1, 0]], np.array([[0.5, -3.0]]))
        assert_array_equal(value, [0.5])
        gradient = self.gradient("categorical_hinge", [[1, 0]], [[0.5, -3.0]])
        assert_array_equal(gradient, [[-1.0, 0.0]])

    @pytest.mark.parametrize(
        ("error", "value", "slope"),
        [(0.0, 0, 0), (2.0, 2, 2), (-2.0, 2, -2), (3.0, 4, 2), (-3.0, 4, -2)],
    )
    def test_huber_around_delta(self, error, value, slope):
        assert losses.huber([[0.0]], np.array([[error]]), delta=2.0) == value
        assert self.gradient("huber", [[0.0]], [[error]], delta=2.0) == slope

    def test_huber_delta_is_exact(self):
        assert losses.huber([[0.0]], np.array([[10.0]]), 0.1)[0] == 0.1 * (
            10 - 0.5 * 0.1
        )

    def test_log_cosh_constant_is_exact(self):
        assert losses.log_cosh([[0.0]], np.array([[0.0]]))[0] == 0.0

    def test_log_cosh_of_large_differences(self):
        values = losses.log_cosh(np.zeros((2, 1)), np.array([[1e4], [-1e4]]))
        assert_array_equal(values, 1e4 - math.log(2))

    def test_kl_divergence_passes_on_the_closed_interval(self):
        p = [[EPS, 1.0, EPS / 2, 1.1]]
        gradient = self.gradient("kl_divergence", [[0.5, 0.5, 0.5, 0.5]], p)
        assert_allclose(gradient, [[-0.5 / EPS, -0.5, 0, 0]], rtol=1e-15)

    @pytest.mark.parametrize("low", [True, False], ids=["low", "high"])
    def test_binary_crossentropy_passes_on_the_closed_interval(self, low):
        edge, beyond = (EPS, 0.0) if low else (1 - EPS, 1.0)
        t = 1.0 if low else 0.0
        name = "binary_crossentropy"
        at, outside = self.gradient(name, [[t], [t]], [[edge], [beyond]])
        q = edge if low else 1 - edge
        assert_allclose(at, (-1 if low else 1) / (q + EPS), rtol=1e-8)
        assert_array_equal(outside, 0.0)
        value = losses.binary_crossentropy([[t]], np.array([[beyond]]))
        assert_allclose(value, -math.log(2 * EPS), rtol=1e-8)

    def test_categorical_crossentropy_passes_on_the_closed_interval(self):
        name = "categorical_crossentropy"
        edge = self.gradient(name, [[1.0, 0.0]], [[EPS, 1 - EPS]])
        assert_allclose(edge, [[(EPS - 1) / EPS, 1.0]], rtol=1e-12)
        beyond = self.gradient(name, [[1.0, 0.0]], [[0.0, 1.0]])
        assert_array_equal(beyond, [[0.0, 0.0]])

    def test_categorical_crossentropy_divides_by_the_sum_before_the_clip(self):
        value = losses.categorical_crossentropy([[1, 0]], np.array([[3.0, 9.0]]))
        assert_allclose(value, [math.log(4)], rtol=1e-15)

    def test_sparse_crossentropy_divides_by_the_sum_after_the_clip(self):
        value = losses.sparse_categorical_crossentropy([0], np.array([[3.0, 9.0]]))
        assert_allclose(value, [math.log(2)], rtol=1e-15)

    def test_sparse_crossentropy_passes_on_the_closed_interval(self):
        name = "sparse_categorical_crossentropy"
        gradient = self.gradient(name, [0, 0], [[EPS, 1 - EPS], [EPS / 2, 1.0]])
        assert_allclose(gradient, [[1 - 1 / EPS, 1.0], [0, 0]], rtol=1e-12)

    @pytest.mark.parametrize("option", OPTIONS, ids=option_id)
    def test_nan_is_neither_hidden_nor_warned_of(self, option, rng):
        name, kwargs = option
        y_true, y_pred = problem(name, rng)
        y_pred[:] = np.nan
        forward, backward = PAIRS[name]
        values, cache = forward(y_true, y_pred, **kwargs)
        assert np.isnan(values).all()
        gradient = backward(np.ones(values.shape), cache)
        # As in Keras, NaN is on the flat side of the hinge.
        slope = 0 if name == "hinge" else np.nan
        assert_array_equal(gradient, np.full(y_pred.shape, slope))

    @pytest.mark.parametrize(
        "name",
        ["kl_divergence", "binary_crossentropy", "sparse_categorical_crossentropy"],
    )
    def test_clips_do_not_hide_nan(self, name):
        t = [1] if name.startswith("sparse") else [[0.5, 0.5]]
        assert np.isnan(getattr(losses, name)(t, np.array([[0.5, np.nan]]))).all()
        assert np.isnan(self.gradient(name, t, [[0.5, np.nan]])[0, 1])

    @pytest.mark.parametrize("error", [math.inf, -math.inf])
    def test_log_cosh_of_an_infinite_difference(self, error):
        assert_array_equal(losses.log_cosh([[0.0]], np.array([[error]])), [math.inf])
        assert self.gradient("log_cosh", [[0.0]], [[error]]) == np.sign(error)

    def test_cosine_of_a_zero_vector(self):
        t = [[3.0, 4.0]]
        assert_array_equal(losses.cosine_similarity(t, np.zeros((1, 2))), [0.0])
        gradient = self.gradient("cosine_similarity", t, [[0.0, 0.0]])
        assert_allclose(gradient, [[-0.6e6, -0.8e6]], rtol=1e-15)

    def test_cosine_of_a_zero_vector_in_float16_where_the_guard_would_be_zero(self):
        p = np.zeros((1, 2), np.float16)
        values, cache = losses.cosine_similarity_forward([[3.0, 4.0]], p)
        gradient = losses.cosine_similarity_backward([1.0], cache)
        assert_array_equal(values, [0.0])
        assert_allclose(gradient, np.array([[-0.6, -0.8]]) * 2**12, rtol=1e-3)

    def test_cosine_at_its_guard_is_differentiated_as_unguarded(self):
        gradient = self.gradient("cosine_similarity", [[3.0, 4.0]], [[0.0, 1e-6]])
        assert_allclose(gradient, [[-0.6e6, 0.0]], rtol=1e-12, atol=1e-6)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_saturated_logits_neither_overflow_nor_lose_their_gradient(self, dtype):
        z = np.array([[1e4, -1e4]], dtype)
        for name, t in (
            ("categorical_crossentropy", [[0, 1]]),
            ("sparse_categorical_crossentropy", [1]),
        ):
            assert_array_equal(getattr(losses, name)(t, z, from_logits=True), [2e4])
            gradient = self.gradient(name, t, z, from_logits=True)
            assert_array_equal(gradient, [[1.0, -1.0]])
        assert_array_equal(losses.binary_crossentropy([[0, 1]], z, True), [1e4])
        gradient = self.gradient("binary_crossentropy", [[0, 1]], z, from_logits=True)
        assert_array_equal(gradient, [[0.5, -0.5]])

    def test_saturated_probabilities_stop_at_the_clip_as_in_keras(self):
        value = losses.categorical_crossentropy([[1, 0]], np.array([[0.0, 1.0]]))
        assert_allclose(value, [16.118], atol=5e-4)


class TestArrays:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("option", OPTIONS, ids=option_id)
    def test_dtype_of_the_predictions_is_kept(self, option, dtype, rng):
        name, kwargs = option
        y_true, y_pred = problem(name, rng)
        forward, backward = PAIRS[name]
        values, cache = forward(y_true, y_pred.astype(dtype), **kwargs)
        gradient = backward(rng.normal(size=values.shape), cache)
        assert (values.dtype, gradient.dtype) == (dtype, dtype)
        assert np.isfinite(values).all()
        assert np.isfinite(gradient).all()
        loss = losses.as_loss(name)
        value, gradient = loss.value_and_gradient(y_true, y_pred.astype(dtype), [2] * 3)
        assert (value.dtype, gradient.dtype) == (dtype, dtype)

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("given", ["int64", "float16", "float32", "float64"])
    @pytest.mark.parametrize("name", PAIRS)
    def test_gradient_has_the_dtype_of_the_values(self, name, given, dtype, rng):
        y_true, y_pred = problem(name, rng)
        forward, backward = PAIRS[name]
        values, cache = forward(y_true, y_pred.astype(dtype))
        dy = np.array([1, -2, 3])
        gradient = backward(dy.astype(given), cache)
        assert (values.dtype, gradient.dtype) == (dtype, dtype)
        assert_array_equal(gradient, backward(dy.astype(dtype), cache))

    @pytest.mark.parametrize("option", OPTIONS, ids=option_id)
    def test_read_only_strided_inputs_are_left_alone(self, option, rng):
        name, kwargs = option
        y_true, y_pred = problem(name, rng)
        wide = np.zeros((3, 8))
        wide[:, ::2] = y_pred
        strided, targets = wide[:, ::2], np.asfortranarray(y_true)
        forward, backward = PAIRS[name]
        expected = forward(y_true, y_pred, **kwargs)
        dy = rng.normal(size=expected[0].shape)
        for array in (strided, targets, dy):
            array.flags.writeable = False
        values, cache = forward(targets, strided, **kwargs)
        gradient = backward(dy, cache)
        assert_allclose(values, expected[0], rtol=1e-14)
        assert_allclose(gradient, backward(dy, expected[1]), rtol=1e-13, atol=1e-15)
        assert_array_equal(strided, y_pred)
        assert_array_equal(targets, y_true)
        for array in (values, gradient):
            assert not any(np.shares_memory(array, a) for a in (wide, targets, dy))

    @pytest.mark.parametrize("name", PAIRS)
    def test_no_samples(self, name):
        sparse = name.startswith("sparse")
        loss = losses.as_loss(name)
        y_true, y_pred = np.zeros(0 if sparse else (0, 4)), np.zeros((0, 4), np.float32)
        value, gradient = loss.value_and_gradient(y_true, y_pred)
        assert (value, value.dtype) == (0.0, np.float32)
        assert gradient.shape == (0, 4)

    def test_integers_become_floatx(self):
        assert losses.mean_squared_error([[0]], [[2]]).dtype == np.float32
        config.set_floatx("float64")
        assert losses.mean_squared_error([[0]], [[2]]).dtype == np.float64

    def test_one_target_per_sample_needs_no_axis(self, rng):
        p, t = rng.normal(size=(5, 1)), rng.normal(size=5)
        loss = losses.MeanSquaredError()
        assert_array_equal(losses.mean_squared_error(t, p), (p[:, 0] - t) ** 2)
        assert_array_equal(loss.gradient(t, p), loss.gradient(t[:, np.newaxis], p))

    @pytest.mark.parametrize("from_logits", [False, True])
    def test_one_binary_target_per_sample_needs_no_axis(self, from_logits, rng):
        p, t = rng.uniform(size=(5, 1)), rng.integers(0, 2, 5)
        flat, column = (
            losses.binary_crossentropy_forward(given, p, from_logits)
            for given in (t, t[:, np.newaxis])
        )
        assert_array_equal(flat[0], column[0])
        dy = rng.normal(size=5)
        gradients = [
            losses.binary_crossentropy_backward(dy, c) for _, c in (flat, column)
        ]
        assert_array_equal(*gradients)

    def test_rank_one_targets_belong_to_samples_not_to_features(self, rng):
        p, t = rng.normal(size=(3, 3)), rng.normal(size=3)
        values = losses.mean_squared_error(t, p)
        assert_array_equal(values, losses.mean_squared_error(t[:, np.newaxis], p))

    def test_epsilon_is_that_of_the_forward_call(self):
        values, cache = losses.poisson_forward([[1.0]], np.array([[1.0]]))
        config.set_epsilon(1.0)
        assert_allclose(losses.poisson_backward([1.0], cache), 1 - 1 / (1 + 1e-7))
        assert losses.poisson([[1.0]], np.array([[1.0]])) == 1 - math.log(2)
        assert values != losses.poisson([[1.0]], np.array([[1.0]]))


class TestErrors:
    def test_shapes_that_do_not_broadcast(self):
        with refuses(
            "y_true must have a shape that broadcasts with that of y_pred, "
            "(6, 4), got (6, 3)"
        ):
            losses.mean_squared_error(np.zeros((6, 3)), np.zeros((6, 4)))

    def test_a_column_of_targets_against_a_row_of_predictions(self):
        with refuses(
            "y_true must have a shape that broadcasts with that of y_pred, "
            "(6,), got (6, 1)"
        ):
            losses.mean_squared_error(np.zeros((6, 1)), np.zeros(6))

    @pytest.mark.parametrize("shape", [(6,), (6, 1)])
    def test_labels_for_the_dense_crossentropy(self, shape):
        with refuses(
            f"y_true must have the shape of y_pred, (6, 4), got {shape}; "
            "integer labels go with sparse_categorical_crossentropy"
        ):
            losses.categorical_crossentropy(np.zeros(shape, int), np.ones((6, 4)))

    @pytest.mark.parametrize("from_logits", [False, True])
    @pytest.mark.parametrize("shape", [(), (4,), (6,), (6, 1), (1, 4), (6, 4, 1)])
    def test_binary_targets_that_would_broadcast(self, shape, from_logits):
        with refuses(f"y_true must have the shape of y_pred, (6, 4), got {shape}"):
            losses.binary_crossentropy(
                np.zeros(shape), np.full((6, 4), 0.5), from_logits
            )

    def test_binary_predictions_that_would_broadcast(self):
        with refuses("y_true must have the shape of y_pred, (6, 1), got (6, 4)"):
            losses.BinaryCrossentropy()(np.zeros((6, 4)), np.full((6, 1), 0.5))

    def test_one_hot_targets_for_the_sparse_crossentropy(self):
        with refuses(
            "y_true must hold one class label per sample, (4,) or (4, 1) for "
            "y_pred of shape (4, 4), got (4, 4)"
        ):
            losses.sparse_categorical_crossentropy(np.eye(4), np.ones((4, 4)))

    @pytest.mark.parametrize("bad", [-1, 4, 1.5, math.nan, math.inf])
    @pytest.mark.parametrize("column", [False, True], ids=["flat", "column"])
    def test_first_label_that_is_no_class(self, bad, column):
        labels = np.array([0, 3, bad, 9])
        labels = labels[:, np.newaxis] if column else labels
        with refuses(
            "y_true must hold whole numbers from 0 to 3 as labels of 4 "
            f"classes, got {labels[2].item()} at index {(2, 0) if column else 2}"
        ):
            losses.sparse_categorical_crossentropy(labels, np.ones((4, 4)))

    @pytest.mark.parametrize("which", ["y_true", "y_pred"])
    def test_complex_numbers(self, which):
        arguments = {"y_true": [[1.0]], "y_pred": [[1.0]], which: [[1j]]}
        with refuses(f"{which} must hold real numbers, got dtype complex128"):
            losses.mean_squared_error(**arguments)

    def test_a_single_number_as_prediction(self):
        with refuses("y_pred must have at least one axis, got shape ()"):
            losses.mean_squared_error(1.0, 2.0)

    @pytest.mark.parametrize("name", PAIRS)
    def test_upstream_gradient_of_another_shape(self, name, rng):
        forward, backward = PAIRS[name]
        _, cache = forward(*problem(name, rng))
        with refuses(
            "dy must have the shape of the per-sample values, (3,), got (3, 1)"
        ):
            backward(np.ones((3, 1)), cache)

    @pytest.mark.parametrize("name", PAIRS)
    def test_complex_upstream_gradient(self, name, rng):
        forward, backward = PAIRS[name]
        _, cache = forward(*problem(name, rng))
        with refuses("dy must hold real numbers, got dtype complex128"):
            backward([1j, 2.0, 3.0], cache)

    @pytest.mark.parametrize(
        "call", [losses.Huber, lambda delta: losses.huber([[1.0]], [[1.0]], delta)]
    )
    @pytest.mark.parametrize("delta", [0, -1.0, math.nan, "1"])
    def test_delta(self, call, delta):
        with refuses(f"delta must be a finite number > 0, got {delta!r}"):
            call(delta=delta)

    @pytest.mark.parametrize("name", ["CategoricalCrossentropy", "BinaryCrossentropy"])
    @pytest.mark.parametrize("share", [-0.1, 1.1, None])
    def test_label_smoothing(self, name, share):
        with refuses(
            f"label_smoothing must be a finite number >= 0 and <= 1, got {share!r}"
        ):
            getattr(losses, name)(label_smoothing=share)

    @pytest.mark.parametrize(
        "name",
        [
            "cosine_similarity",
            "binary_crossentropy",
            "categorical_crossentropy",
            "sparse_categorical_crossentropy",
        ],
    )
    def test_axis(self, name, rng):
        with refuses("axis must be from -2 to 1, got 2"):
            getattr(losses, name)(*problem(name, rng), axis=2)

    def test_reduction(self):
        with refuses(
            "reduction must be one of 'auto', 'sum_over_batch_size', 'sum', "
            "'none', got 'means'"
        ):
            losses.MeanSquaredError(reduction="means")

    def test_sample_weight(self):
        with refuses(
            "sample_weight must have a shape that broadcasts to the "
            "per-sample values' (6,), got (5,)"
        ):
            losses.MeanSquaredError()(np.zeros((6, 4)), np.zeros((6, 4)), np.ones(5))

    def test_complex_sample_weight(self):
        with refuses("sample_weight must hold real numbers, got dtype complex128"):
            losses.MeanSquaredError()(np.zeros((2, 1)), np.zeros((2, 1)), [1j, 1.0])


class TestReduction:
    @pytest.fixture
    def arguments(self, rng):
        return rng.normal(size=(3, 2, 4)), rng.normal(size=(3, 2, 4))

    @pytest.mark.parametrize("shape", [(), (3,), (3, 1), (3, 2), (3, 2, 1), (1, 2)])
    @pytest.mark.parametrize("reduction", ["auto", "sum", "none"])
    def test_shapes_of_weights(self, arguments, shape, reduction, rng):
        weights = rng.uniform(size=shape)
        per_value = np.broadcast_to(
            weights.reshape(shape[:2] + (1,) * (2 - len(shape[:2]))), (3, 2)
        )
        loss = losses.MeanSquaredError(reduction)
        plain = losses.mean_squared_error(*arguments)
        finish = {"auto": np.mean, "sum": np.sum, "none": np.asarray}[reduction]
        value, gradient = loss.value_and_gradient(*arguments, weights)
        assert_allclose(value, finish(plain * per_value), rtol=1e-14)
        share = 6 if reduction == "auto" else 1
        expected = (
            (arguments[1] - arguments[0]) / 2 * per_value[..., np.newaxis] / share
        )
        assert_allclose(gradient, expected, rtol=1e-14)

    def test_mean_divides_by_the_count_not_by_the_weights(self):
        loss = losses.MeanAbsoluteError()
        value = loss([[0.0], [0.0]], np.array([[1.0], [2.0]]), [4.0, 0.0])
        assert value == 2.0

    def test_none_gives_the_array_and_the_gradient_of_its_sum(self, arguments):
        value, gradient = losses.Huber(reduction="none").value_and_gradient(*arguments)
        assert_array_equal(value, losses.huber(*arguments))
        assert_array_equal(gradient, losses.Huber(reduction="sum").gradient(*arguments))


class TestLogits:
    @pytest.mark.parametrize(
        ("make", "activation"),
        [
            (losses.CategoricalCrossentropy, "softmax"),
            (losses.SparseCategoricalCrossentropy, "softmax"),
            (losses.BinaryCrossentropy, "sigmoid"),
        ],
    )
    def test_with_logits_changes_nothing_else(self, make, activation):
        loss = make(reduction="sum", name="mine")
        logits = loss.with_logits()
        assert loss.logits_activation == activation
        assert type(logits) is make
        assert logits.get_config() == {**loss.get_config(), "from_logits": True}
        assert loss.get_config()["from_logits"] is False

    def test_losses_without_logits(self):
        without = [losses.as_loss(n) for n in PAIRS if not n.endswith("crossentropy")]
        assert {loss.logits_activation for loss in without} == {None}
        with refuses("loss must have a form for logits, got KLDivergence"):
            losses.KLDivergence().with_logits()


ALIASES = {
    "mean_squared_error": ["mse", "MSE"],
    "mean_absolute_error": ["mae", "MAE"],
    "mean_absolute_percentage_error": ["mape", "MAPE"],
    "mean_squared_logarithmic_error": ["msle", "MSLE"],
    "binary_crossentropy": ["bce", "BCE"],
    "kl_divergence": ["kld", "KLD", "kullback_leibler_divergence"],
    "log_cosh": ["logcosh"],
    "huber": ["huber_loss"],
}


def cubed(y_true, y_pred):
    return np.mean((y_pred - y_true) ** 3, axis=-1)


NO_GRADIENT = (
    "loss must be a callable with a method gradient(y_true, y_pred) that gives the "
    "derivative of its values with respect to y_pred, got "
)
DIFFERENCES = "; losses.Differentiated(function) finds it by differences"


class CubedWithGradient:
    """A user's callable object: the gradient is in reach."""

    def __call__(self, y_true, y_pred):
        return cubed(y_true, y_pred)

    def gradient(self, y_true, y_pred):
        return 3 * (y_pred - y_true) ** 2 / y_pred.shape[-1]


class TestNames:
    @pytest.mark.parametrize("name", PAIRS)
    def test_function_names_and_aliases(self, name):
        function = getattr(losses, name)
        for word in (name, *ALIASES.get(name, [])):
            assert losses.get(word) is function
            assert type(losses.as_loss(word)) is type(losses.as_loss(function))
        assert losses.serialize(function) == name
        assert (
            losses.deserialize({"class_name": "function", "config": name}) is function
        )

    @pytest.mark.parametrize("entry", KERAS, ids=keras_id)
    def test_classes_and_configs(self, entry):
        case, _ = entry
        name, kwargs = case["class_name"], case["kwargs"]
        make = getattr(losses, name)
        assert type(losses.get(name)) is type(losses.get(make)) is make
        loss = make(**kwargs)
        assert losses.get(loss) is losses.as_loss(loss) is loss
        config = json.loads(json.dumps(losses.serialize(loss)))
        assert (config["module"], config["class_name"]) == ("keras.losses", name)
        assert config["registered_name"] is None
        again = losses.deserialize(config)
        assert type(again) is make
        assert again.get_config() == loss.get_config()
        assert loss.get_config().items() >= {"reduction": "auto", **kwargs}.items()

    def test_names_of_instances_are_keras_names(self):
        assert losses.Huber().name == "huber_loss"
        assert losses.as_loss("kld").name == "kl_divergence"

    @pytest.mark.parametrize("name", PAIRS)
    def test_arguments_of_the_constructor_are_attributes(self, name):
        loss = losses.as_loss(name)
        assert type(loss)(name=None).name == loss.name
        parameters = inspect.signature(type(loss)).parameters.values()
        # What is given by name alone stands in the config off its default.
        arguments = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        assert arguments[-2:] == ["reduction", "name"]
        assert loss.get_config() == {a: getattr(loss, a) for a in arguments}

    def test_arguments_of_the_constructor_reach_the_function(self, rng):
        t, p = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
        loss = losses.Huber(0.5, reduction="none")
        assert loss.delta == 0.5
        assert_array_equal(loss(t, p), losses.huber(t, p, 0.5))
        loss = losses.CosineSimilarity(axis=0, reduction="none")
        assert_array_equal(loss(t, p), losses.cosine_similarity(t, p, 0))

    def test_an_unknown_argument_is_refused_by_python(self):
        with pytest.raises(TypeError, match="unexpected keyword argument 'delta'"):
            losses.MeanSquaredError(delta=0.5)

    def test_keys_that_newer_keras_files_add(self):
        loss = losses.get(
            {
                "class_name": "SparseCategoricalCrossentropy",
                "config": {
                    "reduction": "auto",
                    "name": "sparse_categorical_crossentropy",
                    "from_logits": True,
                    "ignore_class": None,
                    "fn": "sparse_categorical_crossentropy",
                },
            }
        )
        assert loss.get_config() == {
            "reduction": "auto",
            "name": "sparse_categorical_crossentropy",
            "from_logits": True,
        }

    def test_an_ignored_class_is_kept(self):
        loss = losses.SparseCategoricalCrossentropy(ignore_class=255)
        config = losses.serialize(loss)["config"]
        assert config["ignore_class"] == 255
        assert losses.deserialize(losses.serialize(loss)).ignore_class == 255
        assert loss.with_logits().ignore_class == 255
        with pytest.raises(ValueError, match="ignore_class must be an integer"):
            losses.SparseCategoricalCrossentropy(ignore_class="void")

    def test_unknown_names(self):
        with refuses("loss must be a known name, got 'cce'; did you mean 'BCE'?"):
            losses.get("cce")
        with refuses(
            "loss must be a known name, "
            "got 'mean_square_error'; did you mean 'mean_squared_error'?"
        ):
            losses.as_loss("mean_square_error")

    def test_none_is_no_loss(self):
        assert losses.get(None) is None
        assert losses.serialize(None) is None
        with refuses(NO_GRADIENT + "None"):
            losses.as_loss(None)

    def test_repr_says_how_to_make_it(self):
        assert repr(losses.Huber(0.5)) == (
            "Huber(delta=0.5, reduction='auto', name='huber_loss')"
        )


class TestCallablesOfTheUser:
    def test_values_weights_and_gradient(self, rng):
        t, p = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
        weights = rng.uniform(size=(2, 3))
        loss = losses.as_loss(CubedWithGradient())
        value, gradient = loss.value_and_gradient(t, p, weights)
        assert value == np.mean(cubed(t, p) * weights)
        expected = 3 * (p - t) ** 2 / 4 * weights[..., np.newaxis] / 6
        assert_allclose(gradient, expected, rtol=1e-14)

    def test_a_single_value_for_the_whole_batch(self, rng):
        def total(y_true, y_pred):
            return np.sum(y_pred * y_true)

        total.gradient = lambda y_true, y_pred: y_true
        t, p = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
        value, gradient = losses.as_loss(total).value_and_gradient(t, p)
        assert value == np.sum(t * p)
        assert_array_equal(gradient, t)

    def test_dtype_is_that_of_the_predictions(self):
        loss = losses.as_loss(CubedWithGradient())
        value, gradient = loss.value_and_gradient(
            np.zeros((2, 1)), np.ones((2, 1), np.float32)
        )
        assert (value.dtype, gradient.dtype) == (np.float32, np.float32)

    def test_get_leaves_a_callable_alone_and_as_loss_asks_for_its_gradient(self):
        assert losses.get(cubed) is cubed
        with refuses(f"{NO_GRADIENT}{cubed!r}{DIFFERENCES}"):
            losses.as_loss(cubed)

    def test_names_in_a_scope(self):
        mine = CubedWithGradient()
        with custom_object_scope({"mine": mine}):
            assert losses.get("mine") is mine
            assert losses.as_loss("mine").function is mine
        with refuses(f"loss must have a name or get_config to be saved, got {mine!r}"):
            losses.serialize(losses.as_loss(mine))

    def test_values_of_another_shape(self):
        def three(y_true, y_pred):
            return np.zeros(3)

        three.gradient = CubedWithGradient().gradient
        with refuses(
            "values of three must have a shape that y_pred's (2, 1) begins "
            "with, got (3,)"
        ):
            losses.as_loss(three)(np.zeros((2, 1)), np.zeros((2, 1)))

    def test_gradient_of_another_shape(self):
        wrong = CubedWithGradient()
        wrong.gradient = lambda y_true, y_pred: np.zeros(2)
        with refuses(
            "gradient of CubedWithGradient must have the shape of y_pred, "
            "(2, 1), got (2,)"
        ):
            losses.as_loss(wrong).gradient(np.zeros((2, 1)), np.zeros((2, 1)))

    def test_upstream_gradient_of_another_shape(self):
        loss = losses.as_loss(CubedWithGradient())
        _, cache = loss.forward(np.zeros((2, 1)), np.zeros((2, 1)))
        with refuses("dy must have the shape of the values, (2,), got (1,)"):
            loss.backward([1.0], cache)

    def test_complex_values(self):
        def phase(y_true, y_pred):
            return np.exp(1j * y_pred[:, 0])

        phase.gradient = CubedWithGradient().gradient
        with refuses("values of phase must hold real numbers, got dtype complex128"):
            losses.as_loss(phase)(np.zeros((2, 1)), np.zeros((2, 1)))

    def test_a_subclass_of_loss(self):
        class Linear(losses.Loss):
            def forward(self, y_true, y_pred):
                return np.sum(y_pred * y_true, axis=-1), np.asarray(y_true)

            def backward(self, dy, cache):
                return np.asarray(dy)[:, np.newaxis] * cache

        loss = losses.as_loss(Linear)
        t, p = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
        assert loss(t, p, 2.0) == 22.0
        assert_array_equal(loss.gradient(t, p, 2.0), [[2.0, 4.0]])
        assert loss.get_config() == {"reduction": "auto", "name": None}


# Targets (N, S) against predictions (N, S, 1) in tf_keras 2.21, sample weights 1 and 3:
# the loss, and its gradient row by row.
SQUEEZED = {
    "CategoricalCrossentropy": (
        1.7413602372530628,
        [0.3125, -0.6875, 0.3125],
        [-1.3461538461538463, 1.1538461538461542, 1.1538461538461542],
    ),
    "KLDivergence": (
        1.1128059824701502,
        [-2.4999999999999994e-07, -1.0, -5.5555555555555555e-08],
        [-2.5, -5e-07, -3.7499999999999996e-07],
    ),
    "CosineSimilarity": (
        -1.3906975667074617,
        [0.04333920860207237, -0.3683832731176152, 0.19502643870932565],
        [-0.7871119668005901, 0.5667206160964249, 0.7556274881285665],
    ),
    "CategoricalHinge": (1.9, [0.0, -0.5, 0.5], [-1.5, 0.0, 1.5]),
    "MeanSquaredError": (0.38833333333333336, [1 / 15, -1 / 6, 0.3], [-0.4, 0.3, 0.4]),
    "BinaryCrossentropy": (
        1.2256419409515926,
        [0.2083333072916699, -0.33333326666668, 1.6666650000016667],
        [-0.8333331944444677, 0.7142856122449126, 0.8333331944444677],
    ),
}


class TestPredictionsWithALastAxisOfOne:
    """The loss runs over S, not over the axis of one."""

    Y = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    P = np.array([[[0.2], [0.5], [0.9]], [[0.6], [0.3], [0.4]]])

    @pytest.mark.parametrize("name", SQUEEZED)
    def test_numbers_of_keras(self, name):
        loss, (value, *gradient) = getattr(losses, name)(), SQUEEZED[name]
        got = loss.value_and_gradient(self.Y, self.P, [1.0, 3.0])
        np.testing.assert_allclose(got[0], value, rtol=1e-12)
        np.testing.assert_allclose(got[1][..., 0], gradient, rtol=1e-9)
        assert got[1].shape == self.P.shape
        assert loss(self.Y, self.P, [1.0, 3.0]) == got[0]

    def test_labels_of_classes_need_their_axis(self):
        with pytest.raises(ValueError, match="y_true"):
            losses.SparseCategoricalCrossentropy()(np.zeros((2, 3), int), self.P)


IGNORED = reference.load("ignored.npz")


@pytest.mark.parametrize("number", range(len(IGNORED["cases"])))
def test_labels_that_are_ignored_as_in_keras(number):
    _, ignored, from_logits, reduction = IGNORED["cases"][number]
    of = {
        key.partition("_")[2]: value
        for key, value in IGNORED.items()
        if key.startswith(f"c{number}_")
    }
    values = losses.sparse_categorical_crossentropy(
        of["t"], of["p"], from_logits, ignore_class=ignored
    )
    assert_allclose(values, of["values"], rtol=1e-9)
    loss = losses.SparseCategoricalCrossentropy(
        from_logits, reduction, ignore_class=ignored
    )
    for key, weights in (("plain", None), ("weighted", of["w"])):
        value, gradient = loss.value_and_gradient(of["t"], of["p"], weights)
        assert_allclose(value, of[key], rtol=1e-9)
        assert_allclose(loss(of["t"], of["p"], weights), value, rtol=0)
        assert_allclose(gradient, of[f"{key}_dp"], rtol=1e-9, atol=1e-15)


def test_where_all_labels_are_ignored_the_mean_is_0():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    value, gradient = loss.value_and_gradient([[-1], [-1]], np.full((2, 3), 1 / 3))
    assert value == 0
    assert_array_equal(gradient, np.zeros((2, 3)))


def test_a_training_with_ignored_labels(tmp_path):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(6, 4)), np.array([0, 255, 1, 2, 255, 1])
    known = y != 255
    models = []
    for xs, ys, ignored in ((x, y, 255), (x[known], y[known], None)):
        model = Sequential([Dense(3, "softmax", input_shape=(4,))], seed=3)
        loss = losses.SparseCategoricalCrossentropy(ignore_class=ignored)
        model.compile("sgd", loss)
        model.fit(xs, ys, epochs=3, batch_size=6, shuffle=False, verbose=0)
        models.append(model)
    for one, other in zip(*(m.get_weights() for m in models), strict=True):
        assert_allclose(one, other, rtol=1e-6)
    again = load_model(models[0].save(tmp_path / "m.npz"))
    assert again.evaluate(x, y, verbose=0) == models[0].evaluate(x, y, verbose=0)


def test_a_sample_without_a_batch_axis_has_one_sparse_crossentropy():
    p, forward = np.array([0.25, 0.75]), losses.sparse_categorical_crossentropy_forward
    value, cache = forward(1, p)
    np.testing.assert_allclose(value, -np.log(0.75))
    _, caches = forward([1], p[np.newaxis])
    backward = losses.sparse_categorical_crossentropy_backward
    np.testing.assert_array_equal(backward(2.0, cache), backward([2.0], caches)[0])
    assert losses.sparse_categorical_crossentropy(1, p, ignore_class=1) == 0
