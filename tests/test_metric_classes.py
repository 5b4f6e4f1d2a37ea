"""Metric objects say what those of Keras 2 say, after every batch."""

import copy
import json
import pickle

import numpy as np
import pytest
from raising import refuses
from reference import ROOT

from localnet import Sequential, layers, metrics
from localnet import backend as K

RECORDED = json.loads((ROOT / "metric_classes.json").read_text())


def batches(kind):
    for batch in RECORDED["data"][kind]:
        yield [np.array(values, np.float32) for values in batch]


def named(case):
    kind, name, arguments, weighted, *_ = case
    return f"{name}-{arguments}-{kind}{'-weighted' if weighted else ''}"


@pytest.mark.parametrize("case", RECORDED["answers"], ids=named)
def test_as_keras(case):
    kind, name, arguments, weighted, metric_name, results = case
    metric = getattr(metrics, name)(**arguments)
    # Keras numbers the names of several objects within a process.
    assert metric_name.rstrip("0123456789").rstrip("_") == metric.name
    for (y, p, w), expected in zip(batches(kind), results, strict=True):
        metric.update_state(y, p, sample_weight=w if weighted else None)
        np.testing.assert_allclose(metric.result(), expected, rtol=3e-6, atol=3e-7)


@pytest.mark.parametrize("case", RECORDED["answers"], ids=named)
def test_config_reset_and_call(case):
    kind, name, arguments, *_ = case
    metric = getattr(metrics, name)(**arguments)
    again = type(metric).from_config(metric.get_config())
    assert json.loads(json.dumps(again.get_config())) == metric.get_config()
    answers = []
    for one in (metric, metric, again):
        one.reset_state()
        for y, p, w in batches(kind):
            answer = one(y, p, w)
        answers.append(answer)
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])
    metric.reset_states()
    assert not np.any(metric.result())


def test_predictions_that_are_no_probabilities_are_not_counted():
    auc = metrics.AUC()
    before = auc([0, 1], [0.2, 0.8])
    with refuses("y_pred must be from 0 to 1, got numbers from -1 to 2"):
        auc.update_state([0, 1], [-1.0, 2.0])
    assert auc.result() == before


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: metrics.AUC(curve="x"), "curve must be 'ROC' or 'PR', got 'x'"),
        (
            lambda: metrics.AUC(num_thresholds=1),
            "num_thresholds must be an integer >= 2 and <= 1000000, got 1",
        ),
        (
            lambda: metrics.Precision(thresholds=[0.5, 2]),
            "thresholds must be a finite number >= 0 and <= 1, got 2",
        ),
        (
            lambda: metrics.PrecisionAtRecall(1.5),
            "recall must be a finite number >= 0 and <= 1, got 1.5",
        ),
        (lambda: metrics.Mean(name=3), "name must be a string, got 3"),
        (lambda: metrics.MeanMetric(3), "fn must be callable, got 3"),
    ],
)
def test_what_is_refused(make, sentence):
    with refuses(sentence):
        make()


def test_a_metric_of_ones_own_says_what_it_must_define():
    class Own(metrics.Metric):
        pass

    for ask in (lambda m: m.update_state(1, 1), lambda m: m.result()):
        with pytest.raises(NotImplementedError, match="Own must define"):
            ask(Own())


def test_what_a_metric_has_gathered_is_seen_by_names_of_keras():
    recall = metrics.Recall()
    recall.update_state([1.0, 1, 0], [0.9, 0.2, 0.8])
    assert recall.true_positives == recall.false_negatives == [1]
    assert len(recall.variables) == len(recall.state)
    counts = metrics.FalsePositives([0.5, 0.85])
    counts.update_state([1.0, 1, 0], [0.9, 0.2, 0.8])
    np.testing.assert_array_equal(counts.accumulator, [1, 0])
    mean = metrics.Mean()
    mean.update_state([1.0, 3])
    assert (mean.total, mean.count) == (4, 2)
    for variable in mean.variables:
        K.set_value(variable, 0)
    assert (mean.result(), mean.count) == (0, 0)
    assert not hasattr(mean, "true_positives")
    assert copy.deepcopy(pickle.loads(pickle.dumps(recall))).true_positives == [1]


