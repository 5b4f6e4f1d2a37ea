"""The estimators keep scikit-learn's contract, and say what is wrong in words."""

import subprocess
import sys

import joblib
import numpy as np
import pytest
from raising import refuses
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from localnet import Model, Sequential
from localnet.datasets import load_digits
from localnet.layers import Dense, Flatten, Input, LocallyConnected2D
from localnet.losses import BinaryCrossentropy
from localnet.optimizers import SGD, Adam
from localnet.sklearn import (
    LocallyConnectedClassifier,
    LocallyConnectedRegressor,
    expected_failed_checks,
)

ESTIMATORS = (LocallyConnectedClassifier, LocallyConnectedRegressor)
RULE = "build must be a callable build(sample_shape, n_outputs, seed) that returns a"


CHECKS = [
    case
    for estimator in (cls() for cls in ESTIMATORS)
    for case in estimator_checks_generator(
        estimator,
        expected_failed_checks=expected_failed_checks(estimator),
        mark="xfail",
    )
]


@pytest.mark.parametrize(
    ("estimator", "check"),
    CHECKS,
    ids=lambda x: type(x).__name__ if hasattr(x, "fit") else x.func.__name__,
)
def test_contract_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    (x, y), _ = load_digits()
    return x.reshape(len(x), -1)[:600] / 16, y[:600]


@pytest.fixture
def classifier():
    return LocallyConnectedClassifier((8, 8, 1), epochs=4, random_state=0)


@pytest.fixture
def signals(rng):
    X = rng.normal(size=(200, 12))
    return X, X[:, 2] - X[:, 7]


def weights_of(estimator):
    return [w.copy() for w in estimator.model_.get_weights()]


