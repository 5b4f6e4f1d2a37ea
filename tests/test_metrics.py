"""Metrics: real Keras numbers, ties and limits by name, names, the running mean."""

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses

from localnet import losses, metrics
from localnet._registry import custom_object_scope

KERAS = reference.cases("metrics.npz")
OWN_NAMES = [
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
    "cosine_similarity",
]


@pytest.mark.parametrize(
    "entry", KERAS, ids=lambda entry: f"{entry[0]['key']}-{entry[0]['y_true']}"
)
class TestKerasNumbers:
    def test_choice_of_accuracy(self, entry):
        case, data = entry
        chosen = metrics.accuracy_for(data[case["y_true"]], data[case["y_pred"]])
        assert chosen.__name__ == case["chosen"]

    @pytest.mark.parametrize("weighted", [False, True], ids=["accuracy", "weighted"])
    def test_mean_over_batches(self, entry, weighted):
        case, data = entry
        y_true, y_pred = data[case["y_true"]], data[case["y_pred"]]
        name = case["sample_weight"] if weighted else None
        weights = np.ones(len(y_pred)) if name is None else data[name]
        mean = metrics.WeightedMean()
        for start in range(0, len(y_pred), case["batch_size"]):
            batch = slice(start, start + case["batch_size"])
            values = metrics.get(case["chosen"])(y_true[batch], y_pred[batch])
            mean.update(values, weights[batch])
        expected = data[f"{case['key']}__{'weighted_acc' if weighted else 'accuracy'}"]
        # Keras accumulates in float32.
        assert mean.result() == pytest.approx(expected, rel=2e-7)


class TestBinaryAccuracy:
    def test_numbers_without_a_last_axis_count_alike(self):
        """0.5 and 1/3 are tf_keras's."""
        metric = metrics.BinaryAccuracy()
        metric.update_state(
            [1, 1, 0, 0, 1, 1], np.array([0.9, 0.8, 0.7, 0.2, 0.1, 0.9])
        )
        metric.update_state([0, 1], np.array([0.9, 0.1]))
        assert metric.result() == 0.5
        found = metrics.BinaryAccuracy()
        found.update_state([1, 0, 1], np.array([0.9, 0.8, 0.7]), [1, 2, 0])
        assert found.result() == pytest.approx(1 / 3)

    def test_at_the_threshold_is_not_above_it(self):
        p = np.array([[0.5], [np.nextafter(0.5, 1)]])
        assert_array_equal(metrics.binary_accuracy([[0], [0]], p), [1.0, 0.0])

    def test_mean_over_the_last_axis(self):
        p = np.array([[0.9, 0.1, 0.9, 0.9]], np.float32)
        assert_array_equal(metrics.binary_accuracy([[1, 1, 1, 0]], p), [0.5])

    def test_another_threshold(self):
        p = np.array([[0.3], [0.1]])
        values = metrics.binary_accuracy([[1], [1]], p, threshold=0.2)
        assert_array_equal(values, [1.0, 0.0])

    def test_flat_targets_against_a_column(self):
        p = np.array([[0.9], [0.9], [0.1]])
        assert_array_equal(metrics.binary_accuracy([1, 0, 0], p), [1.0, 0.0, 1.0])

    def test_threshold_must_be_a_number(self):
        with refuses("threshold must be a finite number, got None"):
            metrics.binary_accuracy([[1]], [[1]], threshold=None)


class TestCategoricalAccuracy:
    def test_first_of_equals_is_the_largest(self):
        p, t = np.array([[0.4, 0.4, 0.2]] * 2), np.eye(3)[:2]
        assert_array_equal(metrics.categorical_accuracy(t, p), [1.0, 0.0])
        assert_array_equal(metrics.sparse_categorical_accuracy([0, 1], p), [1.0, 0.0])

    def test_maps_give_one_value_per_position(self, rng):
        p, labels = rng.uniform(size=(2, 3, 4)), rng.integers(0, 4, (2, 3))
        expected = [
            [float(np.argmax(p[n, i]) == labels[n, i]) for i in range(3)]
            for n in range(2)
        ]
        for given in (labels, labels[..., np.newaxis]):
            values = metrics.sparse_categorical_accuracy(given, p)
            assert_array_equal(values, expected)
        assert_array_equal(metrics.categorical_accuracy(np.eye(4)[labels], p), expected)

    def test_labels_that_are_no_class(self):
        with refuses(
            "y_true must hold whole numbers from 0 to 2 as labels of 3 "
            "classes, got 3 at index 1"
        ):
            metrics.sparse_categorical_accuracy([0, 3], np.ones((2, 3)))

    def test_shapes_must_agree(self):
        with refuses("y_true must have the shape of y_pred, (2, 3), got (2, 4)"):
            metrics.categorical_accuracy(np.ones((2, 4)), np.ones((2, 3)))