def test_predictions_that_are_no_probabilities():
    t, p = [0, 1, 1, 0.0], [-2.0, 2.0, 0.4, 3.0]
    precision, recall = metrics.Precision(), metrics.Recall()
    for metric in (precision, recall):
        metric.update_state(t, p)
        assert metric.result() == 0.5  # tf_keras 2.21
    several = metrics.Precision(thresholds=[0.1, 0.9])
    several.update_state(t, p)
    np.testing.assert_allclose(several.result(), [2 / 3, 0.5])
    for metric in (metrics.AUC(5), metrics.SpecificityAtSensitivity(0.5)):
        with refuses("y_pred must be from 0 to 1, got numbers from -2 to 3"):
            metric.update_state(t, p)


# Written for TensorFlow ------------------------------------------------------------


class Caught(metrics.Metric):
    """Positives that were found, as scripts of tf.keras write it."""

    def __init__(self, name="caught", **kwargs):
        super().__init__(name=name, **kwargs)
        self.found = self.add_weight(name="tp", initializer="zeros")
        self.all = self.add_weight(name="tp", initializer="ones")
        self.all.assign(0.0)

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.found.assign_add(K.sum(y_true * K.cast(K.round(y_pred), "float32")))
        self.all.assign_add(K.sum(y_true))

    def result(self):
        return self.found / (self.all + K.epsilon())


class CaughtByOldName(Caught):
    """The same with a name of early TensorFlow overridden."""

    def reset_states(self):
        super().reset_states()
        self.all.assign(1.0)


def test_weights_of_a_metric_gather():
    metric = Caught()
    metric.update_state(np.ones(4, "f"), np.array([0.9, 0.1, 0.8, 0.7], "f"))
    metric.update_state(np.array([1, 0], "f"), np.array([0.2, 0.8], "f"))
    assert float(metric.result()) == pytest.approx(3 / 5, rel=1e-6)
    assert [float(each) for each in metric.variables] == [3, 5]
    assert (metric.found.numpy(), metric.found.name) == (3, "tp:0")
    assert metric.all.name == "tp_1:0"
    metric.all.assign_sub(1)
    assert float(metric.all) == 4
    with pytest.raises(ValueError, match=r"value must have shape \(\), got \(2,\)"):
        metric.found.assign_add([1, 2])
    for copied in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        copied.found.assign_add(1)
        assert float(copied.variables[0]) == 4
        assert float(metric.found) == 3
    metric.reset_state()
    assert [float(each) for each in metric.variables] == [0, 0]


def test_reset_states_may_be_overridden():
    metric = CaughtByOldName()
    metric.found.assign(5)
    for reset in (metric.reset_state, metric.reset_states):
        reset()
        assert [float(each) for each in metric.variables] == [0, 1]


@pytest.mark.parametrize("cls", [Caught, CaughtByOldName])
def test_weights_of_a_metric_begin_anew_with_each_epoch(cls):
    model = Sequential([layers.Dense(1, "sigmoid", input_shape=(2,))], seed=0)
    model.compile("sgd", "mse", metrics=[cls()])
    x = np.random.default_rng(0).normal(size=(10, 2)).astype("f")
    y = np.arange(10) % 2
    extra = cls is CaughtByOldName
    logs = model.fit(
        x, y, 4, epochs=3, verbose=0, shuffle=False, validation_data=(x, y)
    )
    found = y[model.predict(x, verbose=0)[:, 0] > 0.5].sum()
    assert logs.history["val_caught"][-1] == pytest.approx(found / (5 + extra))
    assert model.evaluate(x, y, verbose=0)[1] == pytest.approx(found / (5 + extra))
