"""Copies of models are exact, and train on bit for bit, also in other processes."""

import copy
import pickle
import subprocess
import sys

import cloudpickle
import joblib
import numpy as np
import pytest

from localnet import Input, Model, Sequential
from localnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    LocallyConnected2D,
)
from localnet.optimizers import SGD, Adam, ExponentialDecay
from localnet.sklearn import LocallyConnectedClassifier


def through_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib", compress=3)
    return joblib.load(folder / "model.joblib")


COPIES = {
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "pickle, protocol 2": lambda model, folder: pickle.loads(pickle.dumps(model, 2)),
    "cloudpickle": lambda model, folder: pickle.loads(cloudpickle.dumps(model)),
    "joblib": through_joblib,
    "deepcopy": lambda model, folder: copy.deepcopy(model),
}


def data(n=60):
    rng = np.random.default_rng(7)
    return rng.normal(size=(n, 6, 6, 1)), rng.integers(0, 4, n)


def body(seed):
    return [
        LocallyConnected2D(3, 3, activation="relu", input_shape=(6, 6, 1)),
        BatchNormalization(),
        GaussianNoise(0.1),
        Flatten(),
        Dropout(0.3),
        Dense(4, activation="softmax"),
    ]


def sequential(seed=0):
    model = Sequential(body(seed), seed=seed)
    rate = ExponentialDecay(0.05, decay_steps=5, decay_rate=0.9)
    model.compile(
        SGD(rate, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def functional(seed=0):
    handle = inputs = Input((6, 6, 1))
    for layer in body(seed):
        handle = layer(handle)
    model = Model(inputs, handle, seed=seed)
    model.compile(Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def nested(seed=0):
    inner = Sequential(body(seed)[:3])
    model = Sequential([inner, Flatten(), Dense(4, activation="softmax")], seed=seed)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def go_on(model):
    """Train on; return every number that this gives."""
    x, y = data()
    history = model.fit(x, y, epochs=2, batch_size=8, verbose=0).history
    return [*model.get_weights(), *(np.array(values) for values in history.values())]


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("make", [sequential, functional, nested])
@pytest.mark.parametrize("trained", [False, True], ids=["fresh", "trained"])
def test_a_copy_is_equal_and_trains_on_bit_for_bit(make, way, trained, tmp_path):
    model = make()
    x, y = data()
    if trained:
        model.fit(x, y, epochs=1, batch_size=8, verbose=0)
    twin = COPIES[way](model, tmp_path)
    before = [weight.copy() for weight in model.get_weights()]
    np.testing.assert_array_equal(
        twin.predict(x, verbose=0), model.predict(x, verbose=0), strict=True
    )
    assert twin.get_config() == model.get_config()
    after = go_on(twin)
    # They share nothing.
    for left, right in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right, strict=True)
    for left, right in zip(go_on(model), after, strict=True):
        np.testing.assert_array_equal(left, right, strict=True)


def test_a_copy_of_one_that_is_not_compiled(tmp_path):
    model = Sequential(body(0), seed=0)
    for way in COPIES.values():
        twin = way(model, tmp_path)
        assert twin.optimizer is None
        twin.compile("sgd", "sparse_categorical_crossentropy")
        assert len(go_on(twin)) > 0


def test_an_estimator_is_copied_exactly_and_goes_on(tmp_path):
    x, y = data()
    X, names = x.reshape(len(x), -1), np.array(list("abcd"))[y]
    estimator = LocallyConnectedClassifier((6, 6, 1), epochs=2, random_state=0)
    estimator.fit(X, names)
    expected = estimator.predict_proba(X)
    for way in COPIES.values():
        twin = way(estimator, tmp_path)
        assert np.array_equal(twin.predict_proba(X), expected)
        assert list(twin.classes_) == list("abcd")
        assert twin.get_params() == estimator.get_params()
        left = copy.deepcopy(estimator).partial_fit(X, names).predict_proba(X)
        assert np.array_equal(twin.partial_fit(X, names).predict_proba(X), left)


ELSEWHERE = """
import pickle, sys
model, x, y = pickle.load(sys.stdin.buffer)
history = model.fit(x, y, epochs=1, batch_size=8, verbose=0).history
pickle.dump((model, history), sys.stdout.buffer)
"""


def test_a_training_wanders_through_processes():
    x, y = data()
    home, traveller = sequential(3), sequential(3)
    for _ in range(3):
        result = subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            input=pickle.dumps((traveller, x, y)),
            capture_output=True,
            check=True,
            timeout=60,
        )
        traveller, history = pickle.loads(result.stdout)
        expected = home.fit(x, y, epochs=1, batch_size=8, verbose=0).history
        assert history == expected
    for left, right in zip(home.get_weights(), traveller.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right, strict=True)