class TestTopK:
    P = np.array([[0.1, 0.4, 0.3, 0.2]])

    @pytest.mark.parametrize(("label", "rank"), [(1, 1), (2, 2), (3, 3), (0, 4)])
    def test_right_from_its_rank_on(self, label, rank):
        for k in range(1, 6):
            expected = [float(k >= rank)]
            one_hot = np.eye(4)[[label]]
            sparse = metrics.sparse_top_k_categorical_accuracy([label], self.P, k)
            assert_array_equal(sparse, expected)
            dense = metrics.top_k_categorical_accuracy(one_hot, self.P, k)
            assert_array_equal(dense, expected)

    def test_five_by_default(self):
        p = np.arange(7.0)[np.newaxis]
        values = [
            metrics.sparse_top_k_categorical_accuracy([c], p)[0] for c in range(7)
        ]
        assert values == [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]

    def test_equals_at_the_limit_are_all_right(self):
        p = np.array([[0.2, 0.2, 0.6]] * 2)
        values = metrics.sparse_top_k_categorical_accuracy([0, 1], p, k=2)
        assert_array_equal(values, [1.0, 1.0])

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_predictions_that_are_not_finite_are_wrong(self, bad):
        p = np.array([[bad, 1.0]])
        values = metrics.sparse_top_k_categorical_accuracy([1], p, k=2)
        assert_array_equal(values, [0.0])

    @pytest.mark.parametrize("k", [0, 1.0, None])
    def test_k(self, k):
        with refuses(f"k must be an integer >= 1, got {k!r}"):
            metrics.sparse_top_k_categorical_accuracy([1], self.P, k)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", OWN_NAMES)
def test_dtype_is_kept_and_read_only_inputs_are_left_alone(name, dtype, rng):
    labels = rng.integers(0, 4, 3)
    y_true = labels if name.startswith("sparse") else np.eye(4)[labels]
    y_pred = np.asfortranarray(rng.uniform(size=(3, 4)).astype(dtype))
    before = y_pred.copy()
    y_true.flags.writeable = y_pred.flags.writeable = False
    values = metrics.get(name)(y_true, y_pred)
    assert (values.dtype, values.shape) == (dtype, (3,))
    assert_array_equal(y_pred, before)
    assert metrics.get(name)(y_true[:0], y_pred[:0]).shape == (0,)


class TestAccuracyFor:
    @pytest.mark.parametrize(
        ("true_shape", "pred_shape", "name"),
        [
            ((5,), (5, 1), "binary_accuracy"),
            ((5, 1), (5, 1), "binary_accuracy"),
            ((5, 2, 1), (5, 2, 1), "binary_accuracy"),
            ((5,), (5, 3), "sparse_categorical_accuracy"),
            ((5, 1), (5, 3), "sparse_categorical_accuracy"),
            ((5, 2), (5, 2, 3), "sparse_categorical_accuracy"),
            ((5, 2, 1), (5, 2, 3), "sparse_categorical_accuracy"),
            ((5, 3), (5, 3), "categorical_accuracy"),
            ((5, 2, 3), (5, 2, 3), "categorical_accuracy"),
        ],
    )
    def test_shapes(self, true_shape, pred_shape, name):
        chosen = metrics.accuracy_for(np.zeros(true_shape), np.zeros(pred_shape))
        assert chosen is getattr(metrics, name)

    @pytest.mark.parametrize("name", ["accuracy", "acc", "Accuracy", "ACC"])
    def test_its_names_have_no_meaning_alone(self, name):
        assert metrics.is_accuracy(name)
        with refuses(
            f"metric must be a name of its own, got {name!r}: its meaning "
            "depends on the shapes, see accuracy_for"
        ):
            metrics.get(name)

    def test_other_names(self):
        others = ["binary_accuracy", "mae", None, metrics.binary_accuracy]
        assert not any(map(metrics.is_accuracy, others))