def equal(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


# What is learned ------------------------------------------------------------------


def test_digits_are_learned_and_the_shape_of_a_sample_matters(digits, classifier):
    X, y = digits
    classifier.set_params(epochs=15).fit(X[:400], y[:400])
    assert classifier.score(X[400:], y[400:]) > 0.85
    kernel = classifier.model_.layers[0].kernel
    assert kernel.shape == (36, 9, 8)
    assert classifier.model_.input_shape == (None, 8, 8, 1)
    flat = LocallyConnectedClassifier(epochs=1).fit(X, y)
    assert flat.model_.input_shape == (None, 64, 1)


def test_the_estimator_does_what_a_model_does_by_hand(digits):
    X, y = digits

    def build(sample_shape, n_outputs, seed):
        layer = LocallyConnected2D(2, 3, input_shape=sample_shape)
        head = Dense(n_outputs, activation="softmax")
        model = Sequential([layer, Flatten(), head], seed=seed)
        model.compile(SGD(0.1), loss="categorical_crossentropy")
        return model

    rng = np.random.RandomState(5)
    by_hand = build((8, 8, 1), 10, int(rng.randint(2**31 - 1)))
    by_hand.fit(X.reshape(-1, 8, 8, 1), np.eye(10)[y], epochs=2, verbose=0)
    estimator = LocallyConnectedClassifier((8, 8, 1), build, epochs=2, random_state=5)
    estimator.fit(X, y)
    assert equal(weights_of(estimator), by_hand.get_weights())
    outputs = by_hand.predict(X.reshape(-1, 8, 8, 1), verbose=0)
    assert np.array_equal(estimator.predict_proba(X), outputs)
    assert isinstance(estimator.model_.optimizer, SGD)


def test_labels_of_any_kind(digits, classifier):
    X, y = digits
    names = np.array([f"digit {digit}" for digit in range(10)])
    by_number = classifier.fit(X, y).predict(X)
    by_name = clone(classifier).fit(X, names[y])
    assert list(by_name.classes_) == sorted(names)
    assert np.array_equal(by_name.predict(X), names[by_number])
    odd = clone(classifier).fit(X, y * 10 - 7)
    assert np.array_equal(odd.predict(X), by_number * 10 - 7)
    truth = clone(classifier).fit(X, y > 4)
    assert truth.predict(X).dtype == bool


def test_several_outputs(signals):
    X, y = signals
    both = LocallyConnectedRegressor(random_state=0).fit(X, np.stack([y, -y], axis=1))
    assert both.predict(X).shape == (200, 2)
    assert both.score(X, np.stack([y, -y], axis=1)) > 0.9
    column = LocallyConnectedRegressor(epochs=1, random_state=0).fit(X, y[:, None])
    row = LocallyConnectedRegressor(epochs=1, random_state=0).fit(X, y)
    assert column.predict(X).shape == (200, 1)
    assert np.array_equal(column.predict(X)[:, 0], row.predict(X))


@pytest.mark.parametrize(
    ("last", "compiled"),
    [
        (Dense(1, activation="sigmoid"), None),
        (Dense(1, activation="sigmoid"), "mse"),
        (Dense(1), "from logits"),
        (Dense(2, activation="softmax"), None),
        (Dense(2, activation="softmax"), "categorical_crossentropy"),
    ],
    ids=str,
)
def test_two_classes_in_every_form(signals, last, compiled):
    X, y = signals

    def build(sample_shape, n_outputs, seed):
        assert n_outputs == 2
        model = Sequential([Flatten(input_shape=sample_shape)], seed=seed)
        model.add(Dense.from_config(last.get_config()))
        if compiled == "from logits":
            model.compile(Adam(0.05), BinaryCrossentropy(from_logits=True))
        elif compiled:
            model.compile(Adam(0.05), compiled)
        return model

    labels = np.where(y > 0, "up", "down")
    estimator = LocallyConnectedClassifier(build=build, learning_rate=0.05, epochs=40)
    estimator.set_params(random_state=1).fit(X, labels)
    assert estimator.score(X, labels) > 0.8
    p = estimator.predict_proba(X)
    assert p.shape == (200, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(p[:, 1] > 0.5, estimator.predict(X) == "up")


def test_a_functional_model_and_one_without_a_shape(digits):
    X, y = digits

    def functional(sample_shape, n_outputs, seed):
        inputs = Input(sample_shape)
        outputs = Dense(n_outputs, activation="softmax")(Flatten()(inputs))
        return Model(inputs, outputs, seed=seed)

    def deferred(sample_shape, n_outputs, seed):
        return Sequential(
            [Flatten(), Dense(n_outputs, activation="softmax")], seed=seed
        )

    for build in (functional, deferred):
        estimator = LocallyConnectedClassifier((8, 8, 1), build, epochs=10)
        assert estimator.set_params(random_state=0).fit(X, y).score(X, y) > 0.85


# Seeds, going on, stopping --------------------------------------------------------


def test_the_same_random_state_gives_the_same_bits(digits, classifier):
    X, y = digits
    first = weights_of(classifier.fit(X, y))
    assert equal(first, weights_of(classifier.fit(X, y)))
    assert equal(first, weights_of(clone(classifier).fit(X, y)))
    other = clone(classifier).set_params(random_state=1).fit(X, y)
    assert not equal(first, weights_of(other))
    stream = np.random.RandomState(0)
    drawn = [
        weights_of(clone(classifier).set_params(random_state=state).fit(X, y))
        for state in (stream, stream)
    ]
    assert equal(first, drawn[0])
    assert not equal(first, drawn[1])


def test_warm_start_and_partial_fit_go_on(digits, classifier):
    X, y = digits
    whole = clone(classifier).fit(X, y)
    halves = clone(classifier).set_params(epochs=2, warm_start=True)
    halves.fit(X, y)
    assert halves.n_iter_ == 2
    halves.fit(X, y)
    assert halves.n_iter_ == 4
    assert equal(weights_of(whole), weights_of(halves))
    assert halves.loss_curve_ == whole.loss_curve_
    steps = clone(classifier)
    for _ in range(4):
        steps.partial_fit(X, y, classes=range(10))
    assert equal(weights_of(whole), weights_of(steps))
    assert steps.loss_curve_ == whole.loss_curve_
    cold = clone(halves).set_params(warm_start=False).fit(X, y).fit(X, y)
    assert cold.n_iter_ == 2


def test_partial_fit_knows_labels_that_come_later(digits, classifier):
    X, y = digits
    few = y < 5
    classifier.partial_fit(X[few], y[few], classes=np.arange(10))
    assert list(classifier.classes_) == list(range(10))
    classifier.partial_fit(X[~few], y[~few])
    assert classifier.predict_proba(X).shape == (600, 10)
    with refuses(f"classes must stay {np.arange(10)}, got [1, 2]"):
        classifier.partial_fit(X, y, classes=[1, 2])


def test_regressor_goes_on_too(signals):
    X, y = signals
    whole = LocallyConnectedRegressor(epochs=3, random_state=0).fit(X, y)
    steps = LocallyConnectedRegressor(random_state=0)
    for _ in range(3):
        steps.partial_fit(X, y)
    assert equal(weights_of(whole), weights_of(steps))


@pytest.mark.parametrize("options", [{"early_stopping": True}, {"n_iter_no_change": 3}])
def test_early_stopping_keeps_the_best_weights(digits, classifier, options):
    X, y = digits
    classifier.set_params(epochs=200, learning_rate=0.03, **options)
    if not classifier.early_stopping:
        classifier.set_params(validation_fraction=0.3)
    classifier.fit(X, y)
    curve = classifier.validation_loss_curve_
    assert classifier.n_iter_ == len(curve) == len(classifier.loss_curve_) < 200
    assert len(curve) - 1 - int(np.argmin(curve)) == classifier.n_iter_no_change


def test_without_early_stopping_nothing_is_held_out(digits, classifier):
    classifier.fit(*digits)
    assert classifier.n_iter_ == len(classifier.loss_curve_) == 4
    assert classifier.validation_loss_curve_ == []


# Weights --------------------------------------------------------------------------


def test_weights_of_classes_are_weights_of_samples(digits, classifier):
    X, y = digits
    by_class = {digit: 1.0 + digit for digit in range(10)}
    weight = np.array([by_class[digit] for digit in y])
    by_hand = clone(classifier).fit(X, y, sample_weight=weight)
    classifier.set_params(class_weight=by_class)
    assert equal(weights_of(by_hand), weights_of(classifier.fit(X, y)))
    assert np.array_equal(weight, [by_class[digit] for digit in y])
    doubled = clone(classifier).fit(X, y, sample_weight=2 * np.ones(600))
    assert not equal(weights_of(doubled), weights_of(classifier))


def test_balanced_classes_count_alike(rng):
    X = np.concatenate([rng.normal(size=(190, 6)), rng.normal(1.5, size=(10, 6))])
    y = np.repeat(["many", "few"], [190, 10])
    plain = LocallyConnectedClassifier(random_state=0, epochs=5).fit(X, y)
    fair = clone(plain).set_params(class_weight="balanced").fit(X, y)
    assert (fair.predict(X) == "few").sum() > (plain.predict(X) == "few").sum()


def test_a_sample_of_weight_zero_teaches_nothing(signals):
    X, y = signals
    weight = np.r_[np.ones(100), np.zeros(100)]
    fitted = []
    for wrong in (0, 1e3):
        targets = np.r_[y[:100], y[100:] + wrong]
        regressor = LocallyConnectedRegressor(random_state=0, epochs=2)
        fitted.append(weights_of(regressor.fit(X, targets, sample_weight=weight)))
    assert equal(*fitted)


# Beside the rest of scikit-learn --------------------------------------------------


def test_pipelines_searches_and_cross_validation(digits, classifier):
    X, y = digits
    pipeline = make_pipeline(StandardScaler(), classifier)
    assert cross_val_score(pipeline, X, y, cv=3).min() > 0.6
    grid = {"locallyconnectedclassifier__filters": [1, 4]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.best_params_ == {"locallyconnectedclassifier__filters": 4}
    assert search.best_estimator_.score(X, y) > 0.8


def test_data_frames(digits, classifier):
    pandas = pytest.importorskip("pandas")
    X, y = digits
    frame = pandas.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
    pipeline = make_pipeline(StandardScaler(), classifier).set_output(
        transform="pandas"
    )
    pipeline.fit(frame, pandas.Series(y))
    assert list(classifier.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(frame[frame.columns[::-1]])


def test_targets_far_from_one(signals):
    X, y = signals
    regressor = LocallyConnectedRegressor(random_state=0)
    scaled = TransformedTargetRegressor(regressor, transformer=StandardScaler())
    assert scaled.fit(X, y * 1e6 + 3e7).score(X, y * 1e6 + 3e7) > 0.9


def test_silent_unless_asked(digits, classifier, capsys):
    classifier.fit(*digits)
    assert capsys.readouterr() == ("", "")
    classifier.set_params(verbose=True, epochs=1).fit(*digits)
    assert "loss" in capsys.readouterr().out


def test_nothing_of_it_is_imported_unasked():
    code = (
        "import sys, localnet; a = 'sklearn' in sys.modules; "
        "from localnet import *; b = 'sklearn' in sys.modules; "
        "localnet.sklearn.LocallyConnectedClassifier; "
        "import sklearn; print(a, b, hasattr(sklearn, 'LocallyConnectedClassifier'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout == "False False False\n"


def test_without_scikit_learn_the_extra_is_named():
    code = "import sys; sys.modules['sklearn'] = None; import localnet.sklearn"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )
    assert result.stderr.endswith(
        "ImportError: localnet.sklearn needs scikit-learn: pip install scikit-learn, "
        'or pip install ".[sklearn]" from a checkout\n'
    )


# Refusals -------------------------------------------------------------------------


def no_model(sample_shape, n_outputs, seed):
    return None


def wrong_input(sample_shape, n_outputs, seed):
    return Sequential([Dense(n_outputs, activation="softmax", input_shape=(64,))])


def wrong_output(sample_shape, n_outputs, seed):
    return Sequential([Flatten(input_shape=sample_shape), Dense(3)])


def of_two(sample_shape, n_outputs):
    return None


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"sample_shape": (8, 9, 1)},
            "sample_shape must hold as many values as X has features, got (8, 9, 1): "
            "72 values for 64 features",
        ),
        (
            {"sample_shape": 64},
            "sample_shape must be a tuple of integers >= 1, got 64",
        ),
        (
            {"sample_shape": (-8, -8, 1)},
            "sample_shape must be a tuple of integers >= 1, got (-8, -8, 1)",
        ),
        (
            {"sample_shape": (64,)},
            "sample_shape must be 1 to 3 sizes and the channels, got (64,); other "
            "shapes need a network of your own in build",
        ),
        ({"build": "dense"}, f"{RULE} model, got 'dense'"),
        ({"build": no_model}, f"{RULE} model, got one that returns None"),
        (
            {"build": of_two},
            f"{RULE} model, got {of_two!r}: too many positional arguments",
        ),
        (
            {"build": wrong_input},
            "build must return a model whose input is (None, 8, 8, 1), got (None, 64)",
        ),
        ({"epochs": 0}, "epochs must be an integer >= 1, got 0"),
        ({"epochs": 2.0}, "epochs must be an integer >= 1, got 2.0"),
        ({"batch_size": 0}, "batch_size must be an integer >= 1, got 0"),
        ({"filters": 0}, "filters must be an integer >= 1, got 0"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value)[:30],
)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_wrong_parameters_are_named(digits, cls, parameters, sentence):
    estimator = cls(**{"sample_shape": (8, 8, 1)} | parameters)
    with refuses(sentence):
        estimator.fit(*digits)
    with pytest.raises(NotFittedError):
        estimator.predict(digits[0])


@pytest.mark.parametrize(("cls", "outputs"), [*zip(ESTIMATORS, (10, 1), strict=True)])
def test_outputs_must_fit(digits, cls, outputs):
    with refuses(
        f"build must return a model whose output is (None, {outputs}), got (None, 3)"
    ):
        cls((8, 8, 1), wrong_output).fit(*digits)


def test_outputs_must_be_probabilities(digits):
    def linear(sample_shape, n_outputs, seed):
        return Sequential([Flatten(input_shape=sample_shape), Dense(n_outputs)])

    with pytest.raises(ValueError, match="answers probabilities, got outputs such as"):
        LocallyConnectedClassifier((8, 8, 1), linear).fit(*digits)


def test_a_model_is_no_factory(digits):
    model = Sequential([Flatten(input_shape=(8, 8, 1)), Dense(10)])
    with refuses(f"{RULE} model, got {model!r}"):
        LocallyConnectedClassifier((8, 8, 1), model).fit(*digits)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_wrong_data_are_refused_in_the_words_of_scikit_learn(digits, cls):
    X, y = digits
    holed = X.copy()
    holed[3, 4] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN\.\n" + cls.__name__):
        cls((8, 8, 1)).fit(holed, y)
    with pytest.raises(ValueError, match="Found array with dim 4"):
        cls((8, 8, 1)).fit(X.reshape(-1, 8, 8, 1), y)
    fitted = cls((8, 8, 1), epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="X has 63 features, but"):
        fitted.predict(X[:, 1:])


def test_wrong_labels_are_named(digits, classifier):
    X, y = digits
    with refuses("y must hold at least two classes, got one class, np.int64(0)"):
        classifier.fit(X, np.zeros(600, int))
    with refuses("classes must be passed on the first call to partial_fit."):
        classifier.partial_fit(X, y)
    classifier.set_params(warm_start=True).fit(X, y)
    before = weights_of(classifier)
    with refuses(f"y must hold labels of {np.arange(10)}, got np.int64(10)"):
        classifier.fit(X, y + 1)
    assert equal(before, weights_of(classifier))
    classifier.set_params(class_weight="balanced")
    with pytest.raises(ValueError, match="class_weight must be a dict or None"):
        classifier.partial_fit(X, y)


def test_a_failed_fit_leaves_the_fitted_estimator(digits, classifier):
    X, y = digits
    before = weights_of(classifier.fit(X, y))
    with refuses("epochs must be an integer >= 1, got -1"):
        classifier.set_params(epochs=-1).fit(X, y > 4)
    assert equal(before, weights_of(classifier))
    assert len(classifier.classes_) == 10
    assert set(classifier.predict(X)) <= set(y)


def test_a_loss_that_explodes_is_an_error(signals, capsys):
    X, y = signals
    regressor = LocallyConnectedRegressor(random_state=0)
    with (
        pytest.raises(ValueError, match="loss must stay finite"),
        np.errstate(all="ignore"),
    ):
        regressor.fit(X, y * 1e30)
    assert not hasattr(regressor, "model_")
    assert capsys.readouterr() == ("", "")


# Going on with a network that was there ---------------------------------------------


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("way", ["partial_fit", "fit"])
def test_weights_mapped_read_only_are_trained_on(signals, tmp_path, cls, way):
    X, y = signals
    y = y if cls is LocallyConnectedRegressor else y > 0
    left = cls(epochs=1, random_state=0, warm_start=True).fit(X, y)
    joblib.dump(left, tmp_path / "e.joblib")
    right = joblib.load(tmp_path / "e.joblib", mmap_mode="r")
    getattr(left, way)(X, y)
    getattr(right, way)(X, y)
    assert equal(weights_of(left), weights_of(right))
    assert left.loss_curve_ == right.loss_curve_


def test_a_warm_start_honours_the_learning_rate_and_keeps_the_shape(signals):
    X, y = signals
    regressor = LocallyConnectedRegressor(epochs=1, random_state=0, warm_start=True)
    regressor.fit(X, y).set_params(learning_rate=0.5).fit(X, y)
    assert regressor.model_.optimizer.learning_rate == 0.5
    before = weights_of(regressor)
    with refuses(
        "filters must stay 8 for a network that is trained on, got 4; fit with "
        "warm_start=False for a new one"
    ):
        regressor.set_params(filters=4).fit(X, y)
    assert equal(before, weights_of(regressor))
    assert regressor.set_params(warm_start=False).fit(X, y).n_iter_ == 1


def test_a_new_fit_that_fails_changes_nothing_for_a_warm_start(signals):
    X, y = signals
    regressor = LocallyConnectedRegressor(epochs=1, random_state=0).fit(X, y)
    regressor.set_params(filters=4)
    with pytest.raises(ValueError, match="stay finite"), np.errstate(all="ignore"):
        regressor.fit(X, y * 1e30)
    with pytest.raises(ValueError, match="filters must stay 8"):
        regressor.partial_fit(X, y)
    regressor.set_params(filters=8, warm_start=True).fit(X, y)
    assert regressor.n_iter_ == 2


def test_other_columns_of_y_are_refused(signals):
    X, y = signals
    regressor = LocallyConnectedRegressor(epochs=1).fit(X, y)
    with refuses("y must have as many columns as the model has outputs, 1, got 2"):
        regressor.partial_fit(X, np.stack([y, y], axis=1))


def test_logarithms_of_probabilities(signals):
    X, y = signals
    classifier = LocallyConnectedClassifier(epochs=1, random_state=0).fit(X, y > 0)
    expected = np.log(classifier.predict_proba(X))
    assert np.array_equal(classifier.predict_log_proba(X), expected)


def test_labels_that_are_objects_stay_objects(signals):
    X, y = signals
    labels = np.where(y > 0, "up", "down").astype(object)
    classifier = LocallyConnectedClassifier(epochs=1).fit(X, labels)
    assert classifier.classes_.dtype == classifier.predict(X).dtype == object


def test_build_by_names_and_a_new_model_each_time(signals):
    X, y = signals

    def build(*, sample_shape, n_outputs, **rest):
        layers = [Flatten(input_shape=sample_shape), Dense(n_outputs)]
        return Sequential(layers, seed=rest["seed"])

    assert LocallyConnectedRegressor(None, build, epochs=1).fit(X, y).n_iter_ == 1
    model = build(sample_shape=(12, 1), n_outputs=1, seed=0)
    regressor = LocallyConnectedRegressor(None, lambda *a: model, epochs=1).fit(X, y)
    with refuses(
        "build must return a new model each time, got the one that it returned before"
    ):
        regressor.fit(X, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", -0.1),
        ("learning_rate", 0),
        ("early_stopping", "no"),
        ("warm_start", "no"),
        ("n_iter_no_change", 0),
    ],
)
def test_parameters_are_checked_before_anything(signals, cls, name, value):
    X, y = signals
    with pytest.raises(ValueError, match=f"{name} must be"):
        cls(**{name: value}).fit(X, y > 0)