class TestNames:
    @pytest.mark.parametrize("name", OWN_NAMES)
    def test_metrics(self, name):
        function = getattr(metrics, name)
        assert metrics.get(name) is metrics.get(function) is function
        assert metrics.serialize(function) == name
        assert metrics.deserialize(name) is function

    @pytest.mark.parametrize("name", sorted(set(losses.PAIRS) - {"cosine_similarity"}))
    def test_losses(self, name):
        assert metrics.get(name) is losses.get(name)

    def test_aliases_of_losses(self):
        assert metrics.get("MAE") is losses.mean_absolute_error
        assert metrics.get("kld") is losses.kl_divergence

    def test_cosine_similarity_has_the_sign_of_the_cosine(self, rng):
        t, p = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
        assert metrics.get("cosine_proximity") is metrics.get("cosine_similarity")
        values = metrics.get("cosine_similarity")(t, p)
        assert_array_equal(values, -losses.get("cosine_similarity")(t, p))

    def test_cosine_similarity_to_labels_is_that_of_keras(self):
        t, p = np.array([2.0, 5.0]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        values = metrics.cosine_similarity(t, p)
        assert_allclose(values, [1.6035674514745464, 1.7094086468945693], rtol=1e-15)

    def test_callables_of_the_user(self):
        def largest(y_true, y_pred):
            return np.max(y_pred, axis=-1)

        assert metrics.get(largest) is largest
        assert metrics.serialize(largest) == "largest"
        with custom_object_scope({"largest": largest}):
            assert metrics.get("largest") is largest

    def test_unknown_name(self):
        with refuses(
            "metric must be a known name, got 'binary_acuracy'; "
            "did you mean 'binary_accuracy'?"
        ):
            metrics.get("binary_acuracy")


class TestWeightedMean:
    def test_nothing_is_zero(self):
        mean = metrics.WeightedMean()
        assert (mean.result(), type(mean.result())) == (0.0, float)
        mean.update([3.0], [0.0])
        assert mean.result() == 0.0

    def test_batches_count_by_their_size(self):
        mean = metrics.WeightedMean()
        mean.update(np.array([1, 2, 3], np.float32))
        mean.update([10])
        assert (mean.result(), type(mean.result())) == (4.0, float)

    def test_one_number_weighed_by_the_size_of_its_batch(self):
        mean = metrics.WeightedMean()
        mean.update(np.float32(1.0), 32)
        mean.update(2.0, 8)
        assert mean.result() == 1.2

    def test_weights_of_samples_count_at_every_position(self):
        mean = metrics.WeightedMean()
        mean.update([[1.0, 0.0], [1.0, 1.0]], [3.0, 1.0])
        assert mean.result() == 5 / 8

    def test_sums_are_kept_in_float64(self):
        mean = metrics.WeightedMean()
        mean.update(np.full(3, 1e8, np.float32))
        mean.update(np.ones(3, np.float32))
        assert mean.result() == (3e8 + 3) / 6

    def test_reset(self):
        mean = metrics.WeightedMean()
        mean.update([5.0])
        mean.reset()
        assert mean.result() == 0.0

    def test_a_refused_update_changes_nothing(self):
        mean = metrics.WeightedMean()
        mean.update([5.0])
        with refuses(
            "sample_weight must have a shape that broadcasts to the "
            "per-sample values' (2,), got (3,)"
        ):
            mean.update([1.0, 2.0], [1.0, 2.0, 3.0])
        assert mean.result() == 5.0

    def test_complex_values_are_refused_and_nothing_is_added(self):
        mean = metrics.WeightedMean()
        mean.update([5.0])
        with refuses("values must hold real numbers, got dtype complex128"):
            mean.update([1j])
        assert mean.result() == 5.0
